package docs

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/detect/record"
)

var update = flag.Bool("update", false, "rewrite the generated parts of template.yaml and docs/tables.md")

// root is the top of the repository, seen from this package.
const root = "../../"

// TestColumnsAreTheSameEverywhere: row struct, Glue table and documentation tell
// one story. After a change to a row struct, make generate tells it again.
func TestColumnsAreTheSameEverywhere(t *testing.T) {
	tables, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	withExamples(t, tables)
	withAWSNames(t, tables)
	reasons, err := Reasons(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for name, glue := range map[string]bool{"template.yaml": true, "docs/tables.md": false} {
		is := read(t, name)
		want, err := Fill(is, glue, tables, reasons, ruleFields())
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
		t.Errorf("%s is not what the row structs say; run make generate:\n%s",
			name, cmp.Diff(strings.Split(is, "\n"), strings.Split(want, "\n")))
	}
}

// ruleFields are the fields that rules on CloudTrail can name.
func ruleFields() []Field {
	var fields []Field
	for _, d := range record.Describe() {
		if d.Service == record.TrailService {
			fields = append(fields, Field{Name: d.Name, Kind: d.Kind.String(), Column: d.Column, Meaning: d.Meaning})
		}
	}
	return fields
}

// TestGlueColumns reads the columns back out of the YAML, so that a comment with
// a quote or a colon in it cannot quietly become something else.
func TestGlueColumns(t *testing.T) {
	tables, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	tpl := template(t)
	for _, table := range tables {
		var got []Column
		for _, c := range tpl.glueTable(t, table.Name).StorageDescriptor.Columns {
			got = append(got, Column{Name: c.Name, Type: c.Type, Comment: c.Comment})
		}
		want := make([]Column, len(table.Columns))
		for i, c := range table.Columns {
			c.Null = false // Glue has no word for it
			want[i] = c
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("table %s, -row struct +template.yaml:\n%s", table.Name, d)
		}
	}
}

func TestTablesReadsColumns(t *testing.T) {
	got, err := Tables(tree(`
		// When, in
		// milliseconds.
		At logs.Time ` + "`col:\"at\"`" + `
		// What it's called: a name.
		Name logs.Text ` + "`col:\"name,dict\"`" + `
		hidden int`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Column{
		{Name: "at", Type: "timestamp", Comment: "When, in milliseconds."},
		{Name: "name", Type: "string", Null: true, Comment: "What it's called: a name."},
	}
	if d := cmp.Diff(want, got[0].Columns); d != "" {
		t.Error(d)
	}
}

func TestTablesReportsFaults(t *testing.T) {
	for _, c := range []struct{ field, want string }{
		{"// No type we know.\nA logs.Float `col:\"a\"`", "type is none of"},
		{"A logs.Text `col:\"a\"`", "no comment"},
		{"// " + strings.Repeat("long ", 60) + "\nA logs.Text `col:\"a\"`", "Glue takes 255"},
		{"// Upper case.\nA logs.Text `col:\"keyName\"`", "lower case"},
		{"// A word of SQL.\nA logs.Text `col:\"timestamp\"`", "reserved"},
		{"// The partition.\nA logs.Text `col:\"dt\"`", "reserved"},
		{"// One.\nA logs.Text `col:\"a\"`\n// Two.\nB logs.Text `col:\"a\"`", "taken"},
		{"// No tag.\nA logs.Text", "no columns"},
	} {
		_, err := Tables(tree(c.field))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot error %v, want one with %q", c.field, err, c.want)
		}
	}
	if _, err := Tables(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "no struct") {
		t.Errorf("empty tree: got error %v, want one that names the missing struct", err)
	}
}

func TestReasons(t *testing.T) {
	got, err := Reasons(source("package p\nconst (\n" +
		"// ReasonA: above it.\nReasonA logs.Reason = \"a\"\n" +
		"ReasonB logs.Reason = \"b\" // beside it\n" +
		"other = 1\n)"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Reason{{sources[0].table, "a", "above it."}, {sources[0].table, "b", "beside it"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := Reasons(source("package p\nconst ReasonC logs.Reason = \"c\"")); err == nil {
		t.Error("a reason without a comment: no error")
	}
}

func TestFillKeepsWhatIsAround(t *testing.T) {
	text := "before\n  # generated: x, how\n  old\n  # end of the generated part\nafter\n"
	got, err := fill(text, "x", []string{"new", "", "lines"})
	want := "before\n  # generated: x, how\n  new\n\n  lines\n  # end of the generated part\nafter\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, broken := range []string{"", "# generated: xy, how\n# end of the generated part\n", "# generated: x, how\n"} {
		if _, err := fill(broken, "x", nil); err == nil {
			t.Errorf("%q: no error", broken)
		}
	}
}

// tree is a source tree in which every table's row has the given fields.
func tree(fields string) fstest.MapFS {
	return source("package p\ntype Row struct {\n" + fields + "\n}\ntype Rejected struct {\n" + fields + "\n}\n")
}

// source is a source tree with one file, where the first table looks for it;
// the others get it as well if it declares rows.
func source(text string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, s := range sources {
		if len(files) == 0 || strings.Contains(text, "type Row struct") {
			files[s.dir+"/row.go"] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return files
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(root + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
