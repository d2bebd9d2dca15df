package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCells: in whatever order a group is hit, it has one cell for each bin and series,
// in ascending order, and each has its hits.
func TestCells(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var g group
		g.cells = g.one[:0]
		want := map[cell]int64{}
		bin := int64(0)
		for range 60 {
			if d.IntN(3) > 0 {
				bin += int64(d.IntN(5)) - 1
			}
			at := cell{bin: bin - int64(d.IntN(3)), series: d.IntN(2)}
			g.cell(at.bin, at.series).n++
			want[at]++
		}
		if !slices.IsSortedFunc(g.cells, compareCells) || len(g.cells) != len(want) {
			t.Fatalf("%d cells, want %d in order: %v", len(g.cells), len(want), g.cells)
		}
		for _, c := range g.cells {
			if n := want[cell{bin: c.bin, series: c.series}]; n != c.n {
				t.Errorf("bin %d of series %d: %d hits, want %d", c.bin, c.series, c.n, n)
			}
		}
	}
}
