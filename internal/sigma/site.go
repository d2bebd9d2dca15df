package sigma

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Site is what a site knows about itself: the values of placeholders by name.
// Values are patterns like those of a rule: * and ? stand for other characters
// unless a backslash stands before them.
type Site map[string][]string

var placeholderName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// ParseSite reads a site file: a YAML mapping of names to lists of texts or
// numbers. What is in order is returned beside the Problems of what is not: a bad
// value leaves out itself, a bad list all of its name.
func ParseSite(file string, src []byte) (Site, []Problem) {
	site := Site{}
	var problems []Problem
	for _, c := range split(src) {
		fail := func(f fault) {
			p := Problem{File: file, Field: f.field, Reason: f.reason}
			if f.node != nil {
				p.Line = c.line + max(f.node.Line, 1) - 1
			}
			problems = append(problems, p)
		}
		m, f := parseYAML(c.text)
		if f != nil {
			fail(*f)
			continue
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			name, list := m.Content[i], m.Content[i+1]
			if !placeholderName.MatchString(name.Value) {
				fail(fault{name, brief(name.Value), "a placeholder's name is letters, digits and _"})
				continue
			}
			if _, twice := site[name.Value]; twice {
				fail(fault{name, name.Value, "placeholder is defined twice"})
				continue
			}
			values, faults := siteValues(list)
			for _, f := range faults {
				f.field = name.Value
				fail(f)
			}
			if values != nil {
				site[name.Value] = values
			}
		}
	}
	return site, problems
}

// siteValues returns nil where there is no list.
func siteValues(list *yaml.Node) (values []string, faults []fault) {
	if list.Kind == yaml.MappingNode {
		return nil, []fault{{node: list, reason: "want a list of values"}}
	}
	if isNull(list) {
		return []string{}, nil
	}
	items := []*yaml.Node{list}
	if list.Kind == yaml.SequenceNode {
		items = list.Content
	}
	if len(items) > maxValues {
		return nil, []fault{{node: list, reason: fmt.Sprintf("%d values, more than %d", len(items), maxValues)}}
	}
	values = make([]string, 0, len(items))
	for _, n := range items {
		switch {
		case n.Kind != yaml.ScalarNode || isNull(n):
			faults = append(faults, fault{node: n, reason: "want text or a number, not " + shape(n)})
		case len(n.Value) > maxValue:
			faults = append(faults, fault{node: n, reason: fmt.Sprintf("value of %d bytes, more than %d", len(n.Value), maxValue)})
		default:
			values = append(values, n.Value) // as written: an account that begins with 0 keeps it
		}
	}
	return values, faults
}
