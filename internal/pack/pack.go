// Package pack rewrites the closed days of a table into few large objects,
// without a reader ever seeing a row twice or not at all.
//
// S3 cannot exchange several objects at once, and a query in Athena lists a
// folder whenever it likes. So rows move between two tables instead, behind one
// name. New rows lie as objects in a table of plain files, the live one. A second
// one, in Apache Iceberg, holds the packed rows, and beside them a mark for each
// live object whose rows it has taken. Rows and marks of a plan come with one
// commit. The name that people ask is a view: what is packed, and what lies in
// live objects without a mark. A query sees one snapshot of an Iceberg table, so
// before the commit it reads the live objects and after it the packed rows,
// never both and never neither. Live objects are removed when no query that
// began before the commit can still run. Those that began later have no use for
// them, but list them, too: one that runs at the moment of removal may find an
// object gone and ends with an error, never with a wrong answer.
//
// What is done is written down before it is begun, in notes that are created
// once and never changed. The notes of a day are numbered, so that to create the
// next one is to win: workers that do not know of each other carry out the same
// plan, and nothing needs a lock, or a clock that is right.
package pack

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Part is one live object: its name relative to the lake, how many rows it has,
// and a checksum over all values of all of them that does not depend on their
// order.
type Part struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Check string `json:"check"`
}

// Seen is what the packed table has of a plan, at one moment.
type Seen struct {
	Marks int    // live objects that count as taken
	Parts []Part // the rows, by the object that they come from
}

// ErrFailed is an Engine's answer about a commit that is known to have ended
// without one. Any other error leaves that open.
var ErrFailed = errors.New("the statement failed")

// Engine is what reads and writes both tables: Athena, or whatever has Iceberg.
// Each method is about one table, so none can be done without.
type Engine interface {
	// Live looks at objects of a day as readers of the live table see them, and
	// leaves out those that they do not see. The checksums are over the columns
	// that it returns.
	Live(ctx context.Context, table, day string, objects []string) (parts []Part, columns []string, err error)
	// Take commits the rows of a plan and its marks, together, and once: again it
	// changes nothing, after Undo neither. It returns when that is done. The
	// same attempt is the same statement; another one is made after ErrFailed.
	Take(ctx context.Context, p Plan, attempt int) error
	// Seen reads what was committed.
	Seen(ctx context.Context, p Plan) (Seen, error)
	// Undo removes rows and marks of a plan again, together.
	Undo(ctx context.Context, p Plan) error
}

// Keeper looks after the packed tables themselves. All of it may be repeated.
type Keeper interface {
	// Prepare makes a packed table that is not there, and gives one that is the
	// columns that its rows have got since.
	Prepare(ctx context.Context, table string) error
	// Expire deletes the rows of plans, in one commit, and leaves their marks.
	Expire(ctx context.Context, table string, plans []Plan) error
	// Tidy removes what nobody can see any more.
	Tidy(ctx context.Context, table string) error
}

// Object is one that is in the lake.
type Object struct {
	Name     string    // relative to the lake
	Modified time.Time // when it was put there
}

// Objects are the live objects, and the notes beside them, by names relative to
// the lake.
type Objects interface {
	// List yields what is under a prefix, in the order of the names. An error is
	// the last step.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Remove removes an object. One that is gone is no error.
	Remove(ctx context.Context, name string) error
}

// Notes are small objects that nobody changes.
type Notes interface {
	// Create writes a note unless one has the name, and says whether it did. After
	// an error it may have.
	Create(ctx context.Context, name string, body []byte) (bool, error)
	Read(ctx context.Context, name string) ([]byte, error)
}

// Config is what a Packer is made from.
type Config struct {
	Engine  Engine
	Keeper  Keeper
	Objects Objects
	Notes   Notes
	Tables  []string
	// Days after its end a day is packed: later than nearly all of its rows come.
	Days int
	// First is the first day that readers see, such as 2024-01-01: objects of
	// earlier ones are no part of the live table.
	First string
	// Grace is how long an object stays after its rows are packed: longer than a
	// query can run.
	Grace time.Duration
	// Least is how many live objects make it worth to pack a day, Most how many
	// one plan takes: a statement names them all.
	Least, Most int
	// AtOnce is how many days of a table one run begins to pack.
	AtOnce int
	// Keep is how long a row stays, counted from when its object came; 0 for ever.
	Keep time.Duration
	Now  func() time.Time
}

// Packer packs the days of a lake.
type Packer struct{ c Config }

// New returns a packer, or says what of its settings cannot be.
func New(c Config) (*Packer, error) {
	var faults []error
	if c.Days < 1 {
		faults = append(faults, fmt.Errorf("packing after %d days: want 1 or more, a day must be over", c.Days))
	}
	if c.Grace < time.Hour {
		faults = append(faults, fmt.Errorf("grace of %v: want an hour or more, a query may run for half of one", c.Grace))
	}
	if c.Least < 2 {
		faults = append(faults, fmt.Errorf("packing from %d objects on: want 2 or more", c.Least))
	}
	if c.Most < c.Least {
		faults = append(faults, fmt.Errorf("%d objects in a plan: want %d or more", c.Most, c.Least))
	}
	if c.AtOnce < 1 {
		faults = append(faults, fmt.Errorf("packing %d days of a table at once: want 1 or more", c.AtOnce))
	}
	if c.Keep < 0 {
		faults = append(faults, fmt.Errorf("keeping rows for %v: want 0, for ever, or more", c.Keep))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Packer{c}, nil
}

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
