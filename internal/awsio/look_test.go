package awsio

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
	"sluice/internal/testaws"
)

// TestLook: an object that is looked at has the identity that it had when it was
// announced, or the ledger would take it for another.
func TestLook(t *testing.T) {
	s, fake := start(t)
	const key = "a b/é+%41/2016-03-02-08-17-43-0123456789ABCDEF"
	etag := fake.Put("logs", key, []byte("seven b"))
	fake.PutVersion("versioned", key, "v1.abc", []byte("seven b"))
	fake.PutVersion("suspended", key, "null", []byte("seven b"))
	at := time.Date(2026, 11, 22, 13, 5, 0, 0, time.UTC)
	for _, c := range []struct{ bucket, version, event string }{
		{"logs", "", `"eTag":"` + etag + `"`},
		{"versioned", "", `"eTag":"` + etag + `","versionId":"v1.abc"`},
		{"versioned", "v1.abc", `"eTag":"` + etag + `","versionId":"v1.abc"`},
		{"suspended", "", `"eTag":"` + etag + `"`},
	} {
		got, err := s.Look(t.Context(), c.bucket, key, c.version)
		if err != nil {
			t.Fatalf("%s: %v", c.bucket, err)
		}
		live, err := Objects([]byte(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-22T13:05:00.000Z","s3":{"bucket":{"name":"` +
			c.bucket + `"},"object":{"key":"a+b/%C3%A9%2B%2541/2016-03-02-08-17-43-0123456789ABCDEF","size":7,` + c.event + `,"sequencer":"006741D2"}}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, backfill.File{Object: live[0]}); d != "" || live[0].Modified != at {
			t.Errorf("%s: -looked at +announced:\n%s", c.bucket, d)
		}
		if got.ID() != live[0].ID() {
			t.Errorf("%s: another identity", c.bucket)
		}
	}
}

func TestLookArchived(t *testing.T) {
	s, fake := start(t)
	for _, c := range []struct{ class, restore, status, want string }{
		{"", "", "", ""},
		{"STANDARD_IA", "", "", ""},
		{"GLACIER_IR", "", "", ""},
		{"GLACIER", "", "", "GLACIER"},
		{"DEEP_ARCHIVE", "", "", "DEEP_ARCHIVE"},
		{"GLACIER", `ongoing-request="true"`, "", "GLACIER"},
		{"GLACIER", `ongoing-request="false", expiry-date="Fri, 21 Dec 2026 00:00:00 GMT"`, "", ""},
		{"INTELLIGENT_TIERING", "", "", ""},
		{"INTELLIGENT_TIERING", "", "DEEP_ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"},
	} {
		fake.Put("logs", "k", []byte("x"))
		header := map[string]string{}
		for k, v := range map[string]string{"x-amz-storage-class": c.class, "x-amz-restore": c.restore, "x-amz-archive-status": c.status} {
			if v != "" {
				header[k] = v
			}
		}
		fake.Describe("logs", "k", header)
		if got, err := s.Look(t.Context(), "logs", "k", ""); err != nil || got.Archived != c.want {
			t.Errorf("%+v: archived in %q, %v", c, got.Archived, err)
		}
	}
}

func TestLookFails(t *testing.T) {
	s, fake := start(t)
	for i, c := range []struct {
		fault testaws.Fault
		want  error // nil: nobody's fault
	}{
		{testaws.Missing, backfill.ErrGone}, {testaws.Denied, backfill.ErrDenied}, {testaws.Refused, backfill.ErrUnreadable}, {testaws.SlowDown, nil},
	} {
		key := fmt.Sprint("k", i)
		fake.Put("logs", key, []byte("x"))
		fake.Fail("HEAD", "logs", key, c.fault, c.fault, c.fault, c.fault, c.fault, c.fault)
		_, err := s.Look(t.Context(), "logs", key, "")
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("fault %d: %v, want %v", c.fault, err, c.want)
		}
		for _, theirs := range []error{backfill.ErrGone, backfill.ErrDenied, backfill.ErrUnreadable} {
			if c.want == nil && errors.Is(err, theirs) {
				t.Errorf("fault %d blames the object: %v", c.fault, err)
			}
		}
	}
	if _, err := s.Look(t.Context(), "logs", "not there", ""); !errors.Is(err, backfill.ErrGone) || !strings.Contains(err.Error(), "not there") {
		t.Errorf("missing object: %v", err)
	}
}

// FuzzAnnouncement: whatever a key, Objects reads out of the message what was
// announced.
func FuzzAnnouncement(f *testing.F) {
	f.Add("logs", "a b/é+%41", "etag:abc", int64(7))
	f.Add("logs", "\x00\u202e\"\\", "v1", int64(0))
	f.Add("logs", "\xff", "", int64(-1))
	f.Add("b", "k", "sequencer:00A1", int64(1<<40))
	f.Fuzz(func(t *testing.T, bucket, key, version string, size int64) {
		o := pipeline.Object{Bucket: bucket, Key: key, Version: version, Size: max(size, -1), Modified: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), RowsOnly: size%2 == 0}
		if !validVersion(version) || strings.ToValidUTF8(bucket, "") != bucket || bucket == "" || key == "" {
			t.Skip() // S3 gives none of those
		}
		text, err := Announcement(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range text {
			if b < ' ' {
				t.Fatalf("%q holds what SQS refuses", text)
			}
		}
		got, err := Objects(text)
		if err != nil || len(got) != 1 || got[0] != o {
			t.Errorf("%+v, %v\nwant %+v\nin %s", got, err, o, text)
		}
	})
}

// validVersion tells what version makes: no quotes around an ETag, and nothing
// behind a mark that is nothing.
func validVersion(v string) bool {
	etag, marked := strings.CutPrefix(v, etagVersion)
	if marked {
		return etag != "" && strings.Trim(etag, `"`) == etag && strings.ToValidUTF8(etag, "") == etag
	}
	sequencer, marked := strings.CutPrefix(v, sequencerVersion)
	return strings.ToValidUTF8(v, "") == v && v != nullVersion && (!marked || sequencer != "")
}
