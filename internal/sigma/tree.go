package sigma

// op is what a node of a condition does with its kids.
type op uint8

const (
	opConst op = iota // val
	opAnd             // all kids
	opOr              // any kid
	opNot             // not the only kid
	opLeast           // at least n kids
	opAtom            // atom
)

// node is a part of a rule's condition. Load builds the tree as the document
// has it, which is what Explain walks; program simplifies and flattens it.
type node struct {
	op   op
	val  bool
	n    int
	kids []*node
	atom *atom

	part  string // what Explain calls it: selection, item, ...; "" is not shown
	text  string // as the document has it
	field string // items: the field's name
}

func constant(val bool) *node { return &node{op: opConst, val: val} }

func join(o op, kids []*node) *node {
	if len(kids) == 1 && o != opNot {
		return kids[0]
	}
	return &node{op: o, kids: kids}
}

func invert(n *node) *node { return &node{op: opNot, kids: []*node{n}} }

// named wraps n so that Explain shows it.
func named(n *node, part, text string) *node {
	return &node{op: opAnd, kids: []*node{n}, part: part, text: text}
}

// simplify returns the same condition without names, constants and nodes of one
// kid.
func simplify(n *node) *node {
	switch n.op {
	case opConst, opAtom:
		return n
	case opNot:
		k := simplify(n.kids[0])
		switch k.op {
		case opConst:
			return constant(!k.val)
		case opNot:
			return k.kids[0]
		}
		return invert(k)
	case opLeast:
		return simplifyLeast(n)
	}
	all := n.op == opAnd // a kid that is !all decides, one that is all does not matter
	var kids []*node
	for _, k := range n.kids {
		k = simplify(k)
		switch {
		case k.op == opConst && k.val != all:
			return constant(!all)
		case k.op == opConst:
		case k.op == n.op:
			kids = append(kids, k.kids...)
		default:
			kids = append(kids, k)
		}
	}
	if len(kids) == 0 {
		return constant(all)
	}
	return join(n.op, kids)
}

func simplifyLeast(n *node) *node {
	need := n.n
	var kids []*node
	for _, k := range n.kids {
		k = simplify(k)
		switch {
		case k.op == opConst && k.val:
			need--
		case k.op == opConst:
		default:
			kids = append(kids, k)
		}
	}
	switch {
	case need <= 0:
		return constant(true)
	case need > len(kids):
		return constant(false)
	case need == len(kids):
		return join(opAnd, kids)
	case need == 1:
		return join(opOr, kids)
	}
	return &node{op: opLeast, n: need, kids: kids}
}
