package sigma

// memo keeps what was found out about the values of one field. Values are
// somebody else's, so it is bounded: when it is full it starts anew, and long
// values are judged each time.
type memo struct {
	plan   *memoPlan
	atomsN int // words of an entry for atoms
	rulesN int // and for rules, key fields only

	texts map[string]int32
	jsons map[string]int32
	nums  map[numKey]int32
	bits  []uint64 // entries; the first is that of an absent value
	spare []uint64 // that of a value that is not kept

	epoch   uint64
	current entry
}

type numKey struct {
	kind Kind
	num  int64
}

// entry is what is known for one value: the atoms that hold, and the rules that
// they do not refute.
type entry struct{ atoms, rules []uint64 }

func (e *memo) init(plan *memoPlan, key bool, rules int) {
	e.plan = plan
	e.atomsN = words(len(plan.atoms))
	if key {
		e.rulesN = words(rules)
	}
	e.spare = make([]uint64, e.stride())
	e.texts, e.jsons, e.nums = map[string]int32{}, map[string]int32{}, map[numKey]int32{}
}

func (e *memo) stride() int { return e.atomsN + e.rulesN }

func (e *memo) split(bits []uint64) entry { return entry{bits[:e.atomsN:e.atomsN], bits[e.atomsN:]} }

func (e *memo) entry(i int32) entry {
	n := e.stride()
	return e.split(e.bits[int(i)*n : (int(i)+1)*n])
}

// lookup returns the entry of the value that the record holds.
func (m *Matcher) lookup(i int32) entry {
	e := &m.memos[i]
	if e.epoch != m.epoch {
		e.current = m.find(i)
		e.epoch = m.epoch
	}
	return e.current
}

func (m *Matcher) find(i int32) entry {
	e := &m.memos[i]
	v := m.slot(e.plan.slot).v
	if len(e.bits) == 0 {
		e.reset(m, i)
	}
	known, ok := int32(0), true // absent
	if v.Present {
		if len(v.Text) > maxMemoValue {
			m.fill(i, e.spare)
			return e.split(e.spare)
		}
		switch v.Kind {
		case Text:
			known, ok = e.texts[string(v.Text)]
		case JSON:
			known, ok = e.jsons[string(v.Text)]
		default:
			known, ok = e.nums[numKey{v.Kind, v.Num}]
		}
	}
	if ok {
		return e.entry(known)
	}
	if len(e.bits) >= maxMemo*e.stride() {
		e.reset(m, i)
	}
	known = int32(len(e.bits) / max(1, e.stride()))
	m.fill(i, e.spare)
	e.bits = append(e.bits, e.spare...)
	switch v.Kind {
	case Text:
		e.texts[string(v.Text)] = known
	case JSON:
		e.jsons[string(v.Text)] = known
	default:
		e.nums[numKey{v.Kind, v.Num}] = known
	}
	return e.entry(known)
}

// reset forgets all values but the absent one.
func (e *memo) reset(m *Matcher, i int32) {
	clear(e.texts)
	clear(e.jsons)
	clear(e.nums)
	if len(e.bits) > 0 {
		e.bits = e.bits[:e.stride()]
		return
	}
	s := &m.slots[e.plan.slot]
	kept := s.v
	s.v = Value{}
	m.fill(i, e.spare)
	s.v = kept
	e.bits = append(e.bits, e.spare...)
}

// fill judges the value of the field's slot by all atoms of the memo.
func (m *Matcher) fill(i int32, bits []uint64) {
	e := &m.memos[i]
	clear(bits)
	out := e.split(bits)
	for local, a := range e.plan.atoms {
		if m.judge(&m.p.atoms[a]) {
			out.atoms[local>>6] |= 1 << (local & 63)
		}
	}
	if e.rulesN == 0 {
		return
	}
	for w := range out.rules {
		out.rules[w] = ^uint64(0)
	}
	for _, r := range e.plan.rules {
		if m.p.known(m.p.rules[r].root, i, out.atoms) == no {
			out.rules[r>>6] &^= 1 << (r & 63)
		}
	}
}
