package sigma

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

func (b *itemBuilder) exists(f Field, values []scalar) *node {
	if len(values) != 1 || values[0].text != "true" && values[0].text != "false" {
		b.fail(b.at, "exists is true or false")
		return constant(false)
	}
	n := b.atom(&atom{field: f, test: testPresent})
	if values[0].text == "false" {
		return invert(n)
	}
	return n
}

// one makes the condition that a field has one of the values.
func (b *itemBuilder) one(f Field, values []scalar) *node {
	switch b.mods.match {
	case "re":
		return b.regexps(f, values)
	case "cidr":
		return b.networks(f, values)
	case "fieldref":
		return b.others(f, values)
	case "lt", "lte", "gt", "gte":
		return b.compare(f, values)
	}
	if b.mods.unit != "" {
		return b.compare(f, values)
	}
	return b.text(f, values)
}

func (b *itemBuilder) regexps(f Field, values []scalar) *node {
	a := &atom{field: f, test: testRegexp}
	for _, v := range values {
		re, err := b.d.l.regexp(v.text, b.mods.flags)
		if err != nil {
			b.bad(v, "%s", err)
			return constant(false)
		}
		a.res = append(a.res, re)
	}
	a.wants = "a match of " + listed(values)
	return b.atom(a)
}

// regexp compiles one expression if its size is within bounds.
func (l *loader) regexp(text, flags string) (*expression, error) {
	if len(text) > maxRegexp {
		return nil, fmt.Errorf("regular expression of %d bytes, more than %d", len(text), maxRegexp)
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if why := beyond(text); err != nil && why != "" {
		return nil, fmt.Errorf("not a regular expression (RE2): %s is not supported", why)
	}
	if err != nil {
		return nil, fmt.Errorf("not a regular expression (RE2): %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	need := needed(tree)
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("not a regular expression (RE2): %w", err)
	}
	if len(prog.Inst) > maxInst {
		return nil, fmt.Errorf("regular expression of %d steps, more than %d: repeat less", len(prog.Inst), maxInst)
	}
	if l.steps += len(prog.Inst); l.steps > maxAllInst {
		return nil, fmt.Errorf("all regular expressions together have more than %d steps", maxAllInst)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression (RE2): %w", err)
	}
	return &expression{Regexp: re, need: need}, nil
}

// beyond names what other engines have and RE2 has not, because it cannot be
// done in linear time; "" where the expression has none of it.
func beyond(text string) string {
	inClass := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			if i++; !inClass && i < len(text) && '1' <= text[i] && text[i] <= '9' {
				return "a reference to a group (\\" + text[i:i+1] + ")"
			}
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
			if strings.HasPrefix(text[i+1:], "^") {
				i++
			}
			if strings.HasPrefix(text[i+1:], "]") {
				i++
			}
		case c == '(':
			for _, s := range [...]struct{ begin, name string }{{"(?<=", "lookbehind"}, {"(?<!", "lookbehind"}, {"(?=", "lookahead"}, {"(?!", "lookahead"}, {"(?>", "an atomic group"}} {
				if strings.HasPrefix(text[i:], s.begin) {
					return s.name + " " + s.begin + "...)"
				}
			}
		}
	}
	return ""
}

func (b *itemBuilder) networks(f Field, values []scalar) *node {
	var spans []span
	var used []scalar
	for _, v := range values {
		s, err := parseNetwork(v.text)
		switch {
		case err == nil:
			spans, used = append(spans, s), append(used, v)
		case !b.bad(v, "%s", err):
			return constant(false)
		}
	}
	if len(spans) == 0 {
		return b.none(values)
	}
	return b.atom(&atom{field: f, test: testNetwork, nets: newNetworks(spans), wants: "an address in " + listed(used)})
}

func (b *itemBuilder) others(f Field, values []scalar) *node {
	var any []*node
	for _, v := range values {
		other, ok := b.d.lookup(v.node, v.text)
		if !ok {
			return constant(false)
		}
		any = append(any, b.atom(&atom{field: f, test: testOther, other: other, side: b.mods.side, cased: b.mods.cased,
			wants: strings.TrimSpace(b.mods.side + " the value of " + v.text)}))
	}
	return join(opOr, any)
}

