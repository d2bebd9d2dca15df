package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"sluice/internal/testaws"
)

// compile builds the function as it is deployed, for the machine of the test.
func compile(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the function")
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-o", bootstrap, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
	return bootstrap
}

// accessLog is a server access log of n requests on a day of November 2026.
func accessLog(day, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 example-photos [%02d/Nov/2026:09:14:%02d +0000] "+
			"198.51.100.23 arn:aws:iam::111122223333:user/ana 5D1E0C9B7A%06X REST.GET.OBJECT photos/%d.jpg "+
			"\"GET /photos/%d.jpg HTTP/1.1\" 200 - 48211 48211 31 29 \"-\" \"curl/8.5.0\" - "+
			"bm90IGEgcmVhbCBob3N0IGlkLCBidXQgYXMgbG9uZyBhcyBvbmUgd291bGQgYmUgaW4gYSBsb2cgZmlsZQ== "+
			"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader example-photos.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n", day, i%60, i, i, i)
	}
	return b.Bytes()
}

// trail is a CloudTrail file as delivered: zipped.
func trail(n int) []byte {
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"},`+
			`"eventTime":"2026-11-22T09:15:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1",`+
			`"sourceIPAddress":"203.0.113.9","userAgent":"[curl/8.5.0]","requestParameters":{"bucketName":"example-photos","key":"photos/1.jpg"},`+
			`"responseElements":null,"requestID":"5D1E0C9B7A%06X","eventID":"0f0e0d0c-0000-4000-8000-00000000%04x","readOnly":true,`+
			`"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`, i%60, i, i))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, `{"Records":[%s]}`, strings.Join(records, ","))
	z.Close()
	return b.Bytes()
}

// queue is the SQS event for files of the log bucket, each in a message whose
// id is the key.
func queue(s3 *testaws.S3, keys ...string) []byte {
	var messages []map[string]string
	for _, key := range keys {
		body, _ := s3.Get("example-logs", key)
		messages = append(messages, map[string]string{
			"messageId": key, "eventSource": "aws:sqs", "body": notification(key, max(len(body), 1)),
		})
	}
	payload, _ := json.Marshal(map[string]any{"Records": messages})
	return payload
}

func notification(key string, size int) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-11-22T10:02:11.500Z",`+
		`"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"example-logs"},"object":{"key":%q,"size":%d,"sequencer":"006741D2"}}}]}`, key, size)
}

// failures are the ids that an answer asks to deliver again.
func failures(t *testing.T, a testaws.Answer) []string {
	t.Helper()
	var r struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if a.Failed || a.Dead || json.Unmarshal([]byte(a.Body), &r) != nil {
		t.Fatalf("answer %+v", a)
	}
	var ids []string
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	slices.Sort(ids)
	return ids
}

// rows counts the rows of log files in the lake by table and day.
func rows(t *testing.T, s3 *testaws.S3) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, key := range s3.Keys("example-lake") {
		body, typ := s3.Get("example-lake", key)
		f, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
		if err != nil || typ != "application/vnd.apache.parquet" {
			t.Fatalf("%s of type %q: %v", key, typ, err)
		}
		rest, ok := strings.CutPrefix(key, "logs/")
		if !ok {
			t.Fatalf("%s is outside the prefix of the lake", key)
		}
		if strings.HasPrefix(rest, "findings/") || strings.HasPrefix(rest, "_sluice/") {
			continue
		}
		counts[rest[:strings.LastIndex(rest, "/")]] += f.NumRows()
	}
	return counts
}

// The function as it is deployed, against S3 over HTTP.
func TestFunction(t *testing.T) {
	bootstrap := compile(t)
	t.Run("queue", func(t *testing.T) { testQueue(t, bootstrap) })
	t.Run("no queue", func(t *testing.T) { testNoQueue(t, bootstrap) })
	t.Run("no settings", func(t *testing.T) { testNoSettings(t, bootstrap) })
}

