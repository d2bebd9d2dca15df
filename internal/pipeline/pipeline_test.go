package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/logs"
	"sluice/internal/table"
)

func TestBatch(t *testing.T) { everyWay(t, testBatch) }

func testBatch(t *testing.T, p *Pipeline) {
	src := source{
		"a":    text("20 1 one\n20 2 this or that\n20 ?\n"),
		"b.gz": text(zipped(t, "20 1 x\n", "20 1 y")),
		"cry":  text("20!\n"),
	}
	for range 2 { // a pipeline is used again and again
		var l lake
		res := run(t, p, &l, src, "a", "b.gz", "cry")
		a, b := res.Files[0], res.Files[1]
		if a.Outcome != Converted || a.Format != "said" || a.Lines != 3 || a.Rows != 2 || a.Rejected != 1 || a.Ambiguous != 1 || a.Unaccounted() != 0 {
			t.Errorf("a: %+v", a)
		}
		if !maps.Equal(a.Reasons, map[logs.Reason]int64{"doubt": 1}) || b.Reasons != nil {
			t.Errorf("rejected because of %v and %v", a.Reasons, b.Reasons)
		}
		if b.Outcome != Converted || b.Rows != 2 || b.BytesText != 13 || b.BytesIn != int64(len(zipped(t, "20 1 x\n", "20 1 y"))) {
			t.Errorf("b.gz: %+v", b)
		}
		if f := res.Files[2].Format; f != "cried" {
			t.Errorf("cry went to %q", f)
		}
		want := []string{"86400000|20 1 one|a", "86400000|20 1 x|b.gz", "86400000|20 1 y|b.gz", "172800000|20 2 this or that|a"}
		if got := l.rows["said"]; !slices.Equal(got, want) {
			t.Errorf("said:\n got %q\nwant %q", got, want)
		}
		if got, want := l.rows["rejected"], []string{"777600000|said|doubt|no words|20 ?|a|3"}; !slices.Equal(got, want) {
			t.Errorf("rejected:\n got %q\nwant %q", got, want)
		}
		c := l.commits[0]
		if c.Batch != res.Batch || len(c.Files) != 3 || c.Files[0].Rows != 2 {
			t.Errorf("commit %s of %v", c.Batch, c.Files)
		}
		var names []string
		for _, o := range res.Objects {
			names = append(names, strings.ReplaceAll(o.Name, res.Batch, "B"))
		}
		if want := []string{"said/dt=1970-01-02/B-0000.parquet", "said/dt=1970-01-03/B-0000.parquet", "cried/dt=1970-01-01/B-0000.parquet", "rejected/dt=1970-01-10/B-0000.parquet"}; !slices.Equal(names, want) {
			t.Errorf("objects %q, want %q", names, want)
		}
	}
}

func TestBatchIsNamedByItsFiles(t *testing.T) {
	a, b := Object{Key: "a"}, Object{Key: "b"}
	if one, two := BatchID([]Object{a, b}), BatchID([]Object{b, a}); one != two || len(one) != 32 {
		t.Errorf("same files, batches %q and %q", one, two)
	}
	if BatchID([]Object{a, b}) == BatchID([]Object{a}) {
		t.Error("other files, same batch")
	}
	if (Object{Bucket: "ab", Key: "c"}).ID() == (Object{Bucket: "a", Key: "bc"}).ID() {
		t.Error("bucket and key run together in ids")
	}
}

// TestHeld leaves files to the batches that have them.
func TestHeld(t *testing.T) {
	p := newPipeline(t)
	until := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	l := lake{held: []Held{{Object: object("done"), Batch: "b1"}, {Object: object("busy"), Batch: "b2", Until: until}}}
	src := source{"a": text("20 1 x\n")} // the others are not even opened
	res := run(t, p, &l, src, "a", "done", "busy", "done")
	done, busy := res.Files[1], res.Files[2]
	if done.Outcome != Skipped || done.Before != "b1" || done.Reason != "converted before, in batch b1" {
		t.Errorf("done: %+v", done)
	}
	if busy.Outcome != Failed || !errors.Is(busy.Err, ErrBusy) || !strings.Contains(busy.Err.Error(), "batch b2, until 2026-11-22T10:00:00Z") {
		t.Errorf("busy: %+v", busy)
	}
	if f := l.commits[0].Files; len(f) != 1 || f[0].Object.Key != "a" || len(l.rows["said"]) != 1 {
		t.Errorf("committed %+v, rows %q", f, l.rows)
	}
	l = lake{held: l.held[:1]}
	if res := run(t, p, &l, src, "done"); res.Batch != "" || len(l.commits[0].Files) > 0 {
		t.Errorf("nothing to do: %+v, committed %+v", res, l.commits)
	}
}

