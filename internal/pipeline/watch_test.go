package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/internal/logs"
)

// diary is a watch that writes down what it is told.
type diary struct{ told []string }

func (d *diary) tell(format string, args ...any) {
	d.told = append(d.told, fmt.Sprintf(format, args...))
}

func (d *diary) Begin(o Object) { d.tell("begin %s", o.Key) }
func (d *diary) Row(row any)    { d.tell("row %s", row.(*saying).Said) }
func (d *diary) End(f File)     { d.tell("end %s %v %d", f.Object.Key, f.Outcome, f.Rows) }

func watching(t *testing.T, c Config) (*Pipeline, *diary) {
	t.Helper()
	d := &diary{}
	c.Routes, c.Watch = []Route{To(sayings("said", "20 ")), To(sayings("cried", "20!"))}, d
	if !c.NoTables {
		c.Stage = t.TempDir()
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, d
}

// TestWatch sees the same with tables and without.
func TestWatch(t *testing.T) {
	src := source{
		"a":      text("20 1 one\n20 ?\n20 2 two\n"),
		"broken": text("20 1 half\n20 lost\n"),
		"digest": text("20 1 x\n"),
		"gone":   func() (io.ReadCloser, error) { return nil, os.ErrNotExist },
		"z.gz":   text(zipped(t, "20 3 three")),
	}
	want := []string{
		"begin a", "row 20 1 one", "row 20 2 two", "end a converted 2",
		"begin broken", "row 20 1 half", "end broken failed 0",
		"begin z.gz", "row 20 3 three", "end z.gz converted 1",
	}
	for _, no := range []bool{false, true} {
		p, d := watching(t, Config{NoTables: no})
		var l lake
		run(t, p, &l, src, "a", "broken", "digest", "gone", "z.gz")
		if !slices.Equal(d.told, want) {
			t.Errorf("tables %v: told\n%q, want\n%q", !no, d.told, want)
		}
	}
}

func TestNoTables(t *testing.T) {
	p, _ := watching(t, Config{NoTables: true})
	src := source{"a": text("20 1 one or two\n20 ?\n20 2 x\n"), "b": text("20 1 x\n20 lost\n")}
	res, err := p.Run(t.Context(), src, nil, []Object{object("a"), object("b")})
	if err != nil {
		t.Fatal(err)
	}
	a, b := res.Files[0], res.Files[1]
	if a.Outcome != Converted || a.Lines != 3 || a.Rows != 2 || a.Rejected != 1 || a.Ambiguous != 1 || a.Reasons["doubt"] != 1 {
		t.Errorf("a: %+v", a)
	}
	if b.Outcome != Failed || !strings.Contains(b.Err.Error(), "neither row nor reject") {
		t.Errorf("b: %+v", b)
	}
	if res.Batch != "" || res.Objects != nil {
		t.Errorf("a batch of nothing is %q, %v", res.Batch, res.Objects)
	}
}

// TestWatchOfAbortedBatch ends what was begun also where the batch is lost.
func TestWatchOfAbortedBatch(t *testing.T) {
	t.Run("interrupted", func(t *testing.T) {
		p, d := watching(t, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		src := source{"a": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("20 1 x\n", 20_000)), stops{cancel})), nil
		}}
		if _, err := p.Run(ctx, src, &lake{t: t}, []Object{object("a")}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if n := len(d.told); d.told[0] != "begin a" || d.told[n-1] != "end a failed 0" || n < 3 {
			t.Errorf("told %d things, last %q", n, d.told[n-1])
		}
	})
	t.Run("stage lost", func(t *testing.T) {
		p, d := watching(t, Config{})
		full := errors.New("disk full")
		p.rejected = badTable{p.rejected, &stageError{full}}
		_, err := p.Run(t.Context(), source{"a": text("20 1 x\n20 ?\n")}, &lake{t: t}, []Object{object("a")})
		if !errors.Is(err, full) {
			t.Fatal(err)
		}
		if want := []string{"begin a", "row 20 1 x", "end a failed 0"}; !slices.Equal(d.told, want) {
			t.Errorf("told %q, want %q", d.told, want)
		}
	})
}

// TestPanicOfTable loses the batch: what the table holds is not known any more.
func TestPanicOfTable(t *testing.T) {
	p, d := watching(t, Config{})
	p.rejected = badTable{writer: p.rejected}
	l := lake{t: t}
	_, err := p.Run(t.Context(), source{"a": text("20 1 x\n20 ?\n"), "b": text("20 1 y\n")}, &l, []Object{object("a"), object("b")})
	if err == nil || !strings.Contains(err.Error(), "BUG: panic: no such table") || len(l.commits) > 0 || l.open != 0 {
		t.Errorf("%v, commits %+v, %d open", err, l.commits, l.open)
	}
	if want := []string{"begin a", "row 20 1 x", "end a failed 0"}; !slices.Equal(d.told, want) {
		t.Errorf("told %q, want %q", d.told, want)
	}
}

// TestPanicOfWatch takes one file.
func TestPanicOfWatch(t *testing.T) {
	p, d := watching(t, Config{})
	p.watch = panics{d}
	l := lake{}
	res := run(t, p, &l, source{"a": text("20 1 x\n"), "b": text("20 1 panicking\n"), "c": text("20 1 z\n")}, "a", "b", "c")
	if f := res.Files[1]; f.Outcome != Failed || !strings.Contains(f.Err.Error(), "BUG: panic: seen") || len(l.rows["said"]) != 2 {
		t.Errorf("%+v, rows %q", f, l.rows)
	}
	if want := []string{"begin a", "row 20 1 x", "end a converted 1", "begin b", "end b failed 0", "begin c", "row 20 1 z", "end c converted 1"}; !slices.Equal(d.told, want) {
		t.Errorf("told %q, want %q", d.told, want)
	}
}

type panics struct{ *diary }

func (p panics) Row(row any) {
	if strings.Contains(string(row.(*saying).Said), "panicking") {
		panic("seen")
	}
	p.diary.Row(row)
}

// stops ends a context where it is read, as an interrupt does.
type stops struct{ cancel context.CancelFunc }

func (s stops) Read([]byte) (int, error) {
	s.cancel()
	return 0, io.EOF
}

// badTable is a table of rejects that cannot be written.
type badTable struct {
	writer[logs.Rejected]
	err error
}

func (b badTable) Write(*logs.Rejected) error {
	if b.err == nil {
		panic("no such table")
	}
	return b.err
}

// BenchmarkRows is the cost of the pipeline per row without tables; a watch must
// add no allocation to it.
func BenchmarkRows(b *testing.B) {
	src := source{"a": text(strings.Repeat("20 1 some words\n", 10_000))}
	for _, c := range []struct {
		name  string
		watch Watch
	}{{"blind", nil}, {"watched", &counter{}}} {
		b.Run(c.name, func(b *testing.B) {
			p, err := New(Config{Routes: []Route{To(sayings("said", "20 "))}, Watch: c.watch, NoTables: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				res, err := p.Run(b.Context(), src, nil, []Object{object("a")})
				if err != nil || res.Files[0].Rows != 10_000 {
					b.Fatal(res, err)
				}
			}
		})
	}
}

type counter struct{ rows int }

func (c *counter) Begin(Object) {}
func (c *counter) Row(row any)  { c.rows += len(row.(*saying).Said) }
func (c *counter) End(File)     {}
