package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Load reads, checks and compiles documents. A document that cannot be used is
// a Problem and leaves all others as they are; the Set is never nil.
//
// A document of a higher layer replaces one of a lower layer that has its id,
// if it is in order itself, and keeps its name unless it has one. With status deprecated or unsupported it switches
// the other off.
func Load(sources []Source, o Options) (*Set, []Problem) {
	l := &loader{o: o, schemas: map[string]Schema{}, atoms: map[string]map[string]*atom{}, asked: map[string]bool{}, bad: map[string]bool{}}
	for _, s := range o.Schemas {
		l.schemas[s.Service()] = s
	}
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(a, b Source) int { return a.Layer - b.Layer })
	var docs []*document
	for _, src := range sources {
		docs = append(docs, l.parse(src)...)
	}
	docs = l.override(docs)
	s := &Set{programs: map[string]*program{}}
	l.resolve(s, docs)
	l.unasked()
	for service := range l.schemas {
		s.programs[service] = compile(s.Rules, service)
	}
	return s, l.problems
}

// loader is what documents share while they are loaded.
type loader struct {
	o        Options
	schemas  map[string]Schema
	atoms    map[string]map[string]*atom // service, key
	problems []Problem
	docs     int // documents met
	text     int // bytes of values
	steps    int // of regular expressions
	made     int // atoms

	asked map[string]bool // placeholders that rules name
	bad   map[string]bool // values of the site that were told of
}

func (l *loader) services() []string { return slices.Sorted(maps.Keys(l.schemas)) }

func (l *loader) placeholders() []string {
	return append(slices.Sorted(maps.Keys(l.o.Site)), l.o.Known...)
}

// leaveOut tells, once, of a value of the site that cannot be used. The others
// of its list can, and so can the rules: a typing error in one network must not
// switch off what watches the rest.
func (l *loader) leaveOut(rule, name, value, why string) {
	key := name + "\x00" + value + "\x00" + why
	if l.bad[key] {
		return
	}
	l.bad[key] = true
	l.problems = append(l.problems, Problem{File: l.siteFile(), Rule: rule, Field: name, Reason: why + ": this value is left out"})
}

func (l *loader) siteFile() string {
	if l.o.SiteFile != "" {
		return l.o.SiteFile
	}
	return "site file"
}

// unasked tells of lists that no rule asks for and whose name is nearly one that
// is known: whoever misspelt it believes that it is used.
func (l *loader) unasked() {
	for _, name := range slices.Sorted(maps.Keys(l.o.Site)) {
		if l.asked[name] || slices.Contains(l.o.Known, name) {
			continue
		}
		for _, known := range l.o.Known {
			const most = 3 // a slip of the pen, not a name of its own
			if distance(strings.ToLower(name), strings.ToLower(known), most) < most {
				l.problems = append(l.problems, Problem{File: l.siteFile(), Field: name, Reason: fmt.Sprintf("no rule uses this list; did you mean %s?", known)})
				break
			}
		}
	}
}

// parse reads the documents of a source, each for itself, and returns those
// without a fault.
func (l *loader) parse(src Source) []*document {
	var out []*document
	for _, c := range split(src.Text) {
		if l.docs++; l.docs > maxRules {
			l.problems = append(l.problems, Problem{File: src.Name, Line: c.line, Reason: fmt.Sprintf("more than %d documents: this one and all that follow are left out", maxRules)})
			break
		}
		d := &document{l: l, about: About{File: src.Name, Line: c.line, Layer: src.Layer, Text: c.body()}}
		var f *fault
		if d.top, f = parseYAML(c.text); f != nil {
			d.fail(f.node, f.field, "%s", f.reason)
		} else {
			d.read()
		}
		if len(d.faults) > 0 {
			l.problems = append(l.problems, d.faults...)
			continue
		}
		out = append(out, d)
	}
	return out
}

// read reads a document by its kind.
func (d *document) read() {
	d.readAbout()
	kinds := []string{"detection", "correlation", "filter"}
	var found []string
	for _, k := range kinds {
		if n := get(d.top, k); n != nil {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		if len(found) == 0 {
			var keys []string
			for i := 0; i < len(d.top.Content); i += 2 {
				keys = append(keys, d.top.Content[i].Value)
			}
			hint := ""
			for _, k := range kinds {
				if n := nearest(k, keys); n != "" {
					hint = fmt.Sprintf("; did you mean %s where it says %s?", k, brief(n))
				}
			}
			d.fail(d.top, "", "document has no detection, no correlation and no filter%s", hint)
			return
		}
		d.fail(d.top, "", "document has a %s: it can be one only", strings.Join(found, " and a "))
		return
	}
	switch found[0] {
	case "detection":
		d.rule = &Rule{Index: -1}
		if d.skipped() { // may be of any old form
			return
		}
		d.readExtension()
		d.readDetection()
	case "correlation":
		d.correlation = &Correlation{Index: -1}
		if d.skipped() {
			return
		}
		d.readCorrelation()
		d.readExtension()
	case "filter":
		d.filter = &filterDocument{}
		if d.skipped() {
			return
		}
		d.readFilter()
	}
}

// override drops documents that one of a higher layer replaces, and those that
// take an id or a name that is taken.
func (l *loader) override(docs []*document) []*document {
	byID := map[string]*document{}
	for _, d := range docs { // ascending layers
		if have := byID[d.about.ID]; have != nil && have.about.Layer == d.about.Layer {
			d.fail(get(d.top, "id"), "id", "id %s is that of %s:%d, too", brief(d.about.ID), have.about.File, have.about.Line)
			l.problems = append(l.problems, d.faults...)
			continue
		} else if have != nil && d.about.Name == "" {
			d.about.Name = have.about.Name // what correlations and filters call it
		}
		byID[d.about.ID] = d
	}
	byName := map[string]*document{}
	var out []*document
	for _, d := range docs {
		if byID[d.about.ID] != d {
			continue
		}
		if name := d.about.Name; name != "" {
			if have := byName[name]; have != nil {
				d.fail(get(d.top, "name"), "name", "name is that of %s:%d, too", have.about.File, have.about.Line)
				l.problems = append(l.problems, d.faults...)
				continue
			}
			byName[name] = d
		}
		out = append(out, d)
	}
	return out
}
