package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/logs"
	"sluice/internal/maintain"
	"sluice/internal/pack"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

const accessLine = `7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 example-photos [22/Nov/2026:09:14:01 +0000] ` +
	`198.51.100.23 arn:aws:iam::111122223333:user/ana 5D1E0C9B7A000001 REST.GET.OBJECT photos/1.jpg "GET /photos/1.jpg HTTP/1.1" 200 - 48211 48211 31 29 ` +
	`"-" "curl/8.5.0" - bm90IGEgcmVhbCBob3N0IGlkLCBidXQgYXMgbG9uZyBhcyBvbmUgd291bGQgYmUgaW4gYSBsb2cgZmlsZQ== SigV4 TLS_AES_128_GCM_SHA256 ` +
	`AuthHeader example-photos.s3.eu-central-1.amazonaws.com TLSv1.3 - - -` + "\n"

func TestStatusOfLake(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"good\x1b[31m.log": accessLine + accessLine + strings.Replace(accessLine, "[22/Nov/2026", "[99/Nov/2026", 1), "notes.txt": "remember the milk\n",
	} {
		if err := os.MkdirAll("logs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("logs", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, errs := sluice(t, "", "status", "x"); code != exitError || !strings.Contains(errs, "there is no lake at lake") {
		t.Errorf("without a lake: %d, %s", code, errs)
	}
	if code, out, errs := sluice(t, "", "convert", "logs"); code != 0 {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}

	code, out, _ := sluice(t, "", "status", "logs/good\x1b[31m.log")
	wants(t, "file", out, "outcome     converted\n", "lines       3\n", "  rows      2\n", "  rejected  1: 1 ", "where       lake", `good\x1b[31m.log`)
	if code != 0 || strings.ContainsRune(out, 0x1b) || strings.Contains(out, "findings") {
		t.Errorf("exit code %d\n%q", code, out)
	}
	if code, _, errs := sluice(t, "", "status", "logs"); code != exitUsage || !strings.Contains(errs, "logs is a folder: name a file in it") {
		t.Errorf("a folder: %d, %s", code, errs)
	}
	code, out, _ = sluice(t, "", "status", filepath.Join(dir, "logs", "notes.txt"))
	wants(t, "skipped", out, "outcome  skipped\n", "because  text of no format known here\n")
	if code != 0 || strings.Contains(out, "where") {
		t.Errorf("exit code %d\n%s", code, out)
	}

	var all struct {
		Batches []struct {
			ID, State        string
			Rows, Rejected   int64
			Begun, Committed time.Time
		}
	}
	code, out, _ = sluice(t, "", "status", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 || len(all.Batches) != 1 {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	if b := all.Batches[0]; b.Rows != 2 || b.Rejected != 1 || b.State != "finished" || b.Committed.IsZero() {
		t.Errorf("batch %+v", b)
	}
	code, out, _ = sluice(t, "", "status", "--batch", all.Batches[0].ID)
	wants(t, "batch", out, "finished", filepath.Join("logs", "notes.txt"), "skipped: text of no format", "s3_access_logs/dt=2026-11-22", "rejected/dt=")
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}

	for _, args := range [][]string{{"none"}, {"--batch", strings.Repeat("0", 32)}, {"--batch", "../../x"}, {"--since", "2999-01-01"}, {"s3://logs/x"}} {
		code, out, errs := sluice(t, "", append([]string{"status"}, args...)...)
		if code != exitUnknown || out != "" || !strings.Contains(errs, "the lake at lake knows nothing of ") {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, errs)
		}
		code, out, _ = sluice(t, "", append([]string{"status", "--json"}, args...)...)
		if code != exitUnknown || !strings.Contains(out, `"files": []`) || !strings.Contains(out, `"batches": []`) {
			t.Errorf("%q: exit code %d\n%s", args, code, out)
		}
	}
	if code, _, errs := sluice(t, "", "status", "--table=x", "a", "--batch=b"); code != exitUsage {
		t.Errorf("two questions: %d, %s", code, errs)
	}
	if code, _, errs := sluice(t, "", "status", "--lake", "s3://lake/", "s3://logs/a"); code != exitUsage || !strings.Contains(errs, "--table NAME") {
		t.Errorf("a lake in S3: %d, %s", code, errs)
	}
}

