package pack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Report is what a run did.
type Report struct {
	Packed  []Plan // committed and compared
	Removed int    // live objects whose rows are packed
	Undone  int    // plans of which not all was right
	Expired int    // plans whose rows were kept for long enough
	Failed  int    // days that went wrong, and tables
	Waiting int    // days that are left for the next run
	Cut     bool   // the time was over: the next run goes on where this one stopped
}

// Run forgets what was kept for long enough, packs what can be packed and removes
// what is packed for long enough. A day that fails takes no other with it,
// nor a table; their errors come at the end. The end of ctx is no error, and it
// should not be the same work that waits for it every day: what is old goes before
// anything new is begun, and each day begins with another table.
func (p *Packer) Run(ctx context.Context) (Report, error) {
	var (
		r      Report
		faults []error
	)
	first := int(p.c.Now().Unix() / (24 * 60 * 60))
	for i := range p.c.Tables {
		table := p.c.Tables[(first+i)%len(p.c.Tables)]
		for _, step := range []struct {
			what string
			do   func(context.Context, string, *Report) []error
		}{{"prepare", p.prepare}, {"forget rows of", p.expire}, {"tidy", p.tidy}, {"pack", p.table}} {
			var failed []error
			if ctx.Err() == nil {
				failed = step.do(ctx, table, &r)
			}
			if ctx.Err() != nil { // what failed, failed of that
				r.Cut = true
				return r, errors.Join(faults...)
			}
			for _, err := range failed {
				faults = append(faults, fmt.Errorf("%s %s: %w", step.what, table, err))
				r.Failed++
			}
			if step.what == "prepare" && len(failed) > 0 {
				break
			}
		}
	}
	return r, errors.Join(faults...)
}

func (p *Packer) prepare(ctx context.Context, table string, _ *Report) []error {
	return some(p.c.Keeper.Prepare(ctx, table))
}

func (p *Packer) tidy(ctx context.Context, table string, _ *Report) []error {
	return some(p.c.Keeper.Tidy(ctx, table))
}

// some is a list of the errors that there are: one or none.
func some(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// table brings the days of a table as far as they can be brought now.
func (p *Packer) table(ctx context.Context, table string, r *Report) (faults []error) {
	noted, err := p.noted(ctx, table)
	if err != nil {
		return []error{err}
	}
	days, err := p.days(ctx, table, noted)
	if err != nil {
		return []error{fmt.Errorf("list days: %w", err)}
	}
	left := p.c.AtOnce
	for _, day := range slices.Sorted(maps.Keys(days)) {
		begun, err := p.day(ctx, table, day, days[day], left > 0, r)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", day, err))
		}
		if begun {
			left--
		}
	}
	return faults
}

// closed says whether a day may be packed: it is over for long enough, and
// readers see it.
func (p *Packer) closed(day string) bool {
	return day >= p.c.First && day <= p.c.Now().UTC().AddDate(0, 0, -1-p.c.Days).Format(time.DateOnly)
}

// days lists the live objects of closed days, and of those that have notes: the
// settings may have changed since.
func (p *Packer) days(ctx context.Context, table string, noted map[string]bool) (map[string][]Object, error) {
	days := map[string][]Object{}
	for o, err := range p.c.Objects.List(ctx, table+"/dt=") {
		if err != nil {
			return nil, err
		}
		day, file, ok := strings.Cut(strings.TrimPrefix(o.Name, table+"/dt="), "/")
		if _, err := time.Parse(time.DateOnly, day); err != nil || !ok || !p.closed(day) && !noted[day] || strings.HasPrefix(file, "_") || strings.HasPrefix(file, ".") {
			continue // not over, or nothing that readers see
		}
		days[day] = append(days[day], o)
	}
	return days, nil
}

// day brings one day as far as it can be brought now. What was begun is brought
// to its end in any case; new plans are made where they may be, and it says so.
func (p *Packer) day(ctx context.Context, table, day string, objects []Object, may bool, r *Report) (begun bool, err error) {
	for {
		h, err := p.history(ctx, table, day)
		if err != nil {
			return begun, err
		}
		if open := h.open(); open != nil {
			if err := p.carryOut(ctx, open, r); err != nil {
				return begun, err
			}
			continue
		}
		if objects, err = p.sweep(ctx, h, objects, r); err != nil {
			return begun, err
		}
		next := p.next(h, objects)
		if len(next) < p.c.Least || !p.closed(day) {
			return begun, nil
		}
		if !may {
			r.Waiting++
			return begun, nil
		}
		more, err := p.plan(ctx, h, next)
		if err != nil || !more {
			return begun, err
		}
		begun = true
	}
}

