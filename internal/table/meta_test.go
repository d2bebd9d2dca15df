package table

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/logs"
)

func TestColumns(t *testing.T) {
	columns, err := Columns[every]()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range columns {
		got = append(got, fmt.Sprint(c.Name, " ", c.Kind.Glue(), " ", c.Option, " ", c.Required()))
	}
	want := []string{
		"when_ timestamp 0 true", "bucket string 1 false", "uri string 0 false", "id string 2 false",
		"status bigint 1 false", "size bigint 0 false", "odd bigint 2 false", "ok boolean 0 false",
		"hash bigint 2 true", "line bigint 0 true", "shard bigint 1 true", "then_ timestamp 1 true", "uid string 1 false", "agent string 1 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestColumnErrors(t *testing.T) {
	type badType struct {
		A string `col:"a"`
	}
	type badOption struct {
		A logs.Text `col:"a,fast"`
	}
	type twoOptions struct {
		A logs.Text `col:"a,dict,plain"`
	}
	type noName struct {
		A logs.Text `col:",dict"`
	}
	type twice struct {
		A logs.Text `col:"a"`
		B logs.Int  `col:"a"`
	}
	type hidden struct {
		a logs.Text `col:"a"`
	}
	type partOfNone struct {
		A logs.Text `col:"a,dict" of:"b"`
	}
	type partOfPart struct {
		A logs.Text `col:"a,dict" of:"b"`
		B logs.Text `col:"b,dict" of:"c"`
		C logs.Text `col:"c,dict"`
	}
	type partNumber struct {
		A logs.Int  `col:"a,dict" of:"b"`
		B logs.Text `col:"b,dict"`
	}
	type partOfUnsaid struct {
		A logs.Text `col:"x,dict" of:"b"`
		B logs.Text `col:"b"`
	}
	type none struct{ A logs.Text }
	_ = hidden{a: nil}
	for want, columns := range map[string]func() ([]Column, error){
		"unknown type string":          Columns[badType],
		`unknown option "fast"`:        Columns[badOption],
		`unknown option "dict,plain"`:  Columns[twoOptions],
		"no name":                      Columns[noName],
		`field B: a second column "a"`: Columns[twice],
		"not exported":                 Columns[hidden],
		"no field has a col tag":       Columns[none],
		`of "b", which is no column`:   Columns[partOfNone],
		`of "b", which is a part`:      Columns[partOfPart],
		`column "a": of "b": not two`:  Columns[partNumber],
		`column "x": of "b": not two`:  Columns[partOfUnsaid],
		"not a struct":                 Columns[int],
	} {
		if _, err := columns(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for want, change := range map[string]func(*logs.Table[every]){
		`no column "buckets"`: func(t *logs.Table[every]) { t.Sort = []string{"bucket", "buckets"} },
		"no event time":       func(t *logs.Table[every]) { t.Time = nil },
		`"": not a name`:      func(t *logs.Table[every]) { t.Name = "" },
		`"_x": not a name`:    func(t *logs.Table[every]) { t.Name = "_x" },
		`"a/b": not a name`:   func(t *logs.Table[every]) { t.Name = "a/b" },
	} {
		table := everyTable
		change(&table)
		if _, err := New(table, newStage(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// footers opens objects with parquet-go and returns what they say of themselves.
func footers(t *testing.T, objects []Object) (all []*format.FileMetaData) {
	t.Helper()
	for _, o := range objects {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f.Metadata())
	}
	return all
}

// TestFooter compares what a file says of its columns with the rows in it:
// readers leave out row groups by it, and would lose rows if it were wrong.
func TestFooter(t *testing.T) {
	rows := random(21, 3000, 1)
	for i := range rows { // bounds that are short enough to be said
		if len(rows[i].Bucket) > maxBound {
			rows[i].Bucket = logs.Text("b")
		}
	}
	rows[7].URI = logs.Text(strings.Repeat("z", maxBound+1)) // the greatest of its column, too long
	w := newWriter(t)
	write(t, w, rows)
	objects := finish(t, w)
	file := contents(t, objects)[objects[0].Name]
	meta := footers(t, objects)[0]
	group := meta.RowGroups[0]
	if group.NumRows != 3000 || meta.NumRows != 3000 {
		t.Errorf("%d rows in the group, %d in the file", group.NumRows, meta.NumRows)
	}
	if got, want := []format.SortingColumn(group.SortingColumns), []format.SortingColumn{{ColumnIdx: 1, NullsFirst: true}, {ColumnIdx: 0, NullsFirst: true}}; !slices.Equal(got, want) {
		t.Errorf("sorted by %v, want %v", got, want)
	}
	if len(meta.ColumnOrders) != len(group.Columns) {
		t.Errorf("%d column orders", len(meta.ColumnOrders))
	}
	bounded := map[string]bool{}
	for i, c := range group.Columns {
		m := c.MetaData
		name := m.PathInSchema[0]
		var nulls int64
		var least, most parquet.Value
		typ := w.schema.columns[i].Kind
		for j := range rows {
			v := rows[j].values()[i]
			if v == nil {
				nulls++
				continue
			}
			p := parquet.ValueOf(v)
			if least.IsNull() || compare(typ, p, least) < 0 {
				least = p
			}
			if most.IsNull() || compare(typ, p, most) > 0 {
				most = p
			}
		}
		var page format.PageHeader // the chunk's only data page
		in := new(thrift.CompactProtocol).NewReader(bytes.NewReader(file[m.DataPageOffset:]))
		if err := thrift.NewDecoder(in).Decode(&page); err != nil {
			t.Fatal(err)
		}
		if n := page.DataPageHeader.V.Statistics.NullCount; m.Statistics.NullCount != nulls || n != nulls {
			t.Errorf("%s: %d NULLs, says %d and in its page %d", name, nulls, m.Statistics.NullCount, n)
		}
		if m.Statistics.MinValue == nil && m.Statistics.MaxValue == nil {
			continue
		}
		bounded[name] = true
		if !bytes.Equal(m.Statistics.MinValue, least.Bytes()) || !bytes.Equal(m.Statistics.MaxValue, most.Bytes()) {
			t.Errorf("%s: from %q to %q, says %q to %q", name, least.Bytes(), most.Bytes(), m.Statistics.MinValue, m.Statistics.MaxValue)
		}
	}
	want := map[string]bool{"when_": true, "bucket": true, "status": true, "size": true, "ok": true, "line": true, "shard": true, "then_": true, "uid": true, "agent": true}
	if !reflect.DeepEqual(bounded, want) {
		t.Errorf("bounds of %v, want of %v", bounded, want)
	}
}

func compare(k Kind, a, b parquet.Value) int {
	if k == Text {
		return bytes.Compare(a.ByteArray(), b.ByteArray())
	}
	if k == Bool {
		return bytes.Compare(a.Bytes(), b.Bytes())
	}
	if a.Int64() < b.Int64() {
		return -1
	}
	if a.Int64() > b.Int64() {
		return 1
	}
	return 0
}

// TestSmallChunksComeFirst holds where the chunks of each row group are in the
// file: the first column's, then narrow ones from small to large, then wide ones,
// random ids last, without a gap.
func TestSmallChunksComeFirst(t *testing.T) {
	w := newWriter(t)
	w.limits.rows = 700
	write(t, w, random(22, 2000, 1))
	end := int64(len(magic))
	groups := footers(t, finish(t, w))[0].RowGroups
	for i, g := range groups {
		if g.FileOffset != end {
			t.Errorf("group %d is said to begin at %d, and begins at %d", i, g.FileOffset, end)
		}
		from := func(column int) int64 {
			if m := g.Columns[column].MetaData; m.DictionaryPageOffset == 0 {
				return m.DataPageOffset
			}
			return g.Columns[column].MetaData.DictionaryPageOffset
		}
		var order []int
		for column := range g.Columns {
			order = append(order, column)
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(from(a), from(b)) })
		last, rank := int64(0), 0
		for j, column := range order {
			m, c := g.Columns[column].MetaData, w.schema.columns[column]
			if from(column) != end {
				t.Errorf("group %d: %s begins at %d, %d expected", i, c.Name, from(column), end)
			}
			end += m.TotalCompressedSize
			now := 1
			switch {
			case j == 0 || c.Option == Dict || c.Kind == Bool:
				now = 0
			case c.Option == Plain:
				now = 2
			}
			switch {
			case j == 0 && column != 0:
				t.Errorf("group %d begins with %s", i, c.Name)
			case now < rank:
				t.Errorf("group %d: %s is behind what is wider", i, c.Name)
			case j > 1 && now == 0 && m.TotalCompressedSize < last:
				t.Errorf("group %d: %s has %d bytes, the one before it %d", i, c.Name, m.TotalCompressedSize, last)
			}
			last, rank = m.TotalCompressedSize, now
		}
	}
	if len(groups) != 3 {
		t.Errorf("%d row groups, want 3", len(groups))
	}
}

// TestEncodings holds which encoding is chosen for what.
func TestEncodings(t *testing.T) {
	rows := make([]every, 5000)
	for i := range rows {
		rows[i] = every{When: 20000*day + logs.Time(i), Bucket: fmt.Appendf(nil, "%d", i/100), URI: logs.Text("x"), Status: logs.SomeInt(int64(i % 7)), Shard: logs.Int64(i), Size: logs.SomeInt(1)}
	}
	w := newWriter(t)
	write(t, w, rows)
	got := map[string]string{}
	for _, c := range footers(t, finish(t, w))[0].RowGroups[0].Columns {
		got[c.MetaData.PathInSchema[0]] = fmt.Sprint(c.MetaData.Encoding)
		if c.MetaData.Codec != format.Zstd {
			t.Errorf("%s: %v", c.MetaData.PathInSchema[0], c.MetaData.Codec)
		}
	}
	want := map[string]string{
		"when_": "[DELTA_BINARY_PACKED]", "bucket": "[RLE_DICTIONARY RLE PLAIN]", "uri": "[PLAIN RLE]", "id": "[PLAIN RLE]",
		"status": "[RLE_DICTIONARY RLE PLAIN]", "size": "[DELTA_BINARY_PACKED RLE]", "odd": "[PLAIN RLE]", "ok": "[PLAIN RLE]",
		"uid": "[PLAIN RLE]", "agent": "[PLAIN RLE]", "hash": "[PLAIN]", "line": "[DELTA_BINARY_PACKED]", "shard": "[PLAIN]", "then_": "[RLE_DICTIONARY PLAIN]",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s, want %s", name, got[name], want[name])
		}
	}
}

// TestNumbersAscend looks into dictionaries of numbers: ascending ones take less.
func TestNumbersAscend(t *testing.T) {
	w := newWriter(t)
	write(t, w, random(8, 4000, 1))
	b, err := os.ReadFile(finish(t, w)[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i, c := range f.RowGroups()[0].ColumnChunks() {
		if w.schema.columns[i].Kind == Text {
			continue
		}
		page, err := c.Pages().ReadPage()
		if err != nil {
			t.Fatal(err)
		}
		d := page.Dictionary()
		if d == nil {
			continue
		}
		seen++
		for j := range d.Len() - 1 {
			if a, b := d.Index(int32(j)).Int64(), d.Index(int32(j+1)).Int64(); a >= b {
				t.Errorf("%s: %d before %d", w.schema.columns[i].Name, a, b)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d dictionaries of numbers, want 3", seen)
	}
}

func TestNames(t *testing.T) {
	w := newWriter(t)
	w.limits.rows, w.limits.groups = 10, 1
	rows := make([]every, 25)
	for i := range rows {
		rows[i].When = 20000*day - logs.Time(i%2)
	}
	rows[24].When = (lastDay+1)*day - 1
	write(t, w, rows)
	var got []string
	n := int64(0)
	for _, o := range finish(t, w) {
		got = append(got, o.Name)
		n += o.Rows
	}
	want := []string{
		"every/dt=2024-10-03/b-0000.parquet", "every/dt=2024-10-03/b-0001.parquet", "every/dt=2024-10-03/b-0002.parquet",
		"every/dt=2024-10-04/b-0000.parquet", "every/dt=2024-10-04/b-0001.parquet", "every/dt=2024-10-04/b-0002.parquet",
		"every/dt=9999-12-31/b-0000.parquet",
	}
	if !slices.Equal(got, want) || n != 25 {
		t.Errorf("%d rows in %q, want %q", n, got, want)
	}
}

func TestRowThatCannotBe(t *testing.T) {
	good := random(1, 20, 1)
	for want, row := range map[string]every{
		"has no date": {When: (lastDay + 1) * day},
		"row of":      {Bucket: logs.Text("b"), URI: make(logs.Text, maxRow+1), Size: logs.SomeInt(1)},
	} {
		w := newWriter(t)
		write(t, w, good[:10])
		_, isRow := errors.AsType[*RowError](w.Write(&row))
		if err := w.Write(&row); !isRow || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		write(t, w, good[10:])
		same(t, readBack(t, finish(t, w)), sorted(good))
	}
}

// TestSortKeys orders by columns of every kind, over the whole range of each.
func TestSortKeys(t *testing.T) {
	for i, column := range []string{"when_", "bucket", "uri", "id", "status", "size", "odd", "ok", "hash", "line", "shard", "then_", "uid", "agent"} {
		table := everyTable
		table.Sort = []string{column}
		w, err := New(table, newStage(t))
		if err != nil {
			t.Fatal(err)
		}
		rows := random(uint64(i), 2000, 1)
		rows[0].Size, rows[1].Size = logs.SomeInt(-1<<63), logs.SomeInt(1<<63-2)
		rows[0].Hash, rows[1].Hash = -1<<63, 1<<63-1
		write(t, w, rows)
		got := readBack(t, finish(t, w))
		if !slices.IsSortedFunc(got, func(a, b []any) int {
			if a[i] == nil || b[i] == nil {
				return number(a[i] != nil) - number(b[i] != nil)
			}
			if x, ok := a[i].(bool); ok {
				return number(x) - number(b[i].(bool))
			}
			return compare(w.schema.columns[i].Kind, parquet.ValueOf(a[i]), parquet.ValueOf(b[i]))
		}) {
			t.Errorf("not sorted by %s", column)
		}
		same(t, unordered(got), unordered(sorted(rows)))
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestWriteAllocatesNothing(t *testing.T) {
	rows := random(1, 3000, 3)
	w := newWriter(t)
	write(t, w, rows)
	finish(t, w)
	i := 0
	if n := testing.AllocsPerRun(2000, func() {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
		i++
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

// TestMemoryIsFlat writes a backlog of 400 days that is four times as long as
// another, and compares what stays in memory.
func TestMemoryIsFlat(t *testing.T) {
	heap := func(flushes int) uint64 {
		w := newWriter(t)
		w.limits.rows = 4000
		r := every{Bucket: logs.Text("b"), ID: make(logs.Text, 20)}
		for i := range flushes * w.limits.rows {
			r.When = logs.Time(20000+i*31%400)*day + logs.Time(i)
			r.ID[i%20]++
			if err := w.Write(&r); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
		return m.HeapAlloc
	}
	heap(1)
	one, four := heap(5), heap(20)
	if four > one+one/10+100<<10 {
		t.Errorf("%d KiB after 5 flushes, %d KiB after 20", one>>10, four>>10)
	}
}

// TestHashesAreSeeded: whoever sends requests chooses texts and numbers, so what they
// are hashed with is another one each time.
func TestHashesAreSeeded(t *testing.T) {
	one, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	if one.spread == other.spread || one.spread&1 == 0 || bits.OnesCount64(one.spread) < 8 {
		t.Errorf("numbers are hashed with %x and %x", one.spread, other.spread)
	}
	a, b := newDict(&spare{}), newDict(&spare{})
	if a.seed == b.seed {
		t.Error("two dictionaries hash texts alike")
	}
}
