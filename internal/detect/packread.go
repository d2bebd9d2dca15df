package detect

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/sigma"
)

// reads are where the file has to look in shared sets.
func (p *parcel) reads() []Span {
	var all []Span
	for _, key := range sorted(p.looks) {
		looks := p.looks[key]
		names, spans := make([]string, 0, len(looks)), make([]Span, 0, len(looks))
		for _, y := range looks {
			names = append(names, y.name)
			for _, s := range y.spans {
				s.From, _ = y.target.setOf(s.From)
				s.To, _ = y.target.setOf(s.To)
				spans = append(spans, s)
			}
		}
		slices.Sort(names)
		slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
		from := len(all)
		for _, s := range spans {
			if n := len(all); n > from && s.From <= all[n-1].To+1 {
				all[n-1].To = max(all[n-1].To, s.To)
				continue
			}
			all = append(all, Span{Key: key, Rule: SharedSets, From: s.From, To: s.To, Begins: names})
		}
	}
	return all
}

// learn takes what was read; spans of a set are in ascending order.
func (p *parcel) learn(spans []Span, read [][]Slot) {
	for i, span := range spans {
		for _, s := range read[i] {
			slices.Sort(s.Elements)
			p.found[span.Key] = append(p.found[span.Key], s)
			if s.Size >= p.config.Pack {
				p.seen.set(slotAt{span.Key, s.Slot}.full(), 1)
			}
		}
	}
}

// look takes a group's values out of the shared sets. It may have more in its own
// counter where its name stands in a set, or a set is full.
func (p *parcel) look(y *packed) {
	t, sets := y.target, p.found[y.target.shared]
	for _, span := range y.spans {
		from, _ := t.setOf(span.From)
		to, _ := t.setOf(span.To)
		i, _ := slices.BinarySearchFunc(sets, from, func(s Slot, set int64) int { return cmp.Compare(s.Slot, set) })
		for ; i < len(sets) && sets[i].Slot <= to; i++ {
			s := &sets[i]
			y.more = y.more || s.Size >= p.config.Pack
			at, _ := slices.BinarySearch(s.Elements, y.name)
			for _, e := range s.Elements[at:] {
				rest, mine := strings.CutPrefix(e, y.name)
				if !mine {
					break
				}
				if rest == "" {
					y.more = true
					continue
				}
				slot := s.Slot*grain + int64(rest[0])
				if t.kind == sigma.ValueCount && slot >= span.From && slot <= span.To {
					y.found = append(y.found, packedValue{slot, rest[1:]})
				}
			}
		}
	}
}

// rest is what is left to do for a tally once it is known what is in the shared
// sets: to add what they did not take, and to read the group's own counter.
func (p *parcel) rest(y *packed) (adds []Add, spans []Span) {
	p.look(y)
	var left []int64
	for _, v := range y.marks {
		for _, e := range v.elements {
			if _, ok := slices.BinarySearchFunc(y.found, packedValue{v.bin, e}, comparePacked); !ok {
				left = append(left, v.bin)
				break
			}
		}
	}
	if len(left) > 0 {
		adds = p.of(y, left)
	}
	if len(y.own) == 0 && !y.more {
		return nil, nil
	}
	spans = slices.Clone(y.spans)
	if len(y.own) > 0 && y.target.often >= 0 {
		for _, s := range y.spans {
			spans = append(spans, Span{Key: y.target.noted, Rule: s.Rule, From: s.From, To: s.To})
		}
	}
	return adds, spans
}

// tooFew says that nothing can cross, whatever bins it is in, as is so of most groups of
// a file: there is no more of the group than the shared sets have, which are fewer values
// than it takes, or of a pattern only the rule that matches records.
func (y *packed) tooFew() bool {
	if len(y.own) > 0 || y.more {
		return false
	}
	return y.target.often >= 0 || int64(len(y.found)) < y.target.least()
}

// slots puts together, for each span, what the group has in shared sets, in its
// own counter, and in notes. It is nothing where that is too few.
func (p *parcel) slots(y *packed, own [][]Slot) [][]Slot {
	all := make([][]Slot, len(y.spans))
	if y.tooFew() {
		return all
	}
	values := y.found
	for i, span := range y.spans {
		slot := func(n int64) *Slot {
			at, ok := slices.BinarySearchFunc(all[i], n, func(s Slot, n int64) int { return cmp.Compare(s.Slot, n) })
			if !ok {
				all[i] = slices.Insert(all[i], at, Slot{Slot: n})
			}
			return &all[i][at]
		}
		for ; len(values) > 0 && values[0].slot <= span.To; values = values[1:] {
			s := slot(values[0].slot)
			s.Elements = append(s.Elements, values[0].value)
		}
		if i < len(own) {
			for _, s := range own[i] {
				mine := slot(s.Slot)
				mine.Samples = s.Samples
				mine.Elements = append(mine.Elements, s.Elements...)
			}
		}
		put := func(n int64, m moment) {
			if n >= span.From && n <= span.To {
				s := slot(n)
				s.Elements = append(s.Elements, y.target.element(m))
			}
		}
		for n, cells := range bySlot(y.target, y.often) {
			if n >= span.From && n <= span.To {
				s := slot(n)
				s.Elements = slices.Grow(s.Elements, len(cells))
			}
			for _, c := range cells {
				put(n, moment{c.bin, c.series})
			}
		}
		if j := len(y.spans) + i; j < len(own) {
			for _, s := range own[j] {
				for _, note := range s.Samples {
					for _, m := range y.noted(note.Text, s.Slot) {
						put(y.target.shape.slotOf(m.bin), m)
					}
				}
			}
		}
		for j := range all[i] {
			s := &all[i][j]
			slices.Sort(s.Elements)
			s.Elements = slices.Compact(s.Elements)
		}
	}
	return all
}