// TestStatusOfOldLake is a lake whose manifests say of files no more than which.
func TestStatusOfOldLake(t *testing.T) {
	t.Chdir(t.TempDir())
	id := strings.Repeat("0a", 16)
	path := filepath.Join("lake", "_sluice", "commits", id+".json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(
		`{"batch":"`+id+`","files":[{"id":"11","bucket":"logs","key":"a","size":3}],"objects":[{"name":"lines/dt=2026-11-22/x.parquet","rows":3,"bytes":9}]}`), 0o644)); err != nil {
		t.Fatal(err)
	}
	code, out, errs := sluice(t, "", "status", "s3://logs/a")
	wants(t, "file", out, "file     s3://logs/a\n", "outcome  converted\n", "not put down", filepath.Join("lake", "lines"))
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// withTable runs a command line with the function's ledger in r.
func withTable(t *testing.T, r ledger.Records, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return withLake(t, r, notes{}, args...)
}

// withLake is the same, with what was packed in a lake.
func withLake(t *testing.T, r ledger.Records, packed notes, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		records: func(_ context.Context, table string) (ledger.Records, error) {
			if table != "state" {
				return nil, errors.New("no such table")
			}
			return r, nil
		},
		packing: func(_ context.Context, bucket, prefix string) (maintain.Lake, error) {
			if bucket != "lake" || prefix != "tables/" {
				return nil, fmt.Errorf("no lake at %s/%s", bucket, prefix)
			}
			return packed, nil
		}}
	code = a.run(t.Context(), args)
	return code, out.String(), errs.String()
}

// notes are those of a lake of which a day was packed.
type notes map[string]string

func (n notes) List(_ context.Context, prefix string) iter.Seq2[pack.Object, error] {
	return func(yield func(pack.Object, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(n)) {
			if strings.HasPrefix(name, prefix) && !yield(pack.Object{Name: name}, nil) {
				return
			}
		}
	}
}

func (n notes) Read(_ context.Context, name string) ([]byte, error) { return []byte(n[name]), nil }

func (notes) Remove(context.Context, string) error { return errors.New("status removes nothing") }

func (notes) Create(context.Context, string, []byte) (bool, error) {
	return false, errors.New("status writes nothing")
}

