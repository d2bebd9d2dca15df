package docs

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/table"
)

// TestWriterAgrees: what the source says to a reader is what the Parquet writer
// makes of it, table for table.
func TestWriterAgrees(t *testing.T) {
	tables, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	agrees[s3access.Row](t, tables, s3access.Format.Name)
	agrees[cloudtrail.Row](t, tables, cloudtrail.Format.Name)
	agrees[finding.Row](t, tables, finding.Table.Name)
	agrees[logs.Rejected](t, tables, logs.RejectedTable.Name)
}

func agrees[R any](t *testing.T, tables []Table, name string) {
	t.Helper()
	i := slices.IndexFunc(tables, func(d Table) bool { return d.Name == name })
	if i < 0 {
		t.Errorf("table %s is not documented", name)
		return
	}
	written, err := table.Columns[R]()
	if err != nil {
		t.Fatal(err)
	}
	var want []Column
	for _, c := range written {
		want = append(want, Column{Name: c.Name, Type: c.Kind.Glue(), Null: !c.Required()})
	}
	var got []Column
	for _, c := range tables[i].Columns {
		got = append(got, Column{Name: c.Name, Type: c.Type, Null: c.Null})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("table %s, -written +documented:\n%s", name, d)
	}
}
