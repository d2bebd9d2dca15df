// Package report makes one page of a lake for people who ask no questions in
// SQL: what happened, who, how much, what was found and how sure the data are.
//
// The page is one file that loads nothing. Its tables are in the HTML, so it
// reads without any script; scripts add charts and filters. Everything on it is
// the answer to SQL that anybody can ask, of the named queries where one fits,
// and bounded: ever larger lakes make no ever larger pages.
package report

import (
	"context"
	"fmt"
	"io"

	"sluice/internal/query"
)

// Lake is what the page is made of. query.Lake is one.
type Lake interface {
	// Query answers one statement; ranging over the rows ends it.
	Query(ctx context.Context, sql string) (*query.Result, error)
}

// Options is what the page is about and what it says of itself.
type Options struct {
	Name     string // of the lake, as its reader knows it
	From, To string // first and last day, such as 2026-03-02
	Version  string // of the program

	// Step is told before each question what comes, and how much is done. It
	// may be nil.
	Step func(done, of int, what string)
}

// Summary is what whoever made the page wants to know of it.
type Summary struct {
	First, Last string // days that hold anything; empty when none does
	Requests    int64  // rows of the access log
	Events      int64  // rows of CloudTrail
	Alerts      int64  // incidents that alert
}

// Write asks the lake and writes the page. The same lake and options give the
// same bytes: there is no clock in it.
func Write(ctx context.Context, w io.Writer, lake Lake, o Options) (Summary, error) {
	g := &gatherer{lake: lake, options: o, page: new(page)}
	steps := g.steps()
	for i, s := range steps {
		if o.Step != nil {
			o.Step(i, len(steps), s.what)
		}
		if err := s.do(ctx); err != nil {
			return Summary{}, fmt.Errorf("report: %s: %w", s.what, err)
		}
	}
	if o.Step != nil {
		o.Step(len(steps), len(steps), "")
	}
	g.finish()
	if err := g.page.write(w); err != nil {
		return Summary{}, fmt.Errorf("report: %w", err)
	}
	return g.page.summary(), nil
}

// step is one question with what it is about, for whoever waits for it.
type step struct {
	what string
	do   func(context.Context) error
}
