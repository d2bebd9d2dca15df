package detect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// Verdict is what became of an example of a rule.
type Verdict struct {
	About   *sigma.About
	Example Example // the zero Example where Err is about all of them
	Matched bool    // whether the rule matched, wanted or not
	Err     error   // the example is no example: a record of it cannot be read
}

// OK tells whether the rule did what its example asks.
func (v *Verdict) OK() bool { return v.Err == nil && v.Matched == v.Example.Hit }

// Try runs the examples of every document that o loads, shipped ones included
// unless o says NoShipped. A detection is judged by its record, a correlation by
// a run of records through a Watcher and an Engine, with nothing loaded but what
// it is built on. Documents without examples have no verdicts, and where ids are
// given, all others have none either.
func Try(ctx context.Context, o Options, ids ...string) ([]Verdict, []sigma.Problem) {
	rules, problems := Load(o)
	meant := func(about *sigma.About) bool { return len(ids) == 0 || slices.Contains(ids, about.ID) }
	var all []Verdict
	for _, rule := range rules.Set.Rules {
		if !meant(&rule.About) {
			continue
		}
		w := rules.Watch()
		all = append(all, tryAll(&rule.About, func(e *Example) (bool, error) {
			matched := false
			err := e.rows(func(row any) { matched = slices.Contains(w.Matches(row), rule) || matched })
			return matched, err
		})...)
	}
	for _, c := range rules.Set.Correlations {
		if !meant(&c.About) {
			continue
		}
		alone, err := rules.only(c, o.Site)
		all = append(all, tryAll(&c.About, func(e *Example) (bool, error) {
			if err != nil {
				return false, err
			}
			found, err := alone.run(ctx, e)
			return slices.ContainsFunc(found, func(f *finding.Finding) bool { return f.Rule.ID == c.ID }), err
		})...)
	}
	return all, problems
}

func tryAll(about *sigma.About, matches func(e *Example) (bool, error)) []Verdict {
	examples, err := Examples(about)
	if err != nil {
		return []Verdict{{About: about, Err: err}}
	}
	all := make([]Verdict, len(examples))
	for i, e := range examples {
		matched, err := matches(&e)
		all[i] = Verdict{about, e, matched, err}
	}
	return all
}

// Matches lists the rules that match one row: a *s3access.Row or a
// *cloudtrail.Row. It leaves the file that is being watched alone.
func (w *Watcher) Matches(row any) []*sigma.Rule {
	var hits []int32
	switch r := row.(type) {
	case *s3access.Row:
		w.accessRecord.Set(r)
		hits = w.access.Match(&w.accessRecord)
	case *cloudtrail.Row:
		w.trailRecord.Set(r)
		hits = w.trail.Match(w.trailRecord)
	}
	rules := make([]*sigma.Rule, len(hits))
	for i, h := range hits {
		rules[i] = w.rules.Set.Rules[h]
	}
	return rules
}

// only loads c again, with nothing beside it but what it is built on: then it is
// nobody's base, and what it finds is told.
func (r *Rules) only(c *sigma.Correlation, site sigma.Site) (*Rules, error) {
	var sources []sigma.Source
	names := map[string]bool{}
	var add func(c *sigma.Correlation)
	document := func(a *sigma.About) bool {
		if names[a.ID] {
			return false
		}
		names[a.ID], names[a.Name] = true, true
		sources = append(sources, sigma.Source{Name: a.File, Text: []byte(a.Text)})
		return true
	}
	add = func(c *sigma.Correlation) {
		if !document(&c.About) {
			return
		}
		for _, ref := range c.Rules {
			if ref.Rule != nil {
				document(&ref.Rule.About)
			} else {
				add(ref.Correlation)
			}
		}
	}
	add(c)
	for _, f := range r.Set.Filters {
		if !slices.ContainsFunc(f.Rules, func(name string) bool { return !names[name] }) {
			document(&f.About)
		}
	}
	rules, problems := Load(Options{NoShipped: true, User: sources, Site: site})
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s by itself: %w", c.Called(), problems[0])
	}
	return rules, nil
}

// kept is an Outlet that keeps what it is sent.
type kept struct{ all []*finding.Finding }

func (k *kept) Send(_ context.Context, fs []*finding.Finding) error {
	k.all = append(k.all, fs...)
	return nil
}

// run sends an example through the rules, as one delivered file of each log.
func (r *Rules) run(ctx context.Context, e *Example) ([]*finding.Finding, error) {
	var out kept
	engine := NewEngine(r, NewMemory(), &out, Config{Now: func() time.Time { return exampleStart }})
	w := r.Watch()
	w.Begin("example", "example")
	if err := e.rows(w.Row); err != nil {
		return nil, err
	}
	_, err := engine.Apply(ctx, w.End(true))
	return out.all, err
}

// rows reads the records of the example as the parsers of their logs do.
func (e *Example) rows(each func(row any)) error {
	lines, records := e.texts()
	if err := rowsOf(s3access.Format, strings.Join(lines, "\n"), each); err != nil {
		return err
	}
	if len(records) == 0 {
		return nil
	}
	return rowsOf(cloudtrail.Format, `{"Records":[`+strings.Join(records, ",")+`]}`, each)
}

func rowsOf[R any](format logs.Format[R], text string, each func(row any)) error {
	var rows iter.Seq2[*R, error] = format.NewReader().Read(&logs.Input{Key: "example"}, io.Reader(strings.NewReader(text)))
	for row, err := range rows {
		var bad *logs.BadRecord
		switch {
		case errors.As(err, &bad):
			return fmt.Errorf("record %d is none of %s: %w", bad.Line, format.Name, err)
		case err != nil:
			return err
		}
		each(row)
	}
	return nil
}

// Crossing is a hit of one rule, and everything that it makes match.
type Crossing struct {
	About   *sigma.About
	Example Example
	Matched []string // names, sorted: of detections for a record, of correlations for a run
}

// Cross runs the hits of every document against all of them, so that an author
// sees what else a rule's incidents set off.
func Cross(ctx context.Context, o Options) ([]Crossing, error) {
	rules, _ := Load(o)
	names := map[string]string{}
	for _, c := range rules.Set.Correlations {
		names[c.ID] = c.Name
	}
	var all []Crossing
	cross := func(about *sigma.About, matched func(e *Example) ([]string, error)) error {
		examples, err := Examples(about)
		if err != nil {
			return err
		}
		for _, e := range examples {
			if !e.Hit {
				continue
			}
			found, err := matched(&e)
			if err != nil {
				return fmt.Errorf("%s: %w", about.Called(), err)
			}
			slices.Sort(found)
			all = append(all, Crossing{about, e, slices.Compact(found)})
		}
		return nil
	}
	w := rules.Watch()
	for _, rule := range rules.Set.Rules {
		err := cross(&rule.About, func(e *Example) (found []string, err error) {
			err = e.rows(func(row any) {
				for _, m := range w.Matches(row) {
					found = append(found, m.Name)
				}
			})
			return found, err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, c := range rules.Set.Correlations {
		err := cross(&c.About, func(e *Example) (found []string, err error) {
			fs, err := rules.run(ctx, e)
			for _, f := range fs {
				if name := names[f.Rule.ID]; name != "" {
					found = append(found, name)
				}
			}
			return found, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
