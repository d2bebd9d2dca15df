//go:build cgo

package query_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/logs"
	"sluice/internal/query"
	"sluice/internal/table"
)

type request struct {
	At    logs.Time  `col:"at"`
	Who   logs.Text  `col:"who,dict"`
	Bytes logs.Int   `col:"bytes"`
	OK    logs.Bool  `col:"ok"`
	Line  logs.Int64 `col:"line"`
}

// older is a request as it was before two columns were added.
type older struct {
	At   logs.Time  `col:"at"`
	Who  logs.Text  `col:"who,dict"`
	Line logs.Int64 `col:"line"`
}

var (
	requests = logs.Table[request]{Name: "requests", Time: func(r *request) logs.Time { return r.At }, Sort: []string{"at"}}
	olders   = logs.Table[older]{Name: "requests", Time: func(r *older) logs.Time { return r.At }, Sort: []string{"at"}}
)

func at(s string) logs.Time {
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return logs.TimeOf(t)
}

// write puts rows into the lake as a committed batch.
func write[R any](t *testing.T, lake string, tab logs.Table[R], batch string, rows ...R) {
	t.Helper()
	stage, err := table.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := table.New(tab, stage)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := w.Close(batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		to := filepath.Join(lake, filepath.FromSlash(o.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(o.Path, to); err != nil {
			t.Fatal(err)
		}
	}
}

func batch(n int) string { return fmt.Sprintf("%032x", n) }

func tables(t *testing.T) []query.Table {
	t.Helper()
	a, err := query.TableOf(requests)
	if err != nil {
		t.Fatal(err)
	}
	b, err := query.TableOf(logs.RejectedTable)
	if err != nil {
		t.Fatal(err)
	}
	return []query.Table{a, b}
}

func open(t *testing.T, dir string) *query.Lake {
	t.Helper()
	l, err := query.Open(t.Context(), dir, tables(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// ask returns the answer as lines of text, NULL as ∅.
func ask(ctx context.Context, l *query.Lake, sql string) ([]string, error) {
	res, err := l.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	var lines []string
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		var cells []string
		for _, v := range row {
			if v.Null {
				v.Text = "∅"
			}
			cells = append(cells, v.Text)
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return lines, nil
}

// sample makes a lake of two batches over two days; one was written before the
// table had all of its columns.
func sample(t *testing.T, dir string) string {
	t.Helper()
	write(t, dir, requests, batch(1),
		request{At: at("2026-11-21 23:59:59") + 123, Who: logs.Text("ann"), Bytes: logs.SomeInt(0), OK: logs.SomeBool(false), Line: 1},
		request{At: at("2026-11-22 00:00:00"), Who: logs.Text(""), Bytes: logs.SomeInt(-5), OK: logs.SomeBool(true), Line: 2},
		request{At: at("2026-11-22 00:00:01"), Line: 3})
	write(t, dir, olders, batch(2), older{At: at("2026-11-22 10:00:00"), Who: logs.Text("Zoë"), Line: 4})
	return dir
}

func TestView(t *testing.T) {
	l := open(t, sample(t, t.TempDir()))
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT * FROM requests ORDER BY line", []string{
			"2026-11-21 23:59:59.123|ann|0|false|1|2026-11-21",
			"2026-11-22 00:00:00||-5|true|2|2026-11-22",
			"2026-11-22 00:00:01|∅|∅|∅|3|2026-11-22",
			"2026-11-22 10:00:00|Zoë|∅|∅|4|2026-11-22",
		}},
		{"SELECT count(*) FROM requests WHERE dt = '2026-11-21'", []string{"1"}},
		{"SELECT sum(bytes), avg(line) FROM requests;", []string{"-5|2.5"}},
		{"SELECT a.line FROM requests a JOIN requests b ON a.line = b.line + 3", []string{"4"}},
		{"SELECT count(*), min(reason) FROM rejected", []string{"0|∅"}},
		{"WITH a AS (SELECT 1 AS x) SELECT x FROM a", []string{"1"}},
		{"SELECT DATE '2026-01-02', TIME '01:02:03', [1, NULL], {'a': 'b'}, 1.50::DECIMAL(4, 2), 170141183460469231731687303715884105727::HUGEINT, 'x'::BLOB, 1e30, -0.05::DECIMAL(4, 2), [1.50::DECIMAL(4,2)]",
			[]string{`2026-01-02|01:02:03|[1,null]|{"a":"b"}|1.50|170141183460469231731687303715884105727|\x78|1e+30|-0.05|[1.50]`}},
	} {
		got, err := ask(t.Context(), l, c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
	types, err := ask(t.Context(), l, "SELECT column_name, column_type FROM (DESCRIBE rejected)")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"event_time|TIMESTAMP", "meant_for|VARCHAR", "reason|VARCHAR", "detail|VARCHAR", "raw|VARCHAR", "log_key|VARCHAR", "log_line|BIGINT", "dt|VARCHAR"}
	if !slices.Equal(types, want) {
		t.Errorf("empty table\n got %q\nwant %q", types, want)
	}
}

func TestKinds(t *testing.T) {
	l := open(t, sample(t, t.TempDir()))
	res, err := l.Query(t.Context(), "SELECT *, sum(bytes) OVER (), 1.5, [1] FROM requests")
	if err != nil {
		t.Fatal(err)
	}
	var got []query.Kind
	for _, c := range res.Columns {
		got = append(got, c.Kind)
	}
	want := []query.Kind{query.Time, query.Text, query.Number, query.Bool, query.Number, query.Text, query.Number, query.Number, query.Nested}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range res.Rows {
		break // leaving early gives the result back: Close must not hang
	}
}

// TestFilesSeen holds that DuckDB sees the files that Athena does.
func TestFilesSeen(t *testing.T) {
	lake := sample(t, filepath.Join(t.TempDir(), "it's a [lake]*?"))
	day := filepath.Join(lake, "requests", "dt=2026-11-22")
	for _, name := range []string{"_half.parquet", ".hidden.parquet", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(day, name), []byte("no Parquet"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := open(t, lake)
	got, err := ask(t.Context(), l, "SELECT count(*) FROM requests")
	if err != nil || !slices.Equal(got, []string{"4"}) {
		t.Fatal(got, err)
	}
	write(t, lake, requests, batch(3), request{At: at("2026-11-23 00:00:00"), Line: 5})
	got, err = ask(t.Context(), l, "SELECT count(*) FROM requests")
	if err != nil || !slices.Equal(got, []string{"5"}) {
		t.Errorf("after another commit: %v %v", got, err)
	}
}

func TestReadOnly(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lake := sample(t, t.TempDir())
	l := open(t, lake)
	for _, c := range []struct{ sql, want string }{
		{"SELECT * FROM '" + outside + "'", "disabled"},
		{"SELECT * FROM read_text('" + outside + "')", "disabled"},
		{"SELECT * FROM glob('" + filepath.Dir(outside) + "/*')", "disabled"},
		{"SELECT * FROM read_text('" + lake + "/../" + filepath.Base(filepath.Dir(outside)) + "/secret.csv')", "disabled"},
		{"COPY requests TO '" + outside + "'", "disabled"},
		{"COPY requests TO '" + lake + "/requests/dt=2026-11-22/x.parquet'", "read-only"},
		{"ATTACH '" + lake + "/x.db'", "read-only"},
		{"CREATE TABLE x AS SELECT 1", "read-only"},
		{"DROP VIEW requests", "read-only"},
		{"SET enable_external_access = true", "read-only"},
		{"SET allowed_directories = ['/']", "read-only"},
		{"PRAGMA enable_external_access = true", ""},
		{"CALL pragma_version()", "read-only"},
		{"EXPLAIN ANALYZE COPY requests TO '" + lake + "/x.csv'", "read-only"},
		{"SELECT 1; DROP VIEW requests", "one statement"},
		{"INSTALL httpfs", ""},
		{"SELECT getenv('HOME')", "getenv"},
		{"", "empty"},
		{"SELEC 1", "syntax error"},
		{"SELECT nope FROM requests", "nope"},
		{"SELECT CAST(who AS bigint) FROM requests", "Could not convert string"},
	} {
		got, err := ask(t.Context(), l, c.sql)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %q, error %v, want %q", c.sql, got, err, c.want)
		}
	}
	if got, err := ask(t.Context(), l, "SELECT count(*) FROM requests"); err != nil || got[0] != "4" {
		t.Errorf("afterwards: %v %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := sample(t, t.TempDir())
	if err := os.WriteFile(filepath.Join(broken, "requests", "dt=2026-11-22", "x.parquet"), []byte("rubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, want string }{
		{filepath.Join(t.TempDir(), "none"), "there is no lake at"},
		{t.TempDir(), "none of the tables"},
		{file, "not a directory"},
		{broken, "open table requests"},
	} {
		l, err := query.Open(t.Context(), c.dir, tables(t))
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.dir, err, c.want)
		}
	}
}

func TestInterrupt(t *testing.T) {
	l := open(t, sample(t, t.TempDir()))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, fmt.Errorf("enough"))
	defer cancel()
	_, err := ask(ctx, l, "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3")
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
}
