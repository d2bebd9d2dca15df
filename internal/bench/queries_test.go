//go:build cgo && linux

package bench

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The goals of questions, to what the same question costs over the text.
const (
	readGoal = 1. / 40 // bytes
	askGoal  = 1. / 15 // CPU
)

// analysts ask these questions first: they are, in the columns that the log
// has itself, so that the text can answer them as well.
var analysts = []struct{ about, sql string }{
	{"4XX by requester", `SELECT requester, http_status, count(*) FROM logs WHERE http_status BETWEEN 400 AND 499 GROUP BY ALL ORDER BY ALL`},
	{"top bytes", `SELECT requester, CAST(sum(bytes_sent_size) AS BIGINT) FROM logs GROUP BY ALL ORDER BY 2 DESC NULLS LAST, 1 LIMIT 20`},
	// Thousands of rows: to hand each to Go would cost more than to find them.
	{"deletes, with their keys", `SELECT count(*), CAST(bit_xor(hash(request_time, bucket_name, requester)) AS VARCHAR), max(length(key_name)) > 0 FROM logs
		WHERE operation IN ('REST.DELETE.OBJECT', 'BATCH.DELETE.OBJECT', 'S3.EXPIRE.OBJECT', 'S3.CREATE.DELETEMARKER')`},
	{"sensitive keys", `SELECT bucket_name, requester, count(*) FROM logs
		WHERE key_name LIKE '%password%' OR key_name LIKE '%secret%' OR key_name LIKE '%credential%' OR key_name LIKE '%backup%' OR key_name LIKE '%.pem'
		GROUP BY ALL ORDER BY ALL`},
	{"anonymous", `SELECT bucket_name, operation, http_status, count(*) FROM logs WHERE requester IS NULL GROUP BY ALL ORDER BY ALL`},
	{"automation by user agent", `SELECT user_agent, count(*) FROM logs WHERE user_agent NOT LIKE 'Mozilla/%' GROUP BY ALL ORDER BY ALL`},
}

// BenchmarkQueries asks a day of a lake, in turns with the text that it was made
// of, in files of the size in which S3 delivers them: DuckDB with one thread
// reads either, so that only the files differ. All in one file, the text is as
// cheap to read as text can be. Bytes are those that the process read, as the
// system counts them.
func BenchmarkQueries(b *testing.B) {
	n := lines(b)
	file, size := accessLog(b, n)
	lake := b.TempDir()
	r, err := convert(file, lake)
	if err == nil {
		err = r.whole(1, n)
	}
	if err != nil {
		b.Fatal(err)
	}
	files, dir := asDelivered(b, file)
	parquet := "SELECT * FROM read_parquet(" + quote(lake+"/s3_access_logs/dt=*/*.parquet") + ")"
	texts := []string{duckText(dir + "/*"), duckText(file)}
	for range turns(b) {
		cpu, read := make([]pairs, len(analysts)), make([]pairs, len(analysts))
		var six [2]pairs
		for range runs {
			var sum [3]float64
			for i, q := range analysts {
				ours := ask(b, parquet, q.sql)
				for j, text := range texts {
					theirs := ask(b, text, q.sql)
					if !slices.Equal(ours.rows, theirs.rows) || len(ours.rows) == 0 {
						b.Fatalf("%s: %d rows of the lake and %d of the text, which differ", q.about, len(ours.rows), len(theirs.rows))
					}
					if theirs.read < size {
						b.Fatalf("%s: %d bytes read of a text of %d", q.about, theirs.read, size)
					}
					if sum[j] += theirs.cpu.Seconds(); j == 0 {
						cpu[i].add(ours.cpu.Seconds(), theirs.cpu.Seconds())
						read[i].add(float64(ours.read), float64(theirs.read))
					}
				}
				sum[2] += ours.cpu.Seconds()
			}
			six[0].add(sum[2], sum[0])
			six[1].add(sum[2], sum[1])
		}
		most := 0. // bytes, of a query
		for i, q := range analysts {
			fraction("query, "+q.about+": MB read", read[i], 1e6, 1, "the text", readGoal)
			fraction("query, "+q.about+": CPU s", cpu[i], 1, 3, "the text", askGoal)
			most = max(most, read[i].ratio())
		}
		fraction("these six queries: CPU s", six[0], 1, 2, "the text", askGoal)
		fraction("these six queries: CPU s", six[1], 1, 2, "the text in one file", 0)
		say(b, "query-bytes/text", most)
		say(b, "query-cpu/text", six[0].ratio())
		b.ReportMetric(six[1].ratio(), "cpu/one-file")
	}
	figures.note("query: %s lines of a day, %.1f MB of text in %s files; DuckDB with one thread over lake and text; medians of %d runs of each in turns",
		whole(n), float64(size)/1e6, whole(files), runs)
	b.ReportMetric(0, "ns/op") // of both sides together: says nothing
}

// fraction adds a line whose ratio is far below one. There may be no goal.
func fraction(what string, p pairs, unit float64, digits int, beside string, goal float64) {
	f := figure{
		what: what, sluice: decimals(median(p.ours)/unit, digits), other: decimals(median(p.theirs)/unit, digits), name: beside,
		ratio: "1/" + decimals(1/p.ratio(), 0), met: p.ratio() <= goal,
	}
	if goal > 0 {
		f.goal = "at most 1/" + decimals(1/goal, 0)
	}
	figures.add(f)
}

// asDelivered writes the lines of a file into many of 110, as most buckets get
// them.
func asDelivered(tb testing.TB, file string) (files int64, dir string) {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	dir = tb.TempDir()
	for some := range slices.Chunk(slices.Collect(bytes.Lines(text)), 110) {
		name := fmt.Sprintf("%s/2026-03-02-%02d-%02d-%02d-%016X", dir, files/3600%24, files/60%60, files%60, files)
		if err := os.WriteFile(name, bytes.Join(some, nil), 0o600); err != nil {
			tb.Fatal(err)
		}
		files++
	}
	return files, dir
}

// cost is what an answer was, and took.
type cost struct {
	rows []string // sorted
	cpu  time.Duration
	read int64
}

// ask asks a question of logs in a DuckDB that knows nothing from before.
func ask(tb testing.TB, logs, question string) (c cost) {
	tb.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{"SET threads = 1", "SET TimeZone = 'UTC'", "CREATE VIEW logs AS " + logs} {
		if _, err := db.Exec(s); err != nil {
			tb.Fatal(err)
		}
	}
	before := bytesRead(tb)
	c.cpu = spent(tb, func() {
		rows, err := db.Query(question)
		if err != nil {
			tb.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			tb.Fatal(err)
		}
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				tb.Fatal(err)
			}
			var row strings.Builder
			for _, v := range values {
				fmt.Fprintf(&row, "%t %s|", v.Valid, v.String)
			}
			c.rows = append(c.rows, row.String())
		}
		if err := rows.Err(); err != nil {
			tb.Fatal(err)
		}
	})
	c.read = bytesRead(tb) - before
	slices.Sort(c.rows)
	return c
}

// bytesRead is what this process has read of files so far, from the disk or
// from what the system remembers of it.
func bytesRead(tb testing.TB) int64 {
	tb.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) == 2 && string(f[0]) == "rchar:" {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
	}
	tb.Fatal("/proc/self/io tells no rchar")
	return 0
}
