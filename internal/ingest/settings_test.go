package ingest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/sigma"
)

func env(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		env  func(string) string
		want Settings
	}{
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state"),
			Settings{LakeBucket: "lake", Stage: os.TempDir(), LargeFile: 128 << 20, Lease: 90 * time.Second, StateTable: "state", Function: "local", AlertLevel: sigma.Medium, Instance: "local"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_LAKE_PREFIX", "a/b", "SLUICE_STAGE", "/scratch",
			"SLUICE_LARGE_FILE_BYTES", "1000", "SLUICE_LEASE_SECONDS", "5", "AWS_LAMBDA_FUNCTION_NAME", "ingest"),
			Settings{LakeBucket: "lake", LakePrefix: "a/b/", Stage: "/scratch", LargeFile: 1000, Lease: 5 * time.Second, StateTable: "state", Function: "ingest", AlertLevel: sigma.Medium, Instance: "local"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_LAKE_PREFIX", "a/"),
			Settings{LakeBucket: "lake", LakePrefix: "a/", Stage: os.TempDir(), LargeFile: 128 << 20, Lease: 90 * time.Second, StateTable: "state", Function: "local", AlertLevel: sigma.Medium, Instance: "local"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_ACCOUNT", "111122223333", "AWS_REGION", "eu-central-1",
			"SLUICE_FINDINGS_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:findings", "SLUICE_ALERTS_TOPIC_ARN", "arn:aws-us-gov:sns:us-gov-west-1:111122223333:s-Alerts_1",
			"SLUICE_ALERT_LEVEL", "high", "SLUICE_ALERT_MAX_AGE_DAYS", "15", "AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0a", "SLUICE_RULES_LOCATION", "s3://lake/site/rules/"),
			Settings{LakeBucket: "lake", Stage: os.TempDir(), LargeFile: 128 << 20, Lease: 90 * time.Second, StateTable: "state", Function: "local",
				Account: "111122223333", Region: "eu-central-1", FindingsTopic: "arn:aws:sns:eu-central-1:111122223333:findings",
				AlertsTopic: "arn:aws-us-gov:sns:us-gov-west-1:111122223333:s-Alerts_1", AlertLevel: sigma.High, AlertMaxAge: 15 * 24 * time.Hour, Instance: "2026/11/22/[$LATEST]0a",
				RulesBucket: "lake", RulesPrefix: "site/rules/"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_RULES_LOCATION", "s3://lake"),
			Settings{LakeBucket: "lake", Stage: os.TempDir(), LargeFile: 128 << 20, Lease: 90 * time.Second, StateTable: "state", Function: "local", AlertLevel: sigma.Medium, Instance: "local", RulesBucket: "lake"}},
	} {
		got, err := Load(c.env)
		if diff := cmp.Diff(got, c.want); diff != "" || err != nil {
			t.Errorf("error %v, settings (-got +want):\n%s", err, diff)
		}
	}
}

func TestLoadReportsEveryFault(t *testing.T) {
	for _, c := range []struct {
		env  func(string) string
		want []string
	}{
		{env("SLUICE_LAKE_PREFIX", "/lake", "SLUICE_LARGE_FILE_BYTES", "128MB"), []string{
			"SLUICE_LAKE_BUCKET: not set", "SLUICE_STATE_TABLE: not set", `SLUICE_LAKE_PREFIX: "/lake"`, `SLUICE_LARGE_FILE_BYTES: "128MB"`}},
		{env("SLUICE_STATE_TABLE", "state", "SLUICE_LAKE_BUCKET", "s3://lake", "SLUICE_LAKE_PREFIX", "a//", "SLUICE_LARGE_FILE_BYTES", "0", "SLUICE_LEASE_SECONDS", "-1", "SLUICE_ALERT_MAX_AGE_DAYS", "-1"), []string{
			`SLUICE_ALERT_MAX_AGE_DAYS: "-1"`,
			`SLUICE_LEASE_SECONDS: "-1"`,
			`SLUICE_LAKE_BUCKET: "s3://lake"`, `SLUICE_LAKE_PREFIX: "a//"`, `SLUICE_LARGE_FILE_BYTES: "0"`}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_ACCOUNT", "me", "SLUICE_FINDINGS_TOPIC_ARN", "findings",
			"SLUICE_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:a.fifo",
			"SLUICE_ALERT_LEVEL", "severe", "SLUICE_RULES_LOCATION", "lake/rules"), []string{
			`SLUICE_ACCOUNT: "me"`, `SLUICE_FINDINGS_TOPIC_ARN: "findings"`, `SLUICE_ALERTS_TOPIC_ARN: "arn:aws:sns:eu-central-1:111122223333:a.fifo"`,
			`SLUICE_ALERT_LEVEL: "severe" is none of informational, low, medium`,
			`SLUICE_RULES_LOCATION: "lake/rules"`}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_STATE_TABLE", "state", "SLUICE_RULES_LOCATION", "s3://lake/rules"), []string{`SLUICE_RULES_LOCATION: "s3://lake/rules"`}},
	} {
		got, err := Load(c.env)
		if err == nil || got != (Settings{}) {
			t.Fatalf("got %+v, %v, want an error", got, err)
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%d faults %q, want %d", len(lines), lines, len(c.want))
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q, want %q in it", err, w)
			}
		}
	}
}
