package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sigma"
)

// Settings is what the template decides for the function.
type Settings struct {
	LakeBucket string // SLUICE_LAKE_BUCKET: where the tables are
	LakePrefix string // SLUICE_LAKE_PREFIX: "" or a folder in it, with its slash at the end
	Stage      string // SLUICE_STAGE: directory for unfinished objects; the function's own, emptied at start
	LargeFile  int64  // SLUICE_LARGE_FILE_BYTES: a file of more bytes, as delivered, is a batch of its own
	Function   string // AWS_LAMBDA_FUNCTION_NAME, set by Lambda: the dimension of the metrics
	// SLUICE_LEASE_SECONDS: how long after the end of an invocation others leave
	// its files to it. A crash makes them wait for as long.
	Lease time.Duration

	// StateTable is the memory that all invocations share: which file went into
	// which batch, what was counted, which findings were sent.
	StateTable    string        // SLUICE_STATE_TABLE: DynamoDB table
	Account       string        // SLUICE_ACCOUNT: where the function runs, in findings
	Region        string        // AWS_REGION, set by Lambda
	FindingsTopic string        // SLUICE_FINDINGS_TOPIC_ARN: OCSF documents; "" for none
	AlertsTopic   string        // SLUICE_ALERTS_TOPIC_ARN: mails; "" for none
	ChatTopic     string        // SLUICE_CHAT_TOPIC_ARN: Amazon Q custom notifications; "" for none
	AlertLevel    sigma.Level   // SLUICE_ALERT_LEVEL: from this level mails and chat messages are sent
	AlertMaxAge   time.Duration // SLUICE_ALERT_MAX_AGE_DAYS: incidents that ended longer ago are rows only; 0 for none
	RulesBucket   string        // SLUICE_RULES_LOCATION, s3://bucket/folder/: rules of the site; "" for the shipped ones only
	RulesPrefix   string
	Instance      string // AWS_LAMBDA_LOG_STREAM_NAME, set by Lambda: tells this process from others like it
}

const (
	defaultLargeFile = 128 << 20
	// By as much two clocks may differ, generously.
	defaultLease = 90 * time.Second
)

var (
	account  = regexp.MustCompile(`^[0-9]{12}$`)
	topicARN = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`)
)

// Load reads the settings from an environment and reports every fault at once.
func Load(getenv func(string) string) (Settings, error) {
	s := Settings{
		LakeBucket: getenv("SLUICE_LAKE_BUCKET"),
		LakePrefix: getenv("SLUICE_LAKE_PREFIX"),
		Stage:      getenv("SLUICE_STAGE"),
		LargeFile:  defaultLargeFile,
		Lease:      defaultLease,
		Function:   getenv("AWS_LAMBDA_FUNCTION_NAME"),

		StateTable:    getenv("SLUICE_STATE_TABLE"),
		Account:       getenv("SLUICE_ACCOUNT"),
		Region:        getenv("AWS_REGION"),
		FindingsTopic: getenv("SLUICE_FINDINGS_TOPIC_ARN"),
		AlertsTopic:   getenv("SLUICE_ALERTS_TOPIC_ARN"),
		ChatTopic:     getenv("SLUICE_CHAT_TOPIC_ARN"),
		AlertLevel:    sigma.Medium,
		Instance:      cmp.Or(getenv("AWS_LAMBDA_LOG_STREAM_NAME"), "local"),
	}
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	switch {
	case s.LakeBucket == "":
		fault("SLUICE_LAKE_BUCKET", "not set: name of the bucket that holds the tables")
	case strings.ContainsAny(s.LakeBucket, "/:"):
		fault("SLUICE_LAKE_BUCKET", "%q is no bucket name: no s3://, no ARN, no prefix", s.LakeBucket)
	}
	if s.StateTable == "" {
		fault("SLUICE_STATE_TABLE", "not set: name of the DynamoDB table that remembers files")
	}
	if strings.HasPrefix(s.LakePrefix, "/") || strings.Contains(s.LakePrefix, "//") {
		fault("SLUICE_LAKE_PREFIX", "%q has an empty folder name: write it like logs/lake/", s.LakePrefix)
	} else if s.LakePrefix != "" && !strings.HasSuffix(s.LakePrefix, "/") {
		s.LakePrefix += "/"
	}
	if s.Stage == "" {
		s.Stage = os.TempDir()
	}
	if v := getenv("SLUICE_LARGE_FILE_BYTES"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			fault("SLUICE_LARGE_FILE_BYTES", "%q is not a number of bytes above 0", v)
		}
		s.LargeFile = n
	}
	if v := getenv("SLUICE_LEASE_SECONDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 24*60*60 {
			fault("SLUICE_LEASE_SECONDS", "%q is not a number of seconds from 0 to a day", v)
		}
		s.Lease = time.Duration(n) * time.Second
	}
	if a := s.Account; a != "" && !account.MatchString(a) {
		fault("SLUICE_ACCOUNT", "%q is not an account of 12 digits", a)
	}
	for _, t := range []struct{ name, arn string }{
		{"SLUICE_FINDINGS_TOPIC_ARN", s.FindingsTopic}, {"SLUICE_ALERTS_TOPIC_ARN", s.AlertsTopic}, {"SLUICE_CHAT_TOPIC_ARN", s.ChatTopic},
	} {
		if t.arn != "" && !topicARN.MatchString(t.arn) {
			fault(t.name, "%q is not the ARN of an SNS topic that is not FIFO", t.arn)
		}
	}
	if v := getenv("SLUICE_ALERT_LEVEL"); v != "" {
		l, ok := sigma.ParseLevel(v)
		if !ok {
			fault("SLUICE_ALERT_LEVEL", "%q is none of informational, low, medium, high and critical", v)
		}
		s.AlertLevel = l
	}
	if v := getenv("SLUICE_ALERT_MAX_AGE_DAYS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 36500 {
			fault("SLUICE_ALERT_MAX_AGE_DAYS", "%q is not a number of days from 0 to a century", v)
		}
		s.AlertMaxAge = time.Duration(n) * 24 * time.Hour
	}
	if v := getenv("SLUICE_RULES_LOCATION"); v != "" {
		rest, ok := strings.CutPrefix(v, "s3://")
		bucket, prefix, _ := strings.Cut(rest, "/")
		if !ok || bucket == "" || prefix != "" && !strings.HasSuffix(prefix, "/") {
			fault("SLUICE_RULES_LOCATION", "%q is not a folder: write it like s3://bucket/rules/", v)
		}
		s.RulesBucket, s.RulesPrefix = bucket, prefix
	}
	if s.Function == "" {
		s.Function = "local"
	}
	if len(faults) > 0 {
		return Settings{}, errors.Join(faults...)
	}
	return s, nil
}
