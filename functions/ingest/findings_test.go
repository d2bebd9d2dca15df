package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"sluice/internal/finding/findingtest"
	"sluice/internal/testaws"
)

const (
	jsonTopic = "arn:aws:sns:eu-central-1:111122223333:findings"
	mailTopic = "arn:aws:sns:eu-central-1:111122223333:alerts"
	chatTopic = "arn:aws:sns:eu-central-1:111122223333:chat"
)

// deletions is an access log of n objects that one user deletes within a minute.
func deletions(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 example-reports [22/Nov/2026:03:12:%02d +0000] "+
			"203.0.113.7 arn:aws:iam::111122223333:user/mallory 6D1E0C9B7A%06X REST.DELETE.OBJECT q%d/report.pdf "+
			"\"DELETE /q%d/report.pdf HTTP/1.1\" 204 - - 48211 31 29 \"-\" \"Boto3/1.40.1\" - "+
			"bm90IGEgcmVhbCBob3N0IGlkLCBidXQgYXMgbG9uZyBhcyBvbmUgd291bGQgYmUgaW4gYSBsb2cgZmlsZQ== "+
			"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader example-reports.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n", i*60/n, i, i, i)
	}
	return b.Bytes()
}

// stack is everything around the function.
type stack struct {
	*testaws.Function
	s3    *testaws.S3
	sns   *testaws.SNS
	state *testaws.DynamoDB
}

func newStack(t *testing.T, bootstrap string) *stack {
	t.Helper()
	s := &stack{s3: testaws.NewLake(t), sns: testaws.NewSNS(t), state: testaws.NewDynamoDB(t)}
	s.Function = s.start(t, bootstrap)
	return s
}

// start is a process of the function, with the memory of those before it.
func (s *stack) start(t *testing.T, bootstrap string) *testaws.Function {
	t.Helper()
	return testaws.Start(t, bootstrap, slices.Concat(s.s3.Environ(), s.sns.Environ(), s.state.Environ(), []string{
		"SLUICE_LAKE_BUCKET=example-lake", "SLUICE_LAKE_PREFIX=logs", "SLUICE_STAGE=" + t.TempDir(),
		"SLUICE_STATE_TABLE=state", "SLUICE_ACCOUNT=111122223333", "SLUICE_RULES_LOCATION=s3://example-rules/rules/",
		"SLUICE_FINDINGS_TOPIC_ARN=" + jsonTopic, "SLUICE_ALERTS_TOPIC_ARN=" + mailTopic, "SLUICE_CHAT_TOPIC_ARN=" + chatTopic,
	})...)
}

// deliver puts files into the log bucket, announces them, and wants them taken.
func (s *stack) deliver(t *testing.T, files map[string][]byte) {
	t.Helper()
	var keys []string
	for key, body := range files {
		s.s3.Put("example-logs", key, body)
		keys = append(keys, key)
	}
	if failed := failures(t, s.Invoke(queue(s.s3, keys...), time.Minute)); len(failed) > 0 {
		t.Fatalf("failed: %q\n%s", failed, s.Output())
	}
}

// findingRow is what the test looks at of a row of the table findings.
type findingRow struct {
	MessageUID string `parquet:"message_uid,optional"`
	Level      string `parquet:"level,optional"`
	Alert      bool   `parquet:"alert,optional"`
	BucketName string `parquet:"bucket_name,optional"`
	RuleTitle  string `parquet:"rule_title,optional"`
}

