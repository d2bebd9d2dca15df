//go:build cgo

package query_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/query"
)

var update = flag.Bool("update-queries", false, "rewrite docs/queries.md, and the answers in testdata (which somebody must then check by hand)")

// TestAnswers holds the answer of every named query against what its author
// worked out from the lines in lake_test.go: testdata/answers.txt has a case for
// each, "== name parameter=value", and below it the rows.
func TestAnswers(t *testing.T) {
	const file = "testdata/answers.txt"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	intro, cases, _ := strings.Cut(string(b), "\n== ")
	lake, dir := smallLake(t)
	asked := map[string]bool{}
	var is strings.Builder
	is.WriteString(intro)
	for _, c := range strings.Split(cases, "\n== ") {
		head, _, _ := strings.Cut(c, "\n")
		name, rest, _ := strings.Cut(head, " ")
		params := map[string]string{}
		for _, p := range strings.Fields(rest) {
			k, v, _ := strings.Cut(p, "=")
			params[k] = v
		}
		asked[name] = true
		is.WriteString("\n== " + head + "\n")
		for _, row := range answer(t, lake, name, params) {
			is.WriteString(strings.ReplaceAll(row, dir, "LOGS") + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(is.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(is.String(), "\n")); d != "" && !*update {
		t.Errorf("-worked out +answered:\n%s", d)
	}
	for _, q := range must(query.All()) {
		if !asked[q.Name] {
			t.Errorf("%s: no case in %s", q.Name, file)
		}
	}
}

// TestSavedAndPrepared: both forms that Athena gets are whole statements. The
// days of the small lake are long gone, or to come, so there may be no rows.
func TestSavedAndPrepared(t *testing.T) {
	lake, _ := smallLake(t)
	for _, q := range must(query.All()) {
		saved, err := q.Saved()
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		if _, err := ask(t.Context(), lake, saved.SQL); err != nil {
			t.Errorf("%s, saved: %v", q.Name, err)
		}
		if len(saved.Name) > 128 || len(saved.Description) > 1024 || len(saved.SQL) > 262144 {
			t.Errorf("%s: larger than Athena takes: name %d, description %d, text %d", q.Name, len(saved.Name), len(saved.Description), len(saved.SQL))
		}
		sql, names := q.Prepared()
		values := map[string]string{}
		for _, p := range q.Params {
			values[p.Name] = p.Default
		}
		filled := sql
		for _, n := range names {
			v := "'" + values[n] + "'"
			if n == "limit" {
				v = values[n]
			}
			filled = strings.Replace(filled, "?", v, 1)
		}
		if rendered := must(q.Render(nil)); filled != rendered {
			t.Errorf("%s, prepared:\n%s\nrendered:\n%s", q.Name, filled, rendered)
		}
	}
}

// TestNoTables: over a lake that lacks a table, a query of it says so.
func TestNoTables(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/s3_access_logs", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := query.Open(t.Context(), dir, allTables(t)[:1])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, want := range map[string]string{
		"settings": "Table with name cloudtrail_events does not exist",
		"seen-by":  "Table with name s3_requests does not exist",
		"findings": "Table with name findings does not exist",
	} {
		_, err := ask(t.Context(), l, must(must(query.Find(name)).Render(nil)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if rows, err := ask(t.Context(), l, must(must(query.Find("duplicates")).Render(nil))); err != nil || len(rows) > 0 {
		t.Errorf("a table without files: %q, %v", rows, err)
	}
}

// TestTruth asks a generated lake, in which every scenario was planted, what the
// generator says it holds.
func TestTruth(t *testing.T) {
	lake, truth := generatedLake(t)
	for _, q := range must(query.All()) {
		// Log files do not tell which buckets there are.
		if rows := answer(t, lake, q.Name, nil); len(rows) == 0 != strings.Contains(q.SQL, "FROM coverage\n") {
			t.Errorf("%s: %d rows", q.Name, len(rows))
		}
	}
	planted := map[string]int64{}
	ip := map[string]string{}
	for _, s := range truth.Scenarios {
		planted[s.Name] = s.Lines
		ip[s.Name] = s.RemoteIPs[0]
	}
	all := map[string]string{"limit": "1000000"}
	for _, c := range []struct {
		about, query string
		params       map[string]string
		column       int // to be summed, from 0; -1 counts rows
		want         int64
	}{
		{"lines", "daily", all, 1, truth.Access.Rows},
		{"lines by hour", "hourly", all, 1, truth.Access.Rows},
		{"lines by bucket", "top-buckets", all, 1, truth.Access.Rows},
		{"ambiguous", "forged", all, -1, truth.Access.Ambiguous},
		{"rejects", "rejects", all, 2, truth.Access.Rejected + truth.CloudTrail.Rejected},
		{"duplicates", "duplicates", all, 4, truth.Special["duplicate-line"]},
		{"all requests of one address", "ip-timeline", map[string]string{"limit": "1000000", "ip": ip["key-guessing"]}, -1, planted["key-guessing"]},
		{"4XX", "hourly", all, 4, truth.Clean.Statuses["403"] + truth.Clean.Statuses["404"] +
			planted["forged-lines"]*3/4}, // a quarter of them leaves the status in doubt
		{"deleted in batches", "batch-deletes", all, 4, truth.Clean.Operations["BATCH.DELETE.OBJECT"]},
		{"records by lateness", "lateness", all, 2, truth.Access.Rows + truth.CloudTrail.Rows},
		{"requests in either log", "seen-by", all, 2, truth.Access.Rows + recordsOfS3(t, lake) - truth.Joined},
		{"in CloudTrail only", "seen-by", all, 5, recordsOfS3(t, lake) - truth.Joined},
		{"deletions", "deleted-objects", all, -1, truth.Clean.Operations["REST.DELETE.OBJECT"] +
			truth.Clean.Operations["BATCH.DELETE.OBJECT"] + truth.Clean.Operations["S3.EXPIRE.OBJECT"]},
	} {
		var got int64
		for _, row := range answer(t, lake, c.query, c.params) {
			if c.column < 0 {
				got++
			} else {
				got += number(t, strings.Split(row, "|")[c.column])
			}
		}
		if got != c.want {
			t.Errorf("%s (%s): %d, want %d", c.query, c.about, got, c.want)
		}
	}
}

// TestNamesOfQueries: a query that is called as a table is asks that table.
func TestNamesOfQueries(t *testing.T) {
	for _, table := range allTables(t) {
		if q, err := query.Find(table.Name); err == nil && !strings.Contains(q.SQL, "FROM "+table.Name) {
			t.Errorf("the query %s asks other tables than %s:\n%s", q.Name, table.Name, q.SQL)
		}
	}
}
