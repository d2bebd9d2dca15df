package sigma

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document while it is loaded.
type document struct {
	l       *loader
	about   About
	top     *yaml.Node
	service string
	schema  Schema
	faults  []Problem
	empty   []string // placeholders without values that it met

	rule        *Rule // one of the three
	correlation *Correlation
	filter      *filterDocument
}

// fail notes a Problem of the document at a node.
func (d *document) fail(n *yaml.Node, field, format string, args ...any) {
	if len(d.faults) >= maxProblems {
		return
	}
	p := Problem{File: d.about.File, Line: d.about.Line, Rule: d.about.Called(), Field: brief(field), Reason: fmt.Sprintf(format, args...)}
	if n != nil && n.Line > 0 {
		p.Line = d.about.Line + n.Line - 1
	}
	d.faults = append(d.faults, p)
}

var statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}

// readAbout reads what all kinds of documents say about themselves.
func (d *document) readAbout() {
	a := &d.about
	if a.Title = d.str(d.top, "title"); a.Title != "" {
		a.Title = strings.TrimSpace(a.Title)
	} else {
		defer d.fail(d.top, "title", "title is missing")
	}
	a.Name, a.ID = d.str(d.top, "name"), d.str(d.top, "id")
	if a.ID == "" {
		a.ID = a.Name
	}
	if a.ID == "" {
		d.fail(d.top, "id", "id is missing: findings are known by it")
	}
	if len(a.ID) > 256 || len(a.Name) > 256 || len(a.Title) > 256 {
		d.fail(d.top, "title", "title, name and id have at most 256 bytes")
	}
	a.Description, a.Author = d.str(d.top, "description"), d.str(d.top, "author")
	a.Date, a.Modified, a.Status = d.str(d.top, "date"), d.str(d.top, "modified"), d.str(d.top, "status")
	if a.Status != "" && !slices.Contains(statuses, a.Status) {
		d.fail(get(d.top, "status"), "status", "no status is named %q%s", brief(a.Status), meant(a.Status, statuses))
	}
	if level := d.str(d.top, "level"); level != "" {
		var ok bool
		if a.Level, ok = ParseLevel(level); !ok {
			d.fail(get(d.top, "level"), "level", "no level is named %q%s", brief(level), meant(level, levelNames[1:]))
		}
	}
	a.Tags, a.References = d.list(d.top, "tags"), d.list(d.top, "references")
	a.FalsePositives = d.list(d.top, "falsepositives")
}

// str is the text of a key, "" when it is missing or empty.
func (d *document) str(m *yaml.Node, key string) string {
	n := get(m, key)
	if n == nil || isNull(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, key, "want text, not %s", shape(n))
		return ""
	}
	return n.Value
}

// list is the texts of a key that holds a list, or a single text.
func (d *document) list(m *yaml.Node, key string) []string {
	n := get(m, key)
	switch {
	case n == nil || isNull(n):
		return nil
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}
	case n.Kind == yaml.MappingNode:
		d.fail(n, key, "want a list, not a mapping")
		return nil
	case len(n.Content) > maxValues:
		d.fail(n, key, "%d values, more than %d", len(n.Content), maxValues)
		return nil
	}
	out := []string{}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode || isNull(c) {
			d.fail(c, key, "want text, not %s", shape(c))
			return nil
		}
		out = append(out, c.Value)
	}
	return out
}

// boolean is the truth of a key; nil when it is missing.
func (d *document) boolean(m *yaml.Node, key string) *bool {
	n := get(m, key)
	if n == nil {
		return nil
	}
	v := strings.EqualFold(n.Value, "true")
	if n.Tag != "!!bool" {
		d.fail(n, key, "want true or false, not %s", shape(n))
		return nil
	}
	return &v
}

func (d *document) timespan(m *yaml.Node, key string) time.Duration {
	n := get(m, key)
	if n == nil {
		return 0
	}
	span, err := parseTimespan(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		d.fail(n, key, "%v", err)
	}
	return span
}

var extensionKeys = []string{"alert", "group-by", "period", "requires", "type", "response", "learn", "hits", "misses"}

