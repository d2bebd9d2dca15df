package table

import "slices"

// whole buffers a column together with those that are parts of its text, such as
// who called and the dozen columns that say it. Where the text was there before, so
// were the parts, and their ids are known without a look at them: of a record of
// CloudTrail that is a quarter of all values.
type whole struct {
	*words
	parts []*words
	known []uint16 // ids of the parts, by id of the text from 1
}

func (c *whole) put() int {
	n := c.words.put()
	if n > maxRow {
		return n // nothing was added
	}
	id, parts := int(c.ids[len(c.ids)-1]), len(c.parts)
	if id > 0 && id*parts <= len(c.known) {
		for i, part := range c.known[(id-1)*parts : id*parts] {
			c.parts[i].ids = append(c.parts[i].ids, part)
		}
		return n
	}
	for _, p := range c.parts {
		n += p.put()
	}
	// A row that is too large leaves a gap: no text behind it is known.
	if n <= maxRow && (id-1)*parts == len(c.known) {
		for _, p := range c.parts {
			c.known = append(c.known, p.ids[len(p.ids)-1])
		}
	}
	return n
}

func (c *whole) reset() {
	c.words.reset()
	c.known = c.known[:0]
}

// join makes wholes of the columns that others are parts of.
func (r *row) join(columns []Column) {
	wholes := map[int]*whole{}
	for i, c := range columns {
		if c.of < 0 {
			continue
		}
		w := wholes[c.of]
		if w == nil {
			w = &whole{words: r.all[c.of].(*words)}
			wholes[c.of] = w
			r.whole = append(r.whole, w)
		}
		w.parts = append(w.parts, r.all[i].(*words))
	}
	for i, w := range wholes {
		r.all[i] = w
		r.words = slices.DeleteFunc(r.words, func(c *words) bool { return c == w.words || slices.Contains(w.parts, c) })
	}
}
