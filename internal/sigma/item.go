package sigma

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// item compiles one line of a selection: a field with modifiers, and what its
// value must be. Without a field it is a keyword: what any text of the record
// must contain.
func (d *document) item(key *yaml.Node, value *yaml.Node) *node {
	name, rest, _ := strings.Cut(key.Value, "|")
	var words []string
	if rest != "" || strings.HasSuffix(key.Value, "|") {
		words = strings.Split(rest, "|")
	}
	b := &itemBuilder{d: d, name: key.Value, at: key}
	var err error
	if b.mods, err = parseModifiers(words); err != nil {
		d.fail(key, key.Value, "%s", err)
		return constant(false)
	}
	values, ok := b.values(value)
	if !ok {
		return constant(false)
	}
	text := key.Value + ": " + spell(value)
	if name == "" {
		return named(b.keyword(values), "keyword", text)
	}
	field, ok := d.lookup(key, name)
	if !ok {
		return constant(false)
	}
	n := named(b.build(field, values), "item", text)
	n.field = name
	return n
}

// itemBuilder makes atoms of one item's values.
type itemBuilder struct {
	d     *document
	name  string // as written, for messages
	at    *yaml.Node
	mods  modifiers
	empty bool // all placeholders were empty: nothing can match
}

// scalar is one value of an item.
type scalar struct {
	node *yaml.Node
	text string
	tag  string // !!str, !!int, !!float, !!bool, !!null
}

func (b *itemBuilder) fail(n *yaml.Node, format string, args ...any) bool {
	b.d.fail(n, b.name, format, args...)
	return false
}

// values reads the value or the list of values, and puts those of the site in
// place of placeholders.
func (b *itemBuilder) values(value *yaml.Node) ([]scalar, bool) {
	nodes := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		nodes = value.Content
		if len(nodes) == 0 {
			return nil, b.fail(value, "list is empty")
		}
	}
	if b.mods.all && len(nodes) == 1 && !b.mods.expand {
		return nil, b.fail(value, "modifier all needs a list of two values or more")
	}
	if len(nodes) > maxValues {
		return nil, b.fail(value, "%d values, more than %d", len(nodes), maxValues)
	}
	var out []scalar
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			return nil, b.fail(n, "want a value, not %s", shape(n))
		}
		if isNull(n) && len(nodes) > 1 {
			return nil, b.fail(n, "null cannot stand in a list: give it a selection of its own")
		}
		s, ok := b.scalar(n)
		if !ok {
			return nil, false
		}
		if !b.mods.expand {
			out = append(out, s)
			continue
		}
		more, ok := b.expand(s)
		if !ok {
			return nil, false
		}
		if out = append(out, more...); len(out) > maxValues {
			return nil, b.fail(n, "%d values after expansion, more than %d", len(out), maxValues)
		}
	}
	b.empty = len(out) == 0
	return out, true
}

func (b *itemBuilder) scalar(n *yaml.Node) (scalar, bool) {
	s := scalar{n, n.Value, n.Tag}
	switch n.Tag {
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			s.tag = "!!str" // too large for a number: its digits
			break
		}
		s.text = strconv.FormatInt(i, 10)
		if decimal, _ := strconv.ParseInt(n.Value, 10, 64); decimal == i {
			s.text = strings.TrimPrefix(n.Value, "+")
		}
	case "!!bool":
		s.text = strings.ToLower(n.Value)
	}
	if len(s.text) > maxValue {
		return s, b.fail(n, "value of %d bytes, more than %d", len(s.text), maxValue)
	}
	return s, b.d.l.spend(b, n, len(s.text))
}

// spend counts what the values of the set take together.
func (l *loader) spend(b *itemBuilder, n *yaml.Node, bytes int) bool {
	if l.text += bytes; l.text > maxText {
		return b.fail(n, "all values together have more than %d bytes", maxText)
	}
	return true
}

