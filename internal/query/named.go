package query

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed queries/*.sql
var files embed.FS

// Named is a question worth asking again: SQL that runs unchanged in Athena and
// here, once its parameters are filled in.
//
// It is one file of the folder queries, which starts with comments: the title,
// what it answers, then a line for each parameter, such as
//
//	-- :from day = 2006-03-01  first day, UTC
//
// In the SQL, :from stands for the value as a literal.
type Named struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	About  string  `json:"about"`
	Params []Param `json:"params"`
	SQL    string  `json:"sql"` // with placeholders
}

// Param is a parameter of a named query.
type Param struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // text, day or number
	Default string `json:"default"`
	About   string `json:"about"`
}

// All lists the named queries by name.
func All() ([]Named, error) {
	entries, err := fs.ReadDir(files, "queries")
	if err != nil {
		return nil, fmt.Errorf("read named queries: %w", err)
	}
	var all []Named
	for _, e := range entries {
		b, err := fs.ReadFile(files, path.Join("queries", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read named queries: %w", err)
		}
		q, err := parseNamed(strings.TrimSuffix(e.Name(), ".sql"), string(b))
		if err != nil {
			return nil, fmt.Errorf("named query %s: %w", e.Name(), err)
		}
		all = append(all, q)
	}
	slices.SortFunc(all, func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Find returns the named query called name.
func Find(name string) (Named, error) {
	all, err := All()
	if err != nil {
		return Named{}, err
	}
	names := make([]string, len(all))
	for i, q := range all {
		if q.Name == name {
			return q, nil
		}
		names[i] = q.Name
	}
	return Named{}, fmt.Errorf("no query is named %q; there are: %s", name, strings.Join(names, ", "))
}

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

var paramLine = regexp.MustCompile(`^:([a-z_]+) (text|day|number) = (\S*)  (\S.*)$`)

func parseNamed(name, text string) (Named, error) {
	q := Named{Name: name}
	var about []string
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(line, "-- ")
		if !ok {
			break
		}
		text = text[len(line):]
		comment = strings.TrimRight(comment, "\n")
		switch m := paramLine.FindStringSubmatch(comment); {
		case m != nil:
			p := Param{Name: m[1], Type: m[2], Default: m[3], About: m[4]}
			if _, err := p.literal(p.Default); err != nil {
				return q, fmt.Errorf("default of %s: %w", p.Name, err)
			}
			q.Params = append(q.Params, p)
		case strings.HasPrefix(comment, ":"):
			return q, fmt.Errorf("parameter line %q: want :name type = default  what it is", comment)
		case q.Title == "":
			q.Title = comment
		default:
			about = append(about, comment)
		}
	}
	q.About, q.SQL = strings.Join(about, " "), strings.TrimSpace(text)
	return q, q.check()
}

// check holds what every named query promises.
func (q Named) check() error {
	used := map[string]bool{}
	for _, name := range placeholders(q.SQL) {
		if name == "" {
			continue
		}
		used[name] = true
		if !slices.ContainsFunc(q.Params, func(p Param) bool { return p.Name == name }) {
			return fmt.Errorf(":%s is not declared", name)
		}
	}
	for _, p := range q.Params {
		if !used[p.Name] {
			return fmt.Errorf(":%s is declared and not used", p.Name)
		}
	}
	switch {
	case q.Title == "" || q.About == "" || q.SQL == "":
		return fmt.Errorf("it needs a title, what it answers, and SQL")
	case !used["from"] || !used["to"] || !strings.Contains(q.SQL, "dt BETWEEN :from AND :to"):
		return fmt.Errorf("it needs a range of days: dt BETWEEN :from AND :to")
	}
	return nil
}
