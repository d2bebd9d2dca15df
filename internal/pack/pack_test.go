package pack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	closed = "logs/dt=2026-11-20/"
	young  = "logs/dt=2026-11-21/" // it ended a day ago
)

// filled is a world with two days of objects: one is closed, one is not.
func filled(t *testing.T) *world {
	w := newWorld(t)
	for i := range 7 {
		w.place(fmt.Sprintf("%sb%d-0000.parquet", closed, i), i+1)
		w.place(fmt.Sprintf("%sb%d-0000.parquet", young, i), 2)
	}
	w.place("rejected/dt=2026-11-01/b0-0000.parquet", 1)
	return w
}

func (w *world) liveOf(prefix string) (names []string) {
	for name := range w.live {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestAClosedDay(t *testing.T) {
	w := filled(t)
	r, err := w.worker().run()
	if err != nil {
		t.Fatal(err)
	}
	// Seven objects, five a plan: the two that are left are not worth another.
	if len(r.Packed) != 1 || r.Packed[0].Day != "2026-11-20" || r.Packed[0].Rows() != 1+2+3+4+5 || r.Removed != 0 {
		t.Errorf("the first run: %+v", r)
	}
	w.check("packed")
	w.place(closed+"late-0000.parquet", 3)
	w.check("a late object is there")
	if r, err = w.worker().run(); err != nil || len(r.Packed) != 1 || r.Packed[0].Rows() != 6+7+3 || r.Removed != 0 {
		t.Errorf("the second run: %+v, %v", r, err)
	}
	w.check("packed again")
	w.now = w.now.Add(grace)
	if r, err = w.worker().run(); err != nil || r.Removed != 8 {
		t.Errorf("after the grace: %+v, %v", r, err)
	}
	w.check("removed")
	if left := w.liveOf(closed); len(left) != 0 {
		t.Errorf("left of the day: %q", left)
	}
	// A day later, the other day is closed too.
	if n := len(w.liveOf(young)); n != 7 {
		t.Errorf("%d objects of a day that was packed a moment ago", n)
	}
	if r, err = w.worker().run(); err != nil || len(r.Packed) != 0 || r.Removed != 0 {
		t.Errorf("nothing to do: %+v, %v", r, err)
	}
}

// A batch that was committed may be brought into place a second time, by
// whoever finds it unfinished: after its objects were packed and removed.
func TestAnObjectComesBack(t *testing.T) {
	w := filled(t)
	if _, err := w.worker().run(); err != nil {
		t.Fatal(err)
	}
	name := closed + "b1-0000.parquet"
	rows := w.live[name]
	w.now = w.now.Add(grace)
	if _, err := w.worker().run(); err != nil {
		t.Fatal(err)
	}
	if w.live[name] != nil {
		t.Fatalf("%s was not removed", name)
	}
	w.live[name] = rows
	w.check("it is back")
	if r, err := w.worker().run(); err != nil || r.Removed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	w.check("it is gone again")
}

var errDead = errors.New("dead")

// TestEveryMoment lets something happen at each change that a worker makes,
// before and after it: the worker dies, its answer is lost, another worker does
// all of its work, an object comes. A reader looks after every change.
func TestEveryMoment(t *testing.T) {
	happens := map[string]func(w *worker, at int) error{
		"it dies":            func(*worker, int) error { return errDead },
		"the answer is lost": func(*worker, int) error { return errors.New("lost") },
		"another works": func(w *worker, _ int) error {
			other := w.world.worker()
			other.meet = w.looking
			if _, err := other.run(); err != nil {
				w.t.Errorf("the other: %v", err)
			}
			return nil
		},
		"an object comes": func(w *worker, at int) error {
			w.place(fmt.Sprintf("%slate%d-0000.parquet", closed, at), 2)
			return nil
		},
	}
	for name, happen := range happens {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s before=%v", name, before), func(t *testing.T) {
				at := 0
				for ; once(t, at, before, happen); at++ {
				}
				if at < 20 {
					t.Errorf("only %d moments", at)
				}
			})
		}
	}
}

// looking makes a change and reads.
func (w *worker) looking(what string, do func() error) error {
	err := do()
	w.check(what)
	return err
}