var placeholder = regexp.MustCompile(`\\?%[^%\\\s]*%?`)

// expand puts the site's values in place of the placeholders of one value.
func (b *itemBuilder) expand(s scalar) ([]scalar, bool) {
	heads := []string{""}
	found := false
	rest := s.text
	for {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			break
		}
		word := rest[at[0]:at[1]]
		values, end := []string{word}, at[1]
		switch {
		case word[0] == '\\': // \% is a plain percent sign
			values, end = []string{"%"}, at[0]+2
		case len(word) > 2 && word[len(word)-1] == '%':
			found = true
			var ok bool
			if values, ok = b.d.placeholder(s.node, b.name, word[1:len(word)-1]); !ok {
				return nil, false
			}
		default: // a lone percent sign
			values, end = []string{"%"}, at[0]+1
		}
		if len(heads)*len(values) > maxValues {
			return nil, b.fail(s.node, "%d values after expansion, more than %d", len(heads)*len(values), maxValues)
		}
		var longer []string
		for _, h := range heads {
			for _, v := range values {
				if len(h)+at[0]+len(v) > maxValue || !b.d.l.spend(b, s.node, len(h)+at[0]+len(v)) {
					return nil, b.fail(s.node, "values after expansion are too long")
				}
				longer = append(longer, h+rest[:at[0]]+v)
			}
		}
		heads, rest = longer, rest[end:]
	}
	if !found {
		return nil, b.fail(s.node, "modifier expand needs a placeholder such as %%own_accounts%%, not %s", strconv.Quote(brief(s.text)))
	}
	var out []scalar
	for _, h := range heads {
		out = append(out, scalar{s.node, h + rest, "!!str"})
	}
	return out, true
}

// keyword is an or over all text fields of the record.
func (b *itemBuilder) keyword(values []scalar) *node {
	if b.mods.match == "" {
		b.mods.match = "contains"
	}
	if slices.ContainsFunc(values, func(v scalar) bool { return v.tag == "!!null" }) {
		b.fail(b.at, "a keyword cannot be null")
		return constant(false)
	}
	if b.mods.match != "contains" && b.mods.match != "re" || b.mods.unit != "" {
		b.fail(b.at, "a keyword is searched in whole records: only contains, re, all, cased, neq, expand and encodings go with it")
		return constant(false)
	}
	mods := b.mods
	b.mods.neq = false
	groups := [][]scalar{values}
	if b.mods.all { // each for itself
		groups = nil
		for _, v := range values {
			groups = append(groups, []scalar{v})
		}
	}
	var each []*node
	for _, group := range groups {
		var fields []*node
		for _, f := range b.d.keywordFields() {
			if len(group) > 0 {
				fields = append(fields, b.one(f, group))
			}
		}
		each = append(each, join(opOr, fields))
	}
	return mods.combine(each, b.empty)
}

// combine joins what the values of an item are, by its modifiers all and neq.
func (m *modifiers) combine(each []*node, empty bool) *node {
	var n *node
	switch {
	case empty || len(each) == 0:
		n = constant(false)
	case m.all:
		n = join(opAnd, each)
	default:
		n = join(opOr, each)
	}
	if m.neq {
		return invert(n)
	}
	return n
}

// build makes the condition of an item with a field.
func (b *itemBuilder) build(f Field, values []scalar) *node {
	if b.mods.match == "exists" {
		return b.exists(f, values)
	}
	if len(values) == 1 && values[0].tag == "!!null" {
		if b.mods.match != "" || b.mods.unit != "" || len(b.mods.encode) > 0 {
			b.fail(values[0].node, "null goes with no other modifier than neq")
		}
		return b.mods.combine([]*node{invert(b.atom(&atom{field: f, test: testPresent}))}, false)
	}
	if why := b.mods.misfit(f.Kind); why != "" {
		b.fail(b.at, "%s", why)
		return constant(false)
	}
	mods := b.mods
	b.mods.neq = false
	if b.mods.all { // each value for itself
		var each []*node
		for _, v := range values {
			each = append(each, b.one(f, []scalar{v}))
		}
		return mods.combine(each, b.empty)
	}
	if b.empty {
		return mods.combine(nil, true)
	}
	return mods.combine([]*node{b.one(f, values)}, false)
}

