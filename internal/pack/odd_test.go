package pack

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An engine errs, and whoever undoes it dies at each moment: the next run brings
// it to its end before anything else.
func TestEveryMomentOfAnUndoing(t *testing.T) {
	for at := 0; ; at++ {
		w := filled(t)
		w.bend = func(r []packedRow) []packedRow { return r[1:] }
		me, moment := w.worker(), 0
		me.meet = func(_ string, do func() error) error {
			if moment++; moment > at+1 {
				return errDead
			}
			err := do()
			if moment == at+1 {
				return errDead
			}
			return err
		}
		if _, err := me.run(); err == nil {
			t.Fatalf("moment %d: nothing was wrong", at)
		}
		came := moment > at
		for range 2 { // one undoes, one packs: or both at once, by who died early
			if _, err := w.worker().run(); err != nil && !strings.Contains(err.Error(), "is undone") {
				t.Fatalf("moment %d: %v", at, err)
			}
			w.check(fmt.Sprintf("moment %d", at))
			w.bend = nil
		}
		if n := len(w.marks); n != 1 {
			t.Fatalf("moment %d: %d plans", at, n)
		}
		w.now = w.now.Add(grace)
		if r, err := w.worker().run(); err != nil || r.Removed != 5 {
			t.Fatalf("moment %d: %+v, %v", at, r, err)
		}
		w.check("removed")
		if !came {
			if at < 10 {
				t.Errorf("only %d moments", at)
			}
			return
		}
	}
}

// What the engine says of objects that nobody asked for, or that hold nothing, is
// not planned.
func TestOddAnswers(t *testing.T) {
	w := filled(t)
	w.bendLive = func(parts []Part) []Part {
		parts[0].Rows = 0
		return append(parts, Part{Name: closed + "unasked-0000.parquet", Rows: 1})
	}
	r, err := w.worker().run()
	if err != nil || len(r.Packed) != 1 || len(r.Packed[0].Parts) != 4 {
		t.Errorf("%+v, %v", r, err)
	}
	w.check("packed")

	w = filled(t)
	w.bendLive = func(parts []Part) []Part { return parts[:2] }
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 0 || len(w.notes) != 0 {
		t.Errorf("two objects that readers see are not worth a plan: %+v, %v", r, err)
	}
}

// Readers of the live table do not see such objects.
func TestHiddenObjects(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.live[fmt.Sprintf("%s_%d.parquet", closed, i)] = nil
		w.live[fmt.Sprintf("%s.%d.parquet", closed, i)] = nil
	}
	if _, err := w.worker().run(); err != nil || w.looked != 0 {
		t.Errorf("%d objects looked at, %v", w.looked, err)
	}
}

// A table that cannot be prepared is left alone, and takes no other with it.
func TestATableThatCannotBeMade(t *testing.T) {
	w := filled(t)
	me, prepared, other := w.worker(), 0, 0
	me.meet = func(what string, do func() error) error {
		if what != "prepare" {
			other++
			return do()
		}
		prepared++
		return fmt.Errorf("no permission")
	}
	if r, err := me.run(); err == nil || r.Failed != 2 || prepared != 2 || other != 0 {
		t.Errorf("%+v, prepared %d, %d other calls, %v", r, prepared, other, err)
	}
}

// A statement that is said to have failed has left rows: they go before another is
// tried.
func TestAnAttemptLeavesRows(t *testing.T) {
	w := filled(t)
	liar := w.worker()
	liar.meet = func(what string, do func() error) error {
		if err := do(); err != nil || what != "take" {
			return err
		}
		clear(w.marks)
		return ErrFailed
	}
	if r, err := liar.run(); err == nil || r.Undone != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	w.check("undone")
}

