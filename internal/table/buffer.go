package table

import (
	"fmt"
	"math"

	"sluice/internal/logs"
)

// A buffer holds the values of one column for the rows that are not yet in a
// row group. Rows are numbered from 0 in the order they came.
type buffer interface {
	// grow makes room for n rows, the ones that are there included.
	grow(n int)
	// truncate forgets rows from n on, as far as there are any.
	truncate(n int)
	// reset forgets all rows and keeps the memory.
	reset()
	// keys appends, for rows lo to hi, numbers that order like the values, NULL
	// first.
	keys(dst []uint64, lo, hi int) []uint64
	// encode writes the values of rows as one column chunk.
	encode(e *encoder, rows []uint16) error
}

// texts buffers a Text column whose values hardly repeat: its bytes, row after
// row.
type texts struct {
	src   *logs.Text
	spans []span // where each row's bytes are, and how many, or absent
	arena arena
}

// absent is the length of a text that is NULL.
const absent = math.MaxUint32

func (c *texts) put() int {
	v := *c.src
	switch {
	case v == nil:
		c.spans = append(c.spans, span{n: absent})
		return 0
	case len(v) > maxRow:
		return len(v)
	}
	c.spans = append(c.spans, span{c.arena.add(v), uint32(len(v))})
	return len(v)
}

// value returns the bytes of a row; not ok is NULL.
func (c *texts) value(row uint16) (v []byte, ok bool) {
	s := c.spans[row]
	if s.n == absent {
		return nil, false
	}
	return c.arena.value(s.at, s.n), true
}

func (c *texts) grow(n int) { c.spans = grown(c.spans, n) }

func (c *texts) truncate(n int) {
	n = min(n, len(c.spans))
	for _, s := range c.spans[n:] {
		if s.n != absent {
			c.arena.truncate(s.at)
			break
		}
	}
	c.spans = c.spans[:n]
}

func (c *texts) reset() {
	c.spans = c.spans[:0]
	c.arena.reset()
}

func (c *texts) keys(dst []uint64, lo, hi int) []uint64 {
	d := newDict(&spare{}) // the stage's is for who adds rows, maybe now
	ids := make([]uint32, 0, hi-lo)
	for row := lo; row < hi; row++ {
		var id uint32
		if v, ok := c.value(uint16(row)); ok {
			id, _ = d.add(v)
		}
		ids = append(ids, id)
	}
	ranks := d.ranks(nil)
	for _, id := range ids {
		dst = append(dst, uint64(ranks[id]))
	}
	return dst
}

// ints buffers a column of integers or times.
type ints struct {
	src    *logs.Int // one of src and always is nil
	always *int64
	vals   []int64  // 0 where NULL
	null   []uint64 // a bit a row; none for columns that are never NULL
	option Option
}

func (c *ints) put() {
	if c.always != nil {
		c.vals = append(c.vals, *c.always)
		return
	}
	v := int64(0)
	if c.src.OK {
		v = c.src.V
	} else {
		c.null[len(c.vals)/64] |= 1 << (len(c.vals) % 64)
	}
	c.vals = append(c.vals, v)
}

func (c *ints) grow(n int) {
	c.vals = grown(c.vals, n)
	if c.always == nil {
		c.null = append(c.null, make([]uint64, (n+63)/64-len(c.null))...)
	}
}

func (c *ints) isNull(row int) bool {
	return len(c.null) > 0 && c.null[row/64]>>(row%64)&1 != 0
}

func (c *ints) truncate(n int) {
	for row := n; row < len(c.vals); row++ {
		if c.always == nil {
			c.null[row/64] &^= 1 << (row % 64)
		}
	}
	c.vals = c.vals[:min(n, len(c.vals))]
}

func (c *ints) reset() {
	c.vals = c.vals[:0]
	clear(c.null)
}

func (c *ints) keys(dst []uint64, lo, hi int) []uint64 {
	least := int64(math.MaxInt64)
	for row := lo; row < hi; row++ {
		if !c.isNull(row) {
			least = min(least, c.vals[row])
		}
	}
	for row := lo; row < hi; row++ {
		k := uint64(0)
		if !c.isNull(row) {
			k = uint64(c.vals[row]) - uint64(least)
			if c.src != nil && k < math.MaxUint64 {
				k++ // 0 is NULL
			}
		}
		dst = append(dst, k)
	}
	return dst
}

