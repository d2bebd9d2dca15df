package table

import (
	"cmp"
	"slices"
)

// Where the chunks of a row group are in the file is not the order of the columns.
//
// A reader fetches what lies between two chunks along with them where that is
// cheaper than a request more (Trino: up to 1 MB), so what it did not ask for should
// be large and at the end: random ids are half of a group of access logs, and most
// columns next to nothing. Parquet leaves the order open (README of parquet-format,
// "Row group"). The first column stays the first: some readers take a row group to
// begin with it.

// layout returns the columns in the order in which they are written: first so many
// narrow ones, whose chunks are then put in order of their size, then those that
// are large whatever they hold, which never are in memory all at once.
func layout(columns []Column) (order []int, narrow int) {
	wide := func(i int) int {
		switch c := columns[i]; {
		case i == 0, c.Option == Dict, c.Kind == Bool:
			return 0
		case c.Option == Plain:
			return 2
		}
		return 1
	}
	for i := range columns {
		order = append(order, i)
		if wide(i) == 0 {
			narrow++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(wide(a), wide(b)) })
	return order, narrow
}

// placed is where a column chunk begins in the file, and how long it is.
type placed struct {
	column     int
	from, size int64
}

// smallFirst puts the chunks in e.out, whose first byte is at before in the file,
// in order of their size.
func (e *encoder) smallFirst(s *schema, before int64) {
	e.body = append(e.body[:0], e.out...)
	e.out = e.out[:s.placed[0].from-before]
	slices.SortStableFunc(s.placed[1:], func(a, b placed) int { return cmp.Compare(a.size, b.size) })
	for _, c := range s.placed {
		m := &s.chunks[c.column].MetaData
		moved := before + int64(len(e.out)) - c.from
		m.DataPageOffset += moved
		if m.DictionaryPageOffset > 0 {
			m.DictionaryPageOffset += moved
		}
		e.out = append(e.out, e.body[c.from-before:][:c.size]...)
	}
}
