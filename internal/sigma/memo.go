package sigma

import "slices"

// memo keeps what was found out about the values of one field: the class of each,
// which is the set of the field's atoms that hold for it. Thousands of values are
// of a handful of classes. Values are somebody else's, so it is bounded: when it is
// full of values it forgets them all, long values are judged each time, and so are
// those of a class beyond maxClasses.
type memo struct {
	plan *memoPlan

	texts map[string]int32 // classes
	again []numbered       // those of values that the record knows again, see Place; by number
	jsons map[string]int32
	nums  map[numKey]int32
	small [smallInts + 2]int16 // classes of truths and of the first whole numbers, plus 1; 0: not known

	atoms []uint64 // of each class, words(len(plan.atoms)); class 0 is that of an absent value
	loose []uint64 // those of a value without a class

	epoch   uint64
	current int32 // class of the record's value; none where it has no class
}

// numbered is the class of the values with a number.
type numbered struct {
	number uint64
	class  int32
}

const manyNumbers = 1024

type numKey struct {
	kind Kind
	num  int64
}

// smallInts is how many whole numbers are looked up by their place: those of a
// status and more.
const smallInts = 1024

// small is the place of a truth or a small whole number.
func small(v *Value) (int, bool) {
	switch v.Kind {
	case Int:
		return int(v.Num), uint64(v.Num) < smallInts
	case Bool:
		return smallInts + int(v.Num&1), true
	}
	return 0, false
}

// none is no class, and no decision.
const none = -1

func (e *memo) init(plan *memoPlan) {
	e.plan = plan
	e.loose = make([]uint64, words(len(plan.atoms)))
	e.texts, e.jsons, e.nums = map[string]int32{}, map[string]int32{}, map[numKey]int32{}
}

// classes is how many classes are known.
func (e *memo) classes() int { return len(e.atoms) / len(e.loose) }

// bits is what holds for the record's value, of the field's atoms.
func (e *memo) bits() []uint64 {
	if e.current == none {
		return e.loose
	}
	n := len(e.loose)
	return e.atoms[int(e.current)*n : (int(e.current)+1)*n]
}

// look finds the class of the value that the record holds, once.
func (m *Matcher) look(i int32) *memo {
	e := &m.memos[i]
	if e.epoch != m.epoch {
		e.current = m.class(e)
		e.epoch = m.epoch
	}
	return e
}

func (m *Matcher) class(e *memo) int32 {
	if c := e.placed(&m.slots[e.plan.slot].place); c != none && len(e.atoms) > 0 {
		return c
	}
	s := m.slot(e.plan.slot)
	if len(e.atoms) == 0 {
		kept := s.v
		s.v = Value{}
		m.fill(e)
		s.v = kept
	}
	v := &s.v
	if !v.Present {
		return 0
	}
	switch v.Kind {
	case Text:
		if c, ok := e.texts[string(v.Text)]; ok {
			return c
		}
	case JSON:
		if c, ok := e.jsons[string(v.Text)]; ok {
			return c
		}
	default:
		if i, ok := small(v); ok {
			if e.small[i] == 0 {
				e.small[i] = int16(m.fill(e) + 1)
			}
			return int32(e.small[i]) - 1
		}
		if c, ok := e.nums[numKey{v.Kind, v.Num}]; ok {
			return c
		}
	}
	c := m.fill(e)
	if c == none {
		return c
	}
	if len(v.Text) <= maxMemoValue {
		e.keep(v, c)
	}
	if n := m.slots[e.plan.slot].place.Again; n != nil && *n != 0 {
		e.again[*n%manyNumbers] = numbered{*n, c}
	}
	return c
}

// placed is the class of a value at its place, none where it is not known or has no
// place. It says what class says, without a slot: that halves what a look takes.
func (e *memo) placed(p *Place) int32 {
	switch {
	case p.Text != nil:
		if *p.Text == nil {
			return 0
		}
		if p.Again != nil && *p.Again != 0 {
			return e.known(*p.Again, *p.Text)
		}
		if c, ok := e.texts[string(*p.Text)]; ok {
			return c
		}
	case p.OK == nil:
	case !*p.OK:
		return 0
	case p.Flag != nil:
		if *p.Flag {
			return int32(e.small[smallInts+1]) - 1
		}
		return int32(e.small[smallInts]) - 1
	case uint64(*p.Num) < smallInts:
		return int32(e.small[*p.Num]) - 1
	}
	return none
}

// known is the class of a text with a number: for most it takes no look at the text.
func (e *memo) known(number uint64, text []byte) int32 {
	k := &e.again[number%manyNumbers]
	if k.number == number {
		return k.class
	}
	c, ok := e.texts[string(text)]
	if !ok {
		return none
	}
	*k = numbered{number, c}
	return c
}

// keep remembers the class of a value.
func (e *memo) keep(v *Value, class int32) {
	if len(e.texts)+len(e.jsons)+len(e.nums) >= maxMemo {
		clear(e.texts)
		clear(e.jsons)
		clear(e.nums)
	}
	switch v.Kind {
	case Text:
		e.texts[string(v.Text)] = class
	case JSON:
		e.jsons[string(v.Text)] = class
	default:
		e.nums[numKey{v.Kind, v.Num}] = class
	}
}

// fill judges the value of the field's slot by all atoms of the memo and finds its
// class, or makes it.
func (m *Matcher) fill(e *memo) int32 {
	clear(e.loose)
	for local, a := range e.plan.atoms {
		if m.judge(&m.p.atoms[a]) {
			e.loose[local>>6] |= 1 << (local & 63)
		}
	}
	n := len(e.loose)
	for c := 0; c < e.classes(); c++ {
		if slices.Equal(e.atoms[c*n:(c+1)*n], e.loose) {
			return int32(c)
		}
	}
	if e.classes() == maxClasses {
		return none
	}
	e.atoms = append(e.atoms, e.loose...)
	return int32(e.classes() - 1)
}
