package detect

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"sluice/internal/sigma"
)

// crossing is a period in which a window ended that fulfils the condition.
type crossing struct {
	period      int64
	value, n    int64   // of the window with the largest value: what was measured, and events where those are counted
	capped      bool    // there may be more than value: a set takes no more than it takes to cross
	first, last int64   // bins of that window that hold anything
	ends        []int64 // every bin in which such a window ended
}

// crossings finds every period in which a window ended that fulfils the
// condition. Windows are looked at once for each bin that holds an event, as the
// last bin of the window; so what is found depends on the events alone.
func (t *target) crossings(slots []Slot) []crossing {
	switch t.kind {
	case sigma.ValueCount:
		return t.distinct(slots)
	case sigma.Temporal:
		return t.together(slots)
	case sigma.TemporalOrdered:
		return t.inOrder(slots)
	case "":
		return t.incident(slots)
	}
	return t.sums(slots)
}

// note adds a window to the crossings; windows come in the order of their ends.
func (t *target) note(all []crossing, end int64, c crossing) []crossing {
	c.period = t.shape.periodOf(end)
	c.ends = []int64{end}
	if n := len(all); n > 0 && all[n-1].period == c.period {
		was := &all[n-1]
		c.ends = append(was.ends, end)
		if c.value <= was.value {
			was.ends = c.ends
			return all
		}
		all = all[:n-1]
	}
	return append(all, c)
}

// incident takes a period as a whole, which is one slot.
func (t *target) incident(slots []Slot) []crossing {
	var all []crossing
	for _, s := range slots {
		var n int64
		for _, c := range s.Cells {
			n = add(n, c.N)
		}
		if n == 0 {
			continue
		}
		base := s.Slot * t.shape.slot
		all = append(all, crossing{period: s.Slot, value: n, n: n,
			first: base + s.Cells[0].Bin, last: base + s.Cells[len(s.Cells)-1].Bin, ends: []int64{base}})
	}
	return all
}

// sums slides over counts, sums and averages.
func (t *target) sums(slots []Slot) []crossing {
	bins := t.bins(slots)
	var all []crossing
	var n, v int64
	from := 0
	for to, b := range bins {
		n, v = add(n, b.N), add(v, b.V)
		for ; bins[from].Bin <= b.Bin-t.shape.window; from++ {
			n -= bins[from].N
			v -= bins[from].V
		}
		value, ok := t.judge(n, v)
		if ok {
			all = t.note(all, b.Bin, crossing{value: value, n: n, first: bins[from].Bin, last: bins[to].Bin})
		}
	}
	return all
}

func (t *target) judge(n, v int64) (value int64, ok bool) {
	least := t.least()
	switch t.kind {
	case sigma.ValueSum:
		return v, v >= least
	case sigma.ValueAvg:
		q, limit := floorDiv(v, n), t.corr.Condition.Threshold
		return q, q > limit || q == limit && (!t.corr.Condition.Above || v > q*n)
	}
	return n, n >= least
}

// bins are the cells of slots by their number since 1970.
func (t *target) bins(slots []Slot) []Cell {
	var bins []Cell
	for _, s := range slots {
		for _, c := range s.Cells {
			c.Bin += s.Slot * t.shape.slot
			bins = append(bins, c)
		}
	}
	return bins
}

// distinct slides over sets of values, one a bin.
func (t *target) distinct(slots []Slot) []crossing {
	var all []crossing
	in := map[string]int{}
	from, capped := 0, -1 // the last slot that is
	for to, s := range slots {
		if int64(len(s.Elements)) >= t.least() {
			capped = to
		}
		for _, v := range s.Elements {
			in[v]++
		}
		for ; slots[from].Slot <= s.Slot-t.shape.window; from++ {
			for _, v := range slots[from].Elements {
				if in[v]--; in[v] == 0 {
					delete(in, v)
				}
			}
		}
		if n := int64(len(in)); n >= t.least() {
			all = t.note(all, s.Slot, crossing{value: n, capped: capped >= from, first: slots[from].Slot, last: slots[to].Slot})
		}
	}
	return all
}

