//go:build cgo

package table

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/parquet-go/parquet-go"

	"sluice/internal/frame"
	"sluice/internal/logs"
)

// duck reads objects with DuckDB: an implementation that shares nothing with
// ours. Times come back in milliseconds, as readFile gives them.
func duck(t *testing.T, paths []string, order string) (columns []string, rows [][]any) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	quoted := make([]string, len(paths))
	for i, p := range paths {
		quoted[i] = "'" + p + "'"
	}
	r, err := db.Query("SELECT * FROM read_parquet([" + strings.Join(quoted, ",") + "]) " + order)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	types, err := r.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range types {
		columns = append(columns, c.Name()+" "+c.DatabaseTypeName())
	}
	for r.Next() {
		row := make([]any, len(columns))
		ptrs := make([]any, len(columns))
		for i := range row {
			ptrs[i] = &row[i]
		}
		if err := r.Scan(ptrs...); err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			if v, ok := v.(time.Time); ok {
				row[i] = v.UnixMilli()
			}
		}
		rows = append(rows, row)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, rows
}

func paths(objects []Object) (ps []string) {
	for _, o := range objects {
		ps = append(ps, o.Path)
	}
	return ps
}

// reference writes rows by parquet-go's own writer, in the plain way: a struct
// of pointers made from the same col tags, one row after the other.
func reference(t *testing.T, rows []every) string {
	t.Helper()
	columns, err := Columns[every]()
	if err != nil {
		t.Fatal(err)
	}
	var fields []reflect.StructField
	for i, c := range columns {
		f := reflect.StructField{Name: fmt.Sprintf("F%d", i)}
		tag := c.Name + ",optional"
		switch c.Kind {
		case Text:
			f.Type = reflect.TypeFor[*string]()
		case Int:
			f.Type = reflect.TypeFor[*int64]()
		case Bool:
			f.Type = reflect.TypeFor[*bool]()
		case Time:
			f.Type, tag = reflect.TypeFor[int64](), c.Name+",timestamp(millisecond)"
		case Int64:
			f.Type, tag = reflect.TypeFor[int64](), c.Name
		}
		f.Tag = reflect.StructTag(fmt.Sprintf("parquet:%q", tag))
		fields = append(fields, f)
	}
	mirror := reflect.StructOf(fields)
	path := filepath.Join(t.TempDir(), "reference.parquet")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewWriter(file, parquet.SchemaOf(reflect.New(mirror).Interface()), parquet.Compression(&parquet.Zstd))
	for i := range rows {
		p := reflect.New(mirror)
		for j, v := range rows[i].values() {
			if v == nil {
				continue
			}
			f := p.Elem().Field(j)
			if f.Kind() != reflect.Pointer {
				f.Set(reflect.ValueOf(v))
				continue
			}
			f.Set(reflect.New(f.Type().Elem()))
			f.Elem().Set(reflect.ValueOf(v))
		}
		if err := w.Write(p.Interface()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAgainstReference compares our files with those of parquet-go's writer, as
// DuckDB and parquet-go read them: types, values, NULLs and order.
func TestAgainstReference(t *testing.T) {
	null := every{When: 20000 * day}
	full := random(9, 1, 1)[0]
	empty := every{When: 20000 * day, Bucket: logs.Text{}, URI: logs.Text{}, ID: logs.Text{}, Status: logs.SomeInt(0), Size: logs.SomeInt(0), Odd: logs.SomeInt(0), OK: logs.SomeBool(false)}
	edge := empty
	edge.When, edge.Hash, edge.Line, edge.Then = 0, -1<<63, 1<<63-1, -1
	edge.Size, edge.Odd, edge.Status = logs.SomeInt(1<<63-1), logs.SomeInt(-1<<63), logs.SomeInt(-1)
	long := empty
	long.Bucket = logs.Text(strings.Repeat("ä", 40_000))
	long.URI = logs.Text(strings.Repeat("long", 600_000))
	cases := map[string][]every{
		"one":             {full},
		"one null":        {null},
		"nulls":           {null, null, null},
		"empty":           {empty},
		"null then empty": {null, empty, null, null, empty, empty},
		"edges":           {edge, empty, null, edge},
		"long":            {long, null, long, full},
		"before 1970":     {{When: -5 * day}, {When: -5*day - 1}},
		"random":          random(11, 3000, 3),
	}
	for name, end := range map[string]string{"ids": "=", "ids that end anyhow": ""} {
		cases[name] = idRows(5000, end)
	}
	cases["links"] = linkRows(4000)
	huge := idRows(200, "=")
	huge[100].ID = bytes.Repeat([]byte("huge"), frame.MaxText/4)
	cases["ids and a huge one"] = huge
	for n := range 40 { // every pattern of NULLs around the edges of bit-packed groups
		rows := random(uint64(n), 1+n, 1)
		cases[fmt.Sprint("first ", n, " null")] = append(slices.Repeat([]every{null}, n), rows...)
		cases[fmt.Sprint("last ", n, " null")] = append(slices.Clone(rows), slices.Repeat([]every{null}, n)...)
	}
	for name, rows := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWriter(t)
			write(t, w, rows)
			objects := finish(t, w)
			want := sorted(rows)
			same(t, readBack(t, objects), want)
			columns, got := duck(t, paths(objects), "")
			same(t, got, want)
			refColumns, ref := duck(t, []string{reference(t, rows)}, "")
			if !slices.Equal(columns, refColumns) {
				t.Errorf("columns:\n got %q\nwant %q", columns, refColumns)
			}
			same(t, unordered(got), unordered(ref))
		})
	}
}

