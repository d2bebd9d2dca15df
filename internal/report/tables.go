package report

import (
	"context"
	"slices"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/query"
)

// table is a table of the page.
type table struct {
	ID, Title, About, Note string
	Query                  string // named query that made it, or tells more
	Columns                []column
	Rows                   []tableRow
	Of                     int    // how many rows there are
	More                   bool   // than Of
	Empty                  string // what to say when there is none
	Filtered               bool   // the script makes the rows anew for what is chosen
	Section                string
}

type column struct {
	Name  string
	Right bool
	Wide  bool   // long words in it are broken
	Time  bool   // never broken
	Null  string // what NULL means, where a reader would not know
}

// tableRow is a row; Place is that of its bucket in the filter, as text, "-1" of
// another bucket, and empty where rows are of no bucket.
type tableRow struct {
	Cells []cell
	Place string
}

// Cut says which of how many are shown; nothing where it is all.
func (t *table) Cut() string {
	switch {
	case t.More:
		return "The first " + itoa(len(t.Rows)) + " of more than " + amount.Grouped(int64(t.Of)) + "."
	case t.Of > len(t.Rows):
		return "The first " + itoa(len(t.Rows)) + " of " + amount.Grouped(int64(t.Of)) + "."
	}
	return ""
}

// asked is a table that a named query answers.
type asked struct {
	section, query, empty string
	most                  int
	without               []string                                  // columns that are too long for a page
	keep                  map[string]func(string) bool              // by column; NULL is the empty text
	see                   func(*page, map[string]query.Value) error // each row, shown or not
}

var oldTLS = []string{"TLSv1", "TLSv1.0", "TLSv1.1", "none, plain HTTP"}

// tables are in the order in which the sections have them.
var tables = []asked{
	{section: "access", query: "anonymous", most: most, empty: "Nothing was answered without credentials."},
	{section: "access", query: "anonymous-denied", most: most, empty: "Nobody was refused without credentials."},
	{section: "access", query: "failed-auth", most: most, empty: "Nobody's credentials or permissions failed."},
	{section: "access", query: "errors", most: most, empty: "No request ended in a 4xx error."},
	{section: "deleted", query: "deletions", most: most, empty: "Nothing was deleted."},
	{section: "deleted", query: "batch-deletes", most: most, without: []string{"last_key"}, empty: "Nothing was deleted in batches."},
	{section: "old", query: "tls-versions", most: most, empty: "Every request used TLS 1.2 or later.",
		keep: map[string]func(string) bool{"tls": func(v string) bool { return slices.Contains(oldTLS, v) }}},
	{section: "old", query: "signatures", most: most, empty: "Nobody signed with Signature Version 2.",
		keep: map[string]func(string) bool{"signature": func(v string) bool { return v == "SigV2" }}},
	{section: "old", query: "acl-required", most: most, empty: "No request needed an ACL."},
	{section: "trail", query: "settings", most: most, without: []string{"user_agent"}, empty: "No settings were changed."},
	{section: "quality", query: "rejects", most: most, empty: "Every record could be read."},
	{section: "quality", query: "forged", most: most, without: []string{"raw"}, empty: "Every line reads in one way only."},
	{section: "quality", query: "lateness", most: 14, see: (*page).seeLateness, empty: "Nothing was delivered."},
}

// seeLateness adds up the records that came late, and those of which it is known.
func (p *page) seeLateness(row map[string]query.Value) error {
	n, err := numbers([]query.Value{row["over_3_hours"], row["dated"]}, 0)
	if err != nil {
		return err
	}
	p.late, p.dated = p.late+n[0], p.dated+n[1]
	return nil
}

// idle tells whether a table has nothing to be asked of.
func (g *gatherer) idle(a asked) bool {
	switch a.section {
	case "trail":
		return len(g.trail) == 0
	case "quality":
		return len(g.all) == 0
	}
	return len(g.access) == 0
}

func (g *gatherer) table(a asked) func(context.Context) error {
	return func(ctx context.Context) error {
		if g.idle(a) {
			return nil
		}
		q, err := query.Find(a.query)
		if err != nil {
			return err
		}
		t := &table{ID: "q-" + a.query, Title: q.Title, About: q.About, Note: q.Notes, Query: a.query, Empty: a.empty, Section: a.section}
		var columns []query.Column
		var rows [][]query.Value
		columns, rows, t.Of, err = g.named(ctx, a)
		if err != nil {
			return err
		}
		if t.Of > beyond {
			t.Of, t.More = beyond, true
		}
		t.fill(columns, rows, a.without, g.page)
		g.page.Tables = append(g.page.Tables, t)
		return nil
	}
}

// fill makes cells of values, and finds the bucket of each row.
func (t *table) fill(columns []query.Column, rows [][]query.Value, without []string, p *page) {
	place := slices.IndexFunc(columns, func(c query.Column) bool { return c.Name == "bucket_name" })
	for _, c := range columns {
		if !slices.Contains(without, c.Name) {
			t.Columns = append(t.Columns, column{Name: strings.ReplaceAll(c.Name, "_", " "), Right: c.Kind == query.Number, Time: c.Kind == query.Time})
		}
	}
	for _, row := range rows {
		var r tableRow
		for i, v := range row {
			if !slices.Contains(without, columns[i].Name) {
				r.Cells = append(r.Cells, cellOf(v, columns[i].Kind))
			}
		}
		if place >= 0 {
			r.Place = itoa(p.placeOf(row[place].Text))
		}
		for i, c := range r.Cells {
			t.Columns[i].Wide = t.Columns[i].Wide || len(c.Text) > maxWord
		}
		t.Rows = append(t.Rows, r)
	}
}

// maxWord is from how many bytes on a value may be broken to fit.
const maxWord = 32
