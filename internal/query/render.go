package query

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Render returns the SQL with the parameters filled in: those given, for the
// others their defaults. Every value becomes one literal, whatever it holds.
func (q Named) Render(given map[string]string) (string, error) {
	literals := map[string]string{}
	for _, p := range q.Params {
		value, ok := given[p.Name]
		if !ok {
			value = p.Default
		}
		literal, err := p.literal(value)
		if err != nil {
			return "", fmt.Errorf("query %s: parameter %s: %w", q.Name, p.Name, err)
		}
		literals[p.Name] = literal
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, ok := literals[name]; !ok {
			known := strings.Join(slices.Sorted(maps.Keys(literals)), ", ")
			return "", fmt.Errorf("query %s has no parameter %q; it has: %s", q.Name, name, known)
		}
	}
	var b strings.Builder
	for piece, name := range placeholders(q.SQL) {
		b.WriteString(piece)
		b.WriteString(literals[name])
	}
	return b.String(), nil
}

func (p Param) literal(value string) (string, error) {
	switch p.Type {
	case "number":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "", fmt.Errorf("%q is not a whole number", value)
		}
		return strconv.FormatInt(n, 10), nil
	case "day":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return "", fmt.Errorf("%q is not a day; days look like 2026-11-22", value)
		}
	}
	if strings.ContainsRune(value, 0) {
		return "", fmt.Errorf("%q holds a NUL, which SQL text cannot", value)
	}
	return quote(value), nil
}

// quote makes a literal: in standard SQL, DuckDB and Trino a doubled quote is
// the only thing that is special inside.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// token finds what a placeholder may not be in (text, names, comments), and
// placeholders.
var token = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*(?s:.*?)\*/|::|:([a-z_]+)`)

// placeholders yields the SQL up to each placeholder with its name, and at last
// the rest with no name.
func placeholders(sql string) func(yield func(piece, name string) bool) {
	return func(yield func(piece, name string) bool) {
		from := 0
		for _, m := range token.FindAllStringSubmatchIndex(sql, -1) {
			if m[2] < 0 {
				continue
			}
			if !yield(sql[from:m[0]], sql[m[2]:m[3]]) {
				return
			}
			from = m[1]
		}
		yield(sql[from:], "")
	}
}

// Prepared returns the SQL with a ? for each value, as prepared statements and
// Athena's execution parameters have it, and the names of the parameters in the
// order of the marks.
func (q Named) Prepared() (sql string, names []string) {
	var b strings.Builder
	for piece, name := range placeholders(q.SQL) {
		b.WriteString(piece)
		if name != "" {
			b.WriteByte('?')
			names = append(names, name)
		}
	}
	return b.String(), names
}

// Saved is a named query as Athena keeps it for people: text that runs as it
// is and says what to change in it.
type Saved struct {
	Name, Title, Description, SQL string
}

// recent is the range of days of a saved query. Athena bills what is read, so a
// query that somebody opens and runs reads a week, and not all there is.
var recent = map[string]string{
	"from": "CAST(CAST(current_date - INTERVAL '7' DAY AS date) AS varchar)",
	"to":   "CAST(current_date AS varchar)",
}

// Saved returns the query as Athena keeps it. Each value stands behind its name
// in a comment.
func (q Named) Saved() (Saved, error) {
	values := map[string]string{}
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s\n-- %s\n", q.Title, q.About)
	if q.Notes != "" {
		fmt.Fprintf(&b, "-- %s\n", q.Notes)
	}
	b.WriteString("-- To change, behind its name in the text:\n")
	for _, p := range q.Params {
		value, err := p.literal(p.Default)
		if err != nil {
			return Saved{}, fmt.Errorf("query %s: parameter %s: %w", q.Name, p.Name, err)
		}
		if days, ok := recent[p.Name]; ok && p.Type == "day" {
			value = days
		}
		values[p.Name] = "/* " + p.Name + " */ " + value
		fmt.Fprintf(&b, "--   %s: %s\n", p.Name, p.About)
	}
	for piece, name := range placeholders(q.SQL) {
		b.WriteString(piece)
		b.WriteString(values[name])
	}
	return Saved{Name: q.Name, Title: q.Title, Description: strings.TrimSpace(q.About + " " + q.Notes), SQL: b.String()}, nil
}
