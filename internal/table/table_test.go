package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/frame"
	"sluice/internal/logs"
)

// every is a row with every kind of column and every option.
type every struct {
	When   logs.Time  `col:"when_"`
	Bucket logs.Text  `col:"bucket,dict"`
	URI    logs.Text  `col:"uri"`
	ID     logs.Text  `col:"id,plain"`
	Status logs.Int   `col:"status,dict"`
	Size   logs.Int   `col:"size"`
	Odd    logs.Int   `col:"odd,plain"`
	OK     logs.Bool  `col:"ok"`
	Hash   logs.Int64 `col:"hash,plain"`
	Line   logs.Int64 `col:"line"`
	Shard  logs.Int64 `col:"shard,dict"`
	Then   logs.Time  `col:"then_,dict"`
	UID    logs.Text  `col:"uid,dict"` // with the next, who asks
	Agent  logs.Text  `col:"agent,dict"`
	Hidden int        // not a column
}

var everyTable = logs.Table[every]{
	Name: "every",
	Time: func(r *every) logs.Time { return r.When },
	Sort: []string{"bucket", "when_"},
}

const day = logs.Time(24 * 60 * 60 * 1000)

// values are the row as readers should give it back: nil for NULL.
func (r *every) values() []any {
	text := func(t logs.Text) any {
		if t == nil {
			return nil
		}
		return string(t)
	}
	num := func(i logs.Int) any {
		if !i.OK {
			return nil
		}
		return i.V
	}
	flag := func(b logs.Bool) any {
		if !b.OK {
			return nil
		}
		return b.V
	}
	return []any{int64(r.When), text(r.Bucket), text(r.URI), text(r.ID), num(r.Status), num(r.Size), num(r.Odd),
		flag(r.OK), int64(r.Hash), int64(r.Line), int64(r.Shard), int64(r.Then), text(r.UID), text(r.Agent)}
}

// random makes n rows over some days, with every edge a column can have.
func random(seed uint64, n, days int) []every {
	r := rand.New(rand.NewPCG(seed, 1))
	text := func(distinct int) logs.Text {
		switch r.IntN(8) {
		case 0:
			return nil
		case 1:
			return logs.Text{}
		case 2:
			return logs.Text(strings.Repeat("lang/", 1+r.IntN(60)))
		case 3:
			return logs.Text("Grüße/✓/\x00/" + fmt.Sprint(r.IntN(distinct)))
		}
		return logs.Text(fmt.Sprint("v", r.IntN(distinct)))
	}
	num := func(distinct int64) logs.Int {
		switch r.IntN(6) {
		case 0:
			return logs.Int{}
		case 1:
			return logs.SomeInt(0)
		case 2:
			return logs.SomeInt(-r.Int64N(distinct))
		}
		return logs.SomeInt(r.Int64N(distinct))
	}
	rows := make([]every, n)
	for i := range rows {
		rows[i] = every{
			When:   20000*day + logs.Time(r.IntN(days))*day + logs.Time(r.Int64N(int64(day))),
			Bucket: text(5), URI: text(1 << 20), ID: text(1 << 30),
			Status: num(600), Size: num(1 << 40), Odd: num(1 << 62),
			Hash: logs.Int64(r.Uint64()), Line: logs.Int64(i + 1), Shard: logs.Int64(r.IntN(9) - 4), Then: logs.Time(r.IntN(3)),
			UID: text(3), Agent: text(30),
		}
		switch r.IntN(3) {
		case 0:
			rows[i].OK = logs.SomeBool(true)
		case 1:
			rows[i].OK = logs.SomeBool(false)
		}
	}
	return rows
}

// sorted is what a reader of all objects in order of their names should find,
// as long as each day fits in one row group.
func sorted(rows []every) [][]any {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b every) int {
		if c := int(a.When.Day()) - int(b.When.Day()); c != 0 {
			return c
		}
		if (a.Bucket == nil) != (b.Bucket == nil) {
			if a.Bucket == nil {
				return -1
			}
			return 1
		}
		if c := bytes.Compare(a.Bucket, b.Bucket); c != 0 {
			return c
		}
		return int(a.When - b.When)
	})
	var out [][]any
	for i := range rows {
		out = append(out, rows[i].values())
	}
	return out
}

