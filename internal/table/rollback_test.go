package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// contents reads objects as bytes, by name.
func contents(t testing.TB, objects []Object) map[string][]byte {
	t.Helper()
	m := map[string][]byte{}
	for _, o := range objects {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		m[o.Name] = b
	}
	return m
}

func sameBytes(t testing.TB, got, want map[string][]byte) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%d objects, want %d", len(got), len(want))
	}
	for name, b := range want {
		if !bytes.Equal(got[name], b) {
			t.Fatalf("%s: %d bytes, want other %d", name, len(got[name]), len(b))
		}
	}
}

func TestSameRowsSameBytes(t *testing.T) {
	rows := random(3, 20000, 5)
	for i := range rows { // ids as S3 gives them, each twice
		rows[i].ID = fmt.Appendf(nil, "%016X", uint64(i%10000+1)*0xd1342543de82ef95)
	}
	w := newWriter(t)
	write(t, w, rows)
	want := contents(t, finish(t, w))
	write(t, w, random(4, 5000, 9)) // buffers that have seen other rows
	finish(t, w)
	write(t, w, rows)
	sameBytes(t, contents(t, finish(t, w)), want)
	other := newWriter(t) // other hash seeds
	write(t, other, rows)
	sameBytes(t, contents(t, finish(t, other)), want)

	const small = 3000 // rows of a group
	w.limits.rows = small
	write(t, w, rows)
	want = contents(t, finish(t, w))
	beside := newBackgroundWriter(t)
	beside.limits.rows = small
	for range 2 {
		write(t, beside, rows)
		sameBytes(t, contents(t, finish(t, beside)), want)
	}
}

func TestRollbackLeavesNoTrace(t *testing.T) {
	a, b, c := random(1, 900, 4), random(2, 700, 6), random(3, 800, 5)
	w := newWriter(t)
	write(t, w, a)
	write(t, w, c)
	want := contents(t, finish(t, w))

	write(t, w, a)
	w.Mark()
	for range 2 { // a mark holds until the next
		write(t, w, b)
		if err := w.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	w.Mark()
	write(t, w, c)
	sameBytes(t, contents(t, finish(t, w)), want)

	w.Mark()
	write(t, w, b)
	if err := w.Rollback(); err != nil {
		t.Fatal(err)
	}
	if objects := finish(t, w); len(objects) > 0 {
		t.Errorf("objects of nothing: %v", objects)
	}
}

// TestRollbackAnywhere writes, marks and takes back at random, with buffers and
// objects so small that every kind of boundary falls in between, and compares
// with a list of rows.
func TestRollbackAnywhere(t *testing.T) {
	parts := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := newWriter(t)
		if seed%2 == 1 {
			w = newBackgroundWriter(t)
		}
		w.limits = limits{rows: 4 + r.IntN(40), buffer: 1 << (6 + r.IntN(10)), object: 1 << (10 + r.IntN(6)), groups: 1 + r.IntN(5)}
		for range 2 {
			var kept []every
			mark := -1
			for range r.IntN(30) {
				switch r.IntN(4) {
				case 0:
					w.Mark()
					mark = len(kept)
				case 1:
					if mark < 0 {
						continue
					}
					if err := w.Rollback(); err != nil {
						t.Fatal(err)
					}
					kept = kept[:mark]
				default:
					rows := random(r.Uint64(), r.IntN(60), 1+r.IntN(4))
					write(t, w, rows)
					kept = append(slices.Clip(kept), rows...)
				}
			}
			objects := finish(t, w)
			same(t, unordered(readBack(t, objects)), unordered(sorted(kept)))
			for i, o := range objects {
				if i > 0 && objects[i-1].Name >= o.Name {
					t.Fatalf("objects out of order: %s, %s", objects[i-1].Name, o.Name)
				}
				if strings.HasSuffix(o.Name, "-0001.parquet") {
					parts++
				}
				if err := os.Remove(o.Path); err != nil {
					t.Fatal(err)
				}
			}
			if left, err := os.ReadDir(w.stage.dir); err != nil || len(left) > 0 {
				t.Fatalf("left behind: %v %v", left, err)
			}
		}
	}
	if parts < 10 {
		t.Errorf("only %d days with a second object", parts)
	}
}

func TestAbort(t *testing.T) {
	for name, w := range map[string]*Writer[every]{"inline": newWriter(t), "beside": newBackgroundWriter(t)} {
		t.Run(name, func(t *testing.T) { testAbort(t, w) })
	}
}

