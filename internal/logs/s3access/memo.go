package s3access

import (
	"bytes"
	"hash/maphash"

	"sluice/internal/logs"
)

// memo remembers what was made of texts of which a file holds few different ones:
// clients, ends of lines. A look-up takes little more than half the time of one in
// a map (BenchmarkMemo).
//
// The texts are the requester's, so the memory is bounded: a fixed number of
// places, two for each value of a hash that nobody outside can foresee, and what
// does not fit in them takes the place of something else. Whoever sends ever new
// texts makes the parser as slow as it is without a memory, not slower.
// Places keep their bytes, so that forgetting and remembering allocate nothing.
type memo[V any] struct {
	seed   maphash.Seed
	hashes []uint64  // of the texts in slots: the first look needs no text
	slots  []slot[V] // nil until the first text
	turn   int       // which of two places is given up next
}

type slot[V any] struct {
	text  []byte // as asked for, in memory of its own; empty is free
	value V
	again logs.Again // of rows with this text
}

const (
	memoSlots = 2048 // a power of two
	memoText  = 512  // longest text that is remembered
)

// of returns the place of a text, which is not empty and not longer than
// memoText. Where the text is not known, its value is for the caller to fill in:
// it is that of another text.
func (m *memo[V]) of(text []byte) (s *slot[V], known bool) {
	if m.slots == nil {
		m.seed, m.hashes, m.slots = maphash.MakeSeed(), make([]uint64, memoSlots), make([]slot[V], memoSlots)
	}
	h := maphash.Bytes(m.seed, text)
	i := int(h % memoSlots)
	if m.hashes[i] != h {
		i ^= 1
	}
	if s = &m.slots[i]; m.hashes[i] == h && bytes.Equal(s.text, text) {
		return s, true
	}
	m.turn ^= 1
	i = i&^1 | m.turn
	s = &m.slots[i]
	m.hashes[i] = h
	s.text, s.again = append(s.text[:0], text...), logs.Again{}
	return s, false
}

// forget frees a place whose text has no value.
func (s *slot[V]) forget() { s.text = s.text[:0] }
