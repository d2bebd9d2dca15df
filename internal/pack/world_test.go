package pack

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a lake with both tables, as its readers see it. A row is a number,
// and each number is placed once, so that a reader must see each once.
type world struct {
	t      *testing.T
	now    time.Time
	live   map[string][]int // by name
	notes  map[string][]byte
	packed map[string][]packedRow // by plan
	marks  map[string][]mark      // by plan
	gone   map[string]bool        // plans that were undone
	truth  map[int]bool
	placed int
	came   map[string]time.Time // objects
	keep   time.Duration
	atOnce int
	days   int // after which a day is packed
	looked int // objects that were read to plan
	// columns are what the version at work knows of a row: the checksum of rows that
	// did not change is another one over more columns.
	columns []string
	failed  map[string]bool     // attempts that have ended without a commit
	ran     map[string][]string // attempts, and the columns of their statements

	// bend changes what the engine commits, as if it made mistakes.
	bend func([]packedRow) []packedRow
	// bendLive changes what it says of live objects.
	bendLive func([]Part) []Part
	// refuse says how an attempt ends that commits nothing.
	refuse func(attempt int) error
}

type packedRow struct {
	source string
	row    int
}

type mark struct {
	source string
	at     time.Time
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, now: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC), live: map[string][]int{}, notes: map[string][]byte{}, packed: map[string][]packedRow{},
		marks: map[string][]mark{}, gone: map[string]bool{}, truth: map[int]bool{}, failed: map[string]bool{}, ran: map[string][]string{}, came: map[string]time.Time{}, atOnce: 100, days: 2,
		columns: []string{"number"},
	}
}

// place puts an object into the lake, with so many new rows.
func (w *world) place(name string, rows int) {
	w.came[name] = w.now
	for range rows {
		w.live[name] = append(w.live[name], w.placed)
		w.truth[w.placed] = true
		w.placed++
	}
}

// check reads the view, as a query that begins now.
func (w *world) check(when string) {
	w.t.Helper()
	marked, seen := map[string]bool{}, map[int]int{}
	for _, plan := range w.marks {
		for _, m := range plan {
			marked[m.source] = true
		}
	}
	for _, rows := range w.packed {
		for _, r := range rows {
			seen[r.row]++
		}
	}
	for name, rows := range w.live {
		for _, r := range rows {
			if !marked[name] {
				seen[r]++
			}
		}
	}
	for r := range w.truth {
		if seen[r] != 1 {
			w.t.Fatalf("%s: row %d is seen %d times", when, r, seen[r])
		}
	}
	if len(seen) != len(w.truth) {
		w.t.Fatalf("%s: %d rows instead of %d", when, len(seen), len(w.truth))
	}
}

// worker is one process at work on the world. Each change that it makes goes
// through meet, which may let it die there.
type worker struct {
	*world
	meet func(what string, do func() error) error
}

func (w *world) worker() *worker {
	return &worker{w, func(_ string, do func() error) error { return do() }}
}

// of are the columns that a plan is about: all that there are if it says nothing.
func (w *world) of(p Plan) []string {
	if p.Columns == nil {
		return w.columns
	}
	return p.Columns
}

func checkOf(rows []int, columns []string) string {
	return fmt.Sprint(columns, slices.Sorted(slices.Values(rows)))
}

func (w *worker) Live(_ context.Context, table, day string, objects []string) (parts []Part, columns []string, err error) {
	err = w.meet("live", func() error {
		for _, name := range objects {
			if rows := w.live[name]; strings.HasPrefix(name, table+"/dt="+day+"/") && len(rows) > 0 {
				parts = append(parts, Part{name, int64(len(rows)), checkOf(rows, w.columns)})
			}
		}
		if w.bendLive != nil {
			parts = w.bendLive(parts)
		}
		w.looked += len(objects)
		columns = w.columns
		return nil
	})
	return parts, columns, err
}

