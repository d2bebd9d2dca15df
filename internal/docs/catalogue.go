package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// View is a view of the lake as a catalogue keeps it.
type View struct {
	Name, Title, About string
	Lines              []string // the SELECT; a break between two is as good as a space
	Columns            []Column
}

// Saved is a named query as Athena keeps it.
type Saved struct{ Name, Description, SQL string }

// FillCatalogue brings the views and the saved queries of template.yaml up to
// date and returns the text as it should be.
func FillCatalogue(text string, views []View, saved []Saved) (string, error) {
	var lines []string
	for _, v := range views {
		block, err := glueView(v)
		if err != nil {
			return "", fmt.Errorf("view %s: %w", v.Name, err)
		}
		lines = append(lines, block...)
	}
	text, err := fill(text, "views", lines)
	if err != nil {
		return "", err
	}
	lines = nil
	for _, s := range saved {
		lines = append(lines, namedQuery(s)...)
	}
	return fill(text, "saved queries", lines)
}

// Explain gives each column of v a comment: the one of says, or that of a column
// with its name and type in a table or view that v reads. A column that nothing
// is known of is an error.
func Explain(v *View, says map[string]string, reads []Table) error {
	var faults []error
	left := maps.Clone(says)
	for i := range v.Columns {
		c := &v.Columns[i]
		c.Comment = left[c.Name]
		delete(left, c.Name)
		for _, t := range reads {
			for _, other := range t.Columns {
				if c.Comment == "" && other.Name == c.Name && other.Type == c.Type {
					c.Comment = other.Comment
				}
			}
		}
		if c.Comment == "" || len(c.Comment) > maxComment {
			faults = append(faults, fmt.Errorf("view %s: column %s: a comment of %d bytes, Glue takes 1 to %d", v.Name, c.Name, len(c.Comment), maxComment))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		faults = append(faults, fmt.Errorf("view %s has no column %s to be explained", v.Name, name))
	}
	return errors.Join(faults...)
}

// FillViews brings the views in docs/tables.md up to date.
func FillViews(text string, views []View) (string, error) {
	lines := []string{""}
	for _, v := range views {
		lines = append(lines, "### "+v.Name, "", v.Title+". "+emphasis.Replace(v.About), "", "| column | type | meaning |", "|---|---|---|")
		for _, c := range v.Columns {
			lines = append(lines, fmt.Sprintf("| `%s` | %s | %s |", c.Name, c.Type, cell.Replace(c.Comment)))
		}
		lines = append(lines, "", fmt.Sprintf("[Its SQL](queries.md#%s)", v.Name), "")
	}
	return fill(text, "views", lines)
}

// emphasis keeps Markdown from taking a name with underscores for emphasis.
var emphasis = strings.NewReplacer("_", `\_`, "*", `\*`, "<", "&lt;")

// trinoTypes are the types of Glue as Athena's engine calls them. Athena has
// milliseconds in the timestamps of such tables.
var trinoTypes = map[string]string{"string": "varchar", "bigint": "bigint", "boolean": "boolean", "timestamp": "timestamp(3)"}

// glueView is a view as Athena itself makes one: to Glue a table without files,
// whose text is a comment that holds JSON in Base64 (in the words of Trino's
// Hive connector, a Presto view). The JSON names catalog and database, which
// names of tables in the SELECT are looked up in, and the columns with the types
// of the engine, so that it need not be read to be listed.
//
// Owner is for Trino, which runs a view as its owner; Athena takes who asks. A
// description would be the table's comment to Trino, which then is no longer the
// one by which it knows its views.
func glueView(v View) ([]string, error) {
	sql, err := inJSON(v.Lines)
	if err != nil {
		return nil, err
	}
	sql[0] = `{"originalSql": "` + sql[0]
	sql[len(sql)-1] += `",`
	var columns []string
	for i, c := range v.Columns {
		kind, ok := trinoTypes[c.Type]
		if !ok {
			return nil, fmt.Errorf("column %s: no type of Trino is known for %q", c.Name, c.Type)
		}
		between := ","
		if i == len(v.Columns)-1 {
			between = "]}"
		}
		columns = append(columns, fmt.Sprintf(`{"name": %q, "type": %q}%s`, c.Name, kind, between))
	}
	lines := []string{
		"# " + v.Title + ".",
		logicalID(v.Name) + "View:",
		"  Type: AWS::Glue::Table",
		"  Properties:",
		"    CatalogId: !Ref AWS::AccountId",
		"    DatabaseName: !Ref Database",
		"    TableInput:",
		"      Name: " + v.Name,
		"      Owner: sluice",
		"      TableType: VIRTUAL_VIEW",
		`      Parameters: { presto_view: "true", comment: Presto View }`,
		"      PartitionKeys: []",
		"      ViewExpandedText: /* Presto View */",
		"      ViewOriginalText: !Sub",
		"        - '/* Presto View: ${View} */'",
		"        - View:",
		"            Fn::Base64: !Sub >-",
	}
	lines = append(lines, indented(14, sql)...)
	lines = append(lines, indented(14, []string{`"catalog": "awsdatacatalog", "schema": "${Database}",`, `"columns": [`})...)
	lines = append(lines, indented(14, wrapped(columns, 110))...)
	// Trino reads no table without a SerDe; a view needs none, and Glue must not leave it out.
	lines = append(lines, "      StorageDescriptor:", `        SerdeInfo: { Name: "-", SerializationLibrary: "-" }`, "        Columns:")
	for _, c := range v.Columns {
		lines = append(lines, fmt.Sprintf("          - { Name: %s, Type: %s, Comment: %s }", c.Name, c.Type, yamlText(c.Comment)))
	}
	return append(lines, ""), nil
}

// inJSON writes each line as it stands in a JSON string in the text of Fn::Sub.
func inJSON(lines []string) ([]string, error) {
	var out []string
	for _, l := range lines {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(l); err != nil {
			return nil, err
		}
		l = strings.TrimSuffix(b.String(), "\n")
		out = append(out, strings.ReplaceAll(l[1:len(l)-1], "${", "${!"))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("it has no SQL")
	}
	return out, nil
}

// namedQuery is a query that everybody finds in the workgroup. What is changed
// in it here replaces it there: each of its properties is fixed when it is made.
func namedQuery(s Saved) []string {
	lines := []string{
		logicalID(s.Name) + "Query:",
		"  Type: AWS::Athena::NamedQuery",
		"  Properties:",
		"    Name: " + s.Name,
		"    Description: " + yamlText(s.Description),
		"    WorkGroup: !Ref WorkGroup",
		"    Database: !Ref Database",
		"    QueryString: |-",
	}
	return append(append(lines, indented(6, strings.Split(s.SQL, "\n"))...), "")
}

// logicalID makes top-buckets and top_buckets TopBuckets.
func logicalID(name string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// yamlText quotes text in the only form of YAML in which a backslash is a
// backslash.
func yamlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func indented(n int, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.Repeat(" ", n) + l
	}
	return out
}

// wrapped joins words with spaces to lines that are hardly longer than width.
func wrapped(words []string, width int) []string {
	var lines []string
	for _, w := range words {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(w) <= width {
			lines[n-1] += " " + w
			continue
		}
		lines = append(lines, w)
	}
	return lines
}
