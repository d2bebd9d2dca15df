//go:build cgo && unix

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/formats"
	"sluice/internal/generate"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/query"
)

// typical are six questions that people ask of access logs, from reading two
// columns of a day to reading its longest.
var typical = []string{"errors", "cost-drivers", "deletions", "sensitive-files", "anonymous", "automation"}

// layout is how the rows of one day lie in objects: those of the log files that
// were delivered within one span make one, or for 0 those of one log file.
type layout struct {
	name   string
	span   time.Duration
	packed bool // sorted and rewritten into one object
}

var layouts = []layout{
	{name: "one object a log file"},
	{name: "batches of five minutes", span: 5 * time.Minute},
	{name: "batches of an hour", span: time.Hour},
	{name: "packed: sorted, one object", span: time.Hour, packed: true},
}

// BenchmarkLayouts asks the same questions of the same rows of one day in more
// and in fewer objects. All layouts must give the same answers.
func BenchmarkLayouts(b *testing.B) {
	n := lines(b)
	if !big() {
		n /= 5 // thousands of commits take their time
	}
	logs := b.TempDir()
	if _, err := generate.Write(logs, generate.Options{Seed: 5, Lines: n}, nil); err != nil {
		b.Fatal(err)
	}
	files := deliveredBelow(b, logs)
	for b.Loop() {
		var want []string
		figures.note("layouts: %s lines of one day in %s log files, six queries, DuckDB with one thread", whole(n), whole(int64(len(files))))
		for _, l := range layouts {
			dir := b.TempDir()
			l.write(b, dir, files)
			m := asked(b, dir)
			if want == nil {
				want = m.answers
			}
			for i, name := range typical {
				if m.answers[i] != want[i] {
					b.Fatalf("%s: %s answers\n%s\ninstead of\n%s", l.name, name, m.answers[i], want[i])
				}
			}
			figures.add(figure{what: "layout, " + l.name + ": objects", sluice: whole(m.objects)})
			figures.add(figure{what: "layout, " + l.name + ": MB", sluice: decimals(float64(m.bytes)/1e6, 1)})
			figures.add(figure{what: "layout, " + l.name + ": MB that a query reads", sluice: decimals(float64(m.read)/1e6/float64(len(typical)), 1)})
			figures.add(figure{what: "layout, " + l.name + ": CPU s of six queries", sluice: decimals(m.cpu.Seconds(), 2)})
		}
	}
	b.ReportMetric(0, "ns/op") // of all layouts together: says nothing
}

// deliveredBelow lists log files in the order in which they were delivered.
func deliveredBelow(b *testing.B, dir string) (all []pipeline.Object) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || len(d.Name()) < len(delivered) {
			return err
		}
		info, err := d.Info()
		all = append(all, pipeline.Object{Key: path, Size: info.Size(), Version: "1"})
		return err
	})
	if err != nil || len(all) == 0 {
		b.Fatalf("%d log files below %s: %v", len(all), dir, err)
	}
	slices.SortFunc(all, func(x, y pipeline.Object) int { return strings.Compare(filepath.Base(x.Key), filepath.Base(y.Key)) })
	return all
}

type opened struct{}

func (opened) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return os.Open(o.Key)
}

// write converts the files into a lake in dir.
func (l layout) write(b *testing.B, dir string, files []pipeline.Object) {
	b.Helper()
	lake, err := ledger.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Stage: lake.Stage()})
	if err != nil {
		b.Fatal(err)
	}
	for len(files) > 0 {
		n := 1
		for ; l.span > 0 && n < len(files) && slot(b, files[n], l.span).Equal(slot(b, files[0], l.span)); n++ {
		}
		if _, err := p.Run(b.Context(), opened{}, lake, files[:n]); err != nil {
			b.Fatal(err)
		}
		files = files[n:]
	}
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
	if err := lake.Close(); err != nil {
		b.Fatal(err)
	}
	if l.packed {
		packDays(b, filepath.Join(dir, "s3_access_logs"))
	}
}

