package cloudtrail

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const (
		dir    = "logs/AWSLogs/o-example/111122223333/"
		file   = dir + "CloudTrail/us-east-1/2026/11/22/111122223333_CloudTrail_us-east-1_20261122T0815Z_AbCdEfGhIjKlMnOp.json.gz"
		event  = `{"Records":[{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-11-22T08:15:30Z"`
		digest = `{"awsAccountId":"111122223333","digestStartTime":"2026-11-22T07:00:00Z","digestPublicKeyFingerprint":"0123","logFiles":[`
		bell   = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-22T08:15:30.000Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:X"}}]}`
	)
	for _, tc := range []struct {
		name, key, head string
		ok              bool
		skip            string
	}{
		{"named and shown", file, event, true, ""},
		{"named, unzipped", strings.TrimSuffix(file, ".gz"), event, true, ""},
		{"renamed", "a.json", event, true, ""},
		{"Windows path", `C:\logs\a.json`, event, true, ""},
		{"no key", "", event, true, ""},
		{"mark and white space", "a.json", "\ufeff\r\n " + event, true, ""},
		{"spread out", "a.json", "{\n  \"Records\" : [ {\n \"eventVersion\" : \"1.08\",\n \"eventSource\" : \"s3.amazonaws.com\"", true, ""},
		{"no records", "a.json", `{"Records":[]}`, true, ""},
		{"no records, open", "a.json", `{"Records":[`, false, "not CloudTrail events"},
		{"member before", "a.json", `{"version":{"a":[1]},"Records":[{"eventName":"GetObject"`, true, ""},
		{"cut in the first field", "a.json", `{"Records":[{"userIdentity":{"ty`, true, ""},
		{"cut in a name", "a.json", `{"Records":[{"eventT`, false, "not CloudTrail events"},

		{"named, damaged", file, "\x00\x00", true, ""},
		{"named, empty", file, "", true, ""},
		{"named, cut", file, `{"Rec`, true, ""},
		{"named, insight inside", file, `{"Records":[{"eventType":"AwsCloudTrailInsight","eventTime":"2026-11-22T08:15:30Z"`, true, ""},
		{"folder", dir + "CloudTrail/", "", false, ""},

		{"digest by key", dir + "CloudTrail-Digest/us-east-1/2026/11/22/111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261122T081530Z.json.gz", digest, false, "digest"},
		{"digest by file name", "111122223333_CloudTrail-Digest_us-east-1.json", `{`, false, "digest"},
		{"digest by content", "a.json", digest, false, "digest"},
		{"digest named as log", file, digest, false, "digest"},
		{"insight by key", dir + "CloudTrail-Insight/us-east-1/a.json.gz", event, false, "Insights"},
		{"insight by content", "a.json", `{"Records":[{"eventType":"AwsCloudTrailInsight","eventTime":"2026-11-22T08:15:30Z"`, false, "Insights"},
		{"network by key", dir + "CloudTrail-NetworkActivity/us-east-1/a.json.gz", event, false, "network"},
		{"network by content", "a.json", `{"Records":[{"eventCategory":"NetworkActivity","eventTime":"2026-11-22T08:15:30Z"`, false, "network"},
		{"aggregated by key", dir + "CloudTrail-Aggregated/us-east-1/a.json.gz", event, false, "aggregated"},
		{"aggregated by content", "a.json", `{"Records":[{"eventVersion":"1.0","eventCategory":"Aggregated"`, false, "aggregated"},
		{"access log under a sibling's name", "CloudTrail-Digest/2026-11-22-08-15-30-0123456789ABCDEF", "owner bucket [", false, ""},

		{"notification", "a.json", bell, false, "notification"},
		{"notification named as log", file, bell, false, "notification"},
		{"SNS envelope", "a.json", `{"Records":[{"EventSource":"aws:sns","Sns":{}}]}`, false, "notification"},
		{"other Records", "a.json", `{"Records":[{"id":1}]}`, false, "not CloudTrail events"},
		{"Records of numbers", "a.json", `{"Records":[1,2]}`, false, "not CloudTrail events"},
		{"Records no array", "a.json", `{"Records":5}`, false, ""},
		{"other JSON", "a.json", `{"a":1}`, false, ""},
		{"an array", "a.json", `[{"eventName":"GetObject"}]`, false, ""},
		{"access log", "2026-11-22-08-15-30-0123456789ABCDEF", `0123 bucket [22/Nov/2026:08:15:30 +0000] 192.0.2.1`, false, ""},
		{"brace and nonsense", "a.json", "{\x00", false, ""},
		{"empty", "a.json", "", false, ""},
	} {
		ok, skip := Format.Match(tc.key, []byte(tc.head))
		if ok != tc.ok || !strings.Contains(skip, tc.skip) || (tc.skip == "") != (skip == "") {
			t.Errorf("%s: got %t, %q; want %t, …%s…", tc.name, ok, skip, tc.ok, tc.skip)
		}
	}
}
