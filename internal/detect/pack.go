package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// Most groups are seen once or twice and never again, and a counter for each of
// them would be most of what counting costs. So the groups of all rules with
// windows of one shape share sets: a stretch of event time is one set, and its
// elements begin with the name of their group. A file adds to it once and reads
// it once.
//
// A set that holds Config.Pack elements takes no more. What it did not take goes
// to the group's own counter, and so does what a file has much of; then the name
// of the group alone is an element. Who sees the name, or a full set, looks at
// the group's own counter, too. Sets only grow, and everyone reads after he has
// written; so of two files one always sees the other.
//
// Of a pattern in which one rule matches records and all others are correlations,
// the records are many and the others few. What the one matched is noted file by
// file, and read only by a file with one of the others. Those leave the name of
// their group in the set, and a file with records alone looks there whether any
// of its groups waits for them.

// DefaultPack is how many elements a set of several groups takes. A write to
// DynamoDB costs as much as all that the set holds.
const DefaultPack = 400

// SharedSets stands for the rule of what is counted for groups of several rules.
const SharedSets = "(shared sets)"

const (
	grain    = 3        // bins of values in one set: the records of a file are of several
	nameSize = 8        // bytes of a group's name in a set
	ownShare = 8        // values of a group in one bin of one file that go to its own counter
	noteSize = 48 << 10 // of notes in one item
)

// packs says whether the groups of the target share sets.
func (t *target) packs() bool {
	return t.kind == sigma.ValueCount && t.level == 0 || t.often >= 0
}

// oftenOf is the series of a pattern that matches records while all others are
// correlations; -1 when there is none.
func (t *target) oftenOf() int {
	if !t.patterned() || t.least() < 2 {
		return -1
	}
	often := -1
	for series, ref := range t.corr.Rules {
		if ref.Correlation != nil {
			continue
		}
		if often >= 0 {
			return -1
		}
		often = series
	}
	return often
}

// setOf is the slot of the shared set for a slot of the target's own counters, and
// where in it that is.
func (t *target) setOf(slot int64) (set int64, in byte) {
	if t.kind != sigma.ValueCount {
		return slot, 0
	}
	set = floorDiv(slot, grain)
	return set, byte(slot - set*grain)
}

// lastOf is the last slot of the target's own counters in a set.
func (t *target) lastOf(set int64) int64 {
	if t.kind != sigma.ValueCount {
		return set
	}
	return set*grain + grain - 1
}

// shared names what all groups of windows of one shape have together.
func (s shape) shared(what string) string {
	b := []byte("sluice-shared-1\x00" + what)
	for _, n := range []int64{s.bin, s.window, s.slot} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// slotAt is a slot of a counter.
type slotAt struct {
	key  string
	slot int64
}

func (s slotAt) full() string { return "full#" + s.key + "#" + strconv.FormatInt(s.slot, 10) }

// parcel is what a file adds to shared sets, and what it finds there.
type parcel struct {
	*run
	sets  map[slotAt]*Add
	notes map[slotAt]*Add
	order []*Add
	looks map[string][]*packed // by shared set
	found map[slotAt]Slot
}

// packed is a tally whose group shares a set.
type packed struct {
	*tally
	name  string // of the group
	often []cell
	own   []Add              // to the group's own counter
	marks map[int64][]string // values that were put into a set, by slot
	spans []Span
}

func newParcel(r *run) *parcel {
	return &parcel{run: r, sets: map[slotAt]*Add{}, notes: map[slotAt]*Add{}, looks: map[string][]*packed{}, found: map[slotAt]Slot{}}
}

// add begins a contribution to something shared.
func (p *parcel) add(of map[slotAt]*Add, t *target, at slotAt) *Add {
	a := of[at]
	if a == nil {
		a = &Add{Key: at.key, Rule: SharedSets, Slot: at.slot, Once: p.o.File,
			Until: t.shape.until(t.lastOf(at.slot)) + logs.Time(p.config.Lateness.Milliseconds()), Keep: t.shape.timespan() + p.config.Lateness}
		of[at] = a
		p.order = append(p.order, a)
	}
	return a
}

// put adds an element to a shared set, unless that is full or becomes full by
// what the file adds.
func (p *parcel) put(y *packed, slot int64, element string) bool {
	set, _ := y.target.setOf(slot)
	at := slotAt{y.target.shared, set}
	if p.seen.step(at.full()) > 0 {
		return false
	}
	a := p.add(p.sets, y.target, at)
	a.Cap = p.config.Pack
	if len(a.Elements) >= a.Cap {
		return false
	}
	a.Elements = append(a.Elements, element)
	return true
}

// take plans where a tally goes.
func (p *parcel) take(tally *tally) *packed {
	t := tally.target
	y := &packed{tally: tally, marks: map[int64][]string{}, spans: tally.spans()}
	b, _ := hex.DecodeString(y.key[:2*nameSize]) // keys are hexadecimal
	y.name = string(b)
	if t.kind == sigma.ValueCount {
		p.takeValues(y)
	} else {
		p.takePattern(y)
	}
	p.looks[t.shared] = append(p.looks[t.shared], y)
	return y
}

// begin is how values of a slot begin in a set.
func (y *packed) begin(slot int64) string {
	_, in := y.target.setOf(slot)
	return y.name + string([]byte{in})
}

func (p *parcel) takeValues(y *packed) {
	all := y.adds(p.o.File, p.config.Lateness) // one a bin
	for _, a := range all {
		own := len(a.Elements) >= ownShare
		if own {
			p.put(y, a.Slot, y.name)
		} else {
			for _, e := range a.Elements {
				own = !p.put(y, a.Slot, y.begin(a.Slot)+e) || own
			}
		}
		if own {
			y.own = append(y.own, a)
		} else {
			y.marks[a.Slot] = a.Elements
		}
	}
}

func (p *parcel) takePattern(y *packed) {
	t := y.target
	seldom := *y.tally
	seldom.cells = nil
	var last slotAt
	for _, c := range y.cells {
		if c.series == t.often {
			y.often = append(y.often, c)
			continue
		}
		seldom.cells = append(seldom.cells, c)
		if at := (slotAt{t.shared, t.shape.slotOf(c.bin)}); at != last || len(seldom.cells) == 1 {
			p.put(y, at.slot, y.name)
			last = at
		}
	}
	if len(seldom.cells) > 0 {
		y.own = seldom.adds(p.o.File, p.config.Lateness)
	}
	for slot, cells := range bySlot(t, y.often) {
		p.note(y, slot, cells)
	}
}

// bySlot goes through the cells of each slot.
func bySlot(t *target, cells []cell) func(yield func(int64, []cell) bool) {
	return func(yield func(int64, []cell) bool) {
		for len(cells) > 0 {
			slot := t.shape.slotOf(cells[0].bin)
			n := 1
			for n < len(cells) && t.shape.slotOf(cells[n].bin) == slot {
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
		slices.SortFunc(spans, func(a, b Span) int { return int(min(1, max(-1, a.From-b.From))) })
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
		slices.SortFunc(all[i], func(a, b Slot) int { return int(min(1, max(-1, a.Slot-b.Slot))) })
	}
	return all
}
