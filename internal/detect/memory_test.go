package detect

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What is read of a set is the same whichever of the two lists is searched.
func TestElementsAreFoundByTheirBeginnings(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(size int) string {
		b := make([]byte, size)
		for i := range b {
			b[i] = "\x00ab\xff"[rnd.IntN(4)]
		}
		return string(b)
	}
	list := func(n, size, more int) []string {
		var all []string
		for range n {
			all = append(all, text(size+rnd.IntN(more+1)))
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	found, shorter, longer := 0, 0, 0
	for range 2000 {
		elements, begins := list(rnd.IntN(40), 3, 3), list(rnd.IntN(40), 3, 0)
		var want []string
		for _, e := range elements {
			if slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(e, b) }) {
				want = append(want, e)
			}
		}
		if got := beginning(elements, begins); !slices.Equal(got, want) {
			t.Fatalf("%q of those beginning with %q: got %q, want %q", elements, begins, got, want)
		}
		found += len(want)
		if len(begins) > len(elements) {
			longer++
		} else {
			shorter++
		}
	}
	if found == 0 || shorter == 0 || longer == 0 {
		t.Errorf("found %d, %d times fewer beginnings, %d times more: shows nothing", found, shorter, longer)
	}
}
