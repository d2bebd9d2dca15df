package awsio

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
	"sluice/internal/table"
	"sluice/internal/testaws"
)

func start(t *testing.T) (*S3, *testaws.S3) {
	t.Helper()
	fake := testaws.NewS3(t)
	fake.Setenv(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return NewS3(cfg), fake
}

func readAll(t *testing.T, s *S3, o pipeline.Object) (string, error) {
	rc, err := s.Open(t.Context(), o)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	return string(b), err
}

func TestOpen(t *testing.T) {
	s, fake := start(t)
	text := strings.Repeat("a line of a log\n", 500)
	etag := fake.Put("logs", "a b/é+%41.gz", []byte(text))
	fake.PutVersion("logs", "versioned", "v1.abc", []byte(text))

	for _, c := range []struct {
		name   string
		object pipeline.Object
		faults []testaws.Fault
		err    string
		is     error
	}{
		{name: "by etag", object: pipeline.Object{Key: "a b/é+%41.gz", Version: "etag:" + etag, Size: 8000}},
		{name: "size unknown", object: pipeline.Object{Key: "a b/é+%41.gz", Size: -1}},
		{name: "sequencer says nothing about the content", object: pipeline.Object{Key: "a b/é+%41.gz", Version: "sequencer:00A1", Size: -1}},
		{name: "by version", object: pipeline.Object{Key: "versioned", Version: "v1.abc", Size: 8000}},
		{name: "throttled twice", object: pipeline.Object{Key: "versioned", Size: 8000},
			faults: []testaws.Fault{testaws.SlowDown, testaws.SlowDown}},
		{name: "another version", object: pipeline.Object{Key: "versioned", Version: "v2", Size: 8000}, err: "missing"},
		{name: "overwritten", object: pipeline.Object{Key: "versioned", Version: "etag:ffff", Size: 8000}, err: "overwritten"},
		{name: "missing", object: pipeline.Object{Key: "none", Size: -1}, err: `"s3://logs/none": missing`},
		{name: "denied", object: pipeline.Object{Key: "versioned", Size: -1},
			faults: []testaws.Fault{testaws.Denied, testaws.Denied}, err: "403 for both"}, // the SDK asks again, to say what is wrong
		{name: "denied once", object: pipeline.Object{Key: "versioned", Size: 8000}, faults: []testaws.Fault{testaws.Denied}},
		{name: "truncated", object: pipeline.Object{Key: "versioned", Size: 8000}, faults: []testaws.Fault{testaws.Truncated},
			err: `"s3://logs/versioned": after 4000 bytes`, is: io.ErrUnexpectedEOF},
		{name: "not as long as announced", object: pipeline.Object{Key: "versioned", Size: 8001},
			err: "8000 bytes instead of 8001", is: io.ErrUnexpectedEOF},
		{name: "corrupt", object: pipeline.Object{Key: "versioned", Size: 8000}, faults: []testaws.Fault{testaws.Corrupt}, err: "checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.object.Bucket = "logs"
			fake.Fail("GET", "logs", c.object.Key, c.faults...)
			got, err := readAll(t, s, c.object)
			checkError(t, c.name, err, c.err)
			if c.err == "" && got != text {
				t.Errorf("got %d bytes, want %d", len(got), len(text))
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %v in it", err, c.is)
			}
		})
	}
}

func TestOpenGivesUp(t *testing.T) {
	s, fake := start(t)
	fake.Put("logs", "k", []byte("x"))
	fake.Fail("GET", "logs", "k", slices.Repeat([]testaws.Fault{testaws.SlowDown}, maxAttempts)...)
	_, err := readAll(t, s, pipeline.Object{Bucket: "logs", Key: "k", Size: 1})
	checkError(t, "always throttled", err, "SlowDown")
	if got := len(fake.Requests()); got != maxAttempts {
		t.Errorf("%d attempts, want %d", got, maxAttempts)
	}

	// In a bucket that is known, one attempt is made without the SDK.
	if _, err := readAll(t, s, pipeline.Object{Bucket: "logs", Key: "k", Size: 1}); err != nil {
		t.Fatal(err)
	}
	fake.Requests()
	fake.Fail("GET", "logs", "k", slices.Repeat([]testaws.Fault{testaws.SlowDown}, maxAttempts+1)...)
	_, err = readAll(t, s, pipeline.Object{Bucket: "logs", Key: "k", Size: 1})
	checkError(t, "always throttled", err, "SlowDown")
	if got := len(fake.Requests()); got != maxAttempts+1 {
		t.Errorf("%d attempts in a known bucket, want %d", got, maxAttempts+1)
	}
}

