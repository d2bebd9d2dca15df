package table

import (
	"math/bits"
	"slices"
)

// sorter orders the rows of a buffer without moving them: it sorts row numbers
// by one key after the other, the least important first. Each step is stable,
// so rows that are equal keep the order they came in.
type sorter struct {
	rows       []uint16
	keys       []uint64 // of row lo+i
	also       []uint64 // keys of one more column
	lo         int
	pairs, tmp []uint64 // key<<16 | row
}

// start takes rows lo to hi in the order they came.
func (s *sorter) start(lo, hi int) {
	s.lo, s.rows = lo, s.rows[:0]
	for row := lo; row < hi; row++ {
		s.rows = append(s.rows, uint16(row))
	}
}

// maxKey is how many bits of a key are sorted by at once, beside a row number.
const maxKey = 48

// under puts s.also before s.keys, of which used bits are not sorted by yet: into one
// key, where both fit, as carrying rows along costs the same for one column or for
// several. It returns how many bits of s.keys are not sorted by then.
func (s *sorter) under(used int) int {
	width := bits.Len64(slices.Max(s.also))
	if used+width > maxKey {
		s.by()
		s.keys, s.also = s.also, s.keys
		return width
	}
	for i, k := range s.also {
		s.keys[i] |= k << used
	}
	return used + width
}

// by sorts by s.keys.
func (s *sorter) by() {
	const half = 1<<32 - 1
	width := bits.Len64(slices.Max(s.keys))
	if width > maxKey { // does not fit beside a row number: in two halves
		s.pass(0, half)
		s.pass(32, half)
		return
	}
	s.pass(0, 1<<width-1)
}

// pass sorts by some bits of the keys.
func (s *sorter) pass(shift int, mask uint64) {
	n := len(s.rows)
	s.pairs = slices.Grow(s.pairs[:0], n)[:n]
	s.tmp = slices.Grow(s.tmp[:0], n)[:n]
	for i, row := range s.rows {
		s.pairs[i] = s.keys[int(row)-s.lo]>>shift&mask<<16 | uint64(row)
	}
	from, to := s.pairs, s.tmp
	digit := 11
	if n < 1<<12 { // counting would take longer than sorting
		digit = 8
	}
	for at := 16; mask>>(at-16) != 0; at += digit {
		var count [1 << 11]int
		counts, low := count[:1<<digit], uint64(1)<<digit-1
		for _, p := range from {
			counts[p>>at&low]++
		}
		if counts[from[0]>>at&low] == n {
			continue // all the same
		}
		sum := 0
		for i, c := range counts {
			counts[i] = sum
			sum += c
		}
		for _, p := range from {
			b := p >> at & low
			to[counts[b]] = p
			counts[b]++
		}
		from, to = to, from
	}
	for i, p := range from {
		s.rows[i] = uint16(p)
	}
}

// arrange orders rows lo to hi by day, then by the table's columns.
func (w *Writer[R]) arrange(b *buffered, lo, hi int) {
	o := &w.stage.order
	o.start(lo, hi)
	used := 0
	o.keys = slices.Grow(o.keys[:0], hi-lo)[:hi-lo]
	clear(o.keys)
	for _, i := range slices.Backward(w.sort) {
		o.also = b.row.all[i].keys(o.also[:0], lo, hi)
		used = o.under(used)
	}
	o.also = o.also[:0]
	first := slices.Min(b.days[lo:hi])
	for _, day := range b.days[lo:hi] {
		o.also = append(o.also, uint64(day-first))
	}
	o.under(used)
	o.by()
}
