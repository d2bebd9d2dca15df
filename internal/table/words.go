package table

import (
	"encoding/binary"
	"math"
	"math/bits"

	"sluice/internal/logs"
)

// words buffers a Text column whose values repeat: one id a row, in 16 bits
// because most columns of a table are of this kind.
type words struct {
	src  *logs.Text
	ids  []uint16
	dict dict
	full *bool // set when there is no id left: the buffer must be flushed
	// recent ids by recentAt of their values. Nearly every value was there a few
	// rows ago, and is found here at a third of the time that the dictionary takes.
	// With each is a part of what recentAt says, so that no other value is looked at.
	recent [recents]uint32
	late   late
	alone  bool // nobody asks for the id of a row before all are written
}

const (
	recentBits = 10
	recents    = 1 << recentBits
)

// recentAt is where a value is looked for: by its length, its ends and, of longer
// ones, by words between them, as JSON objects of one form begin and end alike. That
// is fast and tells most values apart. Values for which it does not take each
// other's place, whoever chose them so, and then are looked up.
func recentAt(v []byte) uint64 {
	const spread = 0x9e3779b97f4a7c15
	n := len(v)
	h := uint64(n)
	switch {
	case n >= 64:
		step := (n - 8) / 7
		for i := 0; i+8 <= n; i += step {
			h = (h ^ binary.LittleEndian.Uint64(v[i:])) * spread
			h ^= h >> 32
		}
	case n >= 8:
		h += binary.LittleEndian.Uint64(v) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(v[n-8:]), 31)
		if n >= 24 {
			h += 3 * binary.LittleEndian.Uint64(v[n/2-4:])
		}
	case n >= 4:
		h += uint64(binary.LittleEndian.Uint32(v))<<32 | uint64(binary.LittleEndian.Uint32(v[n-4:]))
	case n > 0:
		h += uint64(v[0])<<8 | uint64(v[n/2])<<16 | uint64(v[n-1])<<24
	}
	return h * spread
}

// put adds the row in src; it returns the bytes of memory that took.
func (c *words) put() int {
	v := *c.src
	if v == nil {
		c.ids = append(c.ids, 0)
		return 0
	}
	quick := recentAt(v)
	if r := c.recent[quick>>(64-recentBits)]; r != 0 && (r^uint32(quick))>>16 == 0 && string(v) == string(c.dict.value(r&math.MaxUint16)) {
		c.ids = append(c.ids, uint16(r))
		return 0
	}
	return c.putOther(v, quick)
}

func (c *words) putOther(v []byte, quick uint64) int {
	if len(v) > maxRow {
		return len(v)
	}
	if c.alone && c.dict.len() >= lateFrom && len(v) <= lateText {
		return c.later(v, quick)
	}
	id, isNew := c.dict.add(v)
	c.ids = append(c.ids, uint16(id))
	c.remember(quick, id)
	if !isNew {
		return 0
	}
	return c.took(v)
}

func (c *words) remember(quick uint64, id uint32) {
	c.recent[quick>>(64-recentBits)] = uint32(quick)&^math.MaxUint16 | id
}

// took returns the bytes of memory of v, a new value.
func (c *words) took(v []byte) int {
	if c.dict.len() >= math.MaxUint16-lateMost { // those that wait may be new as well
		*c.full = true
	}
	return len(v) + 12 // its end and its slot
}

func (c *words) grow(n int) { c.ids = grown(c.ids, n) }

func (c *words) truncate(n int) {
	c.lookUp()
	c.ids = c.ids[:min(n, len(c.ids))]
}

func (c *words) reset() {
	c.ids = c.ids[:0]
	c.dict.reset()
	c.late.text, c.late.of = c.late.text[:0], c.late.of[:0]
	c.recent = [recents]uint32{}
}

func (c *words) keys(dst []uint64, lo, hi int) []uint64 {
	ranks := c.dict.ranks(nil)
	for _, id := range c.ids[lo:hi] {
		dst = append(dst, uint64(ranks[id]))
	}
	return dst
}
