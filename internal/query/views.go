package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// View is a table that a query computes: the same in Athena and here. It is one
// file of the folder views, headed like a named query but without parameters,
// and with a line for each column that the tables it reads do not have, such as
//
//	-- .copies  How often the line was delivered.
type View struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about"`
	SQL   string `json:"sql"` // the SELECT

	// Needs lists the tables and views that it reads.
	Needs []string `json:"needs"`

	// Columns says what columns hold that mean something else than one of the same
	// name in a table it reads, or that no such table has.
	Columns map[string]string `json:"columns,omitempty"`
}

// Lines are the SELECT for a catalogue, which keeps it as one line of JSON: no
// comments, no indentation, and a space between two lines is as good as a break.
func (v View) Lines() []string {
	bare := token.ReplaceAllStringFunc(v.SQL, func(m string) string {
		if strings.HasPrefix(m, "--") || strings.HasPrefix(m, "/*") {
			return ""
		}
		return m
	})
	var lines []string
	for line := range strings.Lines(bare) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Views lists the views, each behind those that it needs.
func Views() ([]View, error) {
	var left []View
	err := each("views", func(name, text string) error {
		h, err := parseHeader(text)
		if err != nil {
			return err
		}
		if len(h.params) > 0 {
			return fmt.Errorf("a view has no parameters")
		}
		left = append(left, View{Name: name, Title: h.title, About: h.about, SQL: h.sql, Needs: relations(h.sql), Columns: h.columns})
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []View
	for len(left) > 0 {
		ready := slices.IndexFunc(left, func(v View) bool {
			return !slices.ContainsFunc(left, func(w View) bool { return slices.Contains(v.Needs, w.Name) })
		})
		if ready < 0 {
			return nil, fmt.Errorf("the views need each other in a circle, %s among them", left[0].Name)
		}
		all = append(all, left[ready])
		left = slices.Delete(left, ready, ready+1)
	}
	return all, nil
}

// A relation is what stands behind FROM or JOIN and has no name from a WITH.
var (
	fromJoin = regexp.MustCompile(`\b(?:FROM|JOIN)\s+([a-z_][a-z0-9_]*)`)
	withName = regexp.MustCompile(`(?:\bWITH|\),)\s+([a-z_][a-z0-9_]*)\s+AS\s+\(`)
)

// relations names the tables and views that SQL of this package reads.
func relations(sql string) []string {
	sql = comment.ReplaceAllString(sql, "")
	own := map[string]bool{}
	for _, m := range withName.FindAllStringSubmatch(sql, -1) {
		own[m[1]] = true
	}
	var names []string
	for _, m := range fromJoin.FindAllStringSubmatch(sql, -1) {
		if !own[m[1]] {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var comment = regexp.MustCompile(`--[^\n]*`)
