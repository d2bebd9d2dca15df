package sigma

// Matcher judges one record after the other. It is not safe for concurrent use.
type Matcher struct {
	p       *program
	hits    []int32
	record  Record
	placed  Placed // the one whose places slots know
	epoch   uint64
	slots   []slot
	memos   []memo
	seen    []uint64 // atoms judged for this record, of those without a memo
	held    []uint64 // and those of them that hold
	element slot     // an element of an array
	inner   slot     // the documents in a field
	innerOf FieldID

	nodes         []flat  // of the program, and what decisions left of them
	kids          []int32 // indexes of nodes
	never, always int32   // nodes
	decisions     []decision
	ways
	size     int // of the decisions, in numbers of 4 bytes
	lost     int // records that found no room for one
	room     int // maxDecided
	patience int // maxLost
}

func newMatcher(p *program) *Matcher {
	if p == nil {
		p = &program{}
	}
	m := &Matcher{
		p:     p,
		slots: make([]slot, len(p.fields)),
		memos: make([]memo, len(p.memos)),
		seen:  make([]uint64, words(len(p.atoms))),
		held:  make([]uint64, words(len(p.atoms))),
		hits:  make([]int32, 0, len(p.rules)),

		room:     maxDecided,
		patience: maxLost,
	}
	for i := range m.memos {
		m.memos[i].init(&p.memos[i])
	}
	m.start()
	return m
}

func words(n int) int { return (n + 63) / 64 }

// Match returns the indexes in Set.Rules of the rules that match r, in
// ascending order. The slice is valid until the next call.
func (m *Matcher) Match(r Record) []int32 {
	if m.lost > m.patience {
		// What fills the decisions may be a sender who tries everything, or the
		// traffic of last week.
		m.start()
	}
	m.begin(r)
	for _, o := range m.decisions[m.end()].open {
		if o.root == m.always || m.node(o.root) {
			m.hits = append(m.hits, o.index)
		}
	}
	return m.hits
}

// begin forgets the record before.
func (m *Matcher) begin(r Record) {
	m.epoch++
	m.record = r
	if p, ok := r.(Placed); ok && p != m.placed || !ok && m.placed != nil {
		m.place(p)
	}
	m.hits = m.hits[:0]
	clear(m.seen)
	clear(m.held)
}

// place takes note of where a record has its fields; nil is a record that does not
// say.
func (m *Matcher) place(p Placed) {
	m.placed = p
	for i := range m.slots {
		m.slots[i].place = Place{}
		if p != nil {
			m.slots[i].place = p.Place(m.p.fields[i].ID)
		}
	}
	for i := range m.memos { // numbers are those of another record
		e := &m.memos[i]
		e.again = nil
		if m.slots[e.plan.slot].place.Again != nil {
			e.again = make([]numbered, manyNumbers)
		}
	}
	m.survey()
}

// node judges a condition. It is as deep as conditions are.
func (m *Matcher) node(at int32) bool {
	n := &m.nodes[at]
	switch n.op {
	case opAtom:
		return m.atom(n.n)
	case opNot:
		return !m.node(m.kids[n.first])
	case opAnd:
		for _, k := range m.kids[n.first:n.last] {
			if !m.node(k) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range m.kids[n.first:n.last] {
			if m.node(k) {
				return true
			}
		}
		return false
	case opLeast:
		need := n.n
		for _, k := range m.kids[n.first:n.last] {
			if m.node(k) {
				if need--; need == 0 {
					return true
				}
			}
		}
		return false
	}
	return n.n != 0 // opConst
}

// atom judges an atom, once for each record, or once for each value of a field
// with a memo.
func (m *Matcher) atom(i int32) bool {
	a := &m.p.atoms[i]
	if a.memo >= 0 {
		return m.look(a.memo).bits()[a.local>>6]>>(a.local&63)&1 != 0
	}
	word, bit := i>>6, uint64(1)<<(i&63)
	if m.seen[word]&bit == 0 {
		m.seen[word] |= bit
		if m.judge(a) {
			m.held[word] |= bit
		}
	}
	return m.held[word]&bit != 0
}

// slot asks the record for a field, once.
func (m *Matcher) slot(i int32) *slot {
	s := &m.slots[i]
	if s.epoch != m.epoch {
		s.epoch = m.epoch
		if text := s.place.Text; text != nil {
			s.have, s.v = 0, Value{Kind: Text, Present: *text != nil, Text: *text}
		} else {
			s.set(m.record.Field(m.p.fields[i].ID))
		}
	}
	return s
}

// judge tests the value of the atom's field, or the elements of an array until
// one fits.
func (m *Matcher) judge(a *step) bool {
	s := m.slot(a.slot)
	switch {
	case !s.v.Present:
		return false
	case a.test == testPresent:
		return true
	case s.v.Kind == JSON && len(s.v.Text) > 0 && s.v.Text[0] == '[':
		e := elements{rest: s.v.Text}
		for e.next() {
			if m.element.set(e.value()); m.element.v.Present && m.one(a, &m.element) {
				return true
			}
		}
		return false
	}
	return m.one(a, s)
}

// embedded tests the documents that the record has as text in the atom's field.
func (m *Matcher) embedded(a *step) bool {
	e, ok := m.record.(Embedder)
	if !ok {
		return false
	}
	if m.inner.epoch != m.epoch || m.innerOf != a.field.ID {
		text := e.Embedded(a.field.ID)
		m.inner.set(Value{Kind: Text, Present: text != nil, Text: text})
		m.inner.epoch, m.innerOf = m.epoch, a.field.ID
	}
	if !m.inner.v.Present {
		return false
	}
	text := m.inner.fold
	if a.cased {
		text = m.inner.text
	}
	for _, g := range a.text.within {
		if g.match(text()) {
			return true
		}
	}
	return false
}

// one tests one value that is there.
func (m *Matcher) one(a *step, s *slot) bool {
	switch a.test {
	case testPresent:
		return true
	case testText:
		return a.text.match(s, a.cased) || s.v.Kind == JSON && len(a.text.within) > 0 && m.embedded(a)
	case testRegexp:
		for _, re := range a.res {
			if re.match(s) {
				return true
			}
		}
		return false
	case testNetwork:
		addr, ok := s.addr()
		return ok && a.nets.contain(addr)
	case testNumber:
		n, ok := s.number()
		return ok && a.cmp.holds(n.compare(a.num))
	case testMoment:
		ms, ok := s.moment()
		return ok && a.cmp.holds(wholeNumber(ms).compare(a.num))
	case testPart:
		ms, ok := s.moment()
		return ok && a.cmp.holds(wholeNumber(partOf(ms, a.unit)).compare(a.num))
	case testOther:
		o := m.slot(a.other)
		return o.v.Present && sides(s, o, a.side, a.cased)
	}
	return false
}
