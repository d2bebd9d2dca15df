package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Plan is what one commit takes: objects of one day of one table.
type Plan struct {
	Table  string    `json:"table"`
	Day    string    `json:"day"`
	Number int       `json:"number"` // of the day's plans, from 0
	Begun  time.Time `json:"begun"`
	Newest time.Time `json:"newest"` // when the last of the objects came
	Parts  []Part    `json:"parts"`  // in the order of their names
	// Columns are what is taken, and what the checksums are over: those of the
	// version that made the plan. A later one, that has more, carries it out with
	// the same statement and compares the same sums.
	Columns []string `json:"columns,omitempty"`
}

// ID names the plan in the packed table. It is made of what the plan is about,
// so that whoever carries it out gives it the same.
func (p Plan) ID() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%d\n", p.Table, p.Day, p.Number)
	for _, o := range p.Parts {
		fmt.Fprintf(sum, "%s %d %s\n", o.Name, o.Rows, o.Check)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Rows are all of the plan.
func (p Plan) Rows() (n int64) {
	for _, o := range p.Parts {
		n += o.Rows
	}
	return n
}

// differs says how the packed table differs from the plan, "" if it does not.
func (p Plan) differs(s Seen) string {
	if s.Marks != len(p.Parts) {
		return fmt.Sprintf("%d of %d objects are marked", s.Marks, len(p.Parts))
	}
	got := slices.SortedFunc(slices.Values(s.Parts), func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	for i, want := range p.Parts {
		if i >= len(got) || got[i].Name != want.Name {
			return fmt.Sprintf("rows of %s are missing", want.Name)
		}
		if got[i] != want {
			return fmt.Sprintf("rows of %s: %d with checksum %s instead of %d with %s", want.Name, got[i].Rows, got[i].Check, want.Rows, want.Check)
		}
	}
	if len(got) > len(p.Parts) {
		return fmt.Sprintf("rows of %d objects instead of %d", len(got), len(p.Parts))
	}
	return ""
}

// end is the decision about a plan.
type end struct {
	Done bool      `json:"done"`
	At   time.Time `json:"at"`
	Why  string    `json:"why,omitempty"` // it is not done
}

// step is a plan and what became of it.
type step struct {
	Plan
	failed  int  // attempts
	end     *end // nil: not decided
	undone  bool
	expired bool // its rows were kept for long enough and are gone
}

// history are the notes of a day:
//
//	_sluice/pack/<table>/dt=<day>/<number>.plan       what is to be taken
//	                              <number>.failed.<n> an attempt that took nothing
//	                              <number>.end        the decision
//	                              <number>.undone     it is carried out, the other way
//	                              <number>.expired    its rows were deleted when they were old
//
// A plan is made when the one before is through, so only the last can be open.
type history struct {
	table, day string
	steps      []step
}

// open is the plan that is not through, nil when there is none.
func (h history) open() *step {
	if len(h.steps) == 0 {
		return nil
	}
	s := &h.steps[len(h.steps)-1]
	if s.end == nil || !s.end.Done && !s.undone {
		return s
	}
	return nil
}

// taken are the objects whose rows are packed.
func (h history) taken() map[string]bool {
	all := map[string]bool{}
	for _, s := range h.steps {
		if s.end == nil || !s.end.Done {
			continue
		}
		for _, o := range s.Parts {
			all[o.Name] = true
		}
	}
	return all
}

// NotesFolder is where the notes of all tables are, as names relative to the lake.
const NotesFolder = "_sluice/pack/"

func notesOf(table, day string) string { return NotesFolder + table + "/dt=" + day + "/" }

func noteName(p Plan, what string) string {
	return fmt.Sprintf("%s%06d.%s", notesOf(p.Table, p.Day), p.Number, what)
}

// notes lists the notes of a table, each as its day and its name.
func (p *Packer) notes(ctx context.Context, table string) iter.Seq2[[2]string, error] {
	return func(yield func([2]string, error) bool) {
		folder := NotesFolder + table + "/dt="
		for o, err := range p.c.Objects.List(ctx, folder) {
			if err != nil {
				yield([2]string{}, fmt.Errorf("list notes: %w", err))
				return
			}
			day, note, _ := strings.Cut(strings.TrimPrefix(o.Name, folder), "/")
			if !yield([2]string{day, note}, nil) {
				return
			}
		}
	}
}

// noted are the days of a table that have notes.
func (p *Packer) noted(ctx context.Context, table string) (map[string]bool, error) {
	days := map[string]bool{}
	for n, err := range p.notes(ctx, table) {
		if err != nil {
			return nil, err
		}
		days[n[0]] = true
	}
	return days, nil
}

// history reads the notes of a day.
func (p *Packer) history(ctx context.Context, table, day string) (history, error) {
	h := history{table: table, day: day}
	there := map[string]bool{}
	for o, err := range p.c.Objects.List(ctx, notesOf(table, day)) {
		if err != nil {
			return h, fmt.Errorf("list notes: %w", err)
		}
		there[o.Name] = true
	}
	for {
		next := step{Plan: Plan{Table: table, Day: day, Number: len(h.steps)}}
		name := noteName(next.Plan, "plan")
		if !there[name] {
			return h, nil
		}
		if err := p.read(ctx, name, &next.Plan); err != nil {
			return h, err
		}
		for there[noteName(next.Plan, fmt.Sprintf("failed.%d", next.failed))] {
			next.failed++
		}
		if name := noteName(next.Plan, "end"); there[name] {
			if err := p.read(ctx, name, &next.end); err != nil {
				return h, err
			}
		}
		next.undone = there[noteName(next.Plan, "undone")]
		next.expired = there[noteName(next.Plan, "expired")]
		h.steps = append(h.steps, next)
	}
}

func (p *Packer) read(ctx context.Context, name string, into any) error {
	body, err := p.c.Notes.Read(ctx, name)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Errorf("read note %s: %w", name, err)
	}
	return nil
}

// write creates a note, or finds that another worker has.
func (p *Packer) write(ctx context.Context, name string, v any) (mine bool, err error) {
	body, err := json.Marshal(v)
	if err == nil {
		mine, err = p.c.Notes.Create(ctx, name, body)
	}
	if err != nil {
		return false, fmt.Errorf("write note %s: %w", name, err)
	}
	return mine, nil
}

func (p *Packer) note(ctx context.Context, next Plan) error {
	_, err := p.write(ctx, noteName(next, "plan"), next)
	return err
}

func (p *Packer) fail(ctx context.Context, s *step) error {
	_, err := p.write(ctx, noteName(s.Plan, fmt.Sprintf("failed.%d", s.failed)), p.c.Now().UTC())
	return err
}

func (p *Packer) undone(ctx context.Context, s *step) error {
	_, err := p.write(ctx, noteName(s.Plan, "undone"), p.c.Now().UTC())
	return err
}

// decide ends a plan: done where nothing differs. Who decides first, decides.
func (p *Packer) decide(ctx context.Context, s *step, differs string) error {
	name := noteName(s.Plan, "end")
	s.end = &end{Done: differs == "", At: p.c.Now().UTC(), Why: differs}
	mine, err := p.write(ctx, name, s.end)
	if err == nil && !mine {
		s.end = nil
		err = p.read(ctx, name, &s.end)
	}
	return err
}