// A batch in, Parquet out, what fails alone, and the same batch again without a
// trace.
func testQueue(t *testing.T, bootstrap string) {
	s3, state := testaws.NewLake(t), testaws.NewDynamoDB(t)
	stage := t.TempDir()
	f := testaws.Start(t, bootstrap, append(slices.Concat(s3.Environ(), state.Environ()), "AWS_LAMBDA_FUNCTION_NAME=ingest",
		"SLUICE_LAKE_BUCKET=example-lake", "SLUICE_LAKE_PREFIX=logs", "SLUICE_STATE_TABLE=state", "SLUICE_STAGE="+stage)...)

	const (
		day21     = "access/2026-11-21-09-20-00-0A1B2C3D4E5F6071"
		day22     = "access/2026-11-22-09-20-00-1A1B2C3D4E5F6071"
		broken    = "access/2026-11-22-09-25-00-2A1B2C3D4E5F6071"
		events    = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/22/111122223333_CloudTrail_eu-central-1_20261122T0920Z_a1B2c3D4e5F6g7H8.json.gz"
		missing   = "access/2026-11-22-09-30-00-3A1B2C3D4E5F6071"
		denied    = "access/2026-11-22-09-31-00-4A1B2C3D4E5F6071"
		corrupt   = "access/2026-11-22-09-32-00-5A1B2C3D4E5F6071"
		truncated = "access/2026-11-22-09-33-00-6A1B2C3D4E5F6071"
	)
	s3.Put("example-logs", day21, accessLog(21, 40))
	s3.Put("example-logs", day22, append(accessLog(22, 30), accessLog(21, 2)...))
	s3.Put("example-logs", broken, append(accessLog(22, 3), "half a li\n"...))
	s3.Put("example-logs", events, trail(7))
	for i, key := range []string{denied, corrupt, truncated} {
		s3.Put("example-logs", key, accessLog(22, 100))
		s3.Fail("GET", "example-logs", key, []testaws.Fault{testaws.Denied, testaws.Corrupt, testaws.Truncated}[i])
	}
	s3.Fail("GET", "example-logs", denied, testaws.Denied)                 // where the bucket is known by then, the SDK asks again
	s3.Fail("GET", "example-logs", day21, testaws.SlowDown)                // tried again
	s3.Fail("PUT", "example-lake", "logs/_sluice/*", testaws.LostResponse) // found to be there
	s3.Fail("COPY", "example-lake", "logs/rejected*", testaws.LostResponse)

	good := []string{day21, day22, broken, events}
	answer := f.Invoke(queue(s3, append(good, missing, denied, corrupt, truncated)...), time.Minute)
	if diff := cmp.Diff(failures(t, answer), []string{missing, denied, corrupt, truncated}); diff != "" {
		t.Fatalf("failed messages (-got +want):\n%s\n%s", diff, f.Output())
	}
	want := map[string]int64{
		"s3_access_logs/dt=2026-11-21": 42, "s3_access_logs/dt=2026-11-22": 33,
		"cloudtrail_events/dt=2026-11-22": 7, "rejected/dt=2026-11-22": 1,
	}
	if diff := cmp.Diff(rows(t, s3), want); diff != "" {
		t.Errorf("rows (-got +want):\n%s\n%s", diff, f.Output())
	}

	before := s3.Keys("example-lake")
	s3.Requests()
	slices.Reverse(good)
	// In other company, too: a batch is not what a file is known by.
	for _, keys := range [][]string{good, good[1:], {broken, missing}} {
		if failed := failures(t, f.Invoke(queue(s3, keys...), time.Minute)); slices.ContainsFunc(failed, func(key string) bool { return key != missing }) {
			t.Errorf("redelivery failed: %q\n%s", failed, f.Output())
		}
	}
	for _, r := range s3.Requests() {
		if !strings.Contains(r, missing) && r != "GET example-lake/" { // what it may have left there itself
			t.Errorf("redelivered, and asked S3 for %s", r)
		}
	}
	if diff := cmp.Diff(s3.Keys("example-lake"), before); diff != "" {
		t.Errorf("keys after redelivery (-got +before):\n%s", diff)
	}

	// What failed comes again, without a fault, in a batch of its own.
	if failed := failures(t, f.Invoke(queue(s3, corrupt, truncated), time.Minute)); len(failed) > 0 {
		t.Errorf("second try failed: %q\n%s", failed, f.Output())
	}
	want["s3_access_logs/dt=2026-11-22"] += 200
	if diff := cmp.Diff(rows(t, s3), want); diff != "" {
		t.Errorf("rows after the second try (-got +want):\n%s", diff)
	}
	checkOutput(t, f.Ended(), 8+4+3+2+2)
	if left := stagedFiles(t, stage); len(left) > 0 {
		t.Errorf("left on the stage: %q", left)
	}
}

