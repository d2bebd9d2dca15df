package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/clean"
	"sluice/internal/detect"
	"sluice/internal/sigma"
)

type rulesCommand struct {
	List    rulesListCommand    `cmd:"" help:"List the rules: which alert, which fill the table findings only, which are idle and why."`
	Show    rulesShowCommand    `cmd:"" help:"Show a rule: what it means, false positives, what to do."`
	Lint    rulesLintCommand    `cmd:"" help:"Check rules of your own, for the CI of who writes them."`
	Test    rulesTestCommand    `cmd:"" help:"Run the records that rules bring with them: hits must match, misses must not."`
	Explain rulesExplainCommand `cmd:"" help:"Show which parts of a rule match a record, and why others do not."`
}

// listed is a rule as lists of rules show it. Its JSON is for scripts.
type listed struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Level      string   `json:"level"`
	Tier       string   `json:"tier"` // alert, table, base or filter
	Type       string   `json:"type"` // detection, filter, or the type of a correlation
	Service    string   `json:"service"`
	Techniques []string `json:"techniques"`
	File       string   `json:"file"`
	Shipped    bool     `json:"shipped"`
	Idle       string   `json:"idle,omitempty"` // why it does nothing

	about *sigma.About
}

// Tiers of rules: what becomes of their findings.
const (
	tierAlert  = "alert"  // a message to people, and a row
	tierTable  = "table"  // a row of the table findings
	tierBase   = "base"   // none of its own: a correlation counts what it matches
	tierFilter = "filter" // none: it keeps other rules from matching
)

// listRules lists everything of a set, the gravest first within a tier.
func listRules(set *sigma.Set) []listed {
	var all []listed
	add := func(a *sigma.About, kind, service string, standalone bool, idle string) {
		l := listed{
			ID: a.ID, Name: a.Name, Title: a.Title, Level: a.Level.String(), Type: kind, Service: service,
			Techniques: []string{}, File: a.File, Shipped: a.Layer < userLayer, Idle: idle, about: a,
		}
		switch {
		case kind == "filter":
			l.Tier, l.Level = tierFilter, ""
		case !standalone && idle == "":
			l.Tier = tierBase
		case a.Alerts():
			l.Tier = tierAlert
		default:
			l.Tier = tierTable
		}
		for _, t := range a.Tags {
			if id, ok := strings.CutPrefix(t, "attack.t"); ok {
				l.Techniques = append(l.Techniques, "T"+id)
			}
		}
		all = append(all, l)
	}
	for _, r := range set.Rules {
		add(&r.About, "detection", r.Service, r.Standalone, "")
	}
	for _, c := range set.Correlations {
		add(&c.About, string(c.Type), c.Service, c.Standalone, "")
	}
	for _, f := range set.Filters {
		add(&f.About, "filter", f.Service, false, "")
	}
	for _, i := range set.Idle {
		switch {
		case i.Rule != nil:
			add(&i.Rule.About, "detection", i.Rule.Service, i.Rule.Standalone, i.Reason)
		case i.Correlation != nil:
			add(&i.Correlation.About, string(i.Correlation.Type), i.Correlation.Service, i.Correlation.Standalone, i.Reason)
		case i.Filter != nil:
			add(&i.Filter.About, "filter", i.Filter.Service, false, i.Reason)
		}
	}
	tiers := []string{tierAlert, tierTable, tierBase, tierFilter}
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(
			cmp.Compare(slices.Index(tiers, a.Tier), slices.Index(tiers, b.Tier)),
			cmp.Compare(b.about.Level, a.about.Level),
			cmp.Compare(a.about.Called(), b.about.Called()))
	})
	return all
}

type rulesListCommand struct {
	ruleSet
	JSON bool `name:"json" help:"Print the list as JSON."`
}

func (c *rulesListCommand) Run(a *app) error {
	rules, err := c.loadOrWarn(a)
	if err != nil {
		return err
	}
	all := listRules(rules.Set)
	if c.JSON {
		return writeIndented(a.stdout, all)
	}
	g := &grid{columns: []gridColumn{{name: "rule", whole: true}, {name: "level", whole: true}, {name: "findings", whole: true}, {name: "log", whole: true}, {name: "what it finds"}}}
	var idle []listed
	count := map[string]int64{}
	for _, l := range all {
		count[l.Tier]++
		name := clean.Line(l.about.Called())
		if l.Idle != "" {
			idle = append(idle, l)
			name += " (idle)"
		}
		g.add(name, a.stdout.level(l.about.Level), l.Tier, shortService(l.Service), clean.Line(l.Title))
	}
	var b strings.Builder
	const told = 40 // columns that a cut title takes; a name is never cut, it is to be typed
	if a.stdout.terminal && g.total(g.widths(), told) > a.stdout.width {
		b.WriteString(g.folded(a.stdout))
	} else {
		b.WriteString(g.fitted(a.stdout))
	}
	fmt.Fprintf(&b, "\n%d rules alert, %d fill the table findings only, %d are the base of others. sluice rules show NAME tells more.\n",
		count[tierAlert], count[tierTable], count[tierBase])
	if len(idle) > 0 {
		fmt.Fprintf(&b, "\n%s\n", a.stdout.bold("Idle"))
		w := &grid{headless: true, columns: make([]gridColumn, 2)}
		for _, l := range idle {
			w.add(clean.Line(l.about.Called()), clean.Line(l.Idle))
		}
		b.WriteString(w.fitted(a.stdout))
	}
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}

// shortService is a log as a column of a table names it.
func shortService(service string) string {
	switch service {
	case "s3_server_access":
		return "access"
	case "":
		return "both"
	}
	return clean.Line(service)
}

// loadOrWarn loads rules and tells of those that cannot be used; the others are
// there.
func (r *ruleSet) loadOrWarn(a *app) (*detect.Rules, error) {
	rules, problems, err := r.load(r.Rules)
	for _, p := range problems {
		a.warn("%s", p)
	}
	return rules, err
}

func writeIndented(s screen, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s, escapeJSON(string(b)))
	return err
}

// findRule finds a rule by name, id or title.
func findRule(set *sigma.Set, name string) (listed, error) {
	all := listRules(set)
	for _, is := range []func(*sigma.About) string{
		func(a *sigma.About) string { return a.Name },
		func(a *sigma.About) string { return a.ID },
		func(a *sigma.About) string { return a.Title },
	} {
		for _, l := range all {
			if is(l.about) != "" && strings.EqualFold(is(l.about), name) {
				return l, nil
			}
		}
	}
	var near []string
	for _, l := range all {
		if strings.Contains(strings.ToLower(l.Name+" "+l.Title), strings.ToLower(name)) {
			near = append(near, l.about.Called())
		}
	}
	if len(near) > 0 {
		return listed{}, usage(fmt.Errorf("there is no rule %q; near it: %s", name, strings.Join(near[:min(8, len(near))], ", ")))
	}
	return listed{}, usage(fmt.Errorf("there is no rule %q; sluice rules list shows them", name))
}
