package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func object(key string) pipeline.Object {
	return pipeline.Object{Bucket: "logs", Key: key, Version: "v1", Size: 10}
}

func convertedFile(o pipeline.Object, lines int64) pipeline.File {
	return pipeline.File{Object: o, Outcome: pipeline.Converted, Format: "lines", Lines: lines, Rows: lines, BytesIn: o.Size}
}

// stagedFor makes an object of a batch on the disk.
func stagedFor(t *testing.T, d *Dir, a *Attempt, rows int64) []table.Object {
	t.Helper()
	path := filepath.Join(d.Stage(), a.ID)
	if err := os.WriteFile(path, []byte("PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	return []table.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet", Path: path, Rows: rows, Bytes: 4}}
}

func openDir(t *testing.T, dir string) *Dir {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestDirectory drives a lake on a laptop by the same protocol as one in AWS.
func TestDirectory(t *testing.T) {
	ctx, root := t.Context(), t.TempDir()
	d := openDir(t, root)
	l := d.Ledger(func() time.Time { return noon })
	files := []pipeline.Object{object("a"), object("b"), object("c"), object("d")}
	a, err := l.Begin(ctx, files)
	if err != nil || len(a.Taken) != 4 || a.ID != pipeline.BatchID(files) {
		t.Fatalf("%+v, %v", a, err)
	}
	other, err := l.Begin(ctx, files[:1])
	if err != nil || len(other.Busy) != 1 || other.Busy[0].Batch != a.ID {
		t.Fatalf("claimed by both: %+v, %v", other, err)
	}
	if err := other.Commit(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	err = a.Commit(ctx, []pipeline.File{
		convertedFile(files[0], 2), convertedFile(files[1], 3),
		{Object: files[2], Outcome: pipeline.Skipped, Reason: "not a log"},
		{Object: files[3], Outcome: pipeline.Failed, Err: errors.New("cut")},
	}, stagedFor(t, d, a, 5))
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Begin(ctx, files)
	if err != nil || len(again.Done) != 2 || len(again.Taken) != 2 || again.ID == a.ID {
		t.Fatalf("the same files again: %+v, %v", again, err)
	}
	if err := again.Abort(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Sweep(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	h := NewHistory(InDir(root)) // without the lock
	for key, want := range map[string]string{"a": "in", "b": "in", "c": "skipped: not a log", "d": "failed: cut", "e": "never came"} {
		all, err := h.File(ctx, "logs", key)
		if err != nil {
			t.Fatal(err)
		}
		got := "never came"
		if len(all) == 1 && all[0].In {
			got = "in"
		} else if len(all) == 1 {
			got = all[0].File.Outcome + ": " + all[0].File.Reason
		}
		if got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	b, c, err := h.Batch(ctx, a.ID)
	if err != nil || b.State != Finished || len(c.Objects) != 1 {
		t.Errorf("batch %+v, %+v, %v", b, c, err)
	}
	if want := (Totals{Files: 2, Skipped: 1, Failed: 1, Lines: 5, Rows: 5, Bytes: 20, Objects: 1}); b.Totals != want {
		t.Errorf("totals %+v, want %+v", b.Totals, want)
	}
	for from, want := range map[time.Time]int{noon: 1, noon.Add(time.Second): 0} {
		n := 0
		for _, err := range h.Since(ctx, from, noon.Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("since %s: %d batches, want %d", from, n, want)
		}
	}
	if _, _, err := h.Batch(ctx, "../../etc"); !errors.Is(err, ErrUnknown) {
		t.Errorf("no batch id: %v", err)
	}

	// What was left is taken by the next process, what is in the lake is not.
	d = openDir(t, root)
	for key, want := range map[string]bool{"a": true, "c": false, "d": false} {
		if _, ok := d.Done(object(key)); ok != want {
			t.Errorf("%s is done: %v, want %v", key, ok, want)
		}
	}
}

func memoryLedger(records Records, o Objects) *Ledger {
	return New(Config{
		Store: NewRecordStore(records, rand.Reader), Objects: o,
		Lease: time.Hour, Now: func() time.Time { return noon },
	})
}

// nowhere keeps no object, and tells what it was asked.
type nowhere struct{ asked *[]string }

func (n nowhere) Put(context.Context, string, []table.Object) error { return n.add("put") }
func (n nowhere) Place(context.Context, string, []Object) error     { return n.add("place") }
func (n nowhere) Drop(context.Context, string) error                { return n.add("drop") }
func (n nowhere) Batches(context.Context) ([]string, error)         { return nil, n.add("batches") }
func (n nowhere) add(what string) error                             { *n.asked = append(*n.asked, what); return nil }

// TestAccountingRefused holds a commit to what it says.
func TestAccountingRefused(t *testing.T) {
	o := object("a")
	bad := convertedFile(o, 3)
	bad.Rows = 2
	for name, c := range map[string]struct {
		files  []pipeline.File
		rows   int64
		object string
		want   string
	}{
		"a line lost":          {[]pipeline.File{bad}, 2, "", "neither row nor reject"},
		"twice":                {[]pipeline.File{convertedFile(o, 1), convertedFile(o, 1)}, 2, "", "twice"},
		"never claimed":        {[]pipeline.File{convertedFile(object("b"), 1)}, 1, "", "not claimed"},
		"a row lost":           {[]pipeline.File{convertedFile(o, 3)}, 2, "", "1 rows are missing"},
		"object of another":    {[]pipeline.File{convertedFile(o, 3)}, 3, "lines/dt=2026-11-22/other-0000.parquet", "not of this batch"},
		"outside of the lake":  {[]pipeline.File{convertedFile(o, 3)}, 3, "../%s.parquet", "not a name"},
		"hidden from everyone": {[]pipeline.File{convertedFile(o, 3)}, 3, "_x/%s.parquet", "not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			m := NewMemory()
			l := memoryLedger(m, nowhere{&asked})
			a, err := l.Begin(t.Context(), []pipeline.Object{o})
			if err != nil {
				t.Fatal(err)
			}
			if c.object == "" {
				c.object = "lines/dt=2026-11-22/%s-0000.parquet"
			}
			staged := []table.Object{{Name: strings.ReplaceAll(c.object, "%s", a.ID), Rows: c.rows}}
			if err := a.Commit(t.Context(), c.files, staged); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if !slices.Equal(asked, []string{"drop"}) {
				t.Errorf("asked for %q", asked)
			}
			if a, err = l.Begin(t.Context(), []pipeline.Object{o}); err != nil || len(a.Taken) != 1 {
				t.Errorf("the file is not free: %+v, %v", a, err)
			}
		})
	}
}

// TestNoTrace is a batch that nothing came of.
func TestNoTrace(t *testing.T) {
	var asked []string
	m := NewMemory()
	l := memoryLedger(m, nowhere{&asked})
	o := object("a")
	a, err := l.Begin(t.Context(), []pipeline.Object{o})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(t.Context(), []pipeline.File{{Object: o, Outcome: pipeline.Failed, Err: errors.New("cut")}}, nil); err != nil {
		t.Fatal(err)
	}
	h := NewHistory(NewRecordStore(m, nil))
	if all, err := h.File(t.Context(), "logs", "a"); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := NewRecordStore(m, nil).Entry(t.Context(), a.ID); !errors.Is(err, errGone) {
		t.Errorf("entry: %v", err)
	}
	if slices.Contains(asked, "put") || slices.Contains(asked, "place") {
		t.Errorf("asked for %q", asked)
	}
	if err := a.Abort(t.Context()); err != nil {
		t.Errorf("abort again: %v", err)
	}
}

// TestLateClaim is a claim that overtakes nobody: its batch was told that the
// file is busy, and commits without it. Then the claim arrives.
func TestLateClaim(t *testing.T) {
	ctx := t.Context()
	var asked []string
	m := NewMemory()
	l := memoryLedger(m, nowhere{&asked})
	f, g := object("f"), object("g")
	other, err := l.Begin(ctx, []pipeline.Object{f})
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Begin(ctx, []pipeline.Object{f, g})
	if err != nil || len(a.Busy) != 1 || len(a.Taken) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := other.Abort(ctx); err != nil {
		t.Fatal(err)
	}
	late := fileRecord(f)
	late.Says, late.Body = a.ID, []byte("{}")
	if got, err := m.Swap(ctx, []Change{{late, ""}}); err != nil || got[0].Says != a.ID {
		t.Fatalf("the claim of f has no effect: %+v, %v", got, err)
	}
	staged := []table.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 1}}
	if err := a.Commit(ctx, []pipeline.File{convertedFile(g, 1)}, staged); err != nil {
		t.Fatal(err)
	}
	next, err := l.Begin(ctx, []pipeline.Object{f, g})
	if err != nil || len(next.Taken) != 1 || next.Taken[0] != f || len(next.Done) != 1 {
		t.Errorf("f was not converted by anyone: %+v, %v", next, err)
	}
}

func TestTooManyFiles(t *testing.T) {
	var asked []string
	files := make([]pipeline.Object, maxFiles+1)
	if _, err := memoryLedger(NewMemory(), nowhere{&asked}).Begin(t.Context(), files); err == nil {
		t.Error("no error")
	}
}

// TestSplit reads a commit back from parts of any size.
func TestSplit(t *testing.T) {
	c := Commit{Batch: strings.Repeat("0", 32), Time: noon}
	for i := range 50 {
		o := object(fmt.Sprintf("é<\"%d", i))
		if i == 7 {
			o.Key = "no utf-8 \xff"
		}
		f := Account(convertedFile(o, int64(i)))
		c.Files = append(c.Files, f)
	}
	for i := range 3 {
		c.Objects = append(c.Objects, Object{Name: fmt.Sprintf("lines/dt=2026-11-22/%d.parquet", i), Rows: int64(i)})
	}
	for _, limit := range []int{1, 300, 1000, perPart} {
		m := NewMemory()
		s := NewRecordStore(m, nil)
		parts, err := split(c, limit)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			if len(p) > limit+200 && limit > 1 {
				t.Errorf("part %d has %d bytes, limit %d", i, len(p), limit)
			}
			r := Record{Partition: "m#" + c.Batch, Sort: partName(i), Says: c.Batch, Body: p}
			if _, err := m.Swap(t.Context(), []Change{{r, ""}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.write(t.Context(), Record{Partition: "b#1970-01-01", Sort: c.Batch, Says: string(Finished)}, "", Batch{Parts: len(parts)}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Entry(t.Context(), c.Batch)
		if err != nil {
			t.Fatal(err)
		}
		got.Files[7].Key = c.Files[7].Key // shown as JSON can; the id is the file's all the same
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("limit %d: (-want +got)\n%s", limit, diff)
		}
		if _, err := s.write(t.Context(), Record{Partition: "b#1970-01-01", Sort: c.Batch, Says: string(Committed)}, string(Finished), Batch{Parts: len(parts) + 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Entry(t.Context(), c.Batch); err == nil {
			t.Error("a part is missing, and no error")
		}
	}
}

// TestNames are in the order of time, and of no use twice.
func TestNames(t *testing.T) {
	s := NewRecordStore(NewMemory(), rand.Reader)
	last := ""
	for i := range 100 {
		at := noon.Add(time.Duration(i) * time.Millisecond)
		id, err := s.Name(nil, at)
		if err != nil || !isBatchID(id) || id <= last {
			t.Fatalf("%q after %q, %v", id, last, err)
		}
		if got, ok := begun(id); !ok || !got.Equal(at) {
			t.Fatalf("begun %s, want %s", got, at)
		}
		last = id
	}
	if _, err := NewRecordStore(NewMemory(), strings.NewReader("short")).Name(nil, noon); err == nil {
		t.Error("a name without a number")
	}
}

// aged hides what a database may have removed by then.
type aged struct {
	*Memory
	now time.Time
}

func (a *aged) gone(r Record) bool { return !r.Expires.IsZero() && r.Expires.Before(a.now) }

func (a *aged) Swap(ctx context.Context, changes []Change) ([]Record, error) {
	for _, c := range changes {
		if r, _ := a.Memory.Get(ctx, c.Partition, c.Sort); a.gone(r) {
			if _, err := a.Memory.Swap(ctx, []Change{{Record{Partition: r.Partition, Sort: r.Sort}, r.Says}}); err != nil {
				return nil, err
			}
		}
	}
	return a.Memory.Swap(ctx, changes)
}

func (a *aged) Get(ctx context.Context, partition, sort string) (Record, error) {
	r, err := a.Memory.Get(ctx, partition, sort)
	if a.gone(r) {
		return Record{}, err
	}
	return r, err
}

// TestNeverTwice: a backfill brings files that were converted decades ago, and
// others that were given up then.
func TestNeverTwice(t *testing.T) {
	var asked []string
	m := &aged{NewMemory(), noon}
	l := New(Config{Store: NewRecordStore(m, rand.Reader), Objects: nowhere{&asked}, Lease: time.Hour, Now: func() time.Time { return m.now }})
	done, given := object("done"), object("given up")
	if _, err := l.Begin(t.Context(), []pipeline.Object{given}); err != nil {
		t.Fatal(err)
	}
	a, err := l.Begin(t.Context(), []pipeline.Object{done})
	if err != nil {
		t.Fatal(err)
	}
	staged := []table.Object{{Name: "lines/dt=2026-11-22/" + a.ID + "-0000.parquet", Rows: 3}}
	if err := a.Commit(t.Context(), []pipeline.File{convertedFile(done, 3)}, staged); err != nil {
		t.Fatal(err)
	}
	m.now = noon.AddDate(30, 0, 0)
	b, err := l.Begin(t.Context(), []pipeline.Object{done, given})
	if err != nil || len(b.Done) != 1 || b.Done[0].File.Key != "done" || len(b.Taken) != 1 {
		t.Errorf("after thirty years: %+v, %v", b, err)
	}
	all, err := NewHistory(NewRecordStore(m, nil)).File(t.Context(), done.Bucket, "done")
	if err != nil || len(all) != 1 || !all[0].In || len(all[0].Objects) != 1 {
		t.Errorf("what is known of it: %+v, %v", all, err)
	}
}
