package backfill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
)

// bucket is objects by "bucket/key", or "bucket/key version".
type bucket map[string]File

func (b bucket) Look(_ context.Context, name, key, version string) (File, error) {
	id := name + "/" + key
	if version != "" {
		id += " " + version
	}
	f, ok := b[id]
	if !ok {
		return File{}, fmt.Errorf("look: %w", ErrGone)
	}
	return f, nil
}

type files func(bucket, key, version string) (File, error)

func (f files) Look(_ context.Context, bucket, key, version string) (File, error) {
	return f(bucket, key, version)
}

// queue keeps what was announced, and refuses what it is told to.
type queue struct {
	got    []pipeline.Object
	refuse map[string]error // by key
}

func (q *queue) Announce(_ context.Context, objs []pipeline.Object) []error {
	errs := make([]error, len(objs))
	for i, o := range objs {
		if errs[i] = q.refuse[o.Key]; errs[i] == nil {
			q.got = append(q.got, o)
		}
	}
	return errs
}

const logKey = "old logs/2016-03-02-08-17-43-0123456789ABCDEF"

var modified = time.Date(2026, 11, 20, 1, 2, 3, 0, time.UTC) // copied then

func object(bucket, key, version string) File {
	return File{Object: pipeline.Object{Bucket: bucket, Key: key, Version: version, Size: 7000, Modified: modified}}
}

func handler(f Files, q Queue) (*Handler, *bytes.Buffer) {
	var out bytes.Buffer
	return New(Config{Settings: Settings{LakeBucket: "lake-example", LakePrefix: "lake/"}, Files: f, Queue: q, Now: func() time.Time { return modified }, Out: &out}), &out
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBothSchemas: what AWS documents is understood, and answered in the schema
// in which it was asked.
func TestBothSchemas(t *testing.T) {
	all := bucket{
		"old-logs-example/" + logKey + " v1.example": object("old-logs-example", logKey, "v1.example"),
		"old-logs-example/" + logKey:                 object("old-logs-example", logKey, "etag:abc"),
	}
	for _, c := range []struct{ fixture, want, version string }{
		{"invocation-1.0.json", `{"invocationSchemaVersion":"1.0","treatMissingKeysAs":"PermanentFailure","invocationId":"AAAAexampleinvocation1AAAA",` +
			`"results":[{"taskId":"dGFzayBvbmU=","resultCode":"Succeeded","resultString":"announced"}]}`, "v1.example"},
		{"invocation-2.0.json", `{"invocationSchemaVersion":"2.0","treatMissingKeysAs":"PermanentFailure","invocationId":"AAAAexampleinvocation2AAAA",` +
			`"results":[{"taskId":"dGFzayB0d28=","resultCode":"Succeeded","resultString":"announced"}]}`, "etag:abc"},
	} {
		q := &queue{}
		h, out := handler(all, q)
		res, err := h.Handle(t.Context(), fixture(t, c.fixture))
		if err != nil {
			t.Fatalf("%s: %v", c.fixture, err)
		}
		got, err := json.Marshal(res)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v\nwant %s", c.fixture, got, err, c.want)
		}
		want := []pipeline.Object{{Bucket: "old-logs-example", Key: logKey, Version: c.version, Size: 7000, Modified: modified}}
		if d := cmp.Diff(q.got, want); d != "" || out.Len() > 0 {
			t.Errorf("%s: announced (-got +want):\n%s%s", c.fixture, d, out)
		}
	}
}

// one is an invocation of schema 2.0 about one key.
func one(key string, arguments map[string]string) []byte {
	text, err := json.Marshal(map[string]any{
		"invocationSchemaVersion": "2.0", "invocationId": "i", "job": map[string]any{"id": "j", "userArguments": arguments},
		"tasks": []map[string]any{{"taskId": "t", "s3Key": key, "s3VersionId": nil, "s3Bucket": "b"}},
	})
	if err != nil {
		panic(err)
	}
	return text
}