// flags buffers a Bool column.
type flags struct {
	src  *logs.Bool
	vals []byte
}

// What flags holds for a row.
const (
	flagNull = iota
	flagFalse
	flagTrue
)

func (c *flags) put() {
	switch {
	case !c.src.OK:
		c.vals = append(c.vals, flagNull)
	case c.src.V:
		c.vals = append(c.vals, flagTrue)
	default:
		c.vals = append(c.vals, flagFalse)
	}
}

func (c *flags) grow(n int)     { c.vals = grown(c.vals, n) }
func (c *flags) truncate(n int) { c.vals = c.vals[:min(n, len(c.vals))] }
func (c *flags) reset()         { c.vals = c.vals[:0] }

func (c *flags) keys(dst []uint64, lo, hi int) []uint64 {
	for _, v := range c.vals[lo:hi] {
		dst = append(dst, uint64(v))
	}
	return dst
}

// row is a copy of the row being written with a pointer to each column's field:
// a copy of 1 KB costs 20 ns and buys typed access without unsafe, and without
// reflection after New.
type row struct {
	words []*words // but those of wholes and agains
	whole []*whole
	again []*again
	texts []*texts
	ints  []*ints
	flags []*flags
	all   []buffer // in the order of columns
	spare *spare
	room  int  // how many rows the columns have room for
	full  bool // a column takes no more rows
}

// bind makes the buffer of column c, read from field: a pointer to the column's
// field in the copy.
func (r *row) bind(c Column, field any) error {
	switch src := field.(type) {
	case *logs.Text:
		if c.Option == Dict {
			b := &words{src: src, dict: newDict(r.spare), full: &r.full}
			r.words, r.all = append(r.words, b), append(r.all, b)
			return nil
		}
		b := &texts{src: src, arena: arena{spare: r.spare}}
		r.texts, r.all = append(r.texts, b), append(r.all, b)
	case *logs.Int:
		r.bindInt(&ints{src: src, option: c.Option})
	case *logs.Time:
		r.bindInt(&ints{always: (*int64)(src), option: c.Option})
	case *logs.Int64:
		r.bindInt(&ints{always: (*int64)(src), option: c.Option})
	case *logs.Bool:
		b := &flags{src: src}
		r.flags, r.all = append(r.flags, b), append(r.all, b)
	default:
		return fmt.Errorf("column %q: unknown type %T", c.Name, field)
	}
	return nil
}

func (r *row) bindInt(b *ints) { r.ints, r.all = append(r.ints, b), append(r.all, b) }

// maxRow is how many bytes one row may have, so that offsets into a buffer fit
// in 31 bits. No reader yields such rows; a larger one is an error.
const maxRow = 256 << 20

// put adds the row that was copied behind the rows that are there and returns the
// bytes of memory its values took. More than maxRow means that it was not added to
// all columns.
func (r *row) put(rows int) int {
	if rows == r.room {
		r.grow()
	}
	n := 0
	for _, c := range r.words {
		n += c.put()
	}
	for _, c := range r.whole {
		n += c.put()
	}
	for _, c := range r.again {
		n += c.put()
	}
	for _, c := range r.texts {
		n += c.put()
	}
	for _, c := range r.ints {
		c.put()
	}
	for _, c := range r.flags {
		c.put()
	}
	return n
}

// grow makes room for four times as many rows in all columns. Columns that grew by
// themselves, by a quarter, left four times their size to the garbage collector, and
// those that grew by half twice; what is not used yet takes no memory from others.
func (r *row) grow() {
	r.room = min(max(1<<10, 4*r.room), maxRows)
	for _, c := range r.all {
		c.grow(r.room)
	}
}

// grown is s with room for n elements. slices.Grow would clear the room, and so take
// the memory of rows that never come.
func grown[T any](s []T, n int) []T {
	to := make([]T, len(s), n)
	copy(to, s)
	return to
}

// lookUp gives ids to rows whose values still wait for them, and returns the bytes of
// memory that took.
func (r *row) lookUp() (size int) {
	for _, c := range r.words {
		size += c.lookUp()
	}
	return size
}

func (r *row) reset() {
	for _, c := range r.all {
		c.reset()
	}
	for _, c := range r.again {
		c.reset()
	}
	r.full = false
}

func (r *row) truncate(n int) {
	for _, c := range r.all {
		c.truncate(n)
	}
}
