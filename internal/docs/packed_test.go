package docs

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/maintain"
)

// packed are the tables that are packed, as docs/tables.md knows them.
func packed(t *testing.T) (all []Packed) {
	t.Helper()
	tables, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	are, err := maintain.Tables("lake-example")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if p, ok := are[table.Name]; ok {
			all = append(all, Packed{Table: table, View: p.View(), Live: p.Live})
		}
	}
	if len(all) != len(are) || len(all) != len(liveIDs) {
		t.Fatalf("%d tables are packed, %d are known here", len(are), len(all))
	}
	return all
}

// TestPackedTables: what the template says of them is what packing does. After a
// change to a row struct, make generate brings it up to date.
func TestPackedTables(t *testing.T) {
	is := read(t, "template.yaml")
	want, err := FillPacked(is, packed(t))
	if err != nil {
		t.Fatal(err)
	}
	if is == want {
		return
	}
	if *update {
		if err := os.WriteFile(root+"template.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("template.yaml is not what the source says; run make generate:\n%s", cmp.Diff(strings.Split(is, "\n"), strings.Split(want, "\n")))
}

// TestPackedNames reads the tables back as Athena would. Without packing nothing
// of it is there; with it, the names of tables are views, and of new objects
// there are tables with the same columns and the same folder.
func TestPackedNames(t *testing.T) {
	off, on := template(t), stackWith(t, map[string]any{"PackAfterDays": 7, "DatabaseName": "other"})
	count := 0
	for id, r := range off.Resources {
		if r.Type == "AWS::Glue::Table" && (strings.Contains(id, "Live") || strings.Contains(string(r.Properties), "_packed")) {
			t.Errorf("%s is there without packing", id)
		}
	}
	for _, p := range packed(t) {
		was, is, live := off.glueTable(t, p.Name), on.glueTable(t, p.Name), on.glueTable(t, p.Live)
		live.Name = was.Name
		if d := cmp.Diff(was, live); d != "" {
			t.Errorf("%s, -%s +%s:\n%s", p.Name, p.Name, p.Live, d)
		}
		if want := append(slices.Clone(was.StorageDescriptor.Columns), was.PartitionKeys...); cmp.Diff(want, is.StorageDescriptor.Columns) != "" || len(is.PartitionKeys) > 0 {
			t.Errorf("%s: columns of the view, -wanted +template.yaml:\n%s", p.Name, cmp.Diff(want, is.StorageDescriptor.Columns))
		}
		document, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(is.ViewOriginalText, "/* Presto View: "), " */"))
		if err != nil || is.TableType != "VIRTUAL_VIEW" || is.ViewExpandedText != "/* Presto View */" || cmp.Diff(is.Parameters, map[string]string{"presto_view": "true", "comment": "Presto View"}) != "" || is.StorageDescriptor.Location != "" {
			t.Errorf("%s: %v, %+v", p.Name, err, is)
		}
		var view struct {
			OriginalSQL     string `json:"originalSql"`
			Catalog, Schema string
			Columns         []struct{ Name, Type string }
		}
		if err := json.Unmarshal(document, &view); err != nil {
			t.Fatalf("%s: %v\n%s", p.Name, err, document)
		}
		if got := strings.ReplaceAll(view.OriginalSQL, "${"+liveID(p.Name)+"}", p.Live); got != p.View || view.Catalog != "awsdatacatalog" || view.Schema != "${Database}" {
			t.Errorf("%s: %s.%s: %s\nwant %s", p.Name, view.Catalog, view.Schema, got, p.View)
		}
		var got, want []string
		for _, c := range view.Columns {
			got = append(got, c.Name+" "+c.Type)
		}
		for _, c := range append(slices.Clone(p.Columns), day) {
			want = append(want, c.Name+" "+trinoTypes[c.Type])
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: columns in the view's text, -wanted +template.yaml:\n%s", p.Name, d)
		}
		if was.TableType != "EXTERNAL_TABLE" || was.ViewOriginalText != "" {
			t.Errorf("%s without packing: %+v", p.Name, was)
		}
		count++
	}
	if count == 0 {
		t.Error("no table is packed")
	}
}

// TestMaintainRole: it names what is packed, and where packing is off it may look
// at notes and nothing else.
func TestMaintainRole(t *testing.T) {
	on, off := stackWith(t, parameterSets["everything"]), template(t)
	checkRole(t, on, "packing", "MaintainRole")
	checkRole(t, off, "no packing", "MaintainRole")
	if got := string(off.Resources["MaintainRole"].Properties); strings.Contains(got, "Delete") || strings.Contains(got, "athena") || strings.Contains(got, "glue") {
		t.Errorf("without packing: %s", got)
	}
	role := string(on.Resources["MaintainRole"].Properties)
	for _, p := range packed(t) {
		for _, want := range []string{"lake/" + p.Name + "/*", "packed/" + p.Name + "/*", "/" + p.Name + "_live", "/" + p.Name + "_packed"} {
			if !strings.Contains(role, want) {
				t.Errorf("the role does not name %s", want)
			}
		}
	}
	for _, s := range sources {
		if _, is := liveIDs[s.table]; !is && strings.Contains(role, s.table) {
			t.Errorf("the role names %s, which is not packed", s.table)
		}
	}
}
