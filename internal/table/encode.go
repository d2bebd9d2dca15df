package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxPage is about how many bytes of text a page holds: readers unzip a
	// page at a time, and it is in memory here several times. Pages of 2 MiB take
	// 0.2 % less space, and 7 MB more memory.
	maxPage = 1 << 20
	// maxDict is how many bytes a dictionary may have before the chunk is
	// written plain, as readers hold it all; more where plain would be far more.
	maxDict = 4 << 20
	// maxBound is how long a text may be to serve as a bound: longer ones would
	// swell the footer, and cut ones would have to be told from exact ones.
	maxBound = 64
)

func (c *words) encode(e *encoder, rows []uint16) error {
	ids := c.ids
	if !c.constant(len(rows)) {
		ids = e.gather(c.ids, rows)
	}
	if n := len(c.dict.spans); len(e.places) < n {
		e.places = append(e.places, make([]uint32, n-len(e.places))...)
	}
	e.begun()
	e.ids, e.used = slices.Grow(e.ids[:0], len(rows)), e.used[:0]
	size := 0 // of all values written plain
	for i := 0; i < len(ids); {
		id, n := ids[i], 1
		for i+n < len(ids) && ids[i+n] == id {
			n++
		}
		if id == 0 {
			e.absent(i, n)
			i += n
			continue
		}
		place := e.places[id]
		if place == 0 {
			e.used = append(e.used, uint32(id))
			place = uint32(len(e.used))
			e.places[id] = place
		}
		at := len(e.ids)
		e.ids = e.ids[:at+n]
		for i := range e.ids[at:] {
			e.ids[at+i] = int32(place - 1)
		}
		size += n * int(4+c.dict.spans[id].n)
		i += n
	}
	dict := 0 // bytes of the dictionary
	for _, id := range e.used {
		dict += int(4 + c.dict.spans[id].n)
	}
	e.body = slices.Grow(e.body[:0], dict)
	for i, id := range e.used {
		e.places[id] = 0
		v := c.dict.value(id)
		e.body = appendText(e.body, v)
		e.bound(v, i == 0)
	}
	e.closeBounds()
	if !e.repeats(len(e.used), len(e.body), size) {
		return e.textPages(rows, func(row uint16) ([]byte, bool) {
			if id := uint32(c.ids[row]); id != 0 {
				return c.dict.value(id), true
			}
			return nil, false
		})
	}
	if err := e.dictionary(len(e.used)); err != nil {
		return err
	}
	return e.dictIDs(len(e.used))
}

// constant says that n rows, which are all there are, have the same value, as every
// fourth column of an access log has: their order is no matter then.
func (c *words) constant(n int) bool {
	return n == len(c.ids) && (c.dict.len() == 0 || c.dict.len() == 1 && !slices.Contains(c.ids, 0))
}

// gather returns the ids of rows, in the order of rows.
func (e *encoder) gather(ids, rows []uint16) []uint16 {
	e.gathered = slices.Grow(e.gathered[:0], len(rows))[:len(rows)]
	for i, row := range rows {
		e.gathered[i] = ids[row]
	}
	return e.gathered
}

// repeats says whether a dictionary of n values and dict bytes pays for values
// that are size bytes when written plain.
func (e *encoder) repeats(n, dict, size int) bool {
	ids := len(e.ids) * bits.Len(uint(n)) / 8
	return n > 0 && dict <= max(maxDict, size/8) && dict+ids < size
}

// dictIDs adds a data page of e.ids into a dictionary of n values.
func (e *encoder) dictIDs(n int) error {
	width := bits.Len(uint(n - 1))
	var err error
	e.plain, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(e.plain, e.ids)
	if err != nil {
		return fmt.Errorf("column %s: encode dictionary ids: %w", e.column.Name, err)
	}
	return e.data(format.RLEDictionary, e.rows, []byte{byte(width)}, e.plain)
}

func (c *texts) encode(e *encoder, rows []uint16) error {
	return e.textPages(rows, c.value)
}