// Statements that delete have an end, and what was deleted is not deleted again.
func TestManyPlansExpire(t *testing.T) {
	w := newWorld(t)
	w.keep = 2000 * 24 * time.Hour
	first := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := range mostExpired + 1 {
		for i := range 3 {
			w.place(fmt.Sprintf("logs/dt=%s/b%d-0000.parquet", first.AddDate(0, 0, day).Format(time.DateOnly), i), 1)
		}
	}
	w.atOnce = 1000
	w.bend = func(r []packedRow) []packedRow { return r[1:] }
	if r, err := w.worker().run(); err == nil || r.Undone != mostExpired+1 {
		t.Fatalf("%d plans undone, %v", r.Undone, err)
	}
	w.bend = nil
	if r, err := w.worker().run(); err != nil || len(r.Packed) != mostExpired+1 {
		t.Fatalf("%d plans, %v", len(r.Packed), err)
	}
	w.now = w.now.Add(grace)
	if r, err := w.worker().run(); err != nil || r.Removed != 3*(mostExpired+1) {
		t.Fatalf("%d objects removed, %v", r.Removed, err)
	}
	for _, want := range []struct {
		after               time.Duration
		expired, statements int
	}{{0, 0, 0}, {w.keep - grace, mostExpired + 1, 2}, {0, 0, 0}} {
		w.now = w.now.Add(want.after)
		me, statements, read := w.worker(), 0, 0
		me.meet = func(what string, do func() error) error {
			switch what {
			case "expire":
				statements++
			case "read":
				read++
			}
			return do()
		}
		r, err := me.run()
		if err != nil || r.Expired != want.expired || statements != want.statements {
			t.Errorf("%d plans in %d statements, %v; want %+v", r.Expired, statements, err, want)
		}
		if want.expired == 0 && read != 0 {
			t.Errorf("%d notes are read of days that are too young, or through", read)
		}
	}
}

// Plans of a day are old one after the other, and each is deleted once.
func TestALatePlanExpires(t *testing.T) {
	w := newWorld(t)
	w.keep = 10 * 24 * time.Hour
	for half := range 2 {
		for i := range 3 {
			w.place(fmt.Sprintf("%sb%d%d-0000.parquet", closed, half, i), 1)
		}
		if r, err := w.worker().run(); err != nil || len(r.Packed) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.now = w.now.Add(5 * 24 * time.Hour)
	}
	for night, want := range []int{1, 0, 1, 0} {
		if r, err := w.worker().run(); err != nil || r.Expired != want {
			t.Errorf("night %d: %d plans expired, want %d, %v", night, r.Expired, want, err)
		}
		w.check("night")
		if night == 1 {
			w.now = w.now.Add(5 * 24 * time.Hour)
		}
	}
}

// Who decides first, decides, also for whoever saw something else.
func TestAnotherHasDecided(t *testing.T) {
	w := filled(t)
	me := w.worker()
	me.meet = func(what string, do func() error) error {
		if what == "create" {
			if plan := notesOf("logs", "2026-11-20") + "000000.plan"; w.notes[plan] != nil {
				name := strings.TrimSuffix(plan, "plan") + "end"
				if w.notes[name] == nil {
					w.notes[name] = []byte(`{"done": false, "why": "it looked odd"}`)
				}
			}
		}
		return do()
	}
	if r, err := me.run(); err == nil || !strings.Contains(err.Error(), "it looked odd") || r.Undone != 1 || len(r.Packed) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	w.check("undone")
}

func TestDiffers(t *testing.T) {
	a, b := Part{"a", 1, "x"}, Part{"b", 2, "y"}
	p := Plan{Parts: []Part{a, b}}
	for _, c := range []struct {
		seen Seen
		want string
	}{
		{Seen{2, []Part{b, a}}, ""},
		{Seen{1, []Part{a, b}}, "1 of 2 objects are marked"},
		{Seen{3, []Part{a, b}}, "3 of 2 objects are marked"},
		{Seen{2, []Part{a}}, "rows of b are missing"},
		{Seen{2, []Part{a, b, {"c", 1, "z"}}}, "rows of 3 objects instead of 2"},
		{Seen{2, []Part{a, {"b", 3, "y"}}}, "rows of b: 3 with"},
		{Seen{2, []Part{a, {"b", 2, "z"}}}, "rows of b: 2 with checksum z"},
	} {
		if got := p.differs(c.seen); got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%+v: %q, want %q", c.seen, got, c.want)
		}
	}
}