func newStage(t testing.TB) *Stage {
	t.Helper()
	stage, err := NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

func newWriter(t testing.TB) *Writer[every] { return newWriterOn(t, newStage(t)) }

// newBackgroundWriter returns a writer that writes row groups beside the test.
func newBackgroundWriter(t testing.TB) *Writer[every] {
	stage := newStage(t)
	stage.Background()
	return newWriterOn(t, stage)
}

func newWriterOn(t testing.TB, stage *Stage) *Writer[every] {
	t.Helper()
	w, err := New(everyTable, stage)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t testing.TB, w *Writer[every], rows []every) {
	t.Helper()
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
}

func finish(t testing.TB, w *Writer[every]) []Object {
	t.Helper()
	objects, err := w.Close("b")
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// readBack reads objects with parquet-go.
func readBack(t testing.TB, objects []Object) [][]any {
	t.Helper()
	var out [][]any
	for _, o := range objects {
		out = append(out, readFile(t, o.Path)...)
	}
	return out
}

func readFile(t testing.TB, path string) [][]any {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out [][]any
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		buf := make([]parquet.Row, 100)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				out = append(out, goValues(row))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func goValues(row parquet.Row) []any {
	vals := make([]any, len(row))
	for _, v := range row {
		switch {
		case v.IsNull():
		case v.Kind() == parquet.ByteArray:
			vals[v.Column()] = string(v.ByteArray())
		case v.Kind() == parquet.Boolean:
			vals[v.Column()] = v.Boolean()
		default:
			vals[v.Column()] = v.Int64()
		}
	}
	return vals
}

// same fails with the first row that differs.
func same(t testing.TB, got, want [][]any) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("row %d:\n got %q\nwant %q", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d rows, want %d", len(got), len(want))
	}
}

// unordered sorts rows by what they hold, for tests to which order is nothing.
func unordered(rows [][]any) [][]any {
	type keyed struct {
		key string
		row []any
	}
	ks := make([]keyed, len(rows))
	for i, r := range rows {
		b, _ := json.Marshal(r)
		ks[i] = keyed{string(b), r}
	}
	slices.SortFunc(ks, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	out := make([][]any, len(rows))
	for i, k := range ks {
		out[i] = k.row
	}
	return out
}

func TestReadBack(t *testing.T) {
	for _, c := range []struct{ rows, days int }{{1, 1}, {2, 2}, {7, 1}, {8, 1}, {9, 1}, {1000, 3}, {5000, 400}, {60000, 2}} {
		t.Run(fmt.Sprint(c.rows, "rows", c.days, "days"), func(t *testing.T) {
			rows := random(uint64(c.rows), c.rows, c.days)
			w := newWriter(t)
			write(t, w, rows)
			objects := finish(t, w)
			same(t, readBack(t, objects), sorted(rows))
			for _, o := range objects {
				if st, err := os.Stat(o.Path); err != nil || st.Size() != o.Bytes {
					t.Errorf("%s: %v, %v bytes, want %d", o.Name, err, st.Size(), o.Bytes)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(w.stage.dir, "*.groups")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestLongIDsRepeat: what stands where ids do may be longer than a match of a
// frame, and repeat, next to itself and behind others.
func TestLongIDsRepeat(t *testing.T) {
	for _, n := range []int{frame.MaxMatch - 5, frame.MaxMatch - 4, frame.MaxMatch - 3, frame.MaxMatch, frame.MaxMatch + 1, 200_000, maxPage, frame.MaxText - 10, frame.MaxText - 9} {
		long := logs.Text(strings.Repeat("0123456789abcde=", n/16+1)[:n])
		w := newWriter(t)
		rows := make([]every, 7)
		for i := range rows {
			rows[i] = every{When: 20000*day + logs.Time(i), ID: long}
		}
		rows[4].ID = logs.Text("short")
		write(t, w, rows)
		same(t, readBack(t, finish(t, w)), sorted(rows))
	}
}

// TestEmptyBehindLong: a value that has memory for itself, then one of no bytes,
// which would fit in there, then a common one; in the first place and in a later one.
func TestEmptyBehindLong(t *testing.T) {
	w := newWriter(t)
	var rows []every
	for i, n := range []int{chunkSize, 0, 5, 8*chunkSize + 77, 0, 0, 9, chunkSize - 1, 0, 5, chunkSize - 5, 0, 3, chunkSize - 3, 0} {
		v := bytes.Repeat([]byte{'a' + byte(i)}, n)
		rows = append(rows, every{When: 20000*day + logs.Time(i), Bucket: v, URI: v, Agent: v})
	}
	write(t, w, rows)
	same(t, unordered(readBack(t, finish(t, w))), unordered(sorted(rows)))
}

// TestConstantColumns: columns of one value, of none and of one with gaps are what was
// written, in groups of all rows and of some, however rows are ordered.
func TestConstantColumns(t *testing.T) {
	type row struct {
		When  logs.Time `col:"event_time"`
		Order logs.Text `col:"order,dict"`
		One   logs.Text `col:"one,dict"`
		None  logs.Text `col:"none,dict"`
		Gaps  logs.Text `col:"gaps,dict"`
		Empty logs.Text `col:"empty,dict"`
	}
	for _, days := range []int{1, 3} {
		w, err := New(logs.Table[row]{Name: "t", Time: func(r *row) logs.Time { return r.When }, Sort: []string{"order"}}, newStage(t))
		if err != nil {
			t.Fatal(err)
		}
		const n = 900
		for i := range n {
			r := row{When: logs.Time(i % days * 86_400_000), Order: fmt.Appendf(nil, "%03d", n-i), One: logs.Text("one"), Empty: logs.Text{}}
			if i%7 > 0 {
				r.Gaps = logs.Text("there")
			}
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		objects, err := w.Close("b")
		if err != nil || len(objects) != days {
			t.Fatalf("%d objects, %v", len(objects), err)
		}
		seen := 0
		for _, o := range objects {
			rows, err := parquet.ReadFile[struct {
				Order string  `parquet:"order,optional"`
				One   *string `parquet:"one,optional"`
				None  *string `parquet:"none,optional"`
				Gaps  *string `parquet:"gaps,optional"`
				Empty *string `parquet:"empty,optional"`
			}](o.Path)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				i := n - int(r.Order[0]-'0')*100 - int(r.Order[1]-'0')*10 - int(r.Order[2]-'0')
				if r.One == nil || *r.One != "one" || r.None != nil || r.Empty == nil || *r.Empty != "" || (r.Gaps != nil) != (i%7 > 0) {
					t.Fatalf("row %d of %d days: %+v", i, days, r)
				}
				seen++
			}
		}
		if seen != n {
			t.Errorf("%d rows of %d", seen, n)
		}
	}
}