// slot is when the span began in which a file was delivered, as its name says.
func slot(b *testing.B, o pipeline.Object, span time.Duration) time.Time {
	b.Helper()
	at, err := time.Parse("2006-01-02-15-04-05", filepath.Base(o.Key)[:len("2006-01-02-15-04-05")])
	if err != nil {
		b.Fatal(err)
	}
	return at.Truncate(span)
}

// packDays rewrites each day of a table into one object, in the order in which
// the table sorts its row groups. DuckDB writes them as an engine over S3 would:
// with its own idea of a Parquet file.
func packDays(b *testing.B, table string) {
	b.Helper()
	days, err := filepath.Glob(filepath.Join(table, "dt=*"))
	if err != nil || len(days) == 0 {
		b.Fatalf("%d days in %s: %v", len(days), table, err)
	}
	for _, day := range days {
		old, err := filepath.Glob(filepath.Join(day, "*.parquet"))
		if err != nil {
			b.Fatal(err)
		}
		// Its name has no meaning; one with an underscore is seen by nobody yet.
		if _, err := duckConvert(fmt.Sprintf("COPY (SELECT * FROM read_parquet(%s) ORDER BY bucket_name, operation, user_agent, request_time) TO %s (FORMAT parquet, COMPRESSION zstd)",
			quote(day+"/*.parquet"), quote(day+"/_packed"))); err != nil {
			b.Fatal(err)
		}
		for _, o := range old {
			if err := os.Remove(o); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.Rename(day+"/_packed", day+"/packed.parquet"); err != nil {
			b.Fatal(err)
		}
	}
}

// costs are what six queries took of a lake.
type costs struct {
	objects, bytes int64 // of the day that is asked for
	read           int64 // of the columns that queries name, and the footers
	cpu            time.Duration
	answers        []string
}

// asked asks the typical questions of the one day that was generated.
func asked(b *testing.B, dir string) (m costs) {
	b.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	day := "'" + dir + "/s3_access_logs/dt=2026-03-02/*.parquet'"
	for _, s := range []string{
		"SET threads = 1", "SET TimeZone = 'UTC'",
		"CREATE VIEW s3_access_logs AS SELECT * FROM read_parquet('" + dir + "/s3_access_logs/dt=*/*.parquet', hive_partitioning = true, hive_types = {'dt': VARCHAR})",
	} {
		if _, err := db.ExecContext(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	var footers int64
	if err := db.QueryRow("SELECT count(*), sum(file_size_bytes), sum(footer_size + 8) FROM parquet_file_metadata("+day+")").Scan(&m.objects, &m.bytes, &footers); err != nil {
		b.Fatal(err)
	}
	for _, name := range typical {
		q, err := query.Find(name)
		if err != nil {
			b.Fatal(err)
		}
		text, err := q.Render(map[string]string{"from": "2026-03-02", "to": "2026-03-02"})
		if err != nil {
			b.Fatal(err)
		}
		m.cpu += spent(b, func() { m.answers = append(m.answers, answer(b, db, text)) })
		m.read += footers
		for _, c := range columnsOf(b, db, day) {
			if word(text, c.name) {
				m.read += c.bytes
			}
		}
	}
	return m
}

type stored struct {
	name  string
	bytes int64
}

// columnsOf says how many bytes the columns of a day take.
func columnsOf(b *testing.B, db *sql.DB, day string) (all []stored) {
	b.Helper()
	rows, err := db.Query("SELECT path_in_schema, CAST(sum(total_compressed_size) AS BIGINT) FROM parquet_metadata(" + day + ") GROUP BY 1")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.name, &s.bytes); err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil || len(all) < 30 {
		b.Fatalf("%d columns: %v", len(all), err)
	}
	return all
}

// word tells whether a query names a column.
func word(text, name string) bool {
	part := func(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !part(text[from-1])) && (to == len(text) || !part(text[to])) {
			return true
		}
		at = to
	}
}

// answer is what a query says, as text.
func answer(b *testing.B, db *sql.DB, text string) string {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), text)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	var all strings.Builder
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		fmt.Fprintln(&all, values...)
	}
	if err := rows.Err(); err != nil || all.Len() == 0 {
		b.Fatalf("no answer to %s: %v", text, err)
	}
	return all.String()
}