func (w *worker) Take(_ context.Context, p Plan, attempt int) error {
	return w.meet("take", func() error {
		id := p.ID()
		if w.marks[id] != nil || w.gone[id] {
			return nil
		}
		// Who asks for a statement again and means another one is refused.
		statement := fmt.Sprint(id, attempt)
		if was, ran := w.ran[statement]; ran && !slices.Equal(was, w.of(p)) {
			return errors.New("the statement of that token is another one")
		}
		w.ran[statement] = w.of(p)
		if w.failed[statement] {
			return fmt.Errorf("again: %w", ErrFailed)
		}
		if w.refuse != nil {
			if err := w.refuse(attempt); err != nil {
				w.failed[statement] = true
				return err
			}
		}
		var rows []packedRow
		for _, o := range p.Parts {
			for _, r := range w.live[o.Name] {
				rows = append(rows, packedRow{o.Name, r})
			}
			w.marks[id] = append(w.marks[id], mark{o.Name, w.now})
		}
		if w.bend != nil {
			rows = w.bend(rows)
		}
		w.packed[id] = rows
		return nil
	})
}

func (w *worker) Seen(_ context.Context, p Plan) (s Seen, err error) {
	err = w.meet("seen", func() error {
		s.Marks = len(w.marks[p.ID()])
		by := map[string][]int{}
		for _, r := range w.packed[p.ID()] {
			by[r.source] = append(by[r.source], r.row)
		}
		for name, rows := range by {
			s.Parts = append(s.Parts, Part{name, int64(len(rows)), checkOf(rows, w.of(p))})
		}
		return nil
	})
	return s, err
}

func (w *worker) Undo(_ context.Context, p Plan) error {
	return w.meet("undo", func() error {
		w.gone[p.ID()] = true
		delete(w.packed, p.ID())
		delete(w.marks, p.ID())
		return nil
	})
}

func (w *worker) Prepare(context.Context, string) error {
	return w.meet("prepare", func() error { return nil })
}

func (w *worker) Expire(_ context.Context, table string, plans []Plan) error {
	return w.meet("expire", func() error {
		for _, p := range plans {
			for _, r := range w.packed[p.ID()] {
				if came := w.came[r.source]; w.now.Sub(came) < w.keep {
					w.t.Fatalf("row %d of %s is deleted after %v", r.row, r.source, w.now.Sub(came))
				}
				delete(w.truth, r.row)
			}
			delete(w.packed, p.ID())
		}
		return nil
	})
}

func (w *worker) Tidy(context.Context, string) error {
	return w.meet("tidy", func() error { return nil })
}

func (w *worker) List(_ context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var names []string
		err := w.meet("list", func() error {
			names = append(slices.Collect(maps.Keys(w.live)), slices.Collect(maps.Keys(w.notes))...)
			return nil
		})
		if err != nil {
			yield(Object{}, err)
			return
		}
		for _, name := range slices.Sorted(slices.Values(names)) {
			if strings.HasPrefix(name, prefix) && !yield(Object{name, w.came[name]}, nil) {
				return
			}
		}
	}
}

func (w *worker) Remove(_ context.Context, name string) error {
	return w.meet("remove", func() error {
		for _, plan := range w.marks {
			for _, m := range plan {
				if m.source == name && w.now.Sub(m.at) < grace {
					w.t.Fatalf("%s is removed %v after its rows were packed: a query that began before needs it", name, w.now.Sub(m.at))
				}
			}
		}
		delete(w.live, name)
		return nil
	})
}

func (w *worker) Create(_ context.Context, name string, body []byte) (mine bool, err error) {
	err = w.meet("create", func() error {
		if _, there := w.notes[name]; there {
			return nil
		}
		w.notes[name], mine = body, true
		return nil
	})
	return mine, err
}

func (w *worker) Read(_ context.Context, name string) (body []byte, err error) {
	err = w.meet("read", func() error {
		var ok bool
		if body, ok = w.notes[name]; !ok {
			return errors.New("no such note")
		}
		return nil
	})
	return body, err
}

const grace = 24 * time.Hour

// run is one run of a worker.
func (w *worker) run() (Report, error) { return w.runIn(w.t.Context()) }

func (w *worker) runIn(ctx context.Context) (Report, error) {
	p, err := New(Config{
		Engine: w, Keeper: w, Objects: w, Notes: w, Tables: []string{"logs", "rejected"}, Days: w.days, First: "2020-01-01", Grace: grace, Least: 3, Most: 5,
		AtOnce: w.atOnce, Keep: w.keep, Now: func() time.Time { return w.now },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Run(ctx)
}
