package table

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"sluice/internal/logs"
)

// large are rows whose pages are written in several pieces, and some behind them.
func large(n int) []every {
	rows := random(8, n+20, 1)
	r := rand.New(rand.NewPCG(8, 8))
	for i := range n {
		b := make([]byte, 60<<10)
		for j := range b {
			b[j] = byte('0' + r.IntN(64))
		}
		rows[i].URI = logs.Text(b)
	}
	return rows
}

// oddFile breaks in its n-th write.
type oddFile struct {
	io.WriteCloser
	left *int
}

func (f oddFile) Write(p []byte) (int, error) {
	if *f.left--; *f.left == 0 {
		panic("disk is odd")
	}
	return f.WriteCloser.Write(p)
}

// TestPiecesBeside: what is written beside in pieces is what is written at once, and
// each failure of the disk between them, a panic included, is told and leaves nothing.
func TestPiecesBeside(t *testing.T) {
	rows := large(70)
	plain, beside := newWriter(t), newBackgroundWriter(t)
	write(t, plain, rows)
	want := contents(t, finish(t, plain))
	for range 2 {
		write(t, beside, rows)
		sameBytes(t, contents(t, finish(t, beside)), want)
	}

	w := newBackgroundWriter(t)
	fs := w.fs
	told := map[string]bool{}
	for n := 0; ; n++ {
		disk := &faulty{files: fs, left: n}
		w.fs = disk.view()
		_, err := convert(w, rows, nil, nil)
		if disk.done == "" {
			if err != nil {
				t.Fatal(err)
			}
			break // nothing is left to fail
		}
		if err == nil || !strings.Contains(err.Error(), errDisk.Error()) {
			t.Fatalf("operation %d, %s, failed and %v was told", n, disk.done, err)
		}
		told[disk.done] = true
		abortAll(t, w)
	}
	if !told["write"] {
		t.Error("no write failed")
	}

	w = newBackgroundWriter(t)
	for n := 1; ; n++ {
		left := n
		w.fs = fs
		w.fs.open = func(path string, fresh bool) (io.WriteCloser, error) {
			f, err := fs.open(path, fresh)
			return oddFile{f, &left}, err
		}
		err := groups(w, rows)
		if left > 0 {
			if n < 5 { // of one group, and what the footer will say of it
				t.Errorf("%d writes: the group was not in pieces", n-1)
			}
			break
		}
		if err == nil || !strings.Contains(err.Error(), "disk is odd") {
			t.Fatalf("write %d was odd and %v was told", n, err)
		}
		abortAll(t, w)
	}
	abortAll(t, w)
	w.fs = fs
	write(t, w, rows)
	sameBytes(t, contents(t, finish(t, w)), want)
}

// groups writes rows and all their groups, no footers: those are not written beside.
func groups(w *Writer[every], rows []every) error {
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			return err
		}
	}
	return errors.Join(w.flush(), w.settle())
}

func abortAll(t *testing.T, w *Writer[every]) {
	t.Helper()
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(w.stage.dir); err != nil || len(left) > 0 {
		t.Fatalf("left behind: %v %v", left, err)
	}
}