// compare makes conditions on numbers, times and parts of times.
func (b *itemBuilder) compare(f Field, values []scalar) *node {
	cmp := map[string]compare{"": equal, "lt": less, "lte": lessEqual, "gt": greater, "gte": greaterEqual}[b.mods.match]
	sign := [...]string{equal: "", less: "< ", lessEqual: "<= ", greater: "> ", greaterEqual: ">= "}[cmp]
	var any []*node
	for _, v := range values {
		a := &atom{field: f, test: testNumber, cmp: cmp, unit: b.mods.unit, wants: strings.TrimSpace(b.mods.unit + " " + sign + v.text)}
		n, isNumber := parseNumber([]byte(v.text))
		ms, isMoment := parseMoment([]byte(v.text))
		switch {
		case b.mods.unit != "":
			low, high := partRange(b.mods.unit)
			if !isNumber || !n.whole || n.i < low || n.i > high {
				if b.bad(v, "modifier %s: want a number from %d to %d, not %s", b.mods.unit, low, high, brief(v.text)) {
					continue
				}
				return constant(false)
			}
			a.test, a.num = testPart, n
		case isMoment && f.Kind != Int:
			a.test, a.num = testMoment, wholeNumber(ms)
		case f.Kind == Time:
			if b.bad(v, "want a time such as 2026-03-03T00:17:42Z, not %s", brief(v.text)) {
				continue
			}
			return constant(false)
		case !isNumber:
			if b.bad(v, "modifier %s: want a number, not %s", b.mods.match, strconv.Quote(brief(v.text))) {
				continue
			}
			return constant(false)
		default:
			a.num = n
		}
		any = append(any, b.atom(a))
	}
	if len(any) == 0 {
		return b.none(values)
	}
	return join(opOr, any)
}

// text makes the condition that a text fits one of the values.
func (b *itemBuilder) text(f Field, values []scalar) *node {
	var patterns []pattern
	var numbers []number
	for _, v := range values {
		made, err := encodings(parsePattern(v.text), b.mods.encode)
		for i := 0; err == nil && i < len(made); i++ {
			err = fitsKind(f.Kind, made[i], b.mods.match)
		}
		if err != nil {
			if b.bad(v, "%s", err) {
				continue
			}
			return constant(false)
		}
		for _, p := range made {
			if !b.d.l.spend(b, v.node, p.size()) {
				return constant(false)
			}
			if !b.mods.cased {
				p = p.each(foldString)
			}
			if b.mods.match == "contains" || b.mods.match == "endswith" {
				p = p.behind()
			}
			if b.mods.match == "contains" || b.mods.match == "startswith" {
				p = p.before()
			}
			patterns = append(patterns, p)
		}
		if len(patterns) > maxValues {
			b.fail(v.node, "more than %d values after their modifiers", maxValues)
			return constant(false)
		}
		if v.tag == "!!int" || v.tag == "!!float" {
			if n, ok := parseNumber([]byte(v.text)); ok && b.mods.match == "" {
				numbers = append(numbers, n)
			}
		}
	}
	if len(patterns) == 0 && slices.ContainsFunc(values, func(v scalar) bool { return v.site }) {
		return b.none(values)
	}
	if len(patterns) == 0 { // base64offset of an empty value
		b.fail(b.at, "no value is left after the modifiers")
		return constant(false)
	}
	what := map[string]string{"": "", "contains": "a text that contains ", "startswith": "a text that begins with ", "endswith": "a text that ends with "}[b.mods.match]
	return b.atom(&atom{field: f, test: testText, text: newTexts(patterns, numbers), cased: b.mods.cased,
		wants: what + listed(values), key: textKey(patterns, numbers)})
}

// fitsKind refuses a text that no value of the kind can be.
func fitsKind(k Kind, p pattern, match string) error {
	s, whole := p.whole()
	whole = whole && match == ""
	switch {
	case k == Bool:
		if s = strings.ToLower(s); !whole || s != "true" && s != "false" {
			return fmt.Errorf("field is true or false, never %s", strconv.Quote(brief(p.key())))
		}
	case k == Int && whole:
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || strconv.FormatInt(n, 10) != s {
			return fmt.Errorf("field is a number, never %s", strconv.Quote(brief(s)))
		}
	case k == Int:
		for _, s := range p.text {
			if strings.Trim(s, "-0123456789") != "" {
				return fmt.Errorf("field is a number and never has %s in it", strconv.Quote(brief(s)))
			}
		}
	case k == Time && whole:
		ms, ok := parseMoment([]byte(s))
		if !ok || !bytes.EqualFold(appendMoment(nil, ms), []byte(s)) {
			return fmt.Errorf("want a time as 2026-03-03T00:17:42Z, or startswith, or gte and lt; not %s", strconv.Quote(brief(s)))
		}
	}
	return nil
}

// textKey is equal for what asks the same. Values are quoted: they may hold whatever
// stands between them.
func textKey(patterns []pattern, numbers []number) string {
	keys := make([]string, 0, len(patterns))
	for _, p := range patterns {
		keys = append(keys, strconv.Quote(p.key()))
	}
	slices.Sort(keys)
	return fmt.Sprint(slices.Compact(keys), numbers)
}
