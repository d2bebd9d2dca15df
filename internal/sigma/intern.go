package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// atom interns: what asks the same of the same field is one atom.
func (b *itemBuilder) atom(a *atom) *node {
	detail := a.key
	switch a.test {
	case testRegexp:
		for _, re := range a.res {
			detail += strconv.Quote(re.String())
		}
	case testNetwork:
		detail = fmt.Sprint(a.nets)
	case testNumber, testMoment, testPart:
		detail = fmt.Sprint(a.cmp, a.unit, a.num)
	case testOther:
		detail = fmt.Sprint(a.other.ID, a.side)
	}
	a.key = fmt.Sprint(a.field.ID, a.test, a.cased) + "\x00" + detail
	atoms := b.d.l.atoms[b.d.service]
	if atoms == nil {
		atoms = map[string]*atom{}
		b.d.l.atoms[b.d.service] = atoms
	}
	if have := atoms[a.key]; have != nil {
		a = have
	} else if b.d.l.made++; b.d.l.made > maxAtoms {
		b.fail(b.at, "all rules together ask more than %d different things", maxAtoms)
		return constant(false)
	} else {
		atoms[a.key] = a
	}
	return &node{op: opAtom, atom: a}
}

// listed spells values for a person.
func listed(values []scalar) string {
	const most = 8
	var out []string
	for i, v := range values {
		if i == most {
			out = append(out, fmt.Sprintf("%d more", len(values)-most))
			break
		}
		out = append(out, strconv.Quote(brief(v.text)))
	}
	if len(out) > 1 {
		return "one of " + strings.Join(out, ", ")
	}
	return strings.Join(out, "")
}

// spell writes a YAML value on one line.
func spell(n *yaml.Node) string {
	if n.Kind != yaml.SequenceNode {
		if isNull(n) {
			return "null"
		}
		return brief(n.Value)
	}
	const most = 8
	var out []string
	for i, c := range n.Content {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, spell(c))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