// once runs until all is packed and removed. It says whether the moment came.
func once(t *testing.T, at int, before bool, happen func(*worker, int) error) (came bool) {
	w := filled(t)
	w.keep = 5 * 24 * time.Hour
	moment := 0
	for range 8 { // nights, in the last of which rows are old
		me := w.worker()
		dead := false
		me.meet = func(what string, do func() error) error {
			if dead {
				return errDead
			}
			mine := moment == at
			moment++
			var err error
			if mine && before {
				came = true
				if err = happen(me, at); err != nil {
					dead = errors.Is(err, errDead)
					return err
				}
			}
			err = me.looking(fmt.Sprintf("moment %d, %s", at, what), do)
			if mine && !before {
				came = true
				if herr := happen(me, at); herr != nil {
					dead = errors.Is(herr, errDead)
					return herr
				}
			}
			return err
		}
		if _, err := me.run(); err != nil && !came {
			t.Fatalf("moment %d: %v", at, err)
		}
		w.check("after the run")
		w.now = w.now.Add(grace)
	}
	if w.truth[0] {
		t.Fatalf("moment %d: the first row is still there", at)
	}
	if left := w.liveOf("logs/"); len(left) > 5 { // two of each day, less than the least, and the one that came last
		t.Fatalf("moment %d: left are %q", at, left)
	}
	return came
}

// An engine that makes mistakes is found out, and what it did is undone.
func TestAnEngineThatErrs(t *testing.T) {
	for name, bend := range map[string]func([]packedRow) []packedRow{
		"loses a row":      func(r []packedRow) []packedRow { return r[1:] },
		"doubles a row":    func(r []packedRow) []packedRow { return append(r, r[0]) },
		"changes a value":  func(r []packedRow) []packedRow { r[2].row = 1000; return r },
		"takes none":       func([]packedRow) []packedRow { return nil },
		"mixes up objects": func(r []packedRow) []packedRow { r[0].source, r[14].source = r[14].source, r[0].source; return r },
	} {
		t.Run(name, func(t *testing.T) {
			w := filled(t)
			w.bend = bend
			r, err := w.worker().run()
			if err == nil || !strings.Contains(err.Error(), "is undone") || len(r.Packed) != 0 || r.Undone != 1 || r.Failed != 1 {
				t.Errorf("%+v, %v", r, err)
			}
			w.check("undone")
			w.bend = nil
			if r, err := w.worker().run(); err != nil || len(r.Packed) != 1 {
				t.Errorf("the next run: %+v, %v", r, err)
			}
			w.check("packed")
			w.now = w.now.Add(grace)
			if r, err := w.worker().run(); err != nil || r.Removed != 5 {
				t.Errorf("after the grace: %+v, %v", r, err)
			}
			w.check("removed")
		})
	}
}

// A plan that was undone stays so, whoever still works on it.
func TestTooLateForAPlan(t *testing.T) {
	w := filled(t)
	w.bend = func(r []packedRow) []packedRow { return r[1:] }
	frozen := w.worker()
	frozen.meet = func(what string, do func() error) error {
		if what == "take" {
			if _, err := w.worker().run(); err == nil {
				t.Error("the other undid nothing")
			}
			w.bend = nil
			if _, err := w.worker().run(); err != nil {
				t.Errorf("the other's next plan: %v", err)
			}
		}
		err := do()
		w.check(what)
		return err
	}
	if _, err := frozen.run(); err == nil {
		t.Error("the plan was undone, and nobody said so")
	}
	w.check("both have ended")
}

// What failed is tried again as another statement, and what only seems to have
// failed is found to be there.
func TestAnAttemptFails(t *testing.T) {
	w := filled(t)
	w.refuse = func(attempt int) error {
		if attempt < 2 {
			return fmt.Errorf("no resources: %w", ErrFailed)
		}
		return nil
	}
	for range 2 {
		if _, err := w.worker().run(); !errors.Is(err, ErrFailed) {
			t.Fatalf("want a failure, got %v", err)
		}
		w.check("failed")
	}
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 1 {
		t.Errorf("the third attempt: %+v, %v", r, err)
	}
	w.check("packed")

	w = filled(t)
	liar := w.worker()
	liar.meet = func(what string, do func() error) error {
		if err := do(); err != nil || what != "take" {
			return err
		}
		return ErrFailed
	}
	if r, err := liar.run(); err != nil || len(r.Packed) != 1 {
		t.Errorf("committed all the same: %+v, %v", r, err)
	}
	w.check("packed")
}