// moment is that a rule of several matched in a bin.
type moment struct {
	bin    int64
	series int
}

const momentSize = 3

// element is a moment within a slot, as an element of its set.
func (t *target) element(m moment) string {
	b := binary.BigEndian.AppendUint16(nil, uint16(m.bin-t.shape.slotOf(m.bin)*t.shape.slot))
	return string(append(b, byte(m.series)))
}

func (t *target) moments(slots []Slot) []moment {
	var all []moment
	for _, s := range slots {
		for _, e := range s.Elements {
			if len(e) == momentSize {
				bin := int64(e[0])<<8 | int64(e[1])
				all = append(all, moment{s.Slot*t.shape.slot + bin, int(e[2])})
			}
		}
	}
	slices.SortFunc(all, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.bin, b.bin), cmp.Compare(a.series, b.series))
	})
	return all
}

// together finds windows in which enough of the rules matched, in any order.
func (t *target) together(slots []Slot) []crossing {
	moments := t.moments(slots)
	var all []crossing
	in := map[int]int{}
	from := 0
	for _, m := range moments {
		in[m.series]++
		for ; moments[from].bin <= m.bin-t.shape.window; from++ {
			s := moments[from].series
			if in[s]--; in[s] == 0 {
				delete(in, s)
			}
		}
		if n := int64(len(in)); n >= t.least() {
			all = t.note(all, m.bin, crossing{value: n, first: moments[from].bin, last: m.bin})
		}
	}
	return all
}

// inOrder finds windows in which all rules matched one after the other. Of each
// beginning of the list it keeps the latest moment at which it can have started:
// no other start is of more use. Moments of one bin count as in order.
func (t *target) inOrder(slots []Slot) []crossing {
	const never = -1 << 62
	starts := make([]int64, len(t.corr.Rules))
	for i := range starts {
		starts[i] = never
	}
	var all []crossing
	for _, m := range t.moments(slots) {
		if m.series >= len(starts) {
			continue
		}
		start := m.bin
		if m.series > 0 {
			start = starts[m.series-1]
		}
		starts[m.series] = max(starts[m.series], start)
		if m.series == len(starts)-1 && start > m.bin-t.shape.window {
			n := int64(len(starts))
			all = t.note(all, m.bin, crossing{value: n, first: start, last: m.bin})
		}
	}
	return all
}

// days are the elements of sets of days, in order.
func days(slots []Slot) []int64 {
	all := map[int64]bool{}
	for _, s := range slots {
		for _, e := range s.Elements {
			if len(e) == 4 {
				all[int64(int32(binary.BigEndian.Uint32([]byte(e))))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func dayElement(day int64) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(int32(day))))
}

// firstSeen finds the days of own on which a value was new: it was seen on the
// day and not within the timespan before, and its group was known long enough.
// Days are whole, so that the order within a day changes nothing.
func (t *target) firstSeen(own, value, group []int64) []crossing {
	learn := t.learn()
	var all []crossing
	for _, d := range own {
		i, _ := slices.BinarySearch(value, d)
		if i > 0 && value[i-1] >= d-t.shape.window {
			continue
		}
		if !t.known(group, d, d-learn) {
			continue
		}
		all = append(all, crossing{period: d, value: 1, first: d, last: d, ends: []int64{d}})
	}
	return all
}

// known says whether on day d a group has been known since a day. After a silence
// longer than the timespan it is known from its first day on, since nothing is
// left of what was before. Days older than the timespan and learn together are not
// asked for, so that files that come one by one and years of them at once are
// judged alike.
func (t *target) known(group []int64, d, since int64) bool {
	from := d
	i, _ := slices.BinarySearch(group, d)
	for i--; from > since && i >= 0 && group[i] >= from-t.shape.window; i-- {
		from = group[i]
	}
	return from <= since
}

// learn is how many days a first_seen only watches a group.
func (t *target) learn() int64 {
	const day = 24 * time.Hour
	return int64((t.corr.Sluice.Learn + day - 1) / day)
}
