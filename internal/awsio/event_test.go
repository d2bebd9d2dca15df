package awsio

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
)

func event(t testing.TB, name string) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const exampleETag = "etag:0123456789abcdef0123456789abcdef"

func TestObjects(t *testing.T) {
	at := time.Date(2026, 11, 22, 13, 7, 42, 0, time.UTC)
	object := func(key, version string, size int64, at time.Time) pipeline.Object {
		return pipeline.Object{Bucket: "example-logs", Key: key, Version: version, Size: size, Modified: at}
	}
	for _, c := range []struct {
		file string
		want []pipeline.Object
		err  string
	}{
		{file: "sqs_body_s3.json", want: []pipeline.Object{object(
			"access/111122223333/eu-central-1/photos/2026/11/22/2026-11-22-13-05-00-0A1B2C3D4E5F6071",
			exampleETag, 73211, at.Add(118*time.Millisecond))}},
		{file: "s3_encoded_key_versioned.json", want: []pipeline.Object{object("café menu/a+b=c%.gz", "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", 5, at)}},
		{file: "s3_no_zone_no_etag.json", want: []pipeline.Object{object("a/b", "sequencer:006741D2AE1C5D3F20", -1,
			time.Date(2026, 11, 22, 20, 48, 46, 336319000, time.UTC))}},
		{file: "eventbridge.json", want: []pipeline.Object{object("100% a+b %41.gz", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", 811, at)}},
		{file: "sns_in_sqs.json", want: []pipeline.Object{object("a b", exampleETag, 7, at)}},
		{file: "sns_to_lambda.json", want: []pipeline.Object{object("a+b", exampleETag, 7, at)}},
		{file: "test_event.json"},
		{file: "two_records_one_bad.json", want: []pipeline.Object{object("good", "etag:bb", 1, time.Time{})}, err: `record 0: key "bad%zz"`},
		{file: "removed.json", err: `event "ObjectRemoved:Delete" is not ObjectCreated`},
	} {
		got, err := Objects(event(t, c.file))
		if diff := cmp.Diff(got, c.want); diff != "" {
			t.Errorf("%s: objects (-got +want):\n%s", c.file, diff)
		}
		checkError(t, c.file, err, c.err)
	}
}

func TestObjectsRefusesUnknownShapes(t *testing.T) {
	nested := string(event(t, "sns_in_sqs.json"))
	for range maxNesting {
		b, _ := json.Marshal(map[string]string{"Type": "Notification", "Message": nested})
		nested = string(b)
	}
	for _, c := range []struct{ raw, err string }{
		{``, "unexpected end of JSON"},
		{`not json`, "invalid character"},
		{`null`, "unknown shape"},
		{`[]`, "cannot unmarshal array"},
		{`{}`, "unknown shape"},
		{`{"Records":[]}`, "unknown shape"},
		{`{"Records":[{}]}`, `record 0: source ""`},
		{`{"Records":[17]}`, "record 0: json"},
		{`{"Records":[{"eventSource":"aws:sqs","messageId":"m","body":"{}"}]}`, `source "aws:sqs"`},
		{`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":""}}}]}`, `key ""`},
		{`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"object":{"key":"k"}}}]}`, `bucket ""`},
		{`{"Event":"s3:OtherEvent","Bucket":"b"}`, "unknown shape"},
		{`{"Type":"SubscriptionConfirmation","Message":"You have chosen"}`, `"SubscriptionConfirmation" is not a notification`},
		{`{"Type":"Notification","Message":"hello"}`, "invalid character"},
		{`{"source":"aws.s3","detail-type":"Object Deleted","detail":{}}`, `"Object Deleted" is not "Object Created"`},
		{`{"source":"aws.s3","detail-type":"Object Created"}`, "detail: unexpected end"},
		{`{"source":"aws.ec2","detail-type":"Instance State-change Notification","detail":{}}`, "not from S3"},
		{nested, "envelopes around each other"},
	} {
		got, err := Objects(json.RawMessage(c.raw))
		if len(got) > 0 {
			t.Errorf("%s: got %v, want nothing", c.raw, got)
		}
		checkError(t, c.raw, err, c.err)
	}
}

func checkError(t *testing.T, input string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: error %v, want none", input, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: error %v, want one with %q", input, err, want)
	}
}

// Whatever arrives: no panic, and no object without bucket and key.
func FuzzObjects(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("seeds: %v, %v", files, err)
	}
	for _, name := range files {
		f.Add([]byte(event(f, filepath.Base(name))))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		objs, err := Objects(raw)
		for _, o := range objs {
			if o.Bucket == "" || o.Key == "" || o.Size < -1 {
				t.Errorf("object %+v", o)
			}
		}
		if len(objs) == 0 && err == nil && !strings.Contains(strings.ToLower(string(raw)), "event") {
			t.Errorf("%q: swallowed", raw)
		}
	})
}

// A key comes back as it was, from the encoding of notifications and from the
// plain text of EventBridge.
func FuzzKeyOfEvent(f *testing.F) {
	for _, key := range []string{"a/b", "red flower.jpg", "a+b=c%41", "%", "é/\u202e\x01\"\\", "?x=1&y#z"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" || !utf8.ValidString(key) {
			t.Skip("S3 has no such key")
		}
		quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
		encoded := strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
		for _, raw := range []string{
			`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":` + quote(encoded) + `}}}]}`,
			`{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":` + quote(key) + `}}}`,
		} {
			objs, err := Objects(json.RawMessage(raw))
			if err != nil || len(objs) != 1 || objs[0].Key != key {
				t.Errorf("%s: got %v, %v, want key %q", raw, objs, err, key)
			}
		}
	})
}

// TestNullVersion: an object without a version is known by its ETag however it is
// announced, so that a backfill, which asks S3, takes it for the same.
func TestNullVersion(t *testing.T) {
	for name, event := range map[string]string{
		"none":    `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k","eTag":"e1"}}}]}`,
		"null":    `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k","eTag":"e1","versionId":null}}}]}`,
		"a word":  `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k","eTag":"e1","versionId":"null"}}}]}`,
		"by rule": `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"k","etag":"e1","version-id":"null"}}}`,
	} {
		objs, err := Objects([]byte(event))
		if err != nil || len(objs) != 1 || objs[0].Version != "etag:e1" {
			t.Errorf("%s: %+v, %v", name, objs, err)
		}
	}
}
