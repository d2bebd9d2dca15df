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
		var names []string
		var spans []Span
		for _, y := range p.looks[key] {
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

// learn takes what was read.
func (p *parcel) learn(spans []Span, read [][]Slot) {
	for i, span := range spans {
		for _, s := range read[i] {
			slices.Sort(s.Elements)
			at := slotAt{span.Key, s.Slot}
			p.found[at] = s
			if s.Size >= p.config.Pack {
				p.seen.set(at.full(), 1)
			}
		}
	}
}

// of are the group's values in a slot, as the shared set has them. Whether there
// may be more in its own counter is the other answer.
func (p *parcel) of(y *packed, slot int64) (values []string, more bool) {
	set, _ := y.target.setOf(slot)
	s, ok := p.found[slotAt{y.target.shared, set}]
	if !ok {
		return nil, false
	}
	_, named := slices.BinarySearch(s.Elements, y.name)
	if y.target.kind == sigma.ValueCount {
		begin := y.begin(slot)
		i, _ := slices.BinarySearch(s.Elements, begin)
		for ; i < len(s.Elements) && strings.HasPrefix(s.Elements[i], begin); i++ {
			values = append(values, s.Elements[i][len(begin):])
		}
	}
	return values, named || s.Size >= p.config.Pack
}

// rest is what is left to do for a tally once it is known what is in the shared
// sets: to add what they did not take, and to read the group's own counter.
func (p *parcel) rest(y *packed) (adds []Add, spans []Span) {
	look := len(y.own) > 0
	for _, span := range y.spans {
		for slot := span.From; slot <= span.To; slot++ {
			values, more := p.of(y, slot)
			look = look || more
			for _, m := range y.marks[slot] {
				if !slices.Contains(values, m) {
					adds = append(adds, p.left(y, slot)...)
					break
				}
			}
		}
	}
	if !look {
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

// left are the tally's elements of a slot, for its own counter.
func (p *parcel) left(y *packed, slot int64) []Add {
	return slices.DeleteFunc(y.adds(p.o.File, p.config.Lateness), func(a Add) bool { return a.Slot != slot })
}

// slots puts together, for each span, what the group has in shared sets, in its
// own counter, and in notes.
func (p *parcel) slots(y *packed, own [][]Slot) [][]Slot {
	all := make([][]Slot, len(y.spans))
	for i, span := range y.spans {
		at := map[int64]*Slot{}
		slot := func(n int64) *Slot {
			if at[n] == nil {
				at[n] = &Slot{Slot: n}
			}
			return at[n]
		}
		if y.target.kind == sigma.ValueCount {
			for n := span.From; n <= span.To; n++ {
				if values, _ := p.of(y, n); len(values) > 0 {
					slot(n).Elements = values
				}
			}
		}
		if i < len(own) {
			for _, s := range own[i] {
				slot(s.Slot).Samples = s.Samples
				slot(s.Slot).Elements = append(slot(s.Slot).Elements, s.Elements...)
			}
		}
		moments := make([]moment, 0, len(y.often))
		for _, c := range y.often {
			moments = append(moments, moment{c.bin, c.series})
		}
		if j := len(y.spans) + i; j < len(own) {
			for _, s := range own[j] {
				for _, note := range s.Samples {
					moments = append(moments, y.noted(note.Text, s.Slot)...)
				}
			}
		}
		for _, m := range moments {
			if n := y.target.shape.slotOf(m.bin); n >= span.From && n <= span.To {
				slot(n).Elements = append(slot(n).Elements, y.target.element(m))
			}
		}
		for _, s := range at {
			slices.Sort(s.Elements)
			s.Elements = slices.Compact(s.Elements)
			all[i] = append(all[i], *s)
		}
		slices.SortFunc(all[i], func(a, b Slot) int { return cmp.Compare(a.Slot, b.Slot) })
	}
	return all
}
