package sigma

import (
	"fmt"
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
	site bool   // from the site file
}

func (b *itemBuilder) fail(n *yaml.Node, format string, args ...any) bool {
	b.d.fail(n, b.name, format, args...)
	return false
}

// bad tells of a value that the field cannot have. One of the rule's own makes
// the rule useless; one from the site file is left out, and bad returns true.
func (b *itemBuilder) bad(v scalar, format string, args ...any) bool {
	if !v.site {
		return b.fail(v.node, format, args...)
	}
	why := fmt.Sprintf(format, args...)
	for _, name := range placeholdersOf(v.node.Value) {
		b.d.l.leaveOut(b.d.about.Called(), name, v.text, why)
	}
	return true
}

// none is the condition of an item of which no value is left: it never holds,
// like that of an empty list.
func (b *itemBuilder) none(values []scalar) *node {
	for _, v := range values {
		for _, name := range placeholdersOf(v.node.Value) {
			b.d.lacks(name)
		}
	}
	return constant(false)
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
	s := scalar{node: n, text: n.Value, tag: n.Tag}
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
	isNothing := func(v scalar) bool { return v.tag == "!!null" }
	if i := slices.IndexFunc(values, isNothing); i >= 0 {
		if b.mods.match != "" || b.mods.unit != "" || len(b.mods.encode) > 0 || b.mods.all {
			b.fail(values[i].node, "null goes with no other modifier than neq")
			return constant(false)
		}
		each := []*node{invert(b.atom(&atom{field: f, test: testPresent}))}
		if rest := slices.DeleteFunc(slices.Clone(values), isNothing); len(rest) > 0 { // or one of these
			mods := b.mods
			b.mods.neq = false
			each = append(each, b.build(f, rest))
			return mods.combine(each, false)
		}
		return b.mods.combine(each, false)
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
