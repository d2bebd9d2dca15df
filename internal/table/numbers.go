package table

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

func (c *ints) encode(e *encoder, rows []uint16) error {
	e.begun()
	e.nums = slices.Grow(e.nums[:0], len(rows))
	for i, row := range rows {
		if c.isNull(int(row)) {
			e.absent(i, 1)
			continue
		}
		e.nums = append(e.nums, c.vals[row])
	}
	if c.option == Dict {
		if done, err := e.numberDict(); done || err != nil {
			return err
		}
	}
	if len(e.nums) > 0 && c.option != Plain {
		e.numberBounds(slices.Min(e.nums), slices.Max(e.nums))
	}
	if c.option == Unsaid && len(e.nums) > 0 {
		var err error
		if e.plain, err = e.delta.EncodeInt64(e.plain, e.nums); err != nil {
			return fmt.Errorf("column %s: encode differences: %w", e.column.Name, err)
		}
		return e.data(format.DeltaBinaryPacked, e.rows, e.plain)
	}
	e.plain = e.plain[:0]
	for _, v := range e.nums {
		e.plain = binary.LittleEndian.AppendUint64(e.plain, uint64(v))
	}
	return e.data(format.Plain, e.rows, e.plain)
}

func (e *encoder) numberBounds(least, most int64) {
	e.bounded = true
	e.least = binary.LittleEndian.AppendUint64(e.least[:0], uint64(least))
	e.most = binary.LittleEndian.AppendUint64(e.most[:0], uint64(most))
}

// numberDict writes e.nums with a dictionary, unless that would not pay.
func (e *encoder) numberDict() (done bool, err error) {
	if len(e.nums) == 0 {
		return false, nil
	}
	e.distinct = e.distinct[:0]
	shift := e.hashDistinct(10)
	e.ids = slices.Grow(e.ids[:0], len(e.nums))[:len(e.nums)]
	last, place := ^e.nums[0], uint32(0) // the number before, and its place from 1
	for i, v := range e.nums {
		if v != last {
			if 2*len(e.distinct) > len(e.slots) {
				shift = e.hashDistinct(64 - shift + 1)
			}
			last, place = v, e.placeOf(v, shift)
		}
		e.ids[i] = int32(place - 1)
	}
	n := len(e.distinct)
	if !e.repeats(n, 8*n, 8*len(e.nums)) {
		return false, nil
	}
	e.ascend()
	if err := e.dictionary(n); err != nil {
		return false, err
	}
	return true, e.dictIDs(n)
}

// hashDistinct makes e.slots a table of 1<<width places of the numbers in e.distinct,
// and returns by how much hashes are shifted for it. It grows with them: most
// columns have few, and a table of few stays in the cache.
func (e *encoder) hashDistinct(width int) (shift int) {
	e.slots = slices.Grow(e.slots[:0], 1<<width)[:1<<width]
	clear(e.slots)
	shift = 64 - width
	for i, v := range e.distinct {
		slot := uint64(v) * e.spread >> shift
		for e.slots[slot] != 0 {
			slot = (slot + 1) & uint64(len(e.slots)-1)
		}
		e.slots[slot] = uint32(i + 1)
	}
	return shift
}

// placeOf is where e.distinct has v, from 1; it is put there if it is new.
func (e *encoder) placeOf(v int64, shift int) uint32 {
	slots := e.slots
	mask := uint64(len(slots) - 1)
	for slot := uint64(v) * e.spread >> (shift & 63) & mask; ; slot = (slot + 1) & mask {
		place := slots[slot]
		if place == 0 {
			e.distinct = append(e.distinct, v)
			slots[slot] = uint32(len(e.distinct))
			return slots[slot]
		}
		if e.distinct[place-1] == v {
			return place
		}
	}
}

// ascend makes e.distinct a dictionary in ascending order, in e.body, and puts e.ids
// right: numbers that differ in their low bytes only take half the space then, 1.4
// bytes of a row of an access log.
func (e *encoder) ascend() {
	n := len(e.distinct)
	least := slices.Min(e.distinct)
	o := &e.order
	o.start(0, n)
	o.keys = o.keys[:0]
	for _, v := range e.distinct {
		o.keys = append(o.keys, uint64(v)-uint64(least))
	}
	o.by()
	e.slots = slices.Grow(e.slots[:0], n)[:n] // new places by old ones
	e.body = slices.Grow(e.body[:0], 8*n)[:8*n]
	for i, old := range o.rows {
		e.slots[old] = uint32(i)
		binary.LittleEndian.PutUint64(e.body[8*i:], uint64(e.distinct[old]))
	}
	e.numberBounds(least, e.distinct[o.rows[n-1]])
	for i, id := range e.ids {
		e.ids[i] = int32(e.slots[id])
	}
}
