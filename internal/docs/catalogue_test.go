//go:build cgo

package docs

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
)

// TestCatalogue: template.yaml has the views and the saved queries that the
// package query has, with the columns that an engine says they have, and
// docs/tables.md tells of the views. After a change to a query or a view, make
// generate writes both again.
func TestCatalogue(t *testing.T) {
	views, saved := catalogue(t)
	for name, filled := range map[string]func(string) (string, error){
		"template.yaml":  func(is string) (string, error) { return FillCatalogue(is, views, saved) },
		"docs/tables.md": func(is string) (string, error) { return FillViews(is, views) },
	} {
		is := read(t, name)
		want, err := filled(is)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if is == want {
			continue
		}
		if *update {
			if err := os.WriteFile(root+name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s is not what internal/query says; run make generate:\n%s", name, cmp.Diff(strings.Split(is, "\n"), strings.Split(want, "\n")))
	}
}

// catalogue is what Athena is told: the views with their columns as DuckDB sees
// them over a lake without rows, and the named queries.
func catalogue(t *testing.T) ([]View, []Saved) {
	t.Helper()
	lake := emptyLake(t)
	defined, err := query.Views()
	if err != nil {
		t.Fatal(err)
	}
	var views []View
	for _, v := range defined {
		views = append(views, View{Name: v.Name, Title: v.Title, About: v.About, Lines: v.Lines(), Columns: described(t, lake, v.Name)})
	}
	all, err := query.All()
	if err != nil {
		t.Fatal(err)
	}
	var saved []Saved
	for _, q := range all {
		s, err := q.Saved()
		if err != nil {
			t.Fatal(err)
		}
		saved = append(saved, Saved{Name: s.Name, Description: s.Description, SQL: s.SQL})
	}
	if len(views) < 4 || len(saved) < 25 {
		t.Fatalf("%d views, %d queries: looking in the wrong place", len(views), len(saved))
	}
	return views, saved
}

func emptyLake(t *testing.T) *query.Lake {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, s3access.Format.Name), 0o755); err != nil {
		t.Fatal(err)
	}
	var tables []query.Table
	for _, of := range []func() (query.Table, error){
		func() (query.Table, error) { return query.TableOf(s3access.Format.Table) },
		func() (query.Table, error) { return query.TableOf(cloudtrail.Format.Table) },
		func() (query.Table, error) { return query.TableOf(finding.Table) },
		func() (query.Table, error) { return query.TableOf(logs.RejectedTable) },
	} {
		table, err := of()
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	lake, err := query.Open(t.Context(), dir, tables)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lake.Close() })
	return lake
}

// glueTypes are the types of DuckDB as Glue calls them.
var glueTypes = map[string]string{"VARCHAR": "string", "BIGINT": "bigint", "BOOLEAN": "boolean", "TIMESTAMP": "timestamp"}

func described(t *testing.T, lake *query.Lake, view string) []Column {
	t.Helper()
	res, err := lake.Query(t.Context(), "SELECT column_name, column_type FROM (DESCRIBE "+view+")")
	if err != nil {
		t.Fatal(err)
	}
	var columns []Column
	for row, err := range res.Rows {
		if err != nil {
			t.Fatal(err)
		}
		kind, ok := glueTypes[row[1].Text]
		if !ok {
			t.Errorf("view %s: column %s is %s, which Glue has no word for", view, row[0].Text, row[1].Text)
		}
		columns = append(columns, Column{Name: row[0].Text, Type: kind})
	}
	return columns
}

