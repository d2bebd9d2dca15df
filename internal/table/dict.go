package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// dict gives equal values equal ids, from 1 in the order they came; 0 is left
// for NULL. The hash is seeded because whoever sends a request chooses values;
// ids and so the bytes written do not depend on the seed.
type dict struct {
	seed  maphash.Seed
	slots []uint32 // 15 bits of the hash, then the id; open addressing, length a power of two
	spans []span   // of values by id; spans[0] is none
	arena arena
}

// span is where a value is in an arena.
type span struct{ at, n uint32 }

func newDict(s *spare) dict {
	return dict{seed: maphash.MakeSeed(), spans: make([]span, 1), arena: arena{spare: s}}
}

func (d *dict) len() int { return len(d.spans) - 1 }

func (d *dict) value(id uint32) []byte {
	s := d.spans[id]
	return d.arena.value(s.at, s.n)
}

// add returns the id of v, and whether v is new.
func (d *dict) add(v []byte) (id uint32, isNew bool) {
	return d.addHashed(v, maphash.Bytes(d.seed, v))
}

// first is the id that a value of this hash has if it has one and nothing is in its
// way, or 0, or that of another value.
func (d *dict) first(hash uint64) uint32 {
	if s := d.slots[uint32(hash)&uint32(len(d.slots)-1)]; s&^idMask == uint32(hash>>32)&^idMask {
		return s & idMask
	}
	return 0
}

// addHashed is add for who has the hash of v.
func (d *dict) addHashed(v []byte, hash uint64) (id uint32, isNew bool) {
	if len(d.slots) <= 2*len(d.spans) {
		d.grow()
	}
	tag := uint32(hash>>32) &^ idMask
	mask := uint32(len(d.slots) - 1)
	i := uint32(hash) & mask
	for d.slots[i] != 0 {
		if s := d.slots[i]; s&^idMask == tag && bytes.Equal(d.value(s&idMask), v) {
			return s & idMask, false
		}
		i = (i + 1) & mask
	}
	id = uint32(len(d.spans))
	if id > idMask {
		panic("BUG: table: a dictionary of more values than ids")
	}
	d.spans = append(d.spans, span{d.arena.add(v), uint32(len(v))})
	d.slots[i] = tag | id
	return id, true
}

// idMask is the bits of an id: there are at most as many as rows, which are maxRows.
const idMask = 2*maxRows - 1

func (d *dict) grow() {
	d.slots = make([]uint32, max(64, 2*len(d.slots)))
	mask := uint32(len(d.slots) - 1)
	for id := range uint32(d.len()) {
		hash := maphash.Bytes(d.seed, d.value(id+1))
		i := uint32(hash) & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = uint32(hash>>32)&^idMask | (id + 1)
	}
}

func (d *dict) reset() {
	clear(d.slots)
	d.spans = d.spans[:1]
	d.arena.reset()
}

// ranks appends to dst the place of each id in the order of values, from 1;
// that of 0, which is NULL, is 0.
func (d *dict) ranks(dst []uint32) []uint32 {
	type entry struct {
		prefix uint64 // the first 8 bytes decide most comparisons
		id     uint32
	}
	order := make([]entry, d.len())
	for i := range order {
		id := uint32(i + 1)
		var p [8]byte
		copy(p[:], d.value(id))
		order[i] = entry{binary.BigEndian.Uint64(p[:]), id}
	}
	slices.SortFunc(order, func(a, b entry) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		return bytes.Compare(d.value(a.id), d.value(b.id))
	})
	dst = slices.Grow(dst[:0], len(d.spans))[:len(d.spans)]
	dst[0] = 0
	for i, e := range order {
		dst[e.id] = uint32(i + 1)
	}
	return dst
}
