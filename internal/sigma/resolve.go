package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// resolve joins filters to rules and correlations to what they are built on,
// and sorts out what is idle.
func (l *loader) resolve(s *Set, docs []*document) {
	known := map[string]*document{} // by id and by name; names win
	var names []string
	for _, d := range docs {
		known[d.about.ID] = d
	}
	for _, d := range docs {
		if d.about.Name != "" {
			known[d.about.Name] = d
		}
		names = append(names, d.about.Called())
	}
	idle := func(d *document, reason string) {
		i := Idle{About: &d.about, Reason: reason}
		switch {
		case d.rule != nil:
			d.rule.About = d.about
			i.Rule, i.About = d.rule, &d.rule.About
		case d.correlation != nil:
			d.correlation.About = d.about
			i.Correlation, i.About = d.correlation, &d.correlation.About
		default:
			d.filter.About = d.about
			i.Filter, i.About = &d.filter.Filter, &d.filter.About
		}
		s.Idle = append(s.Idle, i)
	}
	for _, d := range docs {
		if d.filter != nil {
			if d.skipped() {
				idle(d, "status "+d.about.Status)
			} else if l.join(d, docs, known, names) {
				d.filter.About = d.about
				s.Filters = append(s.Filters, &d.filter.Filter)
			}
		}
	}
	reasons := map[*document]string{}
	for _, d := range docs {
		if d.rule == nil {
			continue
		}
		if reason := d.idle(); reason != "" {
			reasons[d] = reason
			idle(d, reason)
			continue
		}
		d.rule.About, d.rule.Index, d.rule.Standalone = d.about, len(s.Rules), true
		s.Rules = append(s.Rules, d.rule)
	}
	r := &resolver{l: l, set: s, known: known, names: names, reasons: reasons, idle: idle, state: map[*document]int{}}
	for _, d := range docs {
		if d.correlation != nil {
			r.correlation(d, 0)
		}
	}
	r.standalone()
}

// idle says why a document in order does nothing, or "".
func (d *document) idle() string {
	if d.skipped() {
		return "status " + d.about.Status
	}
	for _, name := range d.about.Sluice.Requires {
		if len(d.l.o.Site[name]) == 0 || slices.Contains(d.empty, name) {
			return "the site file has no " + name
		}
	}
	if d.rule != nil {
		if n := simplify(d.rule.tree); n.op == opConst && !n.val {
			if len(d.empty) > 0 {
				return "the site file has no " + strings.Join(d.empty, ", no ")
			}
			return "no record can match the condition"
		}
	}
	return ""
}

// join merges a filter into the conditions of its rules.
func (l *loader) join(f *document, docs []*document, known map[string]*document, names []string) bool {
	var rules []*document
	if f.filter.Rules == nil {
		for _, d := range docs {
			if d.rule != nil && d.service == f.service {
				rules = append(rules, d)
			}
		}
	}
	for _, name := range f.filter.Rules {
		at := get(get(f.top, "filter"), "rules")
		d := known[name]
		switch {
		case d == nil:
			f.fail(at, "filter.rules", "no rule has the name or id %q%s", brief(name), meant(name, names))
		case d.rule == nil:
			f.fail(at, "filter.rules", "%s is no detection: filter the rules it is built on", name)
		case d.skipped():
		case d.service != f.service:
			f.fail(at, "filter.rules", "%s is a rule for %s and the filter is for %s", name, d.service, f.service)
		default:
			rules = append(rules, d)
		}
	}
	if len(f.faults) > 0 {
		l.problems = append(l.problems, f.faults...)
		return false
	}
	for _, d := range rules {
		if d.skipped() {
			continue
		}
		d.rule.tree = &node{op: opAnd, kids: []*node{d.rule.tree, f.filter.tree}}
		d.rule.Filters = append(d.rule.Filters, &f.filter.Filter)
		for _, name := range f.empty {
			if !slices.Contains(d.empty, name) {
				d.empty = append(d.empty, name)
			}
		}
	}
	return true
}

// resolver orders correlations by what they are built on.
type resolver struct {
	l       *loader
	set     *Set
	known   map[string]*document
	names   []string
	reasons map[*document]string // why idle
	idle    func(*document, string)
	state   map[*document]int // 0 not met, 1 under way, 2 done, 3 with faults
}

const (
	underWay = iota + 1
	done
	faulty
)

