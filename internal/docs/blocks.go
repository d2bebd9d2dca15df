package docs

import (
	"fmt"
	"slices"
	"strings"
)

// A generated part of a file stands between two lines, comments in the file's
// own syntax, that contain begin and the part's name, and end. What is around
// them is written by hand and stays.
const (
	begin = "generated: "
	end   = "end of the generated part"
)

// fill replaces the lines of one generated part, each indented like its first
// marker.
func fill(text, part string, lines []string) (string, error) {
	all := strings.SplitAfter(text, "\n")
	from := slices.IndexFunc(all, func(l string) bool {
		_, rest, _ := strings.Cut(l, begin)
		return strings.HasPrefix(rest, part+",")
	})
	if from < 0 {
		return "", fmt.Errorf("no line with %q", begin+part+",")
	}
	n := slices.IndexFunc(all[from:], func(l string) bool { return strings.Contains(l, end) })
	if n < 0 {
		return "", fmt.Errorf("no line with %q after %q", end, begin+part)
	}
	indent := all[from][:len(all[from])-len(strings.TrimLeft(all[from], " "))]
	var block []string
	for _, l := range lines {
		block = append(block, strings.TrimRight(indent+l, " ")+"\n")
	}
	return strings.Join(slices.Replace(all, from+1, from+n, block...), ""), nil
}

// Fill brings the generated parts of template.yaml (glue) or of docs/tables.md
// up to date with the source and returns the text as it should be.
func Fill(text string, glue bool, tables []Table, reasons []Reason, fields []Field) (string, error) {
	var err error
	for _, t := range tables {
		lines := markdownColumns(t)
		if glue {
			lines = glueColumns(t)
		}
		if text, err = fill(text, "columns of "+t.Name, lines); err != nil {
			return "", err
		}
	}
	if glue {
		return text, nil
	}
	if text, err = fill(text, "reasons", markdownReasons(reasons)); err != nil {
		return "", err
	}
	return fill(text, "fields of rules", markdownFields(fields))
}

// Field is a field that rules on CloudTrail can name, as docs/tables.md lists it.
type Field struct {
	Name    string
	Kind    string
	Column  string // "" when it is no column
	Meaning string
}

// glueColumns is the value of Columns in template.yaml, one column a line.
func glueColumns(t Table) []string {
	var lines []string
	for _, c := range t.Columns {
		// Single quotes: the only YAML form in which a backslash is a backslash.
		comment := "'" + strings.ReplaceAll(c.Comment, "'", "''") + "'"
		lines = append(lines, fmt.Sprintf("- { Name: %s, Type: %s, Comment: %s }", c.Name, c.Type, comment))
	}
	return lines
}

// cell makes Markdown show text as it is.
var cell = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "*", `\*`)

// awsNames says where AWS has names of its own for the columns of a table.
var awsNames = map[string]string{"s3_access_logs": "in AWS's older table", "cloudtrail_events": "in the record"}

// markdownColumns is the list of columns in docs/tables.md.
func markdownColumns(t Table) []string {
	names := awsNames[t.Name]
	head, rule := "| column | type | NULL | meaning | example |", "|---|---|---|---|---|"
	if names != "" {
		head, rule = head+" "+names+" |", rule+"---|"
	}
	lines := []string{"", head, rule}
	for _, c := range t.Columns {
		null := "never"
		if c.Null {
			null = "possible"
		}
		line := fmt.Sprintf("| `%s` | %s | %s | %s | %s |", c.Name, c.Type, null, cell.Replace(c.Comment), code(shortened(c.Example)))
		if names != "" {
			line += " " + code(c.AWS) + " |"
		}
		lines = append(lines, line)
	}
	return append(lines, "")
}

// longest is how much of an example is shown.
const longest = 44

func shortened(text string) string {
	if r := []rune(text); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return text
}

// code shows text as it is in a cell of a table.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// markdownReasons is the list of reasons in docs/tables.md.
func markdownReasons(reasons []Reason) []string {
	lines := []string{"", "| meant for | reason | meaning |", "|---|---|---|"}
	for _, r := range reasons {
		lines = append(lines, fmt.Sprintf("| `%s` | `%s` | %s |", r.Table, r.Name, cell.Replace(r.Comment)))
	}
	return append(lines, "")
}

// markdownFields is the list of fields in docs/tables.md.
func markdownFields(fields []Field) []string {
	lines := []string{"", "| field | kind | column or meaning |", "|---|---|---|"}
	for _, f := range fields {
		what := cell.Replace(f.Meaning)
		if f.Column != "" {
			what = "`" + f.Column + "`"
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s |", f.Name, f.Kind, what))
	}
	return append(lines, "")
}
