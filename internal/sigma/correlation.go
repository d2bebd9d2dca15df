package sigma

import (
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

var correlationTypes = []string{
	string(EventCount), string(ValueCount), string(ValueSum), string(ValueAvg),
	string(Temporal), string(TemporalOrdered), string(FirstSeen),
}

var correlationKeys = []string{"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"}

// defaultLearn is how long a first_seen correlation only watches a group, where
// its timespan is not shorter.
const defaultLearn = 7 * 24 * time.Hour

// readCorrelation checks a correlation document for itself; resolve looks at
// what it is built on.
func (d *document) readCorrelation() {
	c := d.correlation
	m := get(d.top, "correlation")
	if m.Kind != yaml.MappingNode {
		d.fail(m, "correlation", "want a mapping, not %s", shape(m))
		return
	}
	for i := 0; i < len(m.Content); i += 2 {
		if key := m.Content[i]; !slices.Contains(correlationKeys, key.Value) {
			d.fail(key, "correlation."+key.Value, "no key of correlation is named %q%s", brief(key.Value), meant(key.Value, correlationKeys))
		}
	}
	c.Type = CorrelationType(d.str(m, "type"))
	switch {
	case c.Type == "value_percentile":
		d.fail(get(m, "type"), "correlation.type", "value_percentile needs all values at once: ask the tables with a query instead")
		return
	case !slices.Contains(correlationTypes, string(c.Type)):
		d.fail(m, "correlation.type", "no type is named %q%s", brief(string(c.Type)), meant(string(c.Type), correlationTypes))
		return
	}
	d.readRefs(m)
	d.readGrouping(m)
	if get(m, "timespan") == nil {
		d.fail(m, "correlation.timespan", "timespan is missing")
	}
	c.Timespan = d.timespan(m, "timespan")
	if g := d.boolean(m, "generate"); g != nil {
		c.Generate = *g
	}
	if g := d.boolean(d.top, "generate"); g != nil { // where the JSON schema has it
		c.Generate = c.Generate || *g
	}
	if c.Type == FirstSeen {
		d.about.Sluice.Learn = min(defaultLearn, c.Timespan)
	}
	d.readCondition(m)
}

func (d *document) readRefs(m *yaml.Node) {
	names := d.list(m, "rules")
	if len(names) == 0 {
		d.fail(m, "correlation.rules", "rules is empty: name the rules to correlate")
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			d.fail(get(m, "rules"), "correlation.rules", "%s occurs twice", brief(name))
		}
		d.correlation.Rules = append(d.correlation.Rules, Ref{Name: name})
	}
}

func (d *document) readGrouping(m *yaml.Node) {
	c := d.correlation
	if get(m, "group-by") == nil {
		d.fail(m, "correlation.group-by", "group-by is missing: the fields that must be equal, or an empty list")
	}
	if c.GroupBy = d.list(m, "group-by"); len(c.GroupBy) > maxFields {
		d.fail(get(m, "group-by"), "correlation.group-by", "%d fields, more than %d", len(c.GroupBy), maxFields)
		c.GroupBy = nil
	}
	for i, name := range c.GroupBy {
		if slices.Contains(c.GroupBy[:i], name) {
			d.fail(get(m, "group-by"), "correlation.group-by", "%s occurs twice", brief(name))
		}
	}
	aliases := get(m, "aliases")
	if aliases == nil {
		return
	}
	if aliases.Kind != yaml.MappingNode {
		d.fail(aliases, "correlation.aliases", "want a mapping, not %s", shape(aliases))
		return
	}
	c.Aliases = map[string]map[string]string{}
	for i := 0; i+1 < len(aliases.Content); i += 2 {
		alias, fields := aliases.Content[i].Value, aliases.Content[i+1]
		if fields.Kind != yaml.MappingNode {
			d.fail(fields, "correlation.aliases."+alias, "want a mapping of rules to fields, not %s", shape(fields))
			continue
		}
		c.Aliases[alias] = map[string]string{}
		for j := 0; j+1 < len(fields.Content); j += 2 {
			if fields.Content[j+1].Kind != yaml.ScalarNode {
				d.fail(fields.Content[j+1], "correlation.aliases."+alias, "want a field's name, not %s", shape(fields.Content[j+1]))
				continue
			}
			c.Aliases[alias][fields.Content[j].Value] = fields.Content[j+1].Value
		}
	}
}

// readCondition reads what must be reached.
func (d *document) readCondition(m *yaml.Node) {
	c := d.correlation
	ordered := c.Type == Temporal || c.Type == TemporalOrdered
	if ordered {
		c.Condition.Threshold = int64(len(c.Rules))
	}
	n := get(m, "condition")
	if n == nil {
		if !ordered {
			d.fail(m, "correlation.condition", "condition is missing")
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "correlation.condition", "want a mapping such as gte: 100, not %s", shape(n))
		return
	}
	limits := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "field":
			c.Condition.Fields = d.list(n, "field")
		case "gt", "gte":
			limits++
			v, err := strconv.ParseInt(value.Value, 10, 64)
			const most = 1 << 53
			if err != nil || value.Kind != yaml.ScalarNode || v < 0 || v > most {
				d.fail(value, "correlation.condition."+key.Value, "want a whole number from 0 to %d, not %s", int64(most), shape(value))
				continue
			}
			c.Condition.Threshold, c.Condition.Above = v, key.Value == "gt"
			if c.Condition.Least() < 1 {
				d.fail(value, "correlation.condition."+key.Value, "is true before anything happened: want 1 or more")
			}
		case "lt", "lte", "eq", "neq":
			d.fail(key, "correlation.condition."+key.Value, "would be true until the rest of the log arrives: only gt and gte can be judged while events come")
		default:
			d.fail(key, "correlation.condition."+key.Value, "no key of condition is named %q%s", brief(key.Value), meant(key.Value, []string{"field", "gt", "gte"}))
		}
	}
	d.checkCondition(n, limits, ordered)
}

func (d *document) checkCondition(n *yaml.Node, limits int, ordered bool) {
	c := d.correlation
	fields := len(c.Condition.Fields)
	if len(d.faults) > 0 {
		return
	}
	switch {
	case limits > 1:
		d.fail(n, "correlation.condition", "gt and gte exclude each other")
	case c.Type == FirstSeen && limits > 0:
		d.fail(n, "correlation.condition", "first_seen has a field and no number")
	case limits == 0 && c.Type != FirstSeen && !ordered:
		d.fail(n, "correlation.condition", "says no number to reach: gt or gte")
	case (c.Type == EventCount || ordered) && fields > 0:
		d.fail(n, "correlation.condition.field", "%s counts events, not values of a field", c.Type)
	case c.Type == ValueCount && (fields == 0 || fields > maxFields):
		d.fail(n, "correlation.condition.field", "value_count needs the field, or up to %d fields, whose values it counts", maxFields)
	case (c.Type == ValueSum || c.Type == ValueAvg || c.Type == FirstSeen) && fields != 1:
		d.fail(n, "correlation.condition.field", "%s needs one field", c.Type)
	case ordered && c.Condition.Least() > int64(len(c.Rules)):
		d.fail(n, "correlation.condition", "asks for more than the %d rules there are", len(c.Rules))
	case c.Type == TemporalOrdered && c.Condition.Least() < int64(len(c.Rules)):
		d.fail(n, "correlation.condition", "temporal_ordered asks for all of its rules: leave the condition out")
	}
}
