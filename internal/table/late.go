package table

import "hash/maphash"

// late is values of a column that are looked up together. In a large dictionary each
// look-up waits for memory three times: for the slot, for the place of the value it
// speaks of, and for that value. Where thirty values go each of these steps together,
// the processor waits for thirty at once.
type late struct {
	text []byte // of the values, one behind the other
	of   []waiting
}

// waiting is a value in late, of a row that has no id yet.
type waiting struct {
	hash  uint64 // of the dictionary
	quick uint64 // recentAt
	end   uint32 // of the value in text
	row   uint16
	id    uint32 // what the value may have, or 0
	value span   // of that id
}

const (
	lateMost = 32      // values together
	lateText = 1 << 10 // bytes of one that waits
	// lateFrom is from how many values on a dictionary is no more in the cache.
	lateFrom = 1 << 10
)

// later puts off the look-up of v, the value of the row that comes next. It returns the
// bytes of memory that values took which were put off before.
func (c *words) later(v []byte, quick uint64) (size int) {
	l := &c.late
	l.text = append(l.text, v...)
	l.of = append(l.of, waiting{
		hash: maphash.Bytes(c.dict.seed, v), quick: quick,
		end: uint32(len(l.text)), row: uint16(len(c.ids)),
	})
	c.ids = append(c.ids, 0)
	if len(l.of) < lateMost {
		return 0
	}
	return c.lookUp()
}

// lookUp looks up all values that wait.
func (c *words) lookUp() (size int) {
	l, d := &c.late, &c.dict
	if len(l.of) == 0 {
		return 0
	}
	for i := range l.of {
		w := &l.of[i]
		w.id = d.first(w.hash)
	}
	for i := range l.of {
		w := &l.of[i]
		w.value = d.spans[w.id] // spans[0] is none
	}
	begin := uint32(0)
	for i := range l.of {
		w := &l.of[i]
		v := l.text[begin:w.end]
		begin = w.end
		if w.id != 0 && string(d.arena.value(w.value.at, w.value.n)) != string(v) {
			w.id = 0
		}
	}
	begin = 0
	for i := range l.of {
		w := &l.of[i]
		v := l.text[begin:w.end]
		begin = w.end
		if w.id == 0 {
			id, isNew := d.addHashed(v, w.hash)
			if w.id = id; isNew {
				size += c.took(v)
			}
		}
		c.ids[w.row] = uint16(w.id)
		c.remember(w.quick, w.id)
	}
	l.text, l.of = l.text[:0], l.of[:0]
	return size
}
