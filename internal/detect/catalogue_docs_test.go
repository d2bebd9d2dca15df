package detect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

// shippedRule is a document as docs/rules.md shows it.
type shippedRule struct {
	*sigma.About
	log, tier string
	corr      *sigma.Correlation
}

// The tiers, as docs/rules.md calls them.
const (
	alerts = "alert"
	table  = "table"
	block  = "building block"
)

func shippedRules(t *testing.T) []shippedRule {
	t.Helper()
	rules, problems := detect.Load(detect.Options{Site: detect.ExampleSite()})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	logs := map[string]string{"s3_server_access": "access log", "cloudtrail": "CloudTrail", "": "both"}
	tier := func(a *sigma.About, alone bool) string {
		switch {
		case !alone:
			return block
		case a.Alerts():
			return alerts
		}
		return table
	}
	var all []shippedRule
	for _, r := range rules.Set.Rules {
		all = append(all, shippedRule{&r.About, logs[r.Service], tier(&r.About, r.Standalone), nil})
	}
	for _, c := range rules.Set.Correlations {
		all = append(all, shippedRule{&c.About, logs[c.Service], tier(&c.About, c.Standalone), c})
	}
	slices.SortStableFunc(all, func(a, b shippedRule) int {
		if a.Level != b.Level {
			return int(b.Level) - int(a.Level)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s) }

func overview(all []shippedRule, tier string) string {
	var b strings.Builder
	b.WriteString("\n| rule | level | log | tells |\n|---|---|---|---|\n")
	for _, r := range all {
		if r.tier == tier {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", r.Name, r.Name, r.Level, r.log, cell(r.Title))
		}
	}
	return b.String() + "\n"
}

// section is the part of a document that says when it matches.
var section = regexp.MustCompile(`(?m)^(detection|correlation):\n(?:^ .*\n)+`)

func sections(all []shippedRule) string {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b shippedRule) int { return strings.Compare(a.Name, b.Name) })
	uses := map[string][]string{}
	for _, r := range all {
		if r.corr != nil {
			for _, ref := range r.corr.Rules {
				uses[ref.Name] = append(uses[ref.Name], "[`"+r.Name+"`](#"+r.Name+")")
			}
		}
	}
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "\n### %s\n\n**%s** · %s · %s · %s\n\n%s\n\n", r.Name, r.Title, r.Level, r.tier, r.log, cell(r.Description))
		fmt.Fprintf(&b, "```yaml\n%s```\n\n", section.FindString(r.Text))
		fmt.Fprintf(&b, "- False positives: %s\n", cell(strings.Join(r.FalsePositives, " ")))
		fmt.Fprintf(&b, "- What to do: %s\n", cell(r.Sluice.Response))
		var techniques []string
		for _, tag := range r.Tags {
			if name := strings.TrimPrefix(tag, "attack."); attack[name] != "" {
				techniques = append(techniques, strings.ToUpper(name))
			}
		}
		fmt.Fprintf(&b, "- ATT&CK: %s. Finding type: `%s`.", strings.Join(techniques, ", "), r.Sluice.Type)
		if len(r.Sluice.GroupBy) > 0 {
			fmt.Fprintf(&b, " One finding a day for each `%s`.", strings.Join(r.Sluice.GroupBy, "`, `"))
		}
		b.WriteString("\n")
		if len(r.Sluice.Requires) > 0 {
			fmt.Fprintf(&b, "- Idle until the site file has `%s`.\n", strings.Join(r.Sluice.Requires, "`, `"))
		}
		if len(uses[r.Name]) > 0 {
			fmt.Fprintf(&b, "- Used by: %s.\n", strings.Join(uses[r.Name], ", "))
		}
	}
	return b.String() + "\n"
}

// between replaces what stands between the two markers of a generated part.
func between(t *testing.T, text, part, generated string) string {
	t.Helper()
	from := strings.Index(text, "<!-- generated: "+part+",")
	if from < 0 {
		t.Fatalf("no part %q", part)
	}
	from += strings.Index(text[from:], "\n") + 1
	to := strings.Index(text[from:], "<!-- end of the generated part")
	if to < 0 {
		t.Fatalf("part %q does not end", part)
	}
	return text[:from] + generated + text[from+to:]
}

func TestRulesPageIsUpToDate(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "rules.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := shippedRules(t)
	got := string(text)
	got = between(t, got, "rules that alert", overview(all, alerts))
	got = between(t, got, "rules that fill the table", overview(all, table))
	got = between(t, got, "building blocks", overview(all, block))
	got = between(t, got, "each rule", sections(all))
	if *updateCatalogue {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(text) {
		t.Error("docs/rules.md is not what the rules say: make generate")
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n")

// Every YAML block of docs/writing-rules.md is a site file, or documents that
// load beside the shipped ones and do what their examples say.
func TestWritingRulesPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "writing-rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	site := detect.ExampleSite()
	var sources []sigma.Source
	for i, m := range yamlBlock.FindAllSubmatch(text, -1) {
		name := fmt.Sprintf("block-%d.yml", i+1)
		if !strings.Contains(string(m[1]), "title:") {
			values, problems := sigma.ParseSite(name, m[1])
			if len(problems) > 0 || len(values) == 0 {
				t.Errorf("%s: %d names, problems %v", name, len(values), problems)
			}
			for k, v := range values {
				site[k] = v
			}
			continue
		}
		sources = append(sources, sigma.Source{Name: name, Text: m[1], Layer: 1})
	}
	if len(sources) < 5 {
		t.Errorf("only %d blocks of rules", len(sources))
	}
	verdicts, problems := detect.Try(t.Context(), detect.Options{User: sources, Site: site})
	for _, p := range problems {
		t.Error(p)
	}
	ran := 0
	for _, v := range verdicts {
		if strings.HasPrefix(v.About.File, "block-") {
			ran++
			if !v.OK() {
				t.Errorf("%s: example %d, hit %v: matched %v, error %v", v.About.File, v.Example.Number, v.Example.Hit, v.Matched, v.Err)
			}
		}
	}
	if ran == 0 {
		t.Error("no example of the page was run")
	}
}