func (s *stack) findings(t *testing.T) []findingRow {
	t.Helper()
	var all []findingRow
	for _, key := range s.s3.Keys("example-lake") {
		if !strings.HasPrefix(key, "logs/findings/dt=2026-11-2") {
			continue
		}
		body, _ := s.s3.Get("example-lake", key)
		got, err := parquet.Read[findingRow](bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		all = append(all, got...)
	}
	return all
}

// alerts are the rows for a person.
func (s *stack) alerts(t *testing.T) []findingRow {
	return slices.DeleteFunc(s.findings(t), func(r findingRow) bool { return !r.Alert })
}

func TestFindings(t *testing.T) {
	bootstrap := compile(t)
	t.Run("mass delete", func(t *testing.T) { testMassDelete(t, bootstrap) })
	t.Run("state fails", func(t *testing.T) { testStateFails(t, bootstrap) })
	t.Run("rules of the site", func(t *testing.T) { testSiteRules(t, bootstrap) })
}

// One incident over two files of two invocations: rows, a finding in the table,
// one message a topic; and nothing new when all of it is delivered again.
func testMassDelete(t *testing.T, bootstrap string) {
	s := newStack(t, bootstrap)
	s.sns.FailMessage("example-reports", 2) // of the first messages, twice: tried again
	all := deletions(600)                   // a user who deletes 100 within an hour alerts
	cut := bytes.Index(all[len(all)/10:], []byte("\n")) + len(all)/10 + 1
	first := map[string][]byte{"access/2026-11-22-03-20-00-0A1B2C3D4E5F6071": all[:cut], "access/2026-11-22-09-20-00-1A1B2C3D4E5F6071": accessLog(22, 40)}
	second := map[string][]byte{"access/2026-11-22-03-25-00-2A1B2C3D4E5F6071": all[cut:]}
	s.deliver(t, first)
	if got := s.sns.Messages(mailTopic); len(got) > 0 {
		t.Errorf("a tenth of it: %d mails, the first %q", len(got), got[0].Subject)
	}
	s.deliver(t, second)

	docs, mails, chats := s.sns.Messages(jsonTopic), s.sns.Messages(mailTopic), s.sns.Messages(chatTopic)
	if len(docs) != 1 || len(mails) != 1 || len(chats) != 1 {
		t.Fatalf("%d documents, %d mails, %d chat messages, want one each\n%s", len(docs), len(mails), len(chats), s.Output())
	}
	findingtest.Check(t, []byte(docs[0].Body))
	var doc struct {
		Metadata struct{ UID string } `json:"metadata"`
		Severity string               `json:"severity"`
		Count    int64                `json:"count"`
	}
	if err := json.Unmarshal([]byte(docs[0].Body), &doc); err != nil || doc.Count != 600 || !strings.HasSuffix(doc.Metadata.UID, "-1") {
		t.Errorf("document %+v, %v", doc, err)
	}
	for _, m := range []testaws.Message{docs[0], mails[0], chats[0]} {
		got := map[string]string{"schema": m.Attributes["schema"], "bucket": m.Attributes["bucket"], "severity": m.Attributes["severity"],
			"account": m.Attributes["account"], "region": m.Attributes["region"], "source": m.Attributes["source"]}
		want := map[string]string{"schema": "String ocsf/1.8.0/2004", "bucket": "String example-reports", "severity": "String " + doc.Severity,
			"account": "String 111122223333", "region": "String eu-central-1", "source": "String s3_server_access"}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("attributes (-got +want):\n%s", diff)
		}
	}
	if m := mails[0]; !strings.HasSuffix(m.Subject, " - example-reports") || !strings.Contains(m.Body, "mallory") || !strings.Contains(m.Body, "203.0.113") ||
		!strings.Contains(m.Body, strings.TrimSuffix(doc.Metadata.UID, "-1")) {
		t.Errorf("mail %q\n%s", m.Subject, m.Body)
	}
	if !json.Valid([]byte(chats[0].Body)) || !strings.Contains(chats[0].Body, `"source":"custom"`) {
		t.Errorf("chat message %s", chats[0].Body)
	}
	if got := s.alerts(t); len(got) != 1 || got[0].MessageUID != doc.Metadata.UID || got[0].BucketName != "example-reports" {
		t.Errorf("alerts in the table: %+v", got)
	}
	counts := rows(t, s.s3)
	if counts["s3_access_logs/dt=2026-11-22"] != 640 {
		t.Errorf("rows %v", counts)
	}

	before := s.s3.Keys("example-lake")
	if slices.ContainsFunc(before, func(key string) bool { return strings.Contains(key, "_sluice") }) {
		t.Errorf("left out of sight: %q", before)
	}
	for _, files := range []map[string][]byte{second, first, second} {
		s.deliver(t, files)
	}
	// A process that has seen nothing yet.
	s.Function = s.start(t, bootstrap)
	s.deliver(t, second)
	if diff := cmp.Diff(s.s3.Keys("example-lake"), before); diff != "" {
		t.Errorf("objects after redelivery (-got +before):\n%s", diff)
	}
	for _, topic := range []string{jsonTopic, mailTopic, chatTopic} {
		if got := s.sns.Messages(topic); len(got) > 0 {
			t.Errorf("%s: %d more after redelivery", topic, len(got))
		}
	}
	checkOutput(t, s.Ended(), 1)
}