// misfit says why the modifiers cannot judge a field of this kind.
func (m *modifiers) misfit(k Kind) string {
	order := m.match == "lt" || m.match == "lte" || m.match == "gt" || m.match == "gte"
	switch {
	case m.unit != "" && (k == Int || k == Bool):
		return fmt.Sprintf("modifier %s needs a time, and the field is a %s", m.unit, k)
	case m.unit != "":
		return ""
	case order && (k == Text || k == Bool):
		return fmt.Sprintf("modifier %s compares numbers and times, and the field is %s", m.match, k)
	case m.match == "cidr" && k != Text && k != JSON:
		return fmt.Sprintf("modifier cidr needs an address, and the field is a %s", k)
	case len(m.encode) > 0 && k != Text && k != JSON:
		return fmt.Sprintf("modifier %s changes text, and the field is a %s", m.encode[0], k)
	case k == Bool && m.match != "" && m.match != "fieldref":
		return fmt.Sprintf("modifier %s goes with text, and the field is a boolean", m.match)
	}
	return ""
}

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
			b.fail(v.node, "%s", err)
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
	return &expression{re, need}, nil
}

func (b *itemBuilder) networks(f Field, values []scalar) *node {
	var spans []span
	for _, v := range values {
		s, err := parseNetwork(v.text)
		if err != nil {
			b.fail(v.node, "%s", err)
			return constant(false)
		}
		spans = append(spans, s)
	}
	return b.atom(&atom{field: f, test: testNetwork, nets: newNetworks(spans), wants: "an address in " + listed(values)})
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
				b.fail(v.node, "modifier %s: want a number from %d to %d, not %s", b.mods.unit, low, high, brief(v.text))
				return constant(false)
			}
			a.test, a.num = testPart, n
		case isMoment && f.Kind != Int:
			a.test, a.num = testMoment, wholeNumber(ms)
		case f.Kind == Time:
			b.fail(v.node, "want a time such as 2026-03-03T00:17:42Z, not %s", brief(v.text))
			return constant(false)
		case !isNumber:
			b.fail(v.node, "modifier %s: want a number, not %s", b.mods.match, strconv.Quote(brief(v.text)))
			return constant(false)
		default:
			a.num = n
		}
		any = append(any, b.atom(a))
	}
	return join(opOr, any)
}

// text makes the condition that a text fits one of the values.
func (b *itemBuilder) text(f Field, values []scalar) *node {
	var patterns []pattern
	var numbers []number
	for _, v := range values {
		if v.tag == "!!null" {
			b.fail(v.node, "null goes with no other modifier than neq")
			return constant(false)
		}
		made, err := encodings(parsePattern(v.text), b.mods.encode)
		if err != nil {
			b.fail(v.node, "%s", err)
			return constant(false)
		}
		for _, p := range made {
			if !b.d.l.spend(b, v.node, p.size()) {
				return constant(false)
			}
			if err := fitsKind(f.Kind, p, b.mods.match); err != nil {
				b.fail(v.node, "%s", err)
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

func textKey(patterns []pattern, numbers []number) string {
	keys := make([]string, 0, len(patterns))
	for _, p := range patterns {
		keys = append(keys, p.key())
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), "\x00") + fmt.Sprintf("\x00%v", numbers)
}

// atom interns: what asks the same of the same field is one atom.
func (b *itemBuilder) atom(a *atom) *node {
	detail := a.key
	switch a.test {
	case testRegexp:
		for _, re := range a.res {
			detail += re.String() + "\x00"
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
