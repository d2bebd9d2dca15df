package sigma

import (
	"cmp"
	"slices"
)

// program is all rules of one service, flattened: what Matchers share.
type program struct {
	fields []Field // what records are asked for; an index is a slot
	atoms  []step
	nodes  []flat
	kids   []int32 // indexes of nodes
	rules  []compiled
	memos  []memoPlan // in the order in which they are asked
}

// step is an atom with its place in the program.
type step struct {
	*atom
	slot  int32
	other int32 // slot of the other field, testOther only
	memo  int32 // index in memos, or -1
	local int32 // index among the atoms of the memo
}

// flat is a node of a condition.
type flat struct {
	op          op
	n           int32 // opLeast: how many; opAtom: which
	first, last int32 // in kids
}

type compiled struct {
	index int32 // in Set.Rules
	root  int32
}

// memoPlan is a field whose values repeat: the results of all its atoms are
// kept by value, and decide which rules are looked at.
type memoPlan struct {
	slot  int32
	atoms []int32
}

// compile flattens the conditions of the rules of one service.
func compile(rules []*Rule, service string) *program {
	c := newCompiler()
	for _, r := range rules {
		if r.Service == service {
			c.p.rules = append(c.p.rules, compiled{int32(r.Index), c.add(simplify(r.tree))})
		}
	}
	c.memoise()
	c.seek()
	return c.p
}

// compiler builds a program.
type compiler struct {
	p     *program
	slots map[FieldID]int32
	index map[*atom]int32
}

func newCompiler() *compiler {
	return &compiler{&program{}, map[FieldID]int32{}, map[*atom]int32{}}
}

func (c *compiler) slot(f Field) int32 {
	i, ok := c.slots[f.ID]
	if !ok {
		i = int32(len(c.p.fields))
		c.slots[f.ID] = i
		c.p.fields = append(c.p.fields, f)
	}
	return i
}

func (c *compiler) atom(a *atom) int32 {
	i, ok := c.index[a]
	if !ok {
		s := step{atom: a, slot: c.slot(a.field), memo: -1}
		if a.test == testOther {
			s.other = c.slot(a.other)
		}
		i = int32(len(c.p.atoms))
		c.index[a] = i
		c.p.atoms = append(c.p.atoms, s)
	}
	return i
}

// add flattens n and returns its index. Kids that cost least come first; the
// result is the same in any order.
func (c *compiler) add(n *node) int32 {
	f := flat{op: n.op, n: int32(n.n)}
	switch n.op {
	case opAtom:
		f.n = c.atom(n.atom)
	case opConst:
		if n.val {
			f.n = 1
		}
	default:
		kids := slices.Clone(n.kids)
		slices.SortStableFunc(kids, func(a, b *node) int { return cmp.Compare(a.cost(), b.cost()) })
		var at []int32
		for _, k := range kids {
			at = append(at, c.add(k))
		}
		f.first = int32(len(c.p.kids))
		c.p.kids = append(c.p.kids, at...)
		f.last = int32(len(c.p.kids))
	}
	c.p.nodes = append(c.p.nodes, f)
	return int32(len(c.p.nodes) - 1)
}

// cost guesses what judging a node takes, in units of a look into a memo.
func (n *node) cost() int {
	if n.op != opAtom {
		sum := 1
		for _, k := range n.kids {
			sum += k.cost()
		}
		return sum
	}
	a := n.atom
	json := 1
	if a.field.Kind == JSON {
		json = 4
	}
	switch {
	case a.field.Key:
		return 0
	case a.field.Few && a.test != testOther:
		return 1
	case a.test == testRegexp:
		return 100 * json * len(a.res)
	case a.test == testText:
		return json * (4 + len(a.text.contains)*4 + len(a.text.starts) + len(a.text.ends) + len(a.text.globs)*4)
	}
	return 3 * json
}

// memoise finds the fields whose results are worth keeping, those that rule out
// most rules first.
func (c *compiler) memoise() {
	p := c.p
	asked := make([]int, len(p.fields)) // by slot: rules that ask
	for _, r := range p.rules {
		slots := map[int32]bool{}
		p.slots(r.root, slots)
		for s := range slots {
			asked[s]++
		}
	}
	var order []int32
	for slot, f := range p.fields {
		if (f.Key || f.Few) && p.tested(int32(slot)) {
			order = append(order, int32(slot))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Or(-compareBool(p.fields[a].Key, p.fields[b].Key), cmp.Compare(asked[b], asked[a]))
	})
	plans := map[int32]int32{}
	for _, slot := range order {
		plans[slot] = int32(len(p.memos))
		p.memos = append(p.memos, memoPlan{slot: slot})
	}
	for i := range p.atoms {
		a := &p.atoms[i]
		m, ok := plans[a.slot]
		if !ok || a.test == testOther {
			continue
		}
		a.memo, a.local = m, int32(len(p.memos[m].atoms))
		p.memos[m].atoms = append(p.memos[m].atoms, int32(i))
	}
}

// seek makes what finds texts quickly that are looked for in each record.
func (c *compiler) seek() {
	n := 0
	made := func(texts [][]byte) *pairs {
		if n == maxPairs {
			return nil
		}
		p := newPairs(texts)
		if p != nil {
			n++
		}
		return p
	}
	for _, a := range c.p.atoms {
		switch {
		case a.memo >= 0:
		case a.test == testText:
			a.text.seek = made(a.text.contains)
		case a.test == testRegexp:
			for _, re := range a.res {
				re.seek = made(re.need)
			}
		}
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// tested tells whether an atom asks for the value of a slot by itself.
func (p *program) tested(slot int32) bool {
	return slices.ContainsFunc(p.atoms, func(a step) bool { return a.slot == slot && a.test != testOther })
}

// slots adds the slots that a condition asks by themselves.
func (p *program) slots(at int32, to map[int32]bool) {
	n := &p.nodes[at]
	if n.op == opAtom {
		if a := &p.atoms[n.n]; a.test != testOther {
			to[a.slot] = true
		}
		return
	}
	for _, k := range p.kids[n.first:n.last] {
		p.slots(k, to)
	}
}