// While counting fails nothing is committed, so that no row comes twice; what
// comes again is whole.
func testStateFails(t *testing.T, bootstrap string) {
	s := newStack(t, bootstrap)
	const key = "access/2026-11-22-03-20-00-0A1B2C3D4E5F6071"
	s.s3.Put("example-logs", key, deletions(600))
	s.state.Fail("UpdateItem", testaws.Denied)
	if diff := cmp.Diff(failures(t, s.Invoke(queue(s.s3, key), time.Minute)), []string{key}); diff != "" {
		t.Errorf("state denied: failed messages (-got +want):\n%s\n%s", diff, s.Output())
	}
	s.sns.Fail(testaws.Denied, testaws.Denied, testaws.Denied)
	if diff := cmp.Diff(failures(t, s.Invoke(queue(s.s3, key), time.Minute)), []string{key}); diff != "" {
		t.Errorf("topics denied: failed messages (-got +want):\n%s\n%s", diff, s.Output())
	}
	if n := rows(t, s.s3)["s3_access_logs/dt=2026-11-22"]; n > 0 || len(s.sns.Messages(mailTopic)) > 0 {
		t.Errorf("%d rows before all could be counted and told", n)
	}
	s.state.Fail("UpdateItem", testaws.SlowDown, testaws.LostResponse)
	if failed := failures(t, s.Invoke(queue(s.s3, key), time.Minute)); len(failed) > 0 {
		t.Errorf("third time: failed %q\n%s", failed, s.Output())
	}
	if n := rows(t, s.s3)["s3_access_logs/dt=2026-11-22"]; n != 600 || len(s.sns.Messages(mailTopic)) != 1 || len(s.alerts(t)) != 1 {
		t.Errorf("%d rows, %+v", n, s.alerts(t))
	}
}

const siteRule = `title: Photo album read
id: 0b6a0f5e-3c1d-4d7b-9a51-0c8d1f2e3a4b
status: stable
description: Somebody looked at the photos.
logsource: {product: aws, service: s3_server_access}
detection:
  read: {bucket_name: example-photos, operation: REST.GET.OBJECT}
  condition: read
level: high
`

// A rule of the site alerts; one that cannot be used is told once, whatever
// process sees it, and keeps nothing from being converted.
func testSiteRules(t *testing.T, bootstrap string) {
	s := newStack(t, bootstrap)
	s.s3.Put("example-rules", "rules/photos.yml", []byte(siteRule))
	s.s3.Put("example-rules", "rules/broken.yml", []byte(strings.ReplaceAll(strings.ReplaceAll(siteRule, "0b6a0f5e", "1b6a0f5e"), "bucket_name", "bucket_nam")))
	file := map[string][]byte{"access/2026-11-22-09-20-00-1A1B2C3D4E5F6071": accessLog(22, 40)}
	s.deliver(t, file)
	var subjects []string
	for _, m := range s.sns.Messages(mailTopic) {
		subjects = append(subjects, m.Subject)
		if strings.Contains(m.Subject, "Rule file") && (!strings.Contains(m.Body, "broken.yml") || !strings.Contains(m.Body, "bucket_nam")) {
			t.Errorf("does not say what is wrong where:\n%s", m.Body)
		}
	}
	slices.Sort(subjects)
	if diff := cmp.Diff(subjects, []string{"[HIGH] Photo album read - example-photos", "[MEDIUM] Rule file cannot be used - example-rules"}); diff != "" {
		t.Errorf("mails (-got +want):\n%s\n%s", diff, s.Output())
	}
	s.Function = s.start(t, bootstrap)
	s.deliver(t, file)
	if got := s.sns.Messages(mailTopic); len(got) > 0 {
		t.Errorf("%d more from another process, the first %q", len(got), got[0].Subject)
	}
	if out := s.Ended(); !strings.Contains(out, `"RuleErrors":1`) || !strings.Contains(out, "bucket_nam") {
		t.Errorf("a broken rule is neither in the log nor in the metrics:\n%s", out)
	}
}