// TestVerdicts: the file's fault is permanent, ours or AWS's is temporary, and
// each says what to do.
func TestVerdicts(t *testing.T) {
	archived := object("b", "k", "etag:1")
	archived.Archived = "DEEP_ARCHIVE"
	fails := func(err error) Files {
		return files(func(string, string, string) (File, error) { return File{}, err })
	}
	there := files(func(b, k, _ string) (File, error) { return object(b, k, "etag:1"), nil })
	for _, c := range []struct {
		name      string
		payload   []byte
		files     Files
		refuse    error
		code, why string
	}{
		{"there", one("k", nil), there, nil, "Succeeded", "announced"},
		{"gone", one("k", nil), fails(ErrGone), nil, "PermanentFailure", "deleted since"},
		{"denied", one("k", nil), fails(ErrDenied), nil, "PermanentFailure", "BackfillBuckets"},
		{"encrypted with a key of theirs", one("k", nil), fails(ErrUnreadable), nil, "PermanentFailure", "cannot be looked at"},
		{"archived", one("k", nil), files(func(string, string, string) (File, error) { return archived, nil }), nil, "PermanentFailure", "archived in DEEP_ARCHIVE: restore it"},
		{"throttled by S3", one("k", nil), fails(errors.New("503 SlowDown")), nil, "TemporaryFailure", "SlowDown"},
		{"out of time", one("k", nil), fails(context.DeadlineExceeded), nil, "TemporaryFailure", "deadline"},
		{"throttled by the queue", one("k", nil), there, errors.New("RequestThrottled"), "TemporaryFailure", "announce: RequestThrottled"},
		{"refused by the queue", one("k", nil), there, fmt.Errorf("%w: InvalidMessageContents", ErrRefused), "PermanentFailure", "InvalidMessageContents"},
		{"key that is no key", one("%zz", nil), there, nil, "PermanentFailure", "%zz"},
		{"an access point", bytes.Replace(bytes.Replace(one("k", nil), []byte(`"2.0"`), []byte(`"1.0"`), 1), []byte(`"s3Bucket":"b"`), []byte(`"s3BucketArn":"arn:aws:s3:eu-central-1:111122223333:accesspoint/b"`), 1), there, nil, "PermanentFailure", "accesspoint/b\" is no bucket"},
		{"no key", one("", nil), there, nil, "PermanentFailure", "missing"},
		{"misspelt limit", one("k", map[string]string{"sinse": "2019-01-01"}), there, nil, "PermanentFailure", `"sinse"`},
		{"findings that are neither wanted nor not", one("k", map[string]string{"findings": "some"}), there, nil, "PermanentFailure", `"some" is not none`},
		{"limit that is no day", one("k", map[string]string{"since": "2019"}), there, nil, "PermanentFailure", `"2019"`},
		{"other schema", bytes.Replace(one("k", nil), []byte(`"2.0"`), []byte(`"3.0"`), 1), there, nil, "PermanentFailure", `schema "3.0"`},
		{"before since", one("logs/2016-03-02-08-17-43-0123456789ABCDEF", map[string]string{"since": "2016-03-03"}), there, nil, "Succeeded", "left out"},
		{"at until", one("logs/2016-03-02-08-17-43-0123456789ABCDEF", map[string]string{"until": "2016-03-02T08:17:43Z"}), there, nil, "Succeeded", "left out"},
		{"from since to until", one("logs/2016-03-02-08-17-43-0123456789ABCDEF", map[string]string{"since": "2016-03-02T08:17:43Z", "until": "2016-03-03"}), there, nil, "Succeeded", "announced"},
		{"no time in its name", one("logs/copy", map[string]string{"since": "2026-11-21"}), there, nil, "Succeeded", "left out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &queue{refuse: map[string]error{"k": c.refuse}}
			h, out := handler(c.files, q)
			res, err := h.Handle(t.Context(), c.payload)
			if err != nil || len(res.Results) != 1 {
				t.Fatalf("%+v, %v", res, err)
			}
			r := res.Results[0]
			if r.TaskID != "t" || r.Code != c.code || !strings.Contains(r.Why, c.why) {
				t.Errorf("got %+v, want %s because of %q", r, c.code, c.why)
			}
			if announced := r.Why == "announced"; announced != (len(q.got) == 1) {
				t.Errorf("%q with %d messages", r.Why, len(q.got))
			}
			if failed := c.code != "Succeeded"; failed != strings.Contains(out.String(), `"result":"`+c.code+`"`) {
				t.Errorf("logged %s", out)
			}
		})
	}
}

