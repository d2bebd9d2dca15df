package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// line is a row of a format of its own: "2026-11-22 words", one a line.
type line struct {
	When logs.Time `col:"when_"`
	Said logs.Text `col:"said"`
}

var format = logs.Format[line]{
	Table:     logs.Table[line]{Name: "lines", Time: func(l *line) logs.Time { return l.When }},
	Match:     func(string, []byte) (bool, string) { return true, "" },
	NewReader: func() logs.Reader[line] { return reader{} },
}

type reader struct{}

func (reader) Read(in *logs.Input, r io.Reader) iter.Seq2[*line, error] {
	return func(yield func(*line, error) bool) {
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			in.Lines++
			day, _, _ := strings.Cut(sc.Text(), " ")
			t, err := time.Parse(time.DateOnly, day)
			if err != nil {
				if !yield(nil, &logs.BadRecord{Line: in.Lines, Time: in.Dated, Reason: "time", Raw: sc.Bytes()}) {
					return
				}
				continue
			}
			if !yield(&line{logs.TimeOf(t), logs.Text(sc.Text())}, nil) {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// source is files by key.
type source map[string]string

func (s source) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s[o.Key])), nil
}

func (s source) objects() []pipeline.Object {
	var objs []pipeline.Object
	for _, key := range slices.Sorted(maps.Keys(s)) {
		objs = append(objs, pipeline.Object{Key: key, Version: "1", Size: int64(len(s[key]))})
	}
	return objs
}

// delivered is four files: several days, a reject.
var delivered = source{
	"a": "2026-11-22 a1\n2026-11-23 a2\n",
	"b": "2026-11-22 b1\nno time\n2026-11-24 b2\n",
	"c": "2026-11-24 c1\n",
	"d": "2026-11-22 d1\n",
}

