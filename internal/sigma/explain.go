package sigma

import (
	"strings"
	"unicode/utf8"
)

// Explanation is why a rule matched a record, or not.
type Explanation struct {
	Matched bool
	Steps   []Step // the condition, then what it is made of
}

// Step is one part of a rule in an Explanation: the condition, a selection, an
// item of a selection. A part stands behind what it belongs to, one deeper.
type Step struct {
	Depth   int
	Part    string // condition, filter, and, or, not, "1 of a*", selection, item, keyword
	Text    string // as the rule has it
	Matched bool
	Field   string // items only
	Present bool   // items only: the record has the field
	Value   string // items only: what it holds, shortened; not cleaned
	Why     string // items that do not hold: what was missing
}

// Explain judges one record by one rule and says how the judgement came about.
// It allocates as it likes: it is for a person who asks. The rule may be idle.
func (s *Set) Explain(rule *Rule, r Record) Explanation {
	if rule.tree == nil {
		return Explanation{}
	}
	c := newCompiler()
	root := c.add(rule.tree)
	e := explainer{c: c, m: newMatcher(c.p)}
	e.m.begin(r)
	e.walk(rule.tree, 0)
	return Explanation{Matched: e.m.node(root), Steps: e.steps}
}

type explainer struct {
	c     *compiler
	m     *Matcher
	steps []Step
}

// holds judges a part by itself.
func (e *explainer) holds(n *node) bool {
	switch n.op {
	case opConst:
		return n.val
	case opAtom:
		return e.m.atom(e.c.index[n.atom])
	case opNot:
		return !e.holds(n.kids[0])
	}
	need := map[op]int{opAnd: len(n.kids), opOr: 1, opLeast: n.n}[n.op]
	for _, k := range n.kids {
		if e.holds(k) {
			need--
		}
	}
	return need <= 0
}

func (e *explainer) walk(n *node, depth int) {
	if n.part == "" {
		for _, k := range n.kids {
			e.walk(k, depth)
		}
		return
	}
	step := Step{Depth: depth, Part: n.part, Text: n.text, Matched: e.holds(n), Field: n.field}
	if n.part == "item" || n.part == "keyword" {
		e.item(n, &step)
		e.steps = append(e.steps, step)
		return
	}
	e.steps = append(e.steps, step)
	for _, k := range n.kids {
		e.walk(k, depth+1)
	}
}

// item says what the record holds and what was asked of it.
func (e *explainer) item(n *node, step *Step) {
	atoms := n.atoms(nil)
	if n.part == "keyword" {
		for _, a := range atoms {
			if s := e.m.slot(e.c.slots[a.field.ID]); s.v.Present && e.m.atom(e.c.index[a]) {
				step.Present, step.Value = true, shortened(s.text())
				return
			}
		}
		if !step.Matched {
			step.Why = "no text of the record has it"
		}
		return
	}
	if len(atoms) == 0 {
		if !step.Matched {
			step.Why = "the site file has no values for it"
		}
		return
	}
	s := e.m.slot(e.c.slots[atoms[0].field.ID])
	if step.Present = s.v.Present; step.Present {
		step.Value = shortened(s.text())
	}
	switch {
	case step.Matched:
	case !s.v.Present:
		step.Why = "the record does not have the field"
	case n.inverted():
		step.Why = "the record has what it excludes"
	default:
		var wants []string
		for _, a := range atoms {
			if a.wants != "" {
				wants = append(wants, a.wants)
			}
		}
		if len(wants) > 0 {
			step.Why = "wants " + strings.Join(wants, " and ")
		} else {
			step.Why = "the record has the field"
		}
	}
}

// atoms are those below a node.
func (n *node) atoms(to []*atom) []*atom {
	if n.op == opAtom {
		return append(to, n.atom)
	}
	for _, k := range n.kids {
		to = k.atoms(to)
	}
	return to
}

// inverted tells whether an item ends in a not, as with the modifier neq.
func (n *node) inverted() bool {
	for n.op == opAnd && len(n.kids) == 1 {
		n = n.kids[0]
	}
	return n.op == opNot && len(n.kids[0].atoms(nil)) > 0 && n.kids[0].atoms(nil)[0].test != testPresent
}

func shortened(text []byte) string {
	const most = 300
	if len(text) <= most {
		return string(text)
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return string(text[:cut]) + "…"
}