// correlation resolves d and all it is built on. It returns false when d cannot
// be used.
func (r *resolver) correlation(d *document, depth int) bool {
	switch r.state[d] {
	case done:
		return true
	case faulty:
		return false
	case underWay:
		return false // the caller tells of the cycle
	}
	if d.skipped() {
		r.state[d], r.reasons[d] = done, "status "+d.about.Status
		r.idle(d, r.reasons[d])
		return true
	}
	r.state[d] = underWay
	c := d.correlation
	at := get(get(d.top, "correlation"), "rules")
	var live []Ref
	var waiting string
	for i := range c.Rules {
		ref := &c.Rules[i]
		base := r.known[ref.Name]
		switch {
		case base == nil:
			d.fail(at, "correlation.rules", "no rule has the name or id %q%s", brief(ref.Name), meant(ref.Name, r.names))
			continue
		case base.filter != nil:
			d.fail(at, "correlation.rules", "%s is a filter, no rule", ref.Name)
			continue
		case base.correlation != nil && r.state[base] == underWay:
			d.fail(at, "correlation.rules", "%s is built on this correlation itself", ref.Name)
			continue
		case depth >= maxDepth:
			d.fail(at, "correlation.rules", "correlations are built on each other deeper than %d", maxDepth)
			continue
		case base.correlation != nil && !r.correlation(base, depth+1):
			d.fail(at, "correlation.rules", "%s cannot be used itself", ref.Name)
			continue
		}
		ref.Rule, ref.Correlation = base.rule, base.correlation
		if why := r.reasons[base]; why != "" {
			if waiting == "" {
				waiting = fmt.Sprintf("%s is idle: %s", ref.Name, why)
			}
			continue
		}
		r.fields(d, ref, base)
		live = append(live, *ref)
	}
	if len(d.faults) > 0 {
		r.l.problems = append(r.l.problems, d.faults...)
		r.state[d] = faulty
		return false
	}
	r.state[d] = done
	reason := d.idle()
	if need := c.rulesNeeded(); reason == "" && len(live) < need {
		reason = waiting
	}
	if reason != "" {
		r.reasons[d] = reason
		r.idle(d, reason)
		return true
	}
	c.Rules = live
	c.Service = live[0].service()
	for _, ref := range live {
		if ref.service() != c.Service {
			c.Service = ""
		}
	}
	c.About, c.Index, c.Standalone = d.about, len(r.set.Correlations), true
	r.set.Correlations = append(r.set.Correlations, c)
	return true
}

// rulesNeeded is how many of its rules must not be idle.
func (c *Correlation) rulesNeeded() int {
	if c.Type == Temporal || c.Type == TemporalOrdered {
		return int(c.Condition.Least())
	}
	return 1
}

func (ref Ref) service() string {
	if ref.Rule != nil {
		return ref.Rule.Service
	}
	return ref.Correlation.Service
}

// fields finds what group-by and condition.field mean in one of the rules.
func (r *resolver) fields(d *document, ref *Ref, base *document) {
	c := d.correlation
	part := get(d.top, "correlation")
	find := func(key, name string) (Field, int) {
		at := get(part, key)
		if alias, ok := c.Aliases[name]; ok {
			real := ""
			for _, n := range []string{ref.Name, base.about.Name, base.about.ID} {
				if real == "" && n != "" {
					real = alias[n]
				}
			}
			if real == "" {
				d.fail(at, "correlation.aliases."+name, "alias says nothing of %s", ref.Name)
				return Field{}, 0
			}
			name = real
		}
		if base.rule != nil {
			f, ok := base.schema.Lookup(name)
			if !ok {
				d.fail(at, "correlation."+key, "%s of %s has no field %q%s", base.service, ref.Name, brief(name), meant(name, base.schema.Names()))
			}
			if key == "condition" && (c.Type == ValueSum || c.Type == ValueAvg) && ok && f.Kind != Int && f.Kind != JSON {
				d.fail(at, "correlation.condition", "%s needs numbers, and %s is a %s", c.Type, name, f.Kind)
			}
			return f, 0
		}
		i := slices.Index(base.correlation.GroupBy, name)
		if i < 0 {
			d.fail(at, "correlation."+key, "%s is a correlation and not grouped by %s: its findings do not have the field", ref.Name, brief(name))
		}
		return Field{}, i
	}
	for _, name := range c.GroupBy {
		f, i := find("group-by", name)
		if base.rule != nil {
			ref.Group = append(ref.Group, f)
		} else {
			ref.GroupFrom = append(ref.GroupFrom, i)
		}
	}
	if base.correlation != nil && (c.Type == ValueSum || c.Type == ValueAvg) {
		d.fail(get(part, "rules"), "correlation.rules", "%s counts records, and %s is a correlation", c.Type, ref.Name)
		return
	}
	for _, name := range c.Condition.Fields {
		f, i := find("condition", name)
		if base.rule != nil {
			ref.Values = append(ref.Values, f)
		} else {
			ref.ValuesFrom = append(ref.ValuesFrom, i)
		}
	}
}

// standalone marks what only serves correlations. A rule that several use gives
// findings of its own if any of them says so.
func (r *resolver) standalone() {
	serves, generates := map[*document]bool{}, map[*document]bool{}
	for d := range r.state {
		if d.skipped() {
			continue
		}
		for _, ref := range d.correlation.Rules {
			base := r.known[ref.Name]
			if base == nil {
				continue
			}
			serves[base] = true
			if d.correlation.Generate {
				generates[base] = true
			}
		}
	}
	for d := range serves {
		alone := generates[d]
		switch {
		case d.rule != nil:
			d.rule.Standalone = alone
		case d.correlation != nil:
			d.correlation.Standalone = alone
		}
	}
}
