package detect

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"

	"sluice/internal/sigma"
)

// A state that costs money for each call is mostly asked to add very little to
// something that is far from its threshold. Config.Thrift draws lots for that:
// what a file adds to a slot, if it is less than a hundredth of the threshold, is
// counted as a hundredth with a probability that makes it come out right on
// average, and else left out. Larger contributions are counted as they are.
//
// The lot is a hash of the file and the slot, so a file that comes again draws
// the same. An incident all of whose contributions are that small is counted with
// a standard error of at most a tenth of the threshold: one of 1.3 times the
// threshold is missed once in a thousand, and one of 0.7 times it told as often.
// One file that crosses by itself, and one whose contributions are larger, is
// exact.
const lots = 100

// draws says whether contributions to the target are drawn by lot. Low
// thresholds are exact: there each event matters.
func (t *target) draws() bool {
	return (t.kind == sigma.EventCount || t.kind == sigma.ValueSum) && t.least() >= 2*lots
}

// draw leaves small contributions out, or enlarges them.
func (t *target) draw(adds []Add) []Add {
	whole := t.least() / lots
	kept := adds[:0]
	for _, a := range adds {
		var n, v int64
		for _, c := range a.Cells {
			n, v = add(n, c.N), add(v, c.V)
		}
		amount := n
		if t.kind == sigma.ValueSum {
			amount = v
		}
		switch {
		case amount >= whole:
			kept = append(kept, a)
		case amount > 0 && lot(&a)%uint64(whole) < uint64(amount):
			if t.kind == sigma.ValueSum {
				v = whole
			} else {
				n, v = whole, 0
			}
			a.Cells = []Cell{{Bin: a.Cells[0].Bin, N: n, V: v}}
			kept = append(kept, a)
		}
	}
	return kept
}

func lot(a *Add) uint64 {
	h := fnv.New64a()
	b := append([]byte(a.Key), strconv.FormatInt(a.Slot, 10)...)
	h.Write(append(append(b, 0), a.Once...))
	// The lower bits of this hash depend on each other.
	x := h.Sum64()
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	return binary.LittleEndian.Uint64(binary.BigEndian.AppendUint64(nil, x))
}
