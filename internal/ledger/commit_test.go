package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// staged makes a commit of one object with the given content.
func staged(t *testing.T, d *Dir, key, name, content string) pipeline.Commit {
	t.Helper()
	path := filepath.Join(d.Stage(), key+".parquet")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	files := []pipeline.Object{{Key: key}}
	return pipeline.Commit{
		Batch:   pipeline.BatchID(files),
		Files:   files,
		Objects: []table.Object{{Name: name, Path: path, Bytes: int64(len(content))}},
	}
}

func TestCommit(t *testing.T) {
	const name = "lines/dt=2026-11-22/b-0000.parquet"
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
	refused := func(t *testing.T, d *Dir, c pipeline.Commit, want string) {
		t.Helper()
		if err := d.Commit(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got error %v, want one with %q", err, want)
		}
	}

	t.Run("again", func(t *testing.T) {
		d := setup(t)
		c := staged(t, d, "a", name, "one")
		for range 2 {
			if err := d.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if b, ok := d.Done(c.Files[0]); !ok || b != c.Batch {
			t.Errorf("Done: %q, %v", b, ok)
		}
		if _, ok := d.Done(pipeline.Object{Key: "b"}); ok {
			t.Error("Done says so of another file")
		}
	})
	t.Run("file of another batch", func(t *testing.T) {
		d := setup(t)
		if err := d.Commit(t.Context(), staged(t, d, "a", name, "one")); err != nil {
			t.Fatal(err)
		}
		c := staged(t, d, "b", "lines/dt=2026-11-22/c-0000.parquet", "two")
		c.Files = append(c.Files, pipeline.Object{Key: "a"})
		c.Batch = pipeline.BatchID(c.Files)
		refused(t, d, c, "already")
		if _, ok := d.Done(pipeline.Object{Key: "b"}); ok {
			t.Error("b is done by a refused commit")
		}
	})
	t.Run("never over another file", func(t *testing.T) {
		d := setup(t)
		path := filepath.Join(d.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := staged(t, d, "a", name, "one")
		refused(t, d, c, path+" is there already with other content: move it out")
		if left, err := os.ReadDir(d.path("commits")); err != nil || len(left) > 0 {
			t.Errorf("committed all the same: %v, %v", left, err)
		}
		if b, err := os.ReadFile(path); string(b) != "mine" || err != nil {
			t.Errorf("the file is %q now, %v", b, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(t.Context(), c); err != nil {
			t.Errorf("when it is out of the way: %v", err)
		}
	})
	t.Run("names outside the lake", func(t *testing.T) {
		for _, bad := range []string{"../x.parquet", "/x.parquet", "_sluice/x.parquet", "lines/../../x"} {
			d := setup(t)
			refused(t, d, staged(t, d, "a", bad, "one"), "not a name")
		}
	})
	t.Run("batch that is no id", func(t *testing.T) {
		d := setup(t)
		c := staged(t, d, "a", name, "one")
		c.Batch = "../../x"
		refused(t, d, c, "not a batch id")
	})
	t.Run("ended context", func(t *testing.T) {
		d := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := staged(t, d, "a", name, "one")
		if err := d.Commit(ctx, c); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if _, ok := d.Done(c.Files[0]); ok {
			t.Error("committed nevertheless")
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
