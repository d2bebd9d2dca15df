//go:build cgo

package docs

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	known, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for i := range known {
		known[i].Columns = append(known[i].Columns, Column{Name: "dt", Type: "string", Comment: "Day of the event, UTC, yyyy-mm-dd. Name it in every query: it decides what is read."})
	}
	var views []View
	for _, d := range defined {
		v := View{Name: d.Name, Title: d.Title, About: d.About, Lines: d.Lines(), Columns: described(t, lake, d.Name)}
		var reads []Table
		for _, name := range d.Needs {
			i := slices.IndexFunc(known, func(k Table) bool { return k.Name == name })
			if i < 0 {
				t.Fatalf("view %s reads %s, which is not known", d.Name, name)
			}
			reads = append(reads, known[i])
		}
		if err := Explain(&v, d.Columns, reads); err != nil {
			t.Error(err)
		}
		views, known = append(views, v), append(known, Table{Name: v.Name, Columns: v.Columns})
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
			glue = append(glue, c.Name+" "+c.Type+" "+c.Comment)
		}
		for _, c := range is.Columns {
			engine = append(engine, c.Name+" "+c.Type)
		}
		for _, c := range v.Columns {
			want, wantEngine = append(want, c.Name+" "+c.Type+" "+c.Comment), append(wantEngine, c.Name+" "+trinoTypes[c.Type])
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

// TestCatalogueText: what YAML, CloudFormation or JSON would take for theirs
// arrives as it is, and what cannot be said is an error.
func TestCatalogueText(t *testing.T) {
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
	v2 := View{Name: "v", Columns: []Column{{Name: "a", Type: "string"}, {Name: "b", Type: "string"}}}
	reads := []Table{{Columns: []Column{{Name: "a", Type: "bigint", Comment: "a number"}, {Name: "b", Type: "string", Comment: "of the table"}}}}
	if err := Explain(&v2, map[string]string{"c": "nobody's"}, reads); err == nil || !strings.Contains(err.Error(), "column a:") || !strings.Contains(err.Error(), "no column c") {
		t.Errorf("a column of another type, and one that is not there: %v", err)
	}
	if err := Explain(&v2, map[string]string{"a": "of the view"}, reads); err != nil || v2.Columns[0].Comment != "of the view" || v2.Columns[1].Comment != "of the table" {
		t.Errorf("%v, %v", v2.Columns, err)
	}
	if got := logicalID("s3_access-logs"); got != "S3AccessLogs" {
		t.Error(got)
	}
}
