package sigma

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readDetection compiles a detection document to the tree of its condition.
func (d *document) readDetection() {
	r := d.rule
	if !d.readLogsource() {
		return
	}
	r.Service = d.service
	detection := get(d.top, "detection")
	if detection.Kind != yaml.MappingNode {
		d.fail(detection, "detection", "want a mapping of selections and a condition, not %s", shape(detection))
		return
	}
	if n := get(detection, "timeframe"); n != nil {
		d.fail(n, "timeframe", "is of an old Sigma: write a correlation document with a timespan")
	}
	r.tree = d.condition(detection)
	if names := d.about.Sluice.GroupBy; names != nil {
		r.Group, r.GroupFields = names, []Field{}
		at := get(get(d.top, "sluice"), "group-by")
		if len(names) > maxFields {
			d.fail(at, "sluice.group-by", "%d fields, more than %d", len(names), maxFields)
			return
		}
		for _, name := range names {
			f, _ := d.lookup(at, name)
			r.GroupFields = append(r.GroupFields, f)
		}
	}
}

// condition compiles the selections of m, which is a detection or a filter, and
// the condition over them. Every selection is checked, named by the condition
// or not.
func (d *document) condition(m *yaml.Node) *node {
	selections := map[string]*node{}
	var names []string
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		switch key.Value {
		case "condition", "timeframe":
			continue
		case "rules":
			if d.filter != nil {
				continue
			}
		}
		names = append(names, key.Value)
		selections[key.Value] = named(d.selection(key, value), "selection", key.Value)
	}
	at := get(m, "condition")
	if at == nil {
		d.fail(m, "condition", "condition is missing")
		return constant(false)
	}
	texts := []*yaml.Node{at}
	if at.Kind == yaml.SequenceNode {
		texts = at.Content
	}
	var any []*node
	for _, t := range texts {
		if t.Kind != yaml.ScalarNode || isNull(t) {
			d.fail(t, "condition", "want text, not %s", shape(t))
			return constant(false)
		}
		n, err := parseCondition(t.Value, names, func(name string) *node { return selections[name] })
		if err != nil {
			d.fail(t, "condition", "%s", err)
			return constant(false)
		}
		any = append(any, named(n, "condition", strings.Join(strings.Fields(t.Value), " ")))
	}
	if len(any) == 0 {
		d.fail(at, "condition", "condition is empty")
		return constant(false)
	}
	return join(opOr, any)
}

// selection compiles what stands behind a selection's name: a mapping, of which
// all items must hold, or a list of mappings and keywords, of which any must.
func (d *document) selection(key, value *yaml.Node) *node {
	switch value.Kind {
	case yaml.MappingNode:
		return d.items(key, value)
	case yaml.SequenceNode:
		var any []*node
		var words []*yaml.Node
		for _, c := range value.Content {
			switch {
			case c.Kind == yaml.MappingNode:
				any = append(any, d.items(key, c))
			case c.Kind == yaml.ScalarNode && !isNull(c):
				words = append(words, c)
			default:
				d.fail(c, key.Value, "a selection is a mapping or a list of mappings and keywords, not %s", shape(c))
			}
		}
		if len(words) > 0 {
			list := &yaml.Node{Kind: yaml.SequenceNode, Content: words, Line: words[0].Line}
			any = append(any, d.item(&yaml.Node{Kind: yaml.ScalarNode, Line: words[0].Line}, list))
		}
		if len(any) == 0 {
			d.fail(value, key.Value, "selection is empty")
			return constant(false)
		}
		return join(opOr, any)
	}
	if isNull(value) {
		d.fail(key, key.Value, "selection is empty")
		return constant(false)
	}
	return d.item(&yaml.Node{Kind: yaml.ScalarNode, Line: value.Line}, value)
}

func (d *document) items(key, m *yaml.Node) *node {
	var all []*node
	for i := 0; i+1 < len(m.Content); i += 2 {
		all = append(all, d.item(m.Content[i], m.Content[i+1]))
	}
	if len(all) == 0 {
		d.fail(m, key.Value, "selection is empty")
		return constant(false)
	}
	return join(opAnd, all)
}

// filterDocument is a filter while it is loaded.
type filterDocument struct {
	Filter
	tree *node
}

// readFilter compiles a filter document. Its condition is joined by "and" to
// those of its rules, as it is written: to exclude what the selection describes
// it reads "not selection".
func (d *document) readFilter() {
	f := d.filter
	if n := get(d.top, "sluice"); n != nil {
		d.fail(n, "sluice", "a filter has no sluice part")
	}
	if !d.readLogsource() {
		return
	}
	f.Service = d.service
	m := get(d.top, "filter")
	if m.Kind != yaml.MappingNode {
		d.fail(m, "filter", "want a mapping of rules, selections and a condition, not %s", shape(m))
		return
	}
	if get(m, "rules") == nil {
		d.fail(m, "filter.rules", "rules is missing: the names or ids of the rules, or any")
	}
	if f.Rules = d.list(m, "rules"); len(f.Rules) == 1 && f.Rules[0] == "any" {
		f.Rules = nil
	} else if len(f.Rules) == 0 {
		d.fail(get(m, "rules"), "filter.rules", "rules is empty: name rules, or write any")
	}
	f.tree = named(d.condition(m), "filter", strconv.Quote(d.about.Title))
}