func lines(s source) []string {
	var all []string
	for _, text := range s {
		all = append(all, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	slices.Sort(all)
	return all
}

// convert does what `sluice convert` does: the files that are not done, two a
// batch.
func convert(dir string, src source, change func(string, func() error) error) (err error) {
	d, err := open(dir, change)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p, err := pipeline.New(pipeline.Config{Routes: []pipeline.Route{pipeline.To(format)}, Stage: d.Stage()})
	if err != nil {
		return err
	}
	// Not p.Close: a crash does not tidy up either.
	todo := slices.DeleteFunc(src.objects(), func(o pipeline.Object) bool {
		_, done := d.Done(o)
		return done
	})
	for batch := range slices.Chunk(todo, 2) {
		if _, err := p.Run(context.Background(), src, d, batch); err != nil {
			return err
		}
	}
	return nil
}

// visible returns every line in the objects that a reader of the lake sees, and
// their names.
func visible(t *testing.T, dir string) (all, names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), "_"):
			return filepath.SkipDir
		case e.IsDir():
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		names = append(names, filepath.ToSlash(rel))
		all = append(all, readLines(t, path)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all, names
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	column := "said"
	if strings.Contains(path, "rejected") {
		column = "raw"
	}
	leaf, ok := f.Schema().Lookup(column)
	if !ok {
		t.Fatalf("%s: no column %s", path, column)
	}
	var out []string
	rows := make([]parquet.Row, 10)
	for _, g := range f.RowGroups() {
		r := g.Rows()
		for {
			n, err := r.ReadRows(rows)
			for _, row := range rows[:n] {
				out = append(out, string(row[leaf.ColumnIndex].ByteArray()))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// committed returns the names of all objects in manifests.
func committed(t *testing.T, dir string) (names []string) {
	t.Helper()
	for c, err := range Commits(dir) {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Objects {
			names = append(names, o.Name)
		}
	}
	slices.Sort(names)
	return names
}

func checkWhole(t *testing.T, dir string, src source) {
	t.Helper()
	all, names := visible(t, dir)
	if want := lines(src); !slices.Equal(all, want) {
		t.Fatalf("lines in the lake %q, want %q", all, want)
	}
	if want := committed(t, dir); !slices.Equal(names, want) {
		t.Fatalf("objects in the lake %q, committed %q", names, want)
	}
	left, err := os.ReadDir(filepath.Join(dir, "_sluice", "pending"))
	if err != nil || len(left) > 0 {
		t.Fatalf("left pending: %v, %v", left, err)
	}
}

var errCrash = errors.New("crash")

func made(_ string, do func() error) error { return do() }

// crashAt lets n changes to the disk happen, then none. What a sync brings to
// the disk is there for the next process anyway.
func crashAt(n int) func(string, func() error) error {
	return func(change string, do func() error) error {
		if strings.HasPrefix(change, "sync ") {
			return nil
		}
		if n--; n < 0 {
			return fmt.Errorf("%w before: %s", errCrash, change)
		}
		return do()
	}
}

func TestCrashAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	for n := 0; ; n++ {
		dir := t.TempDir()
		err := convert(dir, delivered, crashAt(n))
		if err == nil {
			if n < 20 {
				t.Fatalf("only %d changes to stop at", n)
			}
			checkWhole(t, dir, delivered)
			return
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("stopped after %d changes: %v", n, err)
		}
		noneTwice(t, dir)
		// The next run may crash too, while it recovers or later.
		for m := 0; ; m++ {
			again := t.TempDir()
			if err := os.CopyFS(again, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			err := convert(again, delivered, crashAt(m))
			noneTwice(t, again)
			if err == nil {
				checkWhole(t, again, delivered)
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("stopped after %d, then %d changes: %v", n, m, err)
			}
			if err := convert(again, delivered, made); err != nil {
				t.Fatalf("stopped after %d, then %d changes, then: %v", n, m, err)
			}
			checkWhole(t, again, delivered)
		}
	}
}

// noneTwice checks what a reader sees in between: whole objects, committed ones
// only, no line twice.
func noneTwice(t *testing.T, dir string) {
	t.Helper()
	all, names := visible(t, dir)
	if n := len(all); n != len(slices.Compact(all)) {
		t.Fatalf("a line twice: %q", all)
	}
	manifests := committed(t, dir)
	for _, name := range names {
		if !slices.Contains(manifests, name) {
			t.Fatalf("object %s is visible and in no manifest", name)
		}
	}
}

func TestConvertAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := convert(dir, delivered, made); err != nil {
			t.Fatal(err)
		}
		checkWhole(t, dir, delivered)
	}
	more := maps.Clone(delivered)
	more["e"] = "2026-11-22 e1\n"
	if err := convert(dir, more, made); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, dir, more)
}

// TestOldLake goes on with a lake whose manifests say of files no more than which.
func TestOldLake(t *testing.T) {
	dir := t.TempDir()
	if err := convert(dir, delivered, made); err != nil {
		t.Fatal(err)
	}
	for c, err := range Commits(dir) {
		if err != nil {
			t.Fatal(err)
		}
		old := map[string]any{"batch": c.Batch, "objects": c.Objects}
		var files []map[string]any
		for _, f := range c.Files {
			files = append(files, map[string]any{"id": f.ID, "key": f.Key, "version": f.Version, "size": f.Size})
		}
		old["files"] = files
		b, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "_sluice", "commits", c.Batch+".json"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	more := maps.Clone(delivered)
	more["e"] = "2026-11-22 e1\n"
	if err := convert(dir, more, made); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, dir, more)
}

// TestWorkers commits from several pipelines at once.
func TestWorkers(t *testing.T) {
	src := source{}
	for i := range 60 {
		src[fmt.Sprintf("%02d", i)] = fmt.Sprintf("2026-11-%02d line %d\n", 1+i%3, i)
	}
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	objs := src.objects()
	errs := make(chan error)
	const workers = 4
	for w := range workers {
		go func() {
			errs <- func() error {
				p, err := pipeline.New(pipeline.Config{Routes: []pipeline.Route{pipeline.To(format)}, Stage: d.Stage()})
				if err != nil {
					return err
				}
				for batch := range slices.Chunk(objs[w*15:(w+1)*15], 4) {
					if _, err := p.Run(t.Context(), src, d, batch); err != nil {
						return err
					}
				}
				return p.Close()
			}()
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, dir, src)
}

func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another sluice is writing") {
		t.Errorf("second writer: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err = Open(dir)
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