// TestEmptyMembers is what a logger that flushes a lot leaves behind.
func TestEmptyMembers(t *testing.T) {
	p := newPipeline(t)
	var l lake
	f := run(t, p, &l, source{"a": text(zipped(t, "20 1 x\n") + strings.Repeat(zipped(t, ""), 500) + zipped(t, "20 1 y\n"))}, "a").Files[0]
	if f.Outcome != Converted || f.Rows != 2 {
		t.Errorf("%+v", f)
	}
}

func TestListedTwice(t *testing.T) {
	p := newPipeline(t)
	var l lake
	res := run(t, p, &l, source{"a": text("20 1 x\n")}, "a", "a")
	if res.Files[0].Outcome != Converted || res.Files[1].Outcome != Skipped {
		t.Errorf("%+v", res.Files)
	}
	if n := len(l.rows["said"]); n != 1 {
		t.Errorf("%d rows of a file listed twice", n)
	}
}

func TestCommitFails(t *testing.T) { everyWay(t, testCommitFails) }

func testCommitFails(t *testing.T, p *Pipeline) {
	src := source{"a": text("20 1 a\n20 ?\n")}
	refused := errors.New("refused")
	for _, l := range []*lake{{t: t, fail: refused}, {t: t, refuse: refused}} {
		res, err := p.Run(t.Context(), src, l, []Object{object("a")})
		if !errors.Is(err, refused) || len(res.Files) != 0 || l.open != 0 {
			t.Fatalf("%+v, %v, %d batches open", res, err, l.open)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.stage, "*")); len(left) > 0 {
		t.Errorf("staged files left: %v", left)
	}
	var l lake
	run(t, p, &l, src, "a")
	if n := len(l.rows["said"]); n != 1 {
		t.Errorf("%d rows after a failed commit, want 1", n)
	}
}

func TestStageFails(t *testing.T) { everyWay(t, testStageFails) }

func testStageFails(t *testing.T, p *Pipeline) {
	src := source{"a": text("20 1 a\n")}
	stage := p.stage
	if err := os.Remove(stage); err != nil {
		t.Fatal(err)
	}
	l := lake{t: t}
	if _, err := p.Run(t.Context(), src, &l, []Object{object("a")}); err == nil {
		t.Error("no error without a stage")
	}
	if len(l.commits) > 0 || l.open != 0 {
		t.Errorf("%d committed, %d open", len(l.commits), l.open)
	}
	if err := os.Mkdir(stage, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, p, &l, src, "a")
	if n := len(l.rows["said"]); n != 1 {
		t.Errorf("%d rows after the stage is back, want 1", n)
	}
}

// refusing is a sink that cannot finish its objects.
type refusing struct {
	sink
	err error
}

func (s refusing) Close(string) ([]table.Object, error) { return nil, s.err }

// TestCloseFails holds that what earlier tables staged goes with the batch; that
// the stage is empty is what newPipeline checks in the end.
func TestCloseFails(t *testing.T) { everyWay(t, testCloseFails) }

func testCloseFails(t *testing.T, p *Pipeline) {
	full, l := errors.New("disk full"), lake{t: t}
	src := source{"a": text("20 1 a\n20 ?\n"), "cry": text("20!\n")}
	sound := p.sinks[1]
	p.sinks[1] = refusing{sound, full}
	res, err := p.Run(t.Context(), src, &l, []Object{object("a"), object("cry")})
	if !errors.Is(err, full) || len(res.Objects) > 0 || len(l.commits) > 0 || l.open != 0 {
		t.Errorf("%+v, %v, %d commits, %d batches open", res, err, len(l.commits), l.open)
	}
	if left, err := filepath.Glob(filepath.Join(p.stage, "*")); err != nil || len(left) > 0 {
		t.Errorf("staged files left: %v, %v", left, err)
	}
	p.sinks[1] = sound
	run(t, p, &l, src, "a", "cry")
	if len(l.rows["said"]) != 1 || len(l.rows["cried"]) != 1 {
		t.Errorf("rows after it: %q", l.rows)
	}
}

func TestEndedContext(t *testing.T) { everyWay(t, testEndedContext) }