// idRows makes rows with the ids of requests: random, of one length and end but
// for a few, some of them those of the row before or of one further up.
func idRows(n int, end string) []every {
	r := rand.New(rand.NewPCG(4, 4))
	rows := make([]every, n)
	for i := range rows {
		rows[i] = every{When: 20000 * day, Line: logs.Int64(i + 1)}
		switch id := &rows[i].ID; r.IntN(40) {
		case 0:
		case 1:
			*id = logs.Text{}
		case 2:
			*id = logs.Text("short"[:r.IntN(5)])
		case 3, 4, 5:
			*id = rows[max(0, i-1)].ID
		case 6, 7:
			*id = rows[r.IntN(i+1)].ID
		default:
			b := make([]byte, 20)
			for j := range b {
				b[j] = byte(r.Uint32())
			}
			*id = append(base64.StdEncoding.AppendEncode(nil, b)[:27], end...)
		}
	}
	return rows
}

// TestIDsTakeLittle holds what the frames of ids come to: what is random in them.
func TestIDsTakeLittle(t *testing.T) {
	rows := idRows(20_000, "=")
	random := 0
	seen := map[string]bool{}
	for i := range rows {
		if id := string(rows[i].ID); !seen[id] {
			seen[id] = true
			random += len(id) * 6 / 8
		}
	}
	w := newWriter(t)
	write(t, w, rows)
	for _, c := range footers(t, finish(t, w))[0].RowGroups[0].Columns {
		if m := c.MetaData; m.PathInSchema[0] == "id" && m.TotalCompressedSize > int64(random)*110/100 {
			t.Errorf("%d bytes for %d random ones", m.TotalCompressedSize, random)
		}
	}
}

// TestLarge goes over row groups, pages and dictionaries that do not pay.
func TestLarge(t *testing.T) {
	rows := random(5, 2*maxRows+1234, 3)
	for i := range rows {
		if i > maxRows/2 {
			rows[i].Bucket = fmt.Appendf(nil, "bucket-%d-%d", i*7919, i) // hardly repeats
			rows[i].Status = logs.SomeInt(int64(i) * 1e9)
			rows[i].Shard = logs.Int64(i)
		}
	}
	w := newWriter(t)
	write(t, w, rows)
	objects := finish(t, w)
	want := sorted(rows)
	byLine := func(rows [][]any) [][]any {
		slices.SortFunc(rows, func(a, b []any) int { return int(a[9].(int64) - b[9].(int64)) })
		return rows
	}
	byLine(want)
	same(t, byLine(readBack(t, objects)), want)
	_, got := duck(t, paths(objects), "ORDER BY line")
	same(t, got, want)
}