// TestRowsOnly: what may still be on its way as a new file is looked at all the same.
func TestRowsOnly(t *testing.T) {
	there := files(func(b, k, _ string) (File, error) { return object(b, k, "etag:1"), nil })
	for key, want := range map[string]bool{
		"logs/2016-03-02-08-17-43-0123456789ABCDEF": true,  // copied today, and delivered long ago
		"logs/2026-11-01-08-17-43-0123456789ABCDEF": false, // 19 days before
		"logs/no time in its name":                  false,
	} {
		q := &queue{}
		h, _ := handler(there, q)
		res, err := h.Handle(t.Context(), one(key, map[string]string{"findings": "none", "since": "2016-01-01"}))
		if err != nil || len(q.got) != 1 || q.got[0].RowsOnly != want || strings.Contains(res.Results[0].Why, "rows only") != want {
			t.Errorf("%s: %+v, %+v, %v", key, q.got, res, err)
		}
	}
}

// TestTasksAreJudgedAlone: one that fails takes no other with it.
func TestTasksAreJudgedAlone(t *testing.T) {
	payload := []byte(`{"invocationSchemaVersion":"1.0","invocationId":"i","job":{"id":"j"},"tasks":[
		{"taskId":"1","s3Key":"a","s3VersionId":"","s3BucketArn":"arn:aws:s3:::b"},
		{"taskId":"2","s3Key":"gone","s3VersionId":"","s3BucketArn":"arn:aws:s3:::b"},
		{"taskId":"3","s3Key":"throttled","s3VersionId":"","s3BucketArn":"arn:aws:s3:::b"},
		{"taskId":"4","s3Key":"lake/s3_access_logs/dt=2026-01-01/x.parquet","s3VersionId":"","s3BucketArn":"arn:aws:s3:::lake-example"},
		{"taskId":"5","s3Key":"c","s3VersionId":"","s3BucketArn":"arn:aws:s3:::b"}]}`)
	all := bucket{"b/a": object("b", "a", "etag:1"), "b/throttled": object("b", "throttled", "etag:2"), "b/c": object("b", "c", "etag:3"),
		"lake-example/lake/s3_access_logs/dt=2026-01-01/x.parquet": object("lake-example", "x", "etag:4")}
	q := &queue{refuse: map[string]error{"throttled": errors.New("later")}}
	h, _ := handler(all, q)
	res, err := h.Handle(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range res.Results {
		got = append(got, r.TaskID+" "+r.Code)
	}
	want := []string{"1 Succeeded", "2 PermanentFailure", "3 TemporaryFailure", "4 PermanentFailure", "5 Succeeded"}
	if d := cmp.Diff(got, want); d != "" || len(q.got) != 2 {
		t.Errorf("%d announced (-got +want):\n%s", len(q.got), d)
	}
}

// TestReportIsClean: what a name says to a terminal or a spreadsheet does not get
// into the job's report, nor does a flood.
func TestReportIsClean(t *testing.T) {
	h, out := handler(files(func(_, key, _ string) (File, error) {
		return File{}, fmt.Errorf("%w: %s\x1b[2J%s", ErrGone, key, strings.Repeat("é", 4000))
	}), &queue{})
	res, err := h.Handle(t.Context(), one("a%0Ab", nil))
	if err != nil {
		t.Fatal(err)
	}
	why := res.Results[0].Why
	if strings.ContainsAny(why, "\n\x1b") || len(why) > maxWhy+3 || strings.ContainsAny(out.String(), "\x1b") {
		t.Errorf("%d bytes: %q, logged %q", len(why), why, out)
	}
}

func TestNotAnInvocation(t *testing.T) {
	for _, payload := range []string{``, `null`, `[]`, `{"Records":[]}`, `{"invocationSchemaVersion":"1.0"}`, `{"tasks":[{"taskId":"t"}]}`} {
		h, _ := handler(bucket{}, &queue{})
		if res, err := h.Handle(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s: no error, %+v", payload, res)
		}
	}
}

func TestSettings(t *testing.T) {
	env := map[string]string{"SLUICE_BACKFILL_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/q", "SLUICE_LAKE_BUCKET": "lake-example", "SLUICE_LAKE_PREFIX": "lake/"}
	s, err := Load(func(n string) string { return env[n] })
	if err != nil || s != (Settings{env["SLUICE_BACKFILL_QUEUE_URL"], "lake-example", "lake/"}) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = Load(func(n string) string { return map[string]string{"SLUICE_LAKE_PREFIX": "lake"}[n] })
	for name := range env {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