func testAbort(t *testing.T, w *Writer[every]) {
	w.limits.rows = 50
	write(t, w, random(1, 170, 3))
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(w.stage.dir); err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v %v", left, err)
	}
	rows := random(2, 40, 1)
	write(t, w, rows)
	same(t, readBack(t, finish(t, w)), sorted(rows))
}

// faulty is a file system whose n-th operation fails.
type faulty struct {
	files
	left  int
	short bool // writes fail by writing less, without an error
	done  string
}

var errDisk = errors.New("disk is full")

func (f *faulty) op(what, path string) error {
	if f.left--; f.left == -1 {
		f.done = what
		return fmt.Errorf("%s %s: %w", what, path, errDisk)
	}
	return nil
}

func (f *faulty) view() files {
	return files{
		open: func(path string, fresh bool) (io.WriteCloser, error) {
			if err := f.op("open", path); err != nil {
				return nil, err
			}
			w, err := f.files.open(path, fresh)
			return &faultyFile{w, f, path}, err
		},
		truncate: func(path string, size int64) error {
			return errors.Join(f.op("truncate", path), f.files.truncate(path, size))
		},
		remove: func(path string) error {
			return errors.Join(f.op("remove", path), f.files.remove(path))
		},
		read: func(path string) ([]byte, error) {
			b, err := f.files.read(path)
			return b, errors.Join(f.op("read", path), err)
		},
	}
}

type faultyFile struct {
	io.WriteCloser
	f    *faulty
	path string
}

func (w *faultyFile) Write(p []byte) (int, error) {
	if err := w.f.op("write", w.path); err != nil {
		n, werr := w.WriteCloser.Write(p[:len(p)/2])
		if w.f.short {
			err = nil
		}
		return n, errors.Join(err, werr)
	}
	return w.WriteCloser.Write(p)
}

func (w *faultyFile) Close() error {
	return errors.Join(w.WriteCloser.Close(), w.f.op("close", w.path))
}

// TestEveryFailure lets each operation on the disk fail in turn.
func TestEveryFailure(t *testing.T) {
	a, b, c := random(1, 130, 2), random(2, 110, 3), random(3, 90, 2)
	kept := append(slices.Clone(a), c...)
	seen := map[string]bool{}
	for _, how := range []struct{ short, beside bool }{{false, false}, {true, false}, {false, true}} {
		for n := 0; ; n++ {
			w := newWriter(t)
			if how.beside {
				w = newBackgroundWriter(t)
			}
			w.limits = limits{rows: 80, buffer: 1 << 20, object: 1 << 20, groups: 3}
			disk := &faulty{files: w.fs, left: n, short: how.short}
			w.fs = disk.view()
			objects, err := convert(w, a, b, c)
			if disk.done == "" {
				if err != nil {
					t.Fatal(err)
				}
				same(t, unordered(readBack(t, objects)), unordered(sorted(kept)))
				break // nothing is left to fail
			}
			seen[disk.done] = true
			if err == nil {
				t.Fatalf("operation %d, %s, failed and nobody was told", n, disk.done)
			}
			if len(objects) > 0 {
				t.Fatalf("operation %d, %s, failed and there are objects", n, disk.done)
			}
			if err := w.Write(&a[0]); err == nil {
				t.Fatalf("operation %d, %s, failed and rows are taken still", n, disk.done)
			}
			if err := w.Abort(); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(w.stage.dir); err != nil || len(left) > 0 {
				t.Fatalf("operation %d: left behind: %v %v", n, left, err)
			}
			objects, err = convert(w, a, b, c)
			if err != nil {
				t.Fatalf("operation %d, %s: next batch: %v", n, disk.done, err)
			}
			same(t, unordered(readBack(t, objects)), unordered(sorted(kept)))
		}
	}
	for _, what := range []string{"open", "write", "close", "truncate", "remove", "read"} {
		if !seen[what] {
			t.Errorf("no %s among the operations", what)
		}
	}
}

// convert writes a, takes b back and writes c.
func convert(w *Writer[every], a, b, c []every) ([]Object, error) {
	for _, step := range []struct {
		rows []every
		back bool
	}{{a, false}, {b, true}, {c, false}} {
		w.Mark()
		for i := range step.rows {
			if err := w.Write(&step.rows[i]); err != nil {
				return nil, err
			}
		}
		if step.back {
			if err := w.Rollback(); err != nil {
				return nil, err
			}
		}
	}
	return w.Close("b")
}