// TestViewsInGlue reads the views back as Athena would, out of the template
// with its functions called.
func TestViewsInGlue(t *testing.T) {
	views, _ := catalogue(t)
	s := stackWith(t, map[string]any{"DatabaseName": "other"})
	text := regexp.MustCompile(`^/\* Presto View: ([A-Za-z0-9+/=]+) \*/$`)
	for _, v := range views {
		g := s.glueTable(t, v.Name)
		m := text.FindStringSubmatch(g.ViewOriginalText)
		if m == nil || g.ViewExpandedText != "/* Presto View */" || g.TableType != "VIRTUAL_VIEW" || g.Parameters["presto_view"] != "true" {
			t.Errorf("%s: %s with %q, %q and %v", v.Name, g.TableType, g.ViewOriginalText, g.ViewExpandedText, g.Parameters)
			continue
		}
		document, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		var is struct {
			OriginalSQL     string `json:"originalSql"`
			Catalog, Schema string
			Columns         []struct{ Name, Type string }
		}
		if err := json.Unmarshal(document, &is); err != nil {
			t.Errorf("%s: %v\n%s", v.Name, err, document)
		}
		if is.OriginalSQL != strings.Join(v.Lines, " ") || is.Catalog != "awsdatacatalog" || is.Schema != "${Database}" {
			t.Errorf("%s: in %s.%s: %s", v.Name, is.Catalog, is.Schema, is.OriginalSQL)
		}
		var glue, engine, want, wantEngine []string
		for _, c := range g.StorageDescriptor.Columns {
			glue = append(glue, c.Name+" "+c.Type)
		}
		for _, c := range is.Columns {
			engine = append(engine, c.Name+" "+c.Type)
		}
		for _, c := range v.Columns {
			want, wantEngine = append(want, c.Name+" "+c.Type), append(wantEngine, c.Name+" "+trinoTypes[c.Type])
		}
		if d := cmp.Diff(want, glue) + cmp.Diff(wantEngine, engine); d != "" {
			t.Errorf("%s, -DuckDB +template.yaml:\n%s", v.Name, d)
		}
	}
}

// TestSavedInAthena reads the saved queries back, and holds them and the whole
// template against what CloudFormation takes.
func TestSavedInAthena(t *testing.T) {
	_, saved := catalogue(t)
	s := template(t)
	is := map[string]Saved{}
	for _, id := range s.of("AWS::Athena::NamedQuery") {
		var p struct{ Name, Description, WorkGroup, Database, QueryString string }
		s.properties(t, id, &p)
		if p.WorkGroup != "${WorkGroup}" || p.Database != "${Database}" {
			t.Errorf("%s: in %s and %s", id, p.WorkGroup, p.Database)
		}
		is[p.Name] = Saved{Name: p.Name, Description: p.Description, SQL: p.QueryString}
	}
	if len(is) != len(saved) {
		t.Errorf("%d saved queries, want %d", len(is), len(saved))
	}
	for _, want := range saved {
		if d := cmp.Diff(want, is[want.Name]); d != "" {
			t.Errorf("%s, -query +template.yaml:\n%s", want.Name, d)
		}
		if len(want.Name) > 128 || len(want.Description) > 1024 || len(want.SQL) > 262144 {
			t.Errorf("%s: larger than Athena takes: name %d, description %d, text %d", want.Name, len(want.Name), len(want.Description), len(want.SQL))
		}
	}
	// The translator adds a few resources and writes JSON: well below is far enough.
	if text := read(t, "template.yaml"); len(text) > 500_000 || len(s.Resources) > 400 {
		t.Errorf("a template of %d bytes and %d resources: CloudFormation takes 1,048,576 and 500", len(text), len(s.Resources))
	}
}

// TestViewText: what YAML, CloudFormation, JSON or Markdown would take for
// theirs arrives as it is.
func TestViewText(t *testing.T) {
	v := query.View{SQL: "-- why\nSELECT '--no' AS a, -- all\n  \"b\" AS b, /* of */ '${c}' AS c\n\nFROM t\n  WHERE d < '\\'"}
	want := []string{"SELECT '--no' AS a,", `"b" AS b,  '${c}' AS c`, "FROM t", `WHERE d < '\'`}
	if d := cmp.Diff(want, v.Lines()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	got, err := inJSON(v.Lines())
	if want := `\"b\" AS b,  '${!c}' AS c`; err != nil || got[1] != want {
		t.Errorf("got %s, %v, want %s", got[1], err, want)
	}
	if _, err := glueView(View{Lines: want, Columns: []Column{{Name: "a", Type: "int"}}}); err == nil {
		t.Error("a column of a type that nobody named: no error")
	}
	if _, err := glueView(View{}); err == nil {
		t.Error("a view without SQL: no error")
	}
	if got := logicalID("s3_access-logs"); got != "S3AccessLogs" {
		t.Error(got)
	}
}
