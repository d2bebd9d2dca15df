package query

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed queries/*.sql views/*.sql
var files embed.FS

// Named is a question worth asking again: SQL that runs unchanged in Athena and
// here, once its parameters are filled in.
//
// It is one file of the folder queries, which starts with comments: the title,
// what it answers, a line for each parameter, such as
//
//	-- :from day = 2006-03-01  first day, UTC
//
// and behind them what a reader of the answer must know. In the SQL, :from
// stands for the value as a literal.
type Named struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	About  string  `json:"about"`
	Params []Param `json:"params"`
	Notes  string  `json:"notes,omitempty"`
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
	var all []Named
	err := each("queries", func(name, text string) error {
		q, err := parseNamed(name, text)
		all = append(all, q)
		return err
	})
	return all, err
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

// each calls do with every file of a folder, by name.
func each(folder string, do func(name, text string) error) error {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return fmt.Errorf("read named queries: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(baseOf(a), baseOf(b)) })
	for _, e := range entries {
		b, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			return fmt.Errorf("read named queries: %w", err)
		}
		if err := do(baseOf(e), string(b)); err != nil {
			return fmt.Errorf("%s/%s: %w", folder, e.Name(), err)
		}
	}
	return nil
}

// baseOf is a query's name: a file that sorts behind another with its ending
// may go before it without.
func baseOf(e fs.DirEntry) string { return strings.TrimSuffix(e.Name(), ".sql") }