// TestIDsRunOut fills a dictionary with values of rows that are taken back, and
// with one of a row that cannot be: they use up ids, and must not those of rows
// that follow.
func TestIDsRunOut(t *testing.T) {
	distinct := func(prefix string, n int) []every {
		rows := make([]every, n)
		for i := range rows {
			rows[i] = every{When: 20000 * day, Bucket: fmt.Appendf(nil, "%s%07d", prefix, i)}
		}
		return rows
	}
	all := func(t *testing.T, w *Writer[every], want ...[]every) {
		t.Helper()
		same(t, unordered(readBack(t, finish(t, w))), unordered(sorted(slices.Concat(want...))))
	}
	t.Run("rolled back", func(t *testing.T) {
		before, after := distinct("b", 10), distinct("a", 10_000)
		w := newWriter(t)
		write(t, w, before)
		w.Mark()
		write(t, w, distinct("lost", 60_000))
		if err := w.Rollback(); err != nil {
			t.Fatal(err)
		}
		write(t, w, after)
		all(t, w, before, after)
	})
	t.Run("by a row that cannot be", func(t *testing.T) {
		before, after := distinct("b", 1<<16-2-lateMost), distinct("a", 3)
		w := newWriter(t)
		write(t, w, before)
		row := every{When: 20000 * day, Bucket: []byte("last"), URI: make([]byte, maxRow+1)}
		if _, ok := errors.AsType[*RowError](w.Write(&row)); !ok {
			t.Fatal("no RowError")
		}
		write(t, w, after)
		all(t, w, before, after)
	})
	t.Run("every row its own", func(t *testing.T) {
		rows := distinct("a", 1<<16+5)
		w := newWriter(t)
		write(t, w, rows)
		all(t, w, rows)
	})
}

// TestPanicBeside: a mistake that comes to light beside the caller is an error of
// the batch, and the next one is as if nothing had been.
func TestPanicBeside(t *testing.T) {
	w := newBackgroundWriter(t)
	w.limits.rows = 50
	fs := w.fs
	w.fs.open = func(string, bool) (io.WriteCloser, error) { panic("disk is odd") }
	_, err := convert(w, random(1, 130, 2), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "disk is odd") {
		t.Fatalf("got %v", err)
	}
	w.fs = fs
	w.stage.enc.places = slices.Repeat([]uint32{1}, 3) // as if in the midst of a chunk
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	rows := random(2, 140, 1)
	write(t, w, rows)
	same(t, unordered(readBack(t, finish(t, w))), unordered(sorted(rows)))
}

// TestWritersShareAStage: two writers of a batch take turns in writing beside.
func TestWritersShareAStage(t *testing.T) {
	stage := newStage(t)
	stage.Background()
	a := newWriterOn(t, stage)
	other := everyTable
	other.Name = "other"
	b, err := New(other, stage)
	if err != nil {
		t.Fatal(err)
	}
	a.limits.rows, b.limits.rows = 64, 50
	rows := random(6, 1000, 2)
	for i := range rows {
		write(t, []*Writer[every]{a, b}[i%2], rows[i:i+1])
	}
	got := append(readBack(t, finish(t, a)), readBack(t, finish(t, b))...)
	same(t, unordered(got), unordered(sorted(rows)))
}

// TestOrderByTextsBeside: a column whose values hardly repeat orders rows beside the
// rows that are being added, and takes no memory that those take.
func TestOrderByTextsBeside(t *testing.T) {
	stage := newStage(t)
	stage.Background()
	byURI := everyTable
	byURI.Sort = []string{"uri"}
	w, err := New(byURI, stage)
	if err != nil {
		t.Fatal(err)
	}
	w.limits.rows = 200
	rows := random(7, 3000, 1)
	for i := range rows {
		rows[i].URI = fmt.Appendf(nil, "%05d/%s", (i*7919)%3000, strings.Repeat("x", 500))
	}
	write(t, w, rows)
	got := readBack(t, finish(t, w))
	for i := range got {
		if i%200 > 0 && got[i-1][2].(string) > got[i][2].(string) {
			t.Fatalf("row %d: %.10s behind %.10s", i, got[i][2], got[i-1][2])
		}
	}
	same(t, unordered(got), unordered(sorted(rows)))
}
