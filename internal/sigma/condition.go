package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parseCondition reads a condition such as "a and (b or 1 of c*) and not d".
// names are the selections in the order of the document.
func parseCondition(text string, names []string, selection func(name string) *node) (*node, error) {
	p := &conditionParser{names: names, selection: selection}
	if err := p.scan(text); err != nil {
		return nil, err
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.words) {
		return nil, fmt.Errorf("unexpected %q in the condition", brief(p.words[p.at]))
	}
	return n, nil
}

type conditionParser struct {
	names     []string
	selection func(string) *node
	words     []string
	at        int
}

func (p *conditionParser) scan(text string) error {
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '(', ')':
			p.words = append(p.words, text[i:i+1])
			i++
		case '|':
			return fmt.Errorf("aggregations behind | are of an old Sigma: write a correlation document")
		default:
			end := i
			for end < len(text) && !strings.ContainsRune(" \t\r\n()|", rune(text[end])) {
				end++
			}
			p.words = append(p.words, text[i:end])
			i = end
		}
	}
	if len(p.words) == 0 {
		return fmt.Errorf("condition is empty")
	}
	return nil
}

// is tells whether the next word is the keyword, in any case, and takes it.
func (p *conditionParser) is(keyword string) bool {
	if p.at < len(p.words) && strings.EqualFold(p.words[p.at], keyword) {
		p.at++
		return true
	}
	return false
}

func (p *conditionParser) or(depth int) (*node, error)  { return p.chain(depth, "or", opOr, p.and) }
func (p *conditionParser) and(depth int) (*node, error) { return p.chain(depth, "and", opAnd, p.not) }

func (p *conditionParser) chain(depth int, word string, o op, operand func(int) (*node, error)) (*node, error) {
	first, err := operand(depth)
	if err != nil {
		return nil, err
	}
	kids := []*node{first}
	for p.is(word) {
		k, err := operand(depth)
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &node{op: o, kids: kids, part: word}, nil
}

func (p *conditionParser) not(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("condition is nested deeper than %d", maxDepth)
	}
	if p.is("not") {
		k, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		n := invert(k)
		n.part = "not"
		return n, nil
	}
	if p.is("(") {
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.is(")") {
			return nil, fmt.Errorf("a ) is missing in the condition")
		}
		return n, nil
	}
	return p.term()
}

// term is a selection's name, or a quantity of selections.
func (p *conditionParser) term() (*node, error) {
	if p.at == len(p.words) {
		return nil, fmt.Errorf("condition ends where a selection's name is due")
	}
	word := p.words[p.at]
	p.at++
	if p.is("of") {
		return p.quantity(word)
	}
	switch {
	case word == ")":
		return nil, fmt.Errorf("unexpected ) in the condition")
	case slices.Contains(p.names, word):
		return p.selection(word), nil
	}
	for _, k := range []string{"and", "or", "not", "of"} {
		if strings.EqualFold(word, k) {
			return nil, fmt.Errorf("%q in the condition where a selection's name is due", word)
		}
	}
	return nil, fmt.Errorf("no selection is named %q%s", brief(word), meant(word, p.names))
}

// quantity is "N of pattern", "all of them" and their kind.
func (p *conditionParser) quantity(count string) (*node, error) {
	if p.at == len(p.words) {
		return nil, fmt.Errorf("%q in the condition lacks what it is of", count+" of")
	}
	pattern := p.words[p.at]
	p.at++
	var kids []*node
	for _, name := range p.names {
		if matchesName(pattern, name) {
			kids = append(kids, p.selection(name))
		}
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("no selection's name fits %q%s", brief(pattern), meant(strings.Trim(pattern, "*"), p.names))
	}
	n := &node{part: strings.ToLower(count) + " of " + pattern, kids: kids}
	switch strings.ToLower(count) {
	case "all":
		n.op = opAnd
	case "any", "1":
		n.op = opOr
	default:
		k, err := strconv.Atoi(count)
		if err != nil || k < 1 {
			return nil, fmt.Errorf("%q of: want a number from 1, any or all", brief(count))
		}
		if k > len(kids) {
			return nil, fmt.Errorf("%q asks for more than the %d selections there are", count+" of "+brief(pattern), len(kids))
		}
		n.op, n.n = opLeast, k
	}
	return n, nil
}

// matchesName tells whether a selection is among "them" or fits a pattern with
// wildcards. Names that begin with _ are not among them.
func matchesName(pattern, name string) bool {
	if strings.EqualFold(pattern, "them") {
		return !strings.HasPrefix(name, "_")
	}
	g := parsePattern(strings.ReplaceAll(pattern, "?", `\?`)).glob()
	return g.match([]byte(name))
}