// checkOutput wants a JSON object on every line, one for each file, and nothing
// unaccounted for.
func checkOutput(t *testing.T, output string, files int) {
	t.Helper()
	for line := range strings.Lines(output) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("printed %q: %v", line, err)
		}
		if m["msg"] == "file" {
			files--
		}
		if n := m["Unaccounted"]; n != nil && n != 0.0 {
			t.Errorf("unaccounted: %s", line)
		}
	}
	if files != 0 {
		t.Errorf("%d file lines missing in\n%s", files, output)
	}
}

func stagedFiles(t *testing.T, stage string) (left []string) {
	t.Helper()
	err := filepath.WalkDir(stage, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil && info.Size() > 0 {
				left = append(left, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// Without a queue a file that fails is an error of the invocation, so that it
// comes again.
func testNoQueue(t *testing.T, bootstrap string) {
	s3, state := testaws.NewLake(t), testaws.NewDynamoDB(t)
	f := testaws.Start(t, bootstrap, append(slices.Concat(s3.Environ(), state.Environ()), "SLUICE_LAKE_BUCKET=example-lake", "SLUICE_LAKE_PREFIX=logs",
		"SLUICE_STATE_TABLE=state", "SLUICE_STAGE="+t.TempDir())...)
	const key = "access/2026-11-22-09-20-00-1A1B2C3D4E5F6071"
	if a := f.Invoke([]byte(notification(key, 9)), time.Minute); !a.Failed || !strings.Contains(a.Body, "1 of 1 files failed") {
		t.Errorf("missing file: %+v\n%s", a, f.Output())
	}
	if a := f.Invoke([]byte(`{"hello":"world"}`), time.Minute); !a.Failed {
		t.Errorf("unknown shape: %+v", a)
	}
	body := accessLog(22, 5)
	s3.Put("example-logs", key, body)
	if a := f.Invoke([]byte(notification(key, len(body))), time.Minute); a.Failed || a.Dead {
		t.Errorf("good file: %+v\n%s", a, f.Output())
	}
	if diff := cmp.Diff(rows(t, s3), map[string]int64{"s3_access_logs/dt=2026-11-22": 5}); diff != "" {
		t.Errorf("rows (-got +want):\n%s", diff)
	}
	if a := f.Invoke([]byte(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"example-logs"}`), time.Minute); a.Failed || a.Dead {
		t.Errorf("test event: %+v", a)
	}
}

// Wrong settings end the function at its start, with every fault in its output.
func testNoSettings(t *testing.T, bootstrap string) {
	f := testaws.Start(t, bootstrap, "SLUICE_LARGE_FILE_BYTES=many")
	if !f.Exited(time.Minute) {
		t.Fatal("still running")
	}
	for _, want := range []string{"SLUICE_LAKE_BUCKET: not set", "SLUICE_STATE_TABLE: not set", `SLUICE_LARGE_FILE_BYTES: "many"`} {
		if !strings.Contains(f.Output(), want) {
			t.Errorf("printed %q, want %q in it", f.Output(), want)
		}
	}
}