// Nothing is removed whose rows are not there any more.
func TestPackedRowsAreLost(t *testing.T) {
	w := filled(t)
	if _, err := w.worker().run(); err != nil {
		t.Fatal(err)
	}
	clear(w.packed)
	clear(w.marks)
	w.now = w.now.Add(grace)
	before := len(w.live)
	if _, err := w.worker().run(); err == nil || !strings.Contains(err.Error(), "nothing is removed") {
		t.Errorf("removed: %v", err)
	}
	if len(w.live) != before {
		t.Errorf("%d objects of %d", len(w.live), before)
	}
}

func TestSettings(t *testing.T) {
	_, err := New(Config{Days: 0, Grace: time.Minute, Least: 1, Most: 0, AtOnce: 0, Keep: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("want six faults at once, got %v", err)
	}
}

// Rows go when they were kept for long enough, by when their objects came and not
// by when they happened, and never come back.
func TestRowsAreOld(t *testing.T) {
	w := filled(t)
	w.keep = 10 * 24 * time.Hour
	old := "logs/dt=2020-02-01/"
	for i := range 3 {
		w.place(fmt.Sprintf("%sb%d-0000.parquet", old, i), 1)
	}
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 2 || r.Expired != 0 {
		t.Fatalf("the first run: %+v, %v", r, err)
	}
	back := w.live[old+"b0-0000.parquet"]
	w.now = w.now.Add(w.keep - time.Second)
	if r, err := w.worker().run(); err != nil || r.Expired != 0 || len(r.Packed) != 0 || r.Removed == 0 {
		t.Errorf("a second too early, and too late to pack what is left: %+v, %v", r, err)
	}
	w.now = w.now.Add(time.Second)
	if r, err := w.worker().run(); err != nil || r.Expired != 2 {
		t.Errorf("when they are old: %+v, %v", r, err)
	}
	w.check("they are gone")
	w.live[old+"b0-0000.parquet"] = back
	w.check("an object of them is back")
	if r, err := w.worker().run(); err != nil || r.Expired != 0 || r.Removed != 1 {
		t.Errorf("it goes without a look at rows that are gone: %+v, %v", r, err)
	}
}

// A backlog is worked off in nights, and what was begun does not wait.
func TestManyDays(t *testing.T) {
	w := newWorld(t)
	for day := range 5 {
		for i := range 3 {
			w.place(fmt.Sprintf("logs/dt=2026-10-%02d/b%d-0000.parquet", day+1, i), 1)
		}
	}
	w.atOnce = 2
	for i, want := range []struct{ packed, waiting int }{{2, 3}, {2, 1}, {1, 0}} {
		if r, err := w.worker().run(); err != nil || len(r.Packed) != want.packed || r.Waiting != want.waiting {
			t.Errorf("run %d: %d packed, %d waiting, %v; want %+v", i, len(r.Packed), r.Waiting, err, want)
		}
		w.check("after a run")
	}
	// What readers do not see is left alone: each run would ask for it in vain.
	for i := range 3 {
		w.place(fmt.Sprintf("logs/dt=2019-12-31/b%d-0000.parquet", i), 1)
	}
	if r, err := w.worker().run(); err != nil || len(r.Packed)+r.Waiting != 0 {
		t.Errorf("days before the first: %+v, %v", r, err)
	}
}

// When the time is over nothing more is begun, that is no fault, and the next run
// goes on.
func TestTimeIsOver(t *testing.T) {
	for at := range 40 {
		w := filled(t)
		ctx, end := context.WithCancel(t.Context())
		me, moment := w.worker(), 0
		me.meet = func(what string, do func() error) error {
			if moment++; moment == at+1 {
				end()
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return me.looking(what, do)
		}
		r, err := me.runIn(ctx)
		end()
		if err != nil || r.Failed != 0 || r.Cut != (moment > at) {
			t.Fatalf("moment %d: %+v, %v", at, r, err)
		}
		w.check("cut")
		if r, err := w.worker().run(); err != nil || r.Cut {
			t.Fatalf("moment %d, the next run: %+v, %v", at, r, err)
		}
		if n := len(w.marks); n != 1 {
			t.Fatalf("moment %d: %d plans", at, n)
		}
	}
}
