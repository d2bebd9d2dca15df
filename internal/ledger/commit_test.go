package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// attempt is a batch of one file, converted into one object with the given content.
type attempt struct {
	pipeline.Batch
	files  []pipeline.File
	staged []table.Object
}

func begin(t *testing.T, d *Dir, key, name, content string) attempt {
	t.Helper()
	path := filepath.Join(d.Stage(), key+".parquet")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	o := pipeline.Object{Key: key}
	b, err := d.Begin(t.Context(), []pipeline.Object{o})
	if err != nil {
		t.Fatal(err)
	}
	return attempt{b,
		[]pipeline.File{{Object: o, Outcome: pipeline.Converted, Format: "lines", Lines: 1, Rows: 1}},
		[]table.Object{{Name: strings.ReplaceAll(name, "BATCH", b.ID()), Path: path, Rows: 1, Bytes: int64(len(content))}}}
}

func (a attempt) commit(ctx context.Context) error { return a.Commit(ctx, a.files, a.staged) }

func TestCommit(t *testing.T) {
	const name = "lines/dt=2026-11-22/BATCH-0000.parquet"
	setup := func(t *testing.T) *Dir {
		d, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		return d
	}
	refused := func(t *testing.T, d *Dir, a attempt, want string) {
		t.Helper()
		if err := a.commit(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got error %v, want one with %q", err, want)
		}
		if b, done := d.Done(a.files[0].Object); done {
			t.Errorf("it is done all the same, in batch %s", b)
		}
	}

	t.Run("again", func(t *testing.T) {
		d := setup(t)
		a := begin(t, d, "a", name, "one")
		if err := a.commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b, ok := d.Done(a.files[0].Object); !ok || b != a.ID() {
			t.Errorf("Done: %q, %v", b, ok)
		}
		if _, ok := d.Done(pipeline.Object{Key: "b"}); ok {
			t.Error("Done says so of another file")
		}
		again := begin(t, d, "a", name, "one")
		if held := again.Held(); len(held) != 1 || held[0].Batch != a.ID() || !held[0].Until.IsZero() || held[0].Object.Key != "a" {
			t.Errorf("held %+v", held)
		}
		refused(t, setup(t), again, "was not claimed") // one that does not look at what is held
	})
	t.Run("in the hands of another", func(t *testing.T) {
		d := setup(t)
		a := begin(t, d, "a", name, "one")
		second := begin(t, d, "a", name, "one")
		if held := second.Held(); len(held) != 1 || held[0].Batch != a.ID() || held[0].Until.IsZero() {
			t.Errorf("held %+v", held)
		}
		if err := errors.Join(second.Abort(t.Context()), a.Abort(t.Context())); err != nil {
			t.Fatal(err)
		}
		if held := begin(t, d, "a", name, "one").Held(); len(held) > 0 {
			t.Errorf("held after both were aborted: %+v", held)
		}
	})
	t.Run("only skipped", func(t *testing.T) {
		d := setup(t)
		a := begin(t, d, "a", name, "one")
		if err := a.Commit(t.Context(), []pipeline.File{{Object: a.files[0].Object, Reason: "no log"}}, nil); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(d.path("commits")); err != nil || len(left) > 0 {
			t.Errorf("remembered for ever, each time that it is looked at: %v, %v", left, err)
		}
	})
	t.Run("many files", func(t *testing.T) {
		files := make([]pipeline.Object, maxFiles+1)
		for i := range files {
			files[i].Key = fmt.Sprint(i)
		}
		if b, err := setup(t).Begin(t.Context(), files); err != nil || len(b.Held()) > 0 {
			t.Errorf("%v, %v", b, err)
		}
	})
	t.Run("never over another file", func(t *testing.T) {
		d := setup(t)
		a := begin(t, d, "a", name, "one")
		path := filepath.Join(d.root, filepath.FromSlash(a.staged[0].Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, d, a, path+" is there already with other content: move it out")
		if left, err := os.ReadDir(d.path("commits")); err != nil || len(left) > 0 {
			t.Errorf("committed all the same: %v, %v", left, err)
		}
		if b, err := os.ReadFile(path); string(b) != "mine" || err != nil {
			t.Errorf("the file is %q now, %v", b, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := begin(t, d, "a", name, "one").commit(t.Context()); err != nil {
			t.Errorf("when it is out of the way: %v", err)
		}
	})
	t.Run("names outside the lake", func(t *testing.T) {
		for _, bad := range []string{"../x.parquet", "/x.parquet", "_sluice/x.parquet", "lines/../../x"} {
			d := setup(t)
			refused(t, d, begin(t, d, "a", bad, "one"), "not a name")
		}
	})
}

// TestLease adds what is left of the time of whoever begins a batch.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{Store: NewRecordStore(NewMemory(), rand.Reader), Objects: nowhere{new([]string)}, Lease: time.Minute, Now: time.Now})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		for ctx, want := range map[context.Context]time.Duration{t.Context(): time.Minute, ctx: 6 * time.Minute} {
			a, err := l.Begin(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := l.store.Batch(ctx, a.ID); err != nil || time.Until(b.Until) != want {
				t.Errorf("until %s, %v, want %s from now", b.Until, err, want)
			}
		}
	})
}

func TestOpenEmptiesTheStage(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "_sluice", "stage", "w-1")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "half.parquet"), []byte("PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(d.Stage()); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
