package record

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// TestRepeats: a column says that it is the same again with the Again that the row
// tags it with, a column without a tag says nothing, and the principal goes with the
// requester, of which it is made.
func TestRepeats(t *testing.T) {
	var a Access
	a.Set(&s3access.Row{})
	of := map[string]*uint64{"": nil, "Caller": &a.again[asCaller], "Client": &a.again[asClient], "Ending": &a.again[asEnding], "Source": &a.again[asSource]}
	typ, n := reflect.TypeFor[s3access.Row](), 0
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("col"), ",")
		f, ok := AccessSchema().Lookup(name)
		if !ok {
			continue
		}
		tag := typ.Field(i).Tag.Get("again")
		want, known := of[tag]
		if got := a.Place(f.ID).Again; !known || got != want {
			t.Errorf("%s: tagged again:%q, and is again with another", name, tag)
		}
		if tag != "" {
			n++
		}
	}
	if n < 15 {
		t.Errorf("%d columns are tagged: shows nothing", n)
	}
	f, _ := AccessSchema().Lookup("derived.principal")
	if got := a.Place(f.ID); got != (sigma.Place{Again: &a.again[asCaller]}) {
		t.Errorf("derived.principal: got %+v", got)
	}
}

// TestNumbers: an Again has one number for as long as it speaks of the same values, and
// no two have the same, also where numbers begin anew.
func TestNumbers(t *testing.T) {
	var n numbers
	agains, seen := make([]logs.Again, 10), map[uint64]bool{0: true}
	fresh := func() (all []uint64) {
		t.Helper()
		for i := range agains {
			got := n.of(&agains[i])
			if seen[got] {
				t.Fatalf("number %d is given twice", got)
			}
			seen[got] = true
			all = append(all, got)
		}
		return all
	}
	was := fresh()
	for i := range agains {
		if got := n.of(&agains[i]); got != was[i] {
			t.Errorf("got %d for what is %d", got, was[i])
		}
	}
	clear(agains) // of other values now
	fresh()
	n.last = math.MaxUint32 - 5
	clear(agains)
	fresh()
	if n.over != 2 || n.of(nil) != 0 {
		t.Errorf("numbers began %d times, want twice; that of nothing is %d", n.over, n.of(nil))
	}
	var other numbers
	other.of(&agains[0])
	if got := n.of(&agains[0]); seen[got] {
		t.Errorf("got %d, which speaks of what somebody else has taken over", got)
	}
}
