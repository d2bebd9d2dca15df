package detect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/sigma"
)

// The groups that are kept are those that sorting all of them puts first.
func TestTheHeaviestAreThoseThatRankFirst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	drawn := 0
	for range 300 {
		groups := make([]*group, 1+rnd.IntN(60))
		most := 1 + rnd.IntN(8) // so that many weigh the same
		for i := range groups {
			groups[i] = &group{target: &target{}, key: fmt.Sprint("key ", i), count: int64(rnd.IntN(most))}
		}
		for n := 1; n <= len(groups); n++ {
			all, got := slices.Clone(groups), slices.Clone(groups)
			rankAll("file", all)
			heaviest("file", got, n)
			if n < len(all) && all[n-1].rank("file").lot <= all[n].rank("file").lot && all[n-1].weight() == all[n].weight() {
				t.Fatalf("%s stands before %s, which drew more", all[n-1].key, all[n].key)
			}
			want := map[*group]bool{}
			for _, g := range all[:n] {
				want[g] = true
			}
			for _, g := range got[:n] {
				if !want[g] {
					t.Fatalf("%d of %d groups: %s of weight %d is among them, and would not be", n, len(groups), g.key, g.weight())
				}
				delete(want, g)
			}
			if n < len(all) && all[n-1].weight() == all[n].weight() {
				drawn++
			}
		}
	}
	if drawn == 0 {
		t.Error("no lot was drawn")
	}
}

// An Observed is counted as often as it takes, by two workers at once as well: what is
// counted of it leaves it as it is.
func TestWhatMattersIsNotMoved(t *testing.T) {
	target := &target{kind: sigma.EventCount}
	groups := make([]*group, 50)
	for i := range groups {
		groups[i] = &group{target: target, key: fmt.Sprint("key ", i), count: int64(i % 7)}
	}
	was := slices.Clone(groups)
	if got := target.matter("file", 10, groups); len(got) >= len(groups) || slices.Equal(got, was[:len(got)]) {
		t.Fatalf("%d of %d groups matter, in the order they came: shows nothing", len(got), len(groups))
	}
	if !slices.Equal(groups, was) {
		t.Error("the groups of the file are in another order")
	}
}