// readExtension reads the mapping sluice: of a detection or a correlation.
func (d *document) readExtension() {
	e := &d.about.Sluice
	if d.rule != nil {
		e.Period = 24 * time.Hour
	}
	m := get(d.top, "sluice")
	if m == nil {
		return
	}
	if m.Kind != yaml.MappingNode {
		d.fail(m, "sluice", "want a mapping, not %s", shape(m))
		return
	}
	for i := 0; i < len(m.Content); i += 2 {
		key := m.Content[i]
		detection := key.Value == "group-by" || key.Value == "period"
		switch {
		case !slices.Contains(extensionKeys, key.Value):
			d.fail(key, "sluice."+key.Value, "no key of sluice is named %q%s", brief(key.Value), meant(key.Value, extensionKeys))
		case detection && d.rule == nil:
			d.fail(key, "sluice."+key.Value, "is for detections; a correlation has its own group-by and timespan")
		case key.Value == "learn" && (d.correlation == nil || d.correlation.Type != FirstSeen):
			d.fail(key, "sluice.learn", "is for correlations of type first_seen")
		}
	}
	e.Alert = d.boolean(m, "alert")
	e.GroupBy, e.Requires = d.list(m, "group-by"), d.list(m, "requires")
	e.Type, e.Response = d.str(m, "type"), d.str(m, "response")
	if n := get(m, "period"); n != nil {
		e.Period = d.timespan(m, "period")
		if day := 24 * time.Hour; e.Period > day || e.Period > 0 && day%e.Period != 0 || e.Period < time.Hour {
			d.fail(n, "sluice.period", "must divide a day into hours: 1h, 6h, 12h or 1d, not %s", brief(n.Value))
		}
	}
	if get(m, "learn") != nil {
		e.Learn = d.timespan(m, "learn")
		if c := d.correlation; c != nil && c.Timespan > 0 && e.Learn > c.Timespan {
			d.fail(get(m, "learn"), "sluice.learn", "is longer than the timespan, and what is older than that is forgotten")
		}
	}
	e.Hits, e.Misses = d.records(m, "hits"), d.records(m, "misses")
	for _, name := range e.Requires {
		d.placeholder(get(m, "requires"), "sluice.requires", name)
	}
}

// records takes a list of test records as it is: what they mean is up to the
// reader of their log.
func (d *document) records(m *yaml.Node, key string) *yaml.Node {
	n := get(m, key)
	if n != nil && n.Kind != yaml.SequenceNode {
		d.fail(n, "sluice."+key, "want a list, not %s", shape(n))
		return nil
	}
	return n
}

// placeholder returns the site's values of a name; those of a known name may be
// none at all.
func (d *document) placeholder(n *yaml.Node, field, name string) ([]string, bool) {
	values, ok := d.l.o.Site[name]
	if !ok && !slices.Contains(d.l.o.Known, name) {
		d.fail(n, field, "placeholder %%%s%% has no values: the site file does not name it%s", brief(name), meant(name, d.l.placeholders()))
		return nil, false
	}
	d.l.asked[name] = true
	if len(values) == 0 {
		d.lacks(name)
	}
	return values, true
}

// lacks notes a placeholder that has no value which could be used.
func (d *document) lacks(name string) {
	if !slices.Contains(d.empty, name) {
		d.empty = append(d.empty, name)
	}
}

// lookup finds a field of the document's log.
func (d *document) lookup(n *yaml.Node, name string) (Field, bool) {
	f, ok := d.schema.Lookup(name)
	if !ok {
		d.fail(n, name, "%s has no field %q%s", d.service, brief(name), meant(name, d.schema.Names()))
	}
	return f, ok
}

// keywordFields are the fields that keywords are searched in.
func (d *document) keywordFields() []Field {
	var out []Field
	for _, name := range d.schema.Names() {
		if f, ok := d.schema.Lookup(name); ok && !f.Derived && (f.Kind == Text || f.Kind == JSON) {
			out = append(out, f)
		}
	}
	return out
}

// readLogsource finds the schema that a detection or a filter is for.
func (d *document) readLogsource() bool {
	m := get(d.top, "logsource")
	if m == nil || m.Kind != yaml.MappingNode {
		d.fail(d.top, "logsource", "logsource is missing: product aws and one of the services %s", strings.Join(d.l.services(), ", "))
		return false
	}
	if product := d.str(m, "product"); product != "aws" && product != "" {
		d.fail(get(m, "product"), "logsource.product", "product is aws, not %q", brief(product))
		return false
	}
	d.service = d.str(m, "service")
	if d.schema = d.l.schemas[d.service]; d.schema == nil {
		d.fail(m, "logsource.service", "no service is named %q%s", brief(d.service), meant(d.service, d.l.services()))
		return false
	}
	return true
}

// skipped tells whether the document's status says that it is not to run.
func (d *document) skipped() bool {
	return d.about.Status == "deprecated" || d.about.Status == "unsupported"
}
