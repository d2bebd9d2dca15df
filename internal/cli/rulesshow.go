package cli

import (
	"fmt"
	"strings"

	"sluice/internal/clean"
	"sluice/internal/sigma"
)

type rulesShowCommand struct {
	Name string `arg:"" help:"Name, id or title of a rule."`
	ruleSet
	YAML bool `name:"yaml" help:"Print the rule as it is written."`
}

func (c *rulesShowCommand) Run(a *app) error {
	rules, err := c.loadOrWarn(a)
	if err != nil {
		return err
	}
	l, err := findRule(rules.Set, c.Name)
	if err != nil {
		return err
	}
	var b strings.Builder
	if c.YAML {
		writeClean(&b, "", l.about.Text)
	} else {
		l.write(&b, a.stdout)
	}
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}

// write writes a rule for a person.
func (l listed) write(b *strings.Builder, s screen) {
	about := l.about
	fmt.Fprintf(b, "%s\n\n", s.bold(clean.Line(about.Title)))
	g := &grid{headless: true, columns: make([]gridColumn, 2)}
	add := func(name, value string) {
		if value != "" {
			g.add(s.dim(name), value)
		}
	}
	add("name", clean.Line(about.Name))
	add("id", clean.Line(about.ID))
	add("level", s.level(about.Level))
	add("findings", map[string]string{
		tierAlert:  "alert: a message, and a row of the table findings",
		tierTable:  "a row of the table findings, no message",
		tierBase:   "none of its own: other rules are built on it",
		tierFilter: "none: it keeps other rules from matching",
	}[l.Tier])
	add("idle", clean.Line(l.Idle))
	add("log", shortService(l.Service))
	add("kind", l.Type)
	add("type", clean.Line(about.Sluice.Type))
	add("ATT&CK", strings.Join(l.Techniques, ", "))
	add("status", clean.Line(about.Status))
	add("author", clean.Line(about.Author))
	add("file", clean.Line(about.File))
	b.WriteString(g.render())
	part := func(title, text string) {
		if strings.TrimSpace(text) != "" {
			fmt.Fprintf(b, "\n%s\n", s.bold(title))
			writeClean(b, "  ", text)
		}
	}
	part("What it means", about.Description)
	part("What to do", about.Sluice.Response)
	part("False positives", list(about.FalsePositives))
	part("Rule", definition(about))
	part("References", list(about.References))
}

func list(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return "- " + strings.Join(items, "\n- ")
}

// definition is what of a document says when it matches.
func definition(about *sigma.About) string {
	var kept []string
	keep := false
	for line := range strings.Lines(about.Text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.ContainsRune(" \t#-", rune(line[0])) {
			key, _, _ := strings.Cut(line, ":")
			keep = key == "detection" || key == "correlation" || key == "filter"
		}
		if keep && strings.TrimSpace(line) != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// writeClean writes a text of several lines, each made harmless.
func writeClean(b *strings.Builder, indent, text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		b.WriteString(strings.TrimRight(indent+clean.Line(strings.TrimRight(line, "\r\n")), " ") + "\n")
	}
}
