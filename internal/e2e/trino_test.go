//go:build cgo && unix

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/coverage"
	"sluice/internal/finding"
	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
	"sluice/internal/testaws"
)

// TestTrino: what Athena will be asked, a real Trino answers through the tables
// and views that the template deploys, over objects that the function wrote, as
// the DuckDB of sluice query answers: value by value, NULL by NULL, in the order
// that the query asks for.
//
// The logs are of the last days, because Athena looks for days up to now, and
// saved queries ask for the last week. The tables begin a little before.
func TestTrino(t *testing.T) {
	needTrino(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s := deploy(t, "BatchSize=100", "ProjectionStart="+today.AddDate(0, 0, -20).Format(time.DateOnly))
	dir, _ := generated(t, generate.Options{Seed: 11, Lines: 2000, Events: 300, Start: today.AddDate(0, 0, -6), Days: 2, LinesPerFile: 400, Scenarios: []string{"all"}})
	s.deliver(dir, keysIn(t, dir)...)
	small := smallDays(today)
	for name, text := range small.files(t) {
		s.put(s.Resources["LogBucket"].ID, name, []byte(text))
	}
	s.put(s.Resources["LogBucket"].ID, today.AddDate(0, 0, -2).Format("2006-01-02-15-04-05")+"-0123456789ABCDEF", []byte(hostileFile(today.AddDate(0, 0, -2))))
	s.drain()
	s.lookAround("example-new")
	both := &engines{t: t, trino: trinoOver(t, s), duckdb: s.local()}

	t.Run("tables", func(t *testing.T) { both.on(t).wholeTables(s) })
	t.Run("views", func(t *testing.T) { both.on(t).wholeViews() })
	t.Run("named", func(t *testing.T) { both.on(t).namedQueries(small.cases(t)) })
	t.Run("saved", func(t *testing.T) { both.on(t).savedQueries(s) })
	t.Run("classic", func(t *testing.T) { both.on(t).classic(small) })
	t.Run("hostile", func(t *testing.T) { both.on(t).hostile() })
}

// lookAround has the daily look taken before and after there is a new bucket.
func (s *stack) lookAround(bucket string) {
	s.t.Helper()
	env, limit := s.environOf("CoverageFunction", "CoverageRole", s.URL)
	function := testaws.Start(s.t, looker, env...)
	for range 2 {
		if a := function.Invoke([]byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`), limit); a.Failed || a.Dead {
			s.t.Fatalf("look: %+v\n%s", a, function.Output())
		}
		if _, err := s.s3.CreateBucket(s.t.Context(), &s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(s.Region),
		}}); err != nil {
			s.t.Fatal(err)
		}
		bucket += "er"
	}
}

// days moves the log files that the package query keeps, with the cases whose
// answers are known, from their two days to the days before yesterday.
type days struct{ *strings.Replacer }

func smallDays(today time.Time) days {
	var pairs []string
	for i, day := range []time.Time{time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)} {
		for _, form := range []string{"2006-01-02", "2006/01/02", "20060102", "02/Jan/2006"} {
			pairs = append(pairs, day.Format(form), today.AddDate(0, 0, i-3).Format(form))
		}
	}
	return days{strings.NewReplacer(pairs...)}
}

// files are the files by key.
func (d days) files(t *testing.T) map[string]string {
	t.Helper()
	const dir = "../query/testdata/logs"
	all := map[string]string{}
	for _, key := range keysIn(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
		if err != nil {
			t.Fatal(err)
		}
		all[d.Replace(key)] = d.Replace(string(text))
	}
	return all
}

// cases are the parameters by query, other than the defaults, of which the
// answers are known: "== name parameter=value" among the answers.
func (d days) cases(t *testing.T) map[string][]map[string]string {
	t.Helper()
	text, err := os.ReadFile("../query/testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]map[string]string{}
	for line := range strings.Lines(d.Replace(string(text))) {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "==" {
			continue
		}
		params := map[string]string{}
		for _, p := range fields[2:] {
			name, value, _ := strings.Cut(p, "=")
			params[name] = value
		}
		all[fields[1]] = append(all[fields[1]], params)
	}
	if len(all) < 10 {
		t.Fatalf("cases for %d queries", len(all))
	}
	return all
}

func needTrino(t *testing.T) {
	if os.Getenv("SLUICE_TRINO") != "1" {
		t.Skip("make trino asks a real Trino")
	}
}

// local is the lake as sluice query opens it: the days that Athena can see.
func (s *stack) local() *query.Lake {
	s.t.Helper()
	dir := s.t.TempDir()
	first, end := map[string]string{}, time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	for _, g := range s.tables(s.t.Context()) {
		if days := g.Parameters["projection.dt.range"]; days != "" {
			first[strings.TrimSuffix(g.Name, "_live")], _, _ = strings.Cut(days, ",")
		}
	}
	for key, body := range s.objects(s.t.Context()) {
		table, rest, _ := strings.Cut(strings.TrimPrefix(key, "lake/"), "/")
		day, _, ok := strings.Cut(strings.TrimPrefix(rest, "dt="), "/")
		if !ok || day < first[table] || day > end {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(key, "lake/")))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	l, err := query.Open(s.t.Context(), dir, tablesOf(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := l.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return l
}

// tablesOf are the tables of the product.
func tablesOf(t *testing.T) (all []query.Table) {
	t.Helper()
	add := func(table query.Table, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, table)
	}
	add(query.TableOf(s3access.Format.Table))
	add(query.TableOf(cloudtrail.Format.Table))
	add(query.TableOf(finding.Table))
	add(query.TableOf(logs.RejectedTable))
	add(query.TableOf(coverage.Table))
	return all
}

// engines are two that must agree.
type engines struct {
	t       *testing.T
	trino   *trino
	duckdb  *query.Lake
	unnamed bool     // columns need not have one name
	by      []string // the columns that rows are ordered by, of which several may have the same values
}

func (e engines) on(t *testing.T) *engines { e.t = t; return &e }

func (e engines) nameless() *engines { e.unnamed = true; return &e }

// same asks both, and returns what they agree on. Where the statement says
// nothing of the order of its rows, they are compared as a set with repetitions.
func (e *engines) same(name, inTrino, inDuckDB string, ordered bool, values ...string) answered {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 10*time.Minute) // a window over a million rows, on a machine that others use
	defer cancel()
	a, err := e.trino.ask(ctx, inTrino, values...)
	if err != nil {
		e.t.Errorf("%s, trino: %v", name, err)
		return a
	}
	got, err := texts(a)
	if err != nil {
		e.t.Errorf("%s, trino: %v", name, err)
		return a
	}
	want, err := asked(ctx, e.duckdb, inDuckDB)
	if err != nil {
		e.t.Errorf("%s, duckdb: %v", name, err)
		return a
	}
	if d := cmp.Diff(project(e.t, want, e.by), project(e.t, got, e.by)); d != "" {
		e.t.Errorf("%s: the order by %s; -DuckDB +Trino:\n%.4000s", name, e.by, d)
	}
	if e.unnamed && len(got[0]) == len(want[0]) {
		for i := range got[0] {
			_, want[0][i], _ = strings.Cut(want[0][i], " ")
			_, got[0][i], _ = strings.Cut(got[0][i], " ")
		}
	}
	if !ordered {
		slices.SortFunc(got[1:], slices.Compare)
		slices.SortFunc(want[1:], slices.Compare)
	}
	if d := cmp.Diff(want, got); d != "" {
		e.t.Errorf("%s: %d rows in DuckDB, %d in Trino; -DuckDB +Trino:\n%.4000s", name, len(want)-1, len(got)-1, d)
	}
	return a
}

// none is what NULL is compared as: no value can be it, for none holds a NUL.
const none = "\x00NULL"

// asked is DuckDB's answer as texts, the names and kinds of its columns first.
func asked(ctx context.Context, l *query.Lake, sql string) ([][]string, error) {
	res, err := l.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	all := [][]string{nil}
	for _, c := range res.Columns {
		all[0] = append(all[0], fmt.Sprint(c.Name, " ", kinds[c.Kind]))
	}
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		var cells []string
		for _, v := range row {
			if v.Null {
				v.Text = none
			}
			cells = append(cells, v.Text)
		}
		all = append(all, cells)
	}
	return all, nil
}

var kinds = map[query.Kind]string{query.Text: "text", query.Number: "number", query.Bool: "bool", query.Time: "time", query.Nested: "nested"}

// texts is Trino's answer in the form of DuckDB's.
func texts(a answered) ([][]string, error) {
	all := [][]string{nil}
	for _, c := range a.Columns {
		all[0] = append(all[0], c.Name+" "+kindOf(c.Type))
	}
	for _, row := range a.Rows {
		var cells []string
		for i, v := range row {
			text, err := textOf(v, kindOf(a.Columns[i].Type))
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", a.Columns[i].Name, err)
			}
			cells = append(cells, text)
		}
		all = append(all, cells)
	}
	return all, nil
}

func kindOf(trinoType string) string {
	switch name, _, _ := strings.Cut(trinoType, "("); name {
	case "varchar", "char", "date":
		return "text"
	case "bigint", "integer", "decimal", "double":
		return "number"
	case "boolean":
		return "bool"
	case "timestamp", "timestamp with time zone":
		return "time"
	}
	return trinoType
}

func textOf(v any, kind string) (string, error) {
	switch v := v.(type) {
	case nil:
		return none, nil
	case string:
		if kind == "time" { // the fraction is as long as the type; DuckDB's is as short as it can be
			at, err := time.Parse(time.DateTime, strings.TrimSuffix(v, " UTC"))
			return at.Format("2006-01-02 15:04:05.999999"), err
		}
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("%T %v", v, v)
}
