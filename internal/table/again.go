package table

import (
	"slices"

	"sluice/internal/logs"
)

// again buffers columns whose values the reader of a row knows from a row before, such
// as the client and the five columns that say it. Their ids are copied then: to look
// at a value that was there takes 20 ns, and a row of an access log has seventeen such.
type again struct {
	src    **logs.Again // of the row being written
	parts  []*words
	known  []uint16 // ids of the parts, place by place
	keeper *logs.Keeper
}

func (c *again) put() (n int) {
	a := *c.src
	if a != nil {
		if at, ok := a.Kept(c.keeper); ok {
			for i, id := range c.known[at:][:len(c.parts)] {
				p := c.parts[i]
				p.ids = append(p.ids, id)
			}
			return 0
		}
	}
	for _, p := range c.parts {
		n += p.put()
	}
	if a != nil && n <= maxRow {
		a.Keep(c.keeper, uint32(len(c.known)))
		for _, p := range c.parts {
			c.known = append(c.known, p.ids[len(p.ids)-1])
		}
	}
	return n
}

// reset forgets what is known, as dictionaries begin anew.
func (c *again) reset() { c.known, c.keeper = c.known[:0], new(logs.Keeper) }

// joinAgain makes agains of the columns that are tagged so. of is a pointer to a field
// of the row being written.
func (r *row) joinAgain(columns []Column, of func(field int) **logs.Again) {
	agains := map[int]*again{}
	for i, c := range columns {
		if c.again < 0 {
			continue
		}
		a := agains[c.again]
		if a == nil {
			a = &again{src: of(c.again), keeper: new(logs.Keeper)}
			agains[c.again] = a
			r.again = append(r.again, a)
		}
		part := r.all[i].(*words)
		a.parts = append(a.parts, part)
		r.words = slices.DeleteFunc(r.words, func(w *words) bool { return w == part })
	}
}