// next are the objects that a plan would take now: those of other plans, and
// those that are to go soon, are none of them.
func (p *Packer) next(h history, objects []Object) []Object {
	taken, soon := h.taken(), p.c.Now().Add(leaving)
	free := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return taken[o.Name] || p.old(o.Modified, soon) })
	return free[:min(len(free), p.c.Most)]
}

// plan writes down what is to be packed next. It says whether there is a new
// plan, whoever made it. Only the objects of the plan are read for it: there may
// be many plans in a day.
func (p *Packer) plan(ctx context.Context, h history, objects []Object) (bool, error) {
	var names []string
	came := map[string]time.Time{}
	for _, o := range objects {
		names = append(names, o.Name)
		came[o.Name] = o.Modified.UTC()
	}
	parts, columns, err := p.c.Engine.Live(ctx, h.table, h.day, names)
	if err != nil {
		return false, fmt.Errorf("look at live objects: %w", err)
	}
	parts = slices.DeleteFunc(parts, func(o Part) bool { return came[o.Name].IsZero() || o.Rows == 0 })
	if len(parts) < p.c.Least {
		return false, nil
	}
	slices.SortFunc(parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	next := Plan{Table: h.table, Day: h.day, Number: len(h.steps), Begun: p.c.Now().UTC(), Columns: columns, Parts: parts}
	for _, o := range next.Parts {
		if at := came[o.Name]; at.After(next.Newest) {
			next.Newest = at
		}
	}
	return true, p.note(ctx, next)
}

// carryOut takes the rows of a plan, compares them, and decides: done, or
// undone as if it had never been.
func (p *Packer) carryOut(ctx context.Context, s *step, r *Report) error {
	if s.end == nil {
		err := p.c.Engine.Take(ctx, s.Plan, s.failed)
		if err != nil && !errors.Is(err, ErrFailed) {
			return fmt.Errorf("take rows: %w", err)
		}
		seen, serr := p.c.Engine.Seen(ctx, s.Plan)
		if serr != nil {
			return errors.Join(err, fmt.Errorf("look at what was taken: %w", serr))
		}
		if err != nil && seen.Marks == 0 && len(seen.Parts) == 0 {
			return errors.Join(fmt.Errorf("take rows, tried again by the next run: %w", err), p.fail(ctx, s))
		}
		if err := p.decide(ctx, s, s.differs(seen)); err != nil {
			return err
		}
	}
	if s.end.Done {
		r.Packed = append(r.Packed, s.Plan)
		return nil
	}
	if err := p.c.Engine.Undo(ctx, s.Plan); err != nil {
		return fmt.Errorf("undo plan %d: %w", s.Number, err)
	}
	r.Undone++
	return errors.Join(fmt.Errorf("plan %d is undone, its rows are where they were: %s", s.Number, s.end.Why), p.undone(ctx, s))
}

// sweep removes objects whose rows are packed for longer than any query runs,
// also such that were put back after they had been removed: a batch that was
// committed can be brought into place again. It returns the objects that are left.
func (p *Packer) sweep(ctx context.Context, h history, objects []Object, r *Report) ([]Object, error) {
	for i := range h.steps {
		s := &h.steps[i]
		if s.end == nil || !s.end.Done || p.c.Now().Before(s.end.At.Add(p.c.Grace)) {
			continue
		}
		has := map[string]bool{}
		for _, o := range s.Parts {
			has[o.Name] = true
		}
		old := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return !has[o.Name] })
		if len(old) == 0 {
			continue
		}
		// What is removed is gone for good: look again that it is there, unless it
		// was to go.
		if !s.expired {
			seen, err := p.c.Engine.Seen(ctx, s.Plan)
			if err != nil {
				return objects, fmt.Errorf("look at what was taken: %w", err)
			}
			if why := s.differs(seen); why != "" {
				return objects, fmt.Errorf("plan %d was done on %s and is not what it was, nothing is removed: %s", s.Number, s.end.At.Format(time.DateOnly), why)
			}
		}
		for _, o := range old {
			if err := p.c.Objects.Remove(ctx, o.Name); err != nil {
				return objects, fmt.Errorf("remove %s: %w", o.Name, err)
			}
			r.Removed++
		}
		objects = slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return has[o.Name] })
	}
	return objects, nil
}