// textPages adds plain pages of texts.
func (e *encoder) textPages(rows []uint16, value func(row uint16) (v []byte, ok bool)) error {
	first := true
	for len(rows) > 0 {
		size := e.take(rows, value)
		rows = rows[len(e.values):]
		if page := e.knownPage(); page != nil {
			if ok, err := page(size); ok || err != nil {
				if err != nil {
					return err
				}
				continue
			}
		}
		e.body = slices.Grow(e.body[:0], size)
		if err := e.addLevels(len(e.values)); err != nil {
			return err
		}
		for _, v := range e.values {
			if v == nil {
				continue
			}
			e.body = appendText(e.body, v)
			if e.column.Option == Unsaid {
				e.bound(v, first)
				first = false
			}
		}
		e.describePage(format.Plain, len(e.values))
		if err := e.writeText(); err != nil {
			return err
		}
	}
	e.closeBounds()
	return nil
}

// knownPage is how a page is written of whose values it is known where they repeat, or
// nil.
func (e *encoder) knownPage() func(size int) (ok bool, err error) {
	switch e.column.Option {
	case Plain:
		return e.idPage
	case Alike:
		return e.alikePage
	}
	return nil
}

// take begins a page with as many of rows as it holds and returns how many bytes
// their values are, with their lengths.
func (e *encoder) take(rows []uint16, value func(row uint16) (v []byte, ok bool)) (size int) {
	e.begun()
	e.values = slices.Grow(e.values[:0], len(rows))
	for i, row := range rows {
		v, ok := value(row)
		switch {
		case !ok:
			e.absent(i, 1)
			v = nil
		case v == nil: // "" is a value
			v = e.length[:0]
			fallthrough
		default:
			size += 4 + len(v)
		}
		e.values = append(e.values, v)
		if size >= maxPage {
			break
		}
	}
	return size
}

func appendText(dst, v []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
	return append(dst, v...)
}

// bound widens the bounds of the chunk to v. They may be too long to be said in
// the end, see closeBounds. First bytes decide nearly always: a call to compare
// each value with both bounds took half the time of writing a dictionary.
func (e *encoder) bound(v []byte, first bool) {
	p := prefix(v)
	if first {
		e.bounded = true
		e.least, e.most = append(e.least[:0], v...), append(e.most[:0], v...)
		e.leastPrefix, e.mostPrefix = p, p
		return
	}
	if p <= e.leastPrefix && bytes.Compare(v, e.least) < 0 {
		e.least, e.leastPrefix = append(e.least[:0], v...), p
	}
	if p >= e.mostPrefix && bytes.Compare(v, e.most) > 0 {
		e.most, e.mostPrefix = append(e.most[:0], v...), p
	}
}

// prefix orders like the first 8 bytes of v.
func prefix(v []byte) uint64 {
	if len(v) >= 8 {
		return binary.BigEndian.Uint64(v)
	}
	var p [8]byte
	copy(p[:], v)
	return binary.BigEndian.Uint64(p[:])
}

func (e *encoder) closeBounds() {
	e.bounded = e.bounded && len(e.least) <= maxBound && len(e.most) <= maxBound
}

func (c *flags) encode(e *encoder, rows []uint16) error {
	e.begun()
	e.plain = e.plain[:0]
	n := 0
	var seen [3]bool
	for i, row := range rows {
		v := c.vals[row]
		seen[v] = true
		if v == flagNull {
			e.absent(i, 1)
			continue
		}
		if n%8 == 0 {
			e.plain = append(e.plain, 0)
		}
		if v == flagTrue {
			e.plain[n/8] |= 1 << (n % 8)
		}
		n++
	}
	if e.bounded = n > 0; e.bounded {
		e.least, e.most = append(e.least[:0], 1), append(e.most[:0], 0)
		if seen[flagFalse] {
			e.least[0] = 0
		}
		if seen[flagTrue] {
			e.most[0] = 1
		}
	}
	return e.data(format.Plain, e.rows, e.plain)
}
