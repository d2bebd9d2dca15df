//go:build cgo && unix

package bench

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestKeeper: a ratio beyond its threshold is a fault when it is beyond it twice, and
// so is one that nobody measured.
func TestKeeper(t *testing.T) {
	limits := []threshold{near("cpu/peer", 0.30), exact("objects", 3)}
	for what, c := range map[string]struct {
		cpu, objects []float64 // of the first and the second turn
		turns        int
		want         []string // how faults begin
	}{
		"kept":             {[]float64{0.38}, []float64{3}, 1, nil},
		"kept exactly":     {[]float64{0.39}, []float64{3}, 1, nil},
		"noise":            {[]float64{0.45, 0.30}, []float64{3, 3}, 2, nil},
		"passed":           {[]float64{0.45, 0.40}, []float64{3, 3}, 2, []string{"cpu/peer: 0.4500 and 0.4000, threshold 0.3900"}},
		"both":             {[]float64{0.45, 0.44}, []float64{4, 4}, 2, []string{"cpu/peer: ", "objects: "}},
		"one, then other":  {[]float64{0.45, 0.30}, []float64{3, 4}, 2, nil},
		"no number":        {[]float64{math.NaN(), math.NaN()}, []float64{3, 3}, 2, []string{"cpu/peer: NaN and NaN"}},
		"not measured":     {nil, []float64{3}, 1, []string{"cpu/peer: not measured"}},
		"another is free":  {[]float64{0.1}, []float64{1}, 1, nil},
		"the second fails": {[]float64{0.1, 0.1}, []float64{9, 9}, 2, []string{"objects: 9.0000 and 9.0000"}},
	} {
		t.Run(what, func(t *testing.T) {
			k, ran, left := keeper{thresholds: limits}, 0, 1
			for range k.turns(func() bool { left--; return left >= 0 }, true) {
				if ran < len(c.cpu) {
					k.say("cpu/peer", c.cpu[ran])
				}
				k.say("objects", c.objects[ran])
				k.say("of no threshold", 1e9)
				ran++
			}
			if ran != c.turns {
				t.Errorf("%d turns, want %d", ran, c.turns)
			}
			got := k.faults()
			if len(got) != len(c.want) || !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("faults %q, want %q", got, c.want)
			}
		})
	}
}

// TestKeeperWaitsForNobody: where thresholds do not matter, nothing runs twice.
func TestKeeperWaitsForNobody(t *testing.T) {
	k, ran, left := keeper{thresholds: []threshold{near("cpu/peer", 1)}}, 0, 3
	for range k.turns(func() bool { left--; return left >= 0 }, false) {
		k.say("cpu/peer", 2)
		ran++
	}
	if ran != 3 || len(k.faults()) != 1 {
		t.Errorf("%d turns, faults %q; want 3 and one", ran, k.faults())
	}
}

// TestThresholds: each has a name of its own and is the goal with room for noise at
// most, unless it says that it is owed.
func TestThresholds(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range thresholds {
		if !(h.goal > 0) || h.most < h.goal || seen[h.name] {
			t.Errorf("%+v: not a threshold, or its name twice", h)
		}
		if owes := h.most > noise*h.goal; owes != (h.debt != "") {
			t.Errorf("%+v: owed, and does not say so, or the other way around", h)
		}
		seen[h.name] = true
	}
}

// TestDebts: what is owed is told, and when less would do.
func TestDebts(t *testing.T) {
	k := keeper{thresholds: []threshold{owed("a", 1, 3), owed("b", 1, 3), near("c", 1), owed("unmeasured", 1, 3)}}
	k.say("a", 3.2)
	k.say("a", 2.9)
	k.say("b", 1.1)
	k.say("c", 9)
	want := []string{"a: 2.9000, goal 1.0000, threshold 3.0000", "b: 1.1000, goal 1.0000, threshold 3.0000; it can be lowered to 1.3000"}
	if got := k.debts(); !slices.Equal(got, want) {
		t.Errorf("debts %q, want %q", got, want)
	}
}
