package detect

import (
	"encoding/binary"
	"strconv"
)

// bySlot goes through the cells of each slot; cells are in ascending order.
func bySlot(t *target, cells []cell) func(yield func(int64, []cell) bool) {
	return func(yield func(int64, []cell) bool) {
		for len(cells) > 0 {
			slot := t.shape.slotOf(cells[0].bin)
			n, end := 1, (slot+1)*t.shape.slot
			for n < len(cells) && cells[n].bin < end {
				n++
			}
			if !yield(slot, cells[:n]) {
				return
			}
			cells = cells[n:]
		}
	}
}

// note writes down when records of a group matched: its name, how many bins, and
// how far each is from the one before.
func (p *parcel) note(y *packed, slot int64, cells []cell) {
	t := y.target
	at := slotAt{t.noted, slot}
	a := p.add(p.notes, t, at)
	if a.Samples == nil {
		a.Apart, a.Samples = true, []Sample{{}}
	}
	b := append(a.Samples[0].Text, y.name...)
	b = binary.AppendUvarint(b, uint64(len(cells)))
	last := slot * t.shape.slot
	for _, c := range cells {
		b = binary.AppendUvarint(b, uint64(c.bin-last))
		last = c.bin
	}
	a.Samples[0].Text = b
	if len(b) >= noteSize { // the file goes on in another item
		a.Once += "#" + strconv.Itoa(len(p.order))
		delete(p.notes, at)
	}
}

// noted reads what was written down of a group.
func (y *packed) noted(text []byte, slot int64) []moment {
	t := y.target
	var all []moment
	for len(text) > nameSize {
		mine := string(text[:nameSize]) == y.name
		n, size := binary.Uvarint(text[nameSize:])
		if size <= 0 {
			return all
		}
		text = text[nameSize+size:]
		bin := slot * t.shape.slot
		for ; n > 0; n-- {
			d, size := binary.Uvarint(text)
			if size <= 0 {
				return all
			}
			text = text[size:]
			if bin += int64(d); mine {
				all = append(all, moment{bin, t.often})
			}
		}
	}
	return all
}