func testEndedContext(t *testing.T, p *Pipeline) {
	ctx, cancel := context.WithCancel(t.Context())
	src := source{"a": text("20 1 a\n"), "b": func() (io.ReadCloser, error) { cancel(); return nil, errors.New("hung up") }}
	l := lake{t: t}
	_, err := p.Run(ctx, src, &l, []Object{object("a"), object("b")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(l.commits) > 0 || l.open != 0 {
		t.Errorf("%d committed, %d batches not given back", len(l.commits), l.open)
	}
	if strings.Count(err.Error(), context.Canceled.Error()) > 1 {
		t.Errorf("given back with a context that had ended: %v", err)
	}
}

func TestProgress(t *testing.T) {
	var size, lines int64
	p, err := New(Config{
		Routes: []Route{To(sayings("said", "20 "))}, Stage: t.TempDir(),
		Progress: func(b, n int64) { size += b; lines += n },
	})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("20 1 some words that fill pages\n", 9000)
	run(t, p, &lake{}, source{"a": text(long), "b": text(zipped(t, long))}, "a", "b")
	if want := int64(len(long) + len(zipped(t, long))); size != want || lines != 18000 {
		t.Errorf("told of %d bytes, %d lines, want %d and 18000", size, lines, want)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRejectedRaw(t *testing.T) {
	for _, c := range []struct{ line, raw, detail string }{
		{"20 ? plain", "20 ? plain", "no words"},
		{`20 ? \x`, `20 ? \x`, "no words"},
		{"20 ? \xff\\x", `20 ? \xFF\\x`, "no words; raw escaped: bytes that are not UTF-8 stand as \\xHH, backslashes are doubled"},
		{"20 ? " + strings.Repeat("ü", maxRaw), "20 ? " + strings.Repeat("ü", (maxRaw-5)/2), fmt.Sprintf("no words; raw cut to %d of %d bytes", maxRaw-1, 5+2*maxRaw)},
	} {
		p := newPipeline(t)
		var l lake
		run(t, p, &l, source{"a": text(c.line + "\n")}, "a")
		want := "777600000|said|doubt|" + c.detail + "|" + c.raw + "|a|1"
		if got := l.rows["rejected"]; len(got) != 1 || got[0] != want {
			t.Errorf("%.20q: got %.90q, want %.90q", c.line, got, want)
		}
	}
}

func TestDated(t *testing.T) {
	for _, c := range []struct {
		o    Object
		want string
	}{
		{Object{Key: "x", Modified: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)}, "2026-11-22T01:02:03Z"},
		{Object{Key: "x/2020-01-01", Modified: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)}, "2020-01-01T00:00:00Z"},
		{Object{Key: "backup-2020-01-01/2026/11/21/2026-11-22-00-00-00-ABC"}, "2026-11-22T00:00:00Z"},
		{Object{Key: "logs/2026-11-22-01-02-03-ABC"}, "2026-11-22T00:00:00Z"},
		{Object{Key: "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/x.json.gz"}, "2026-11-22T00:00:00Z"},
		{Object{Key: "2026-13-22/9999/2026/02/30/x"}, "1970-01-01T00:00:00Z"},
		{Object{Key: "x"}, "1970-01-01T00:00:00Z"},
	} {
		if got := dated(c.o).Go().Format(time.RFC3339); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
}

func TestKeyThatIsNotUTF8(t *testing.T) {
	p := newPipeline(t)
	var l lake
	run(t, p, &l, source{"a\xff": text("20 1 x\n")}, "a\xff")
	if got, want := l.rows["said"], []string{`86400000|20 1 x|a\xFF`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNew(t *testing.T) {
	said := To(sayings("said", "20 "))
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"two of a table", Config{Routes: []Route{said, said}, Stage: t.TempDir()}, "two formats"},
		{"rejected is ours", Config{Routes: []Route{To(sayings("rejected", ""))}, Stage: t.TempDir()}, "two formats"},
		{"no stage", Config{Stage: filepath.Join(t.TempDir(), "none")}, "staging directory"},
		{"broken table", Config{Routes: []Route{To(logs.Format[struct{}]{Table: logs.Table[struct{}]{Name: "x"}})}, Stage: t.TempDir()}, "table x"},
	} {
		if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// BenchmarkSmallFiles is what S3 delivers: a thousand files of a hundred lines.
func BenchmarkSmallFiles(b *testing.B) {
	p := newPipeline(b)
	var objs []Object
	src := source{}
	lines := 0
	for i := range 1000 {
		var s strings.Builder
		for j := range 100 {
			fmt.Fprintf(&s, "20 %d some words that were said %d times\n", i%2, j)
			lines++
		}
		key := fmt.Sprint("logs/", i)
		src[key] = text(s.String())
		objs = append(objs, object(key))
	}
	b.ReportAllocs()
	for b.Loop() {
		l := lines
		res, err := p.Run(b.Context(), src, noLake{}, objs)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range res.Files {
			l -= int(f.Rows)
		}
		if l != 0 || len(res.Objects) != 2 {
			b.Fatalf("%d rows lacking, %d objects", l, len(res.Objects))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(objs)), "us/file")
}
