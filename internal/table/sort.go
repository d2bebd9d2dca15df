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

// by sorts by s.keys.
func (s *sorter) by() {
	const half = 1<<32 - 1
	width := bits.Len64(slices.Max(s.keys))
	if width > 48 { // does not fit beside a row number: in two halves
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
	for at := 16; mask>>(at-16) != 0; at += 8 {
		var count [256]int
		for _, p := range from {
			count[byte(p>>at)]++
		}
		if count[byte(from[0]>>at)] == n {
			continue // all the same
		}
		sum := 0
		for i, c := range count {
			count[i] = sum
			sum += c
		}
		for _, p := range from {
			b := byte(p >> at)
			to[count[b]] = p
			count[b]++
		}
		from, to = to, from
	}
	for i, p := range from {
		s.rows[i] = uint16(p)
	}
}
