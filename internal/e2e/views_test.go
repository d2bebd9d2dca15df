//go:build cgo && unix

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/query"
)

// view is what stands in the text of a view of Glue's.
type view struct {
	OriginalSQL     string   `json:"originalSql"`
	Catalog, Schema string   // where names in the SQL are looked up
	Columns         []column // with the types of Athena's engine
}

// engineTypes are the types of Athena's engine as DuckDB and as Glue calls them.
var engineTypes = map[string][2]string{
	"varchar": {"VARCHAR", "string"}, "bigint": {"BIGINT", "bigint"}, "boolean": {"BOOLEAN", "boolean"}, "timestamp(3)": {"TIMESTAMP", "timestamp"},
}

// views makes the views of Glue over its tables, each behind those it needs, and
// holds what they declare against what they are: Athena refuses a view whose
// columns are others than it says.
func (l *lake) views(database string) {
	l.t.Helper()
	texts := map[string]view{}
	declared := map[string][]column{}
	for _, g := range l.tables {
		if g.TableType != "VIRTUAL_VIEW" {
			continue
		}
		text, begins := strings.CutPrefix(g.ViewOriginalText, "/* Presto View: ")
		text, ends := strings.CutSuffix(text, " */")
		document, err := base64.StdEncoding.DecodeString(text)
		var v view
		if err == nil {
			err = json.Unmarshal(document, &v)
		}
		if err != nil || !begins || !ends || v.Schema != database || v.Catalog != "awsdatacatalog" || g.Parameters["presto_view"] != "true" {
			l.t.Fatalf("view %s of %s: %v, %v, %s", g.Name, database, err, g.Parameters, g.ViewOriginalText)
		}
		texts[g.Name], declared[g.Name] = v, g.StorageDescriptor.Columns
	}
	order, err := query.Views()
	if err != nil || len(order) != len(texts) {
		l.t.Fatalf("%d views in Glue, want %d: %v", len(texts), len(order), err)
	}
	for _, o := range order {
		v := texts[o.Name]
		l.exec(fmt.Sprintf("CREATE VIEW %q AS %s", o.Name, v.OriginalSQL))
		var is, says, glue []string
		for _, r := range l.query(fmt.Sprintf("SELECT column_name, column_type FROM (DESCRIBE %q)", o.Name)) {
			is = append(is, r[0]+" "+r[1])
		}
		for i, c := range v.Columns {
			says = append(says, c.Name+" "+engineTypes[c.Type][0])
			if i < len(declared[o.Name]) && declared[o.Name][i] == (column{c.Name, engineTypes[c.Type][1]}) {
				glue = append(glue, says[i])
			}
		}
		if d := cmp.Diff(is, says); d != "" || !slices.Equal(says, glue) {
			l.t.Errorf("view %s (-DuckDB +declared):\n%s\nto Glue: %v", o.Name, d, declared[o.Name])
		}
	}
}

// testSaved runs what people find saved in the workgroup, and asks each view for
// its rows.
func testSaved(t *testing.T, s *stack, l *lake) {
	lines := l.query("SELECT count(*) FROM s3_access_logs")[0][0]
	for sql, want := range map[string]string{
		"SELECT count(*) FROM s3_access_logs_classic":                                                     lines,
		"SELECT sum(copies)::BIGINT FROM s3_access_logs_distinct":                                         lines,
		"SELECT count(*) FROM s3_requests WHERE seen_by <> 'cloudtrail'":                                  lines,
		"SELECT count(DISTINCT finding_uid) > 0 FROM finding_requests":                                    "true",
		"SELECT count(*) FROM s3_access_logs_classic WHERE dt <> '' AND key IS NULL AND httpstatus = '-'": "0",
	} {
		if got := l.query(sql)[0][0]; got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	all, err := query.All()
	if err != nil {
		t.Fatal(err)
	}
	saved, token := map[string]string{}, ""
	for {
		ask := map[string]any{"WorkGroup": s.Resources["WorkGroup"].ID}
		if token != "" {
			ask["NextToken"] = token
		}
		var page struct {
			NamedQueryIds []string
			NextToken     string
		}
		s.ask(t.Context(), "athena", "AmazonAthena.ListNamedQueries", ask, &page)
		for _, id := range page.NamedQueryIds {
			var one struct {
				NamedQuery struct{ Name, Database, QueryString string }
			}
			s.ask(t.Context(), "athena", "AmazonAthena.GetNamedQuery", map[string]any{"NamedQueryId": id}, &one)
			if q := one.NamedQuery; q.Database != s.Resources["Database"].ID {
				t.Errorf("%s is saved in %q", q.Name, q.Database)
			}
			saved[one.NamedQuery.Name] = one.NamedQuery.QueryString
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	today, answered := "DATE '"+l.query("SELECT max(dt) FROM s3_access_logs")[0][0]+"'", 0
	for _, q := range all {
		text, ok := saved[q.Name]
		if !ok {
			t.Errorf("%s is not saved", q.Name)
			continue
		}
		found := len(l.query(text))
		// What was generated is not of these days.
		found = max(found, len(l.query(strings.ReplaceAll(text, "current_date", today))))
		if found > 0 {
			answered++
		}
	}
	if answered < len(all)/2 {
		t.Errorf("only %d of %d saved queries find anything", answered, len(all))
	}
	if len(saved) != len(all) {
		t.Errorf("%d saved queries, want %d", len(saved), len(all))
	}
	t.Logf("%d saved queries, %d of them find something", len(saved), answered)
}