func TestList(t *testing.T) {
	s, fake := start(t)
	want := []string{"p/1", "p/2 a+b", "p/3/é", "p/4%41", "p/5", "p/6", "p/7\x01"}
	for _, key := range append(want, "other") {
		fake.Put("logs", key, []byte(key))
	}
	var got []string
	for o, err := range s.List(t.Context(), "logs", "p/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
		if text, err := readAll(t, s, o); err != nil || text != o.Key {
			t.Errorf("open %+v: %q, %v", o, text, err)
		}
		if o.Size != int64(len(o.Key)) || o.Modified.IsZero() {
			t.Errorf("%+v: size or time missing", o)
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("keys (-got +want):\n%s", diff)
	}

	// A list that breaks off is not taken for a short one.
	fake.Fail("GET", "logs", "", testaws.OK, testaws.Denied)
	got = nil
	var last error
	for o, err := range s.List(t.Context(), "logs", "p/") {
		got, last = append(got, o.Key), err
	}
	if len(got) != testaws.PageSize+1 {
		t.Errorf("%d steps %q, want a page and an error", len(got), got)
	}
	checkError(t, "second page denied", last, `list "s3://logs/p/"`)
}

func staged(t *testing.T, names ...string) []table.Object {
	var objs []table.Object
	dir := t.TempDir()
	for i, n := range names {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, []byte("PAR1 "+n), 0o600); err != nil {
			t.Fatal(err)
		}
		objs = append(objs, table.Object{Name: n, Path: path, Rows: 1, Bytes: int64(len("PAR1 " + n))})
	}
	return objs
}

func TestWrite(t *testing.T) {
	const one, two = "t/dt=2026-11-21/b-0000.parquet", "t/dt=2026-11-22/b-0000.parquet"
	for _, c := range []struct {
		name     string
		existing []byte // under the first name
		faults   []testaws.Fault
		requests int
		err      string
	}{
		{name: "plain", requests: 2},
		{name: "already there", existing: []byte("PAR1 earlier"), requests: 2},
		{name: "answer lost", faults: []testaws.Fault{testaws.LostResponse}, requests: 3},
		{name: "conflict", faults: []testaws.Fault{testaws.Conflict}, requests: 3},
		{name: "throttled", faults: []testaws.Fault{testaws.SlowDown}, requests: 3},
		{name: "denied", faults: []testaws.Fault{testaws.Denied}, requests: 1, err: `object 1 of 2: write "s3://lake/x/` + one + `"`},
		{name: "refused", faults: []testaws.Fault{testaws.Refused}, requests: 1, err: "InvalidRequest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fake := start(t)
			if c.existing != nil {
				fake.Put("lake", "x/"+one, c.existing)
			}
			fake.Fail("PUT", "lake", "x/"+one, c.faults...)
			objects := staged(t, two, one)
			err := s.Lake("lake", "x/").Write(t.Context(), objects)
			checkError(t, c.name, err, c.err)
			if got := fake.Requests(); len(got) != c.requests || got[0] != "PUT lake/x/"+one {
				t.Errorf("requests %q, want %d, in the order of names", got, c.requests)
			}
			if err != nil {
				// The same again completes it.
				err = s.Lake("lake", "x/").Write(t.Context(), objects)
				checkError(t, c.name+", again", err, "")
			}
			for _, n := range []string{one, two} {
				want := "PAR1 " + n
				if n == one && c.existing != nil {
					want = string(c.existing)
				}
				if got, typ := fake.Get("lake", "x/"+n); string(got) != want || c.existing == nil && typ != "application/vnd.apache.parquet" {
					t.Errorf("%s: %q of type %q, want %q", n, got, typ, want)
				}
			}
		})
	}
}

func TestWriteOfUnfinishedObject(t *testing.T) {
	s, fake := start(t)
	objs := staged(t, "a", "b")
	objs[0].Bytes++
	if err := os.Remove(objs[1].Path); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"6 bytes instead of 7", "no such file"} {
		err := s.Lake("lake", "").Write(t.Context(), objs[i:i+1])
		checkError(t, objs[i].Name, err, want)
	}
	if got := fake.Keys("lake"); len(got) > 0 {
		t.Errorf("visible: %q", got)
	}
}