// TestStatusOfPacked: an object that was packed and removed is not missing.
func TestStatusOfPacked(t *testing.T) {
	ctx, records := t.Context(), ledger.NewMemory()
	l := ledger.New(ledger.Config{Store: ledger.NewRecordStore(records, rand.Reader), Objects: kept{}, Lease: time.Hour, Now: time.Now})
	file := pipeline.Object{Bucket: "logs", Key: "a", Version: "etag:1", Size: 9}
	a, err := l.Begin(ctx, []pipeline.Object{file})
	if err != nil {
		t.Fatal(err)
	}
	// Two objects are packed, of which one is still there; the rows of a third were
	// kept for long enough; a plan was undone.
	packed := notes{}
	for name, text := range map[string]string{
		"_sluice/pack/s3_access_logs/dt=2026-11-22/000000.plan": `{"table":"s3_access_logs","day":"2026-11-22","parts":[{"name":"s3_access_logs/dt=2026-11-22/a.parquet","rows":6},{"name":"s3_access_logs/dt=2026-11-22/b.parquet","rows":1}]}`,
		"_sluice/pack/s3_access_logs/dt=2026-11-22/000000.end":  `{"done":true,"at":"2026-11-30T03:00:00Z"}`,
		"_sluice/pack/rejected/dt=2026-11-22/000000.plan":       `{"table":"rejected","day":"2026-11-22","parts":[{"name":"rejected/dt=2026-11-22/a.parquet","rows":3}]}`,
		"_sluice/pack/rejected/dt=2026-11-22/000000.end":        `{"done":true,"at":"2026-11-30T03:00:00Z"}`,
		"_sluice/pack/rejected/dt=2026-11-22/000000.expired":    `"2027-11-30T03:00:00Z"`,
		"_sluice/pack/s3_access_logs/dt=2026-11-23/000000.plan": `{"table":"s3_access_logs","day":"2026-11-23","parts":[{"name":"s3_access_logs/dt=2026-11-23/c.parquet","rows":6}]}`,
		"_sluice/pack/s3_access_logs/dt=2026-11-23/000000.end":  `{"done":false,"at":"2026-11-30T03:00:00Z","why":"rows are missing"}`,
		"s3_access_logs/dt=2026-11-22/b.parquet":                "",
		"s3_access_logs/dt=2026-11-23/c.parquet":                "",
	} {
		ids := strings.NewReplacer("/a.parquet", "/"+a.ID+"-0000.parquet", "/b.parquet", "/"+a.ID+"-0001.parquet", "/c.parquet", "/"+a.ID+"-0000.parquet")
		packed[ids.Replace(name)] = ids.Replace(text)
	}
	err = a.Commit(ctx, []pipeline.File{{Object: file, Outcome: pipeline.Converted, Format: "s3_access_logs", Lines: 9, Rows: 6, Rejected: 3}}, []table.Object{
		{Name: "s3_access_logs/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 6}, {Name: "s3_access_logs/dt=2026-11-22/" + a.ID + "-0001.parquet", Rows: 1},
		{Name: "s3_access_logs/dt=2026-11-23/" + a.ID + "-0000.parquet", Rows: 1}, {Name: "rejected/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := withLake(t, records, packed, "status", "--table", "state", "--lake", "s3://lake/tables/", "s3://logs/a")
	wants(t, "packed", out, "-0000.parquet: its rows are in s3_access_logs_packed since 2026-11-30 03:00:00 UTC, and the object is removed",
		"-0001.parquet: its rows are in s3_access_logs_packed since 2026-11-30 03:00:00 UTC; the object is removed later",
		"-0000.parquet: its rows were kept for long enough, and were deleted from rejected_packed")
	if code != 0 || strings.Count(out, ".parquet: ") != 3 {
		t.Errorf("exit code %d, %s\n%s", code, errs, out)
	}
	var answer struct {
		Files []struct{ Packed []packedFate }
	}
	code, out, _ = withLake(t, records, packed, "status", "--json", "--table", "state", "--lake", "s3://lake/tables", "s3://logs/a")
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 || len(answer.Files) != 1 || len(answer.Files[0].Packed) != 3 || !answer.Files[0].Packed[0].Removed || answer.Files[0].Packed[1].Removed {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
	if code, _, errs := withTable(t, records, "status", "--table", "state", "--lake", "s3://elsewhere/", "s3://logs/a"); code != exitError || !strings.Contains(errs, "no lake at elsewhere/") {
		t.Errorf("a lake that cannot be read: %d, %s", code, errs)
	}
}

// kept is where objects are that nobody reads.
type kept struct{ ledger.Objects }

func (kept) Put(context.Context, string, []table.Object) error    { return nil }
func (kept) Place(context.Context, string, []ledger.Object) error { return nil }
func (kept) Drop(context.Context, string) error                   { return nil }

func TestStatusOfFunction(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, records, three := t.Context(), ledger.NewMemory(), int64(3)
	l := ledger.New(ledger.Config{Store: ledger.NewRecordStore(records, rand.Reader), Objects: kept{}, Lease: time.Hour, Now: time.Now})
	object := func(key string) pipeline.Object {
		return pipeline.Object{Bucket: "logs", Key: key, Version: "etag:1", Size: 9}
	}
	a, err := l.Begin(ctx, []pipeline.Object{object("a"), object("digest"), object("torn")})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Commit(ctx, []pipeline.File{
		{Object: object("a"), Outcome: pipeline.Converted, Format: "lines", Lines: 9, Rows: 6, Rejected: 3,
			Reasons: map[logs.Reason]int64{"time": 1, "fields": 2}, Ambiguous: 4, Findings: &three},
		{Object: object("digest"), Reason: "a digest"},
		{Object: object("torn"), Outcome: pipeline.Failed, Err: errors.New("unexpected EOF")},
	}, []table.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 6}, {Name: "rejected/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 3},
		{Name: "others/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(ctx, []pipeline.Object{object("busy")}); err != nil {
		t.Fatal(err)
	}
	gone, err := ledger.New(ledger.Config{Store: ledger.NewRecordStore(records, rand.Reader), Objects: kept{}, Now: time.Now}).Begin(ctx, []pipeline.Object{object("late")})
	if err != nil || len(gone.Taken) != 1 {
		t.Fatal(err)
	}

	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"s3://logs/a", 0, []string{"outcome     converted\n", "  rejected  3: 2 fields, 1 time\n", "ambiguous   4\n", "findings    3\n", "when        ",
			"where       lines/dt=2026-11-22/", "            rejected/dt="}},
		{"--lake s3://lake/tables/ s3://logs/a", 0, []string{"where       s3://lake/tables/lines/dt=2026-11-22/"}},
		{"s3://logs/digest", 0, []string{"outcome  skipped\n", "because  a digest\n"}},
		{"s3://logs/torn", 0, []string{"outcome  failed\n", "because  unexpected EOF\n"}},
		{"s3://logs/busy", 0, []string{"outcome  converting\n", "until    "}},
		{"s3://logs/late", 0, []string{"outcome  free\n", "because  its batch was given up"}},
		{"s3://logs/none", 3, []string{"the table state knows nothing of the file s3://logs/none"}},
		{"--batch " + a.ID, 0, []string{"s3://logs/torn", "failed: unexpected EOF", "lines/dt=2026-11-22/"}},
		{"--since " + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), 0, []string{"finished", "live"}},
		{"", 0, []string{"finished", "live"}},
		{"--since 2999-01-01", 3, []string{"batches since 2999-01-01"}},
		{"a", 2, []string{"s3://bucket/key"}},
		{"s3://logs", 2, []string{"s3://bucket/key"}},
		{"--since now", 2, []string{"neither a day"}},
	} {
		code, out, errs := withTable(t, records, append([]string{"status", "--table", "state"}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d", c.args, code, c.code)
		}
		wants(t, c.args, out+errs, c.want...)
		if strings.Contains(out, "others/") && !strings.HasPrefix(c.args, "--batch") {
			t.Errorf("%s: names an object of another table\n%s", c.args, out)
		}
	}
	if code, _, errs := withTable(t, records, "status", "--table", "other"); code != exitError || !strings.Contains(errs, "no such table") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// A line that a screen would wrap is two on it: what is said of a batch, and its
// name below.
func TestBatchesOnANarrowScreen(t *testing.T) {
	b := []batchFate{{ID: "fbfd35fe13b7a1d12c3e3813beb706d7", State: "finished", Totals: ledger.Totals{Files: 983, Lines: 1_111_049, Rows: 1_111_044, Rejected: 5, Objects: 10}}}
	for _, c := range []struct {
		width, lines int
	}{{0, 3}, {150, 3}, {105, 5}, {60, 11}} {
		text := batchesTable(screen{terminal: c.width > 0, width: c.width}, b)
		if n := strings.Count(text, "\n"); n != c.lines {
			t.Errorf("%d columns: %d lines, want %d\n%s", c.width, n, c.lines, text)
		}
		for line := range strings.Lines(text) {
			if c.width > 0 && width(strings.TrimSpace(line)) > c.width || !strings.Contains(text, b[0].ID) {
				t.Errorf("%d columns: %s", c.width, line)
			}
		}
	}
}

// Files of a batch have long names, which are cut in the middle where they would not
// fit; where even that leaves too little, files are lists with whole names.
func TestFilesOnANarrowScreen(t *testing.T) {
	const name = "logs/AWSLogs/111122223333/CloudTrail/us-west-2/2026/03/02/111122223333_CloudTrail_us-west-2_20260302T0111Z_Tj2GWfI5ZgtlBTpv.json.gz"
	s := statusAnswer{
		Batches: []batchFate{{ID: "fbfd35fe13b7a1d12c3e3813beb706d7", State: "finished"}},
		Files: []fileFate{{File: name, Outcome: "converted",
			Counts: &ledger.Counts{Format: "cloudtrail_events", Lines: 1_234_567, Rows: 1_234_566, Rejected: 1}}},
		Objects: []objectFate{{Name: "lake/cloudtrail_events/dt=2026-03-02/fbfd35fe13b7a1d12c3e3813beb706d7-0000.parquet", Rows: 1_234_566, Bytes: 98_765_432}},
	}
	for wide, cut := range map[int]bool{0: false, 250: false, 140: true, 60: false} {
		var b strings.Builder
		s.writeBatch(screen{terminal: wide > 0, width: wide}, &b)
		text := b.String()
		if strings.Contains(text, name) == cut || !strings.Contains(text, "json.gz") || !strings.Contains(text, "1,234,567") {
			t.Errorf("%d columns: is cut: %v\n%s", wide, !cut, text)
		}
		for line := range strings.Lines(text) {
			if cut && width(strings.TrimSpace(line)) > wide {
				t.Errorf("%d columns: %s", wide, line)
			}
		}
	}
}
