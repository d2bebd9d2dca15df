package sigma

// decision is what is left to ask of a record when the classes of some of its
// fields are known: most rules are refuted then, and of the others' conditions only
// what asks for other fields is left. Each is worked out when the first record
// comes to it, and found again by the next ones, of which nearly all take a way
// that was taken before. So a record costs a look at some ten fields and what is
// left at the end, however many rules ask for those fields.
type decision struct {
	memo int32   // the field to look at next; none: no rule asks for one
	next []int32 // by class of its value, the decision then; 0: not made yet
	open []open  // rules that are not refuted, in the order of the program
}

// open is a rule that may hold, and what its condition comes to.
type open struct{ index, root int32 }

// start makes the first decision, of which nothing is known. It forgets all others.
func (m *Matcher) start() {
	m.nodes = append(m.nodes[:0], m.p.nodes...)
	m.kids = append(m.kids[:0], m.p.kids...)
	m.never, m.always = m.added(flat{op: opConst}), m.added(flat{op: opConst, n: 1})
	clear(m.decisions)
	clear(m.ends)
	m.decisions, m.size, m.lost = m.decisions[:0], 0, 0
	d := decision{open: make([]open, 0, len(m.p.rules))}
	for _, r := range m.p.rules {
		d.open = append(d.open, open(r))
	}
	m.decide(d)
}

// decide keeps a decision and returns its index.
func (m *Matcher) decide(d decision) int32 {
	d.memo = none
	for _, o := range d.open {
		if i := m.asked(o.root); i != none && (d.memo == none || i < d.memo) {
			d.memo = i
		}
	}
	m.decisions = append(m.decisions, d)
	m.size += 16 + 2*len(d.open)
	return int32(len(m.decisions) - 1)
}

// asked is the first memo that a condition asks, or none.
func (m *Matcher) asked(at int32) int32 {
	n := &m.nodes[at]
	if n.op == opAtom {
		return m.p.atoms[n.n].memo
	}
	first := int32(none)
	for _, k := range m.kids[n.first:n.last] {
		if i := m.asked(k); i != none && (first == none || i < first) {
			first = i
		}
	}
	return first
}

// follow goes from one decision to the next for the record; none when there is no
// room for it.
func (m *Matcher) follow(at int32) int32 {
	d := &m.decisions[at]
	e := m.look(d.memo)
	c := int(e.current)
	if c >= 0 && c < len(d.next) && d.next[c] > 0 {
		return d.next[c]
	}
	if c == none {
		return none
	}
	if m.kept() > m.room {
		m.lost++
		return none
	}
	var left []open
	for _, o := range d.open {
		if root := m.reduce(o.root, d.memo, e.bits()); root != m.never {
			left = append(left, open{o.index, root})
		}
	}
	next := m.decide(decision{open: left})
	d = &m.decisions[at]
	for len(d.next) <= c {
		d.next = append(d.next, 0)
		m.size++
	}
	d.next[c] = next
	return next
}

// kept is what decisions and conditions take, in numbers of 4 bytes.
func (m *Matcher) kept() int { return m.size + 4*len(m.nodes) + len(m.kids) }

// reduce is a condition without the atoms of one memo, whose results are bits.
func (m *Matcher) reduce(at, memo int32, bits []uint64) int32 {
	n := m.nodes[at]
	switch n.op {
	case opConst:
		return m.constant(n.n != 0)
	case opAtom:
		a := &m.p.atoms[n.n]
		if a.memo != memo {
			return at
		}
		return m.constant(bits[a.local>>6]>>(a.local&63)&1 != 0)
	case opNot:
		kid := m.kids[n.first]
		switch k := m.reduce(kid, memo, bits); k {
		case kid:
			return at
		case m.never, m.always:
			return m.constant(k == m.never)
		default:
			return m.made(opNot, 0, k)
		}
	}
	need := n.n // opLeast
	switch n.op {
	case opAnd:
		need = n.last - n.first
	case opOr:
		need = 1
	}
	same := true
	var left []int32
	for i := n.first; i < n.last; i++ {
		kid := m.kids[i]
		k := m.reduce(kid, memo, bits)
		same = same && k == kid
		switch k {
		case m.always:
			need--
		case m.never:
		default:
			left = append(left, k)
		}
	}
	switch {
	case need <= 0:
		return m.always
	case int(need) > len(left):
		return m.never
	case same:
		return at
	case len(left) == 1:
		return left[0]
	case need == 1:
		return m.made(opOr, 0, left...)
	case int(need) == len(left):
		return m.made(opAnd, 0, left...)
	}
	return m.made(opLeast, need, left...)
}

func (m *Matcher) constant(holds bool) int32 {
	if holds {
		return m.always
	}
	return m.never
}

// made adds a node with kids.
func (m *Matcher) made(op op, n int32, kids ...int32) int32 {
	first := int32(len(m.kids))
	m.kids = append(m.kids, kids...)
	return m.added(flat{op: op, n: n, first: first, last: int32(len(m.kids))})
}

func (m *Matcher) added(f flat) int32 {
	m.nodes = append(m.nodes, f)
	return int32(len(m.nodes) - 1)
}
