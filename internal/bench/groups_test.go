//go:build cgo && linux

package bench

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

// orders are ways to sort a row group; nil leaves rows as they were logged.
var orders = []struct {
	name string
	by   []string
}{
	{"as logged", nil},
	{"request_time", []string{"request_time"}},
	{"bucket_name, key_name", []string{"bucket_name", "key_name"}},
	{"requester, request_time", []string{"requester", "request_time"}},
	{"bucket_name, operation, user_agent, remote_ip, request_time", s3access.Format.Sort},
}

// BenchmarkOrders converts the same lines with row groups in other orders: bytes per
// row, CPU of the conversion, and what the questions of analysts read and cost.
func BenchmarkOrders(b *testing.B) {
	n := choiceLines(b)
	file, _ := accessLog(b, n)
	for b.Loop() {
		g := newGrid("order of rows in a group of 65,536; six questions in DuckDB with one thread",
			"", "bytes per row", "CPU µs per line", "questions: MB", "CPU s")
		var want []string
		for _, o := range orders {
			var cpu []float64
			var lake string
			for range runs {
				lake = b.TempDir()
				format := s3access.Format
				format.Sort = o.by
				cpu = append(cpu, spent(b, func() {
					rows, err := convertBy(pipeline.Config{Routes: []pipeline.Route{pipeline.To(format)}}, file, lake)
					if err != nil || rows != n {
						b.Fatalf("%d rows of %d lines: %v", rows, n, err)
					}
				}).Seconds()*1e6/float64(n))
			}
			all := answered(b, lake+"/s3_access_logs/dt=*/*.parquet", &want)
			g.row(o.name, decimals(perRow(bytesBelow(b, lake), n), 1), decimals(median(cpu), 2), decimals(float64(all.read)/1e6, 1), decimals(all.cpu.Seconds(), 2))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

// answered asks the questions of analysts of Parquet files; the answers must be
// those of before.
func answered(b *testing.B, glob string, want *[]string) (all cost) {
	b.Helper()
	for _, q := range analysts {
		c := ask(b, "SELECT * FROM read_parquet("+quote(glob)+")", q.sql)
		all.cpu += c.cpu
		all.read += c.read
		all.rows = append(all.rows, c.rows...)
	}
	if *want == nil {
		*want = all.rows
	}
	if strings.Join(all.rows, "\n") != strings.Join(*want, "\n") || len(all.rows) == 0 {
		b.Fatalf("%s answers otherwise than the others", glob)
	}
	return all
}

// BenchmarkGroups rewrites one day in row groups of other sizes, by DuckDB, which has
// no limit to them: bytes per row, and what questions read and cost.
func BenchmarkGroups(b *testing.B) {
	n := lines(b)
	file, _ := accessLog(b, n)
	lake := b.TempDir()
	r, err := convert(file, lake)
	if err == nil {
		err = r.whole(1, n)
	}
	if err != nil {
		b.Fatal(err)
	}
	from := lake + "/s3_access_logs/dt=*/*.parquet"
	for b.Loop() {
		g := newGrid(fmt.Sprintf("rows of a group: %s rows, written by DuckDB with zstd as Sluice ordered them; six questions in DuckDB with one thread", whole(n)),
			"", "bytes per row", "questions: MB", "CPU s")
		var want []string
		for _, rows := range []int{8 << 10, 32 << 10, 64 << 10, 128 << 10, 512 << 10} {
			to := b.TempDir() + "/day.parquet"
			if got, err := duckConvert(fmt.Sprintf("COPY (SELECT * FROM read_parquet(%s)) TO %s (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d)",
				quote(from), quote(to), rows)); err != nil || got != n {
				b.Fatalf("%d rows, want %d: %v", got, n, err)
			}
			info, err := os.Stat(to)
			if err != nil {
				b.Fatal(err)
			}
			all := answered(b, to, &want)
			g.row(whole(int64(rows)), decimals(perRow(info.Size(), n), 1), decimals(float64(all.read)/1e6, 1), decimals(all.cpu.Seconds(), 2))
		}
		all := answered(b, from, &want)
		g.row("as Sluice wrote them: 65,536", decimals(perRow(bytesBelow(b, lake), n), 1), decimals(float64(all.read)/1e6, 1), decimals(all.cpu.Seconds(), 2))
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

// looked are columns that people look values up in.
var looked = []string{"request_time", "bucket_name", "operation", "http_status", "remote_ip", "requester", "key_name", "user_agent", "request_id"}

// BenchmarkSkipping says what bounds of row groups spare a reader that looks for one
// value, and what a Bloom filter would cost and spare besides.
func BenchmarkSkipping(b *testing.B) {
	n := lines(b)
	file, _ := accessLog(b, n)
	lake := b.TempDir()
	r, err := convert(file, lake)
	if err == nil {
		err = r.whole(1, n)
	}
	objects, _ := filepath.Glob(lake + "/s3_access_logs/dt=*/*.parquet")
	if err != nil || len(objects) != 1 {
		b.Fatalf("%d objects: %v", len(objects), err)
	}
	dir := b.TempDir()
	bare, filtered := dir+"/bare.parquet", dir+"/filtered.parquet"
	blooms := []parquet.BloomFilterColumn{}
	for _, c := range []string{"remote_ip", "requester", "key_name", "request_id"} {
		blooms = append(blooms, parquet.SplitBlockFilter(10, c))
	}
	if err := errors.Join(rewrite(objects[0], bare), rewrite(objects[0], filtered, parquet.BloomFilters(blooms...))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g := newGrid(fmt.Sprintf("bounds and Bloom filters: of the row groups of %s rows, how many are left for a reader that looks for one value of a column; the mean of 50 that are there", whole(n)),
			"", "groups", "left by bounds", "that have it", "left by Bloom filters", "bytes per row of them")
		for _, column := range looked {
			g.row(append([]string{column}, groupsLeft(b, objects[0], filtered, column, n)...)...)
		}
		index := indexed(b, bare)
		f := newGrid("what else a file may have, written by parquet-go with the same groups", "", "bytes per row")
		f.row("page index (ColumnIndex and OffsetIndex)", decimals(perRow(index, n), 2))
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

// rewrite writes the logged columns of a file again, with parquet-go, in the same
// groups.
func rewrite(from, to string, options ...parquet.WriterOption) (err error) {
	src, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		return err
	}
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	w := parquet.NewGenericWriter[pointers](dst, append(options, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.PageBufferSize(1<<20))...)
	for _, g := range f.RowGroups() {
		rows := parquet.NewGenericRowGroupReader[pointers](g)
		some := make([]pointers, g.NumRows())
		if n, err := rows.Read(some); int64(n) != g.NumRows() {
			return fmt.Errorf("%d rows of %d: %w", n, g.NumRows(), err)
		}
		if _, err := w.Write(some); err != nil {
			return err
		}
		if err := errors.Join(rows.Close(), w.Flush()); err != nil {
			return err
		}
	}
	return w.Close()
}

// groupsLeft looks 50 values up in the bounds of the groups of a file, in the groups
// themselves, and in the filters of another file with the same groups.
func groupsLeft(b *testing.B, path, filtered, column string, n int64) []string {
	b.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var groups, left, have float64
	text := "CAST(" + column + " AS VARCHAR)"
	compare := "v BETWEEN lo AND hi"
	switch column {
	case "request_time":
		text = "CAST(epoch_ms(" + column + ") AS VARCHAR)"
		compare = "CAST(v AS BIGINT) BETWEEN epoch_ms(CAST(lo AS TIMESTAMPTZ)) AND epoch_ms(CAST(hi AS TIMESTAMPTZ))"
	case "http_status":
		compare = "CAST(v AS BIGINT) BETWEEN CAST(lo AS BIGINT) AND CAST(hi AS BIGINT)"
	}
	// A group without bounds is read.
	query := fmt.Sprintf(`
		WITH starts AS (SELECT row_group_id AS g, sum(row_group_num_rows) OVER (ORDER BY row_group_id) - row_group_num_rows AS start
			FROM parquet_metadata(%[1]s) WHERE path_in_schema = '%[3]s'),
		r AS (SELECT v, g FROM (SELECT %[2]s AS v, file_row_number AS n FROM read_parquet(%[1]s, file_row_number = true) WHERE %[3]s IS NOT NULL)
			ASOF JOIN starts ON n >= start),
		want AS (SELECT v FROM (SELECT DISTINCT v FROM r) ORDER BY hash(v) LIMIT 50),
		bounds AS (SELECT row_group_id AS g, stats_min_value AS lo, stats_max_value AS hi FROM parquet_metadata(%[1]s) WHERE path_in_schema = '%[3]s')
		SELECT (SELECT count(*) FROM bounds),
			(SELECT count(*) FROM want, bounds WHERE lo IS NULL OR %[4]s) / (SELECT count(*) FROM want),
			(SELECT count(*) FROM (SELECT DISTINCT v, g FROM r JOIN want USING (v))) / (SELECT count(*) FROM want)`,
		quote(path), text, column, compare)
	if err := db.QueryRow(query).Scan(&groups, &left, &have); err != nil {
		b.Fatalf("%s: %v", column, err)
	}
	cells := []string{decimals(groups, 0), decimals(left, 1), decimals(have, 1)}
	src, err := os.ReadFile(filtered)
	if err != nil {
		b.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		b.Fatal(err)
	}
	leaf, _ := f.Schema().Lookup(column)
	if f.RowGroups()[0].ColumnChunks()[leaf.ColumnIndex].BloomFilter() == nil {
		return append(cells, "–", "–")
	}
	rows, err := db.Query(fmt.Sprintf("SELECT v FROM (SELECT DISTINCT %s AS v FROM read_parquet(%s) WHERE %s IS NOT NULL) ORDER BY hash(v) LIMIT 50", text, quote(path), column))
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var looks, hits, size float64
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			b.Fatal(err)
		}
		looks++
		for _, g := range f.RowGroups() {
			ok, err := g.ColumnChunks()[leaf.ColumnIndex].BloomFilter().Check(parquet.ByteArrayValue([]byte(v)))
			if err != nil {
				b.Fatal(err)
			}
			if ok {
				hits++
			}
		}
	}
	if err := rows.Err(); err != nil || looks == 0 {
		b.Fatalf("%s: %v values: %v", column, looks, err)
	}
	for _, g := range f.RowGroups() {
		size += float64(g.ColumnChunks()[leaf.ColumnIndex].BloomFilter().Size())
	}
	if hits/looks < have {
		b.Fatalf("%s: filters leave %.2f groups, %.2f have the value", column, hits/looks, have)
	}
	return append(cells, decimals(hits/looks, 1), decimals(size/float64(n), 2))
}

// indexed is how many bytes the page index of a file has.
func indexed(b *testing.B, path string) (n int64) {
	b.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		b.Fatal(err)
	}
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			n += int64(c.ColumnIndexLength) + int64(c.OffsetIndexLength)
		}
	}
	return n
}
