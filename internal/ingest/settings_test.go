package ingest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		{env("SLUICE_LAKE_BUCKET", "lake"),
			Settings{LakeBucket: "lake", Stage: os.TempDir(), LargeFile: 128 << 20, Function: "local"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_LAKE_PREFIX", "a/b", "SLUICE_STAGE", "/scratch",
			"SLUICE_LARGE_FILE_BYTES", "1000", "AWS_LAMBDA_FUNCTION_NAME", "ingest"),
			Settings{LakeBucket: "lake", LakePrefix: "a/b/", Stage: "/scratch", LargeFile: 1000, Function: "ingest"}},
		{env("SLUICE_LAKE_BUCKET", "lake", "SLUICE_LAKE_PREFIX", "a/"),
			Settings{LakeBucket: "lake", LakePrefix: "a/", Stage: os.TempDir(), LargeFile: 128 << 20, Function: "local"}},
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
			"SLUICE_LAKE_BUCKET: not set", `SLUICE_LAKE_PREFIX: "/lake"`, `SLUICE_LARGE_FILE_BYTES: "128MB"`}},
		{env("SLUICE_LAKE_BUCKET", "s3://lake", "SLUICE_LAKE_PREFIX", "a//", "SLUICE_LARGE_FILE_BYTES", "0"), []string{
			`SLUICE_LAKE_BUCKET: "s3://lake"`, `SLUICE_LAKE_PREFIX: "a//"`, `SLUICE_LARGE_FILE_BYTES: "0"`}},
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
