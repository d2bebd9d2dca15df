package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/detect"
	"sluice/internal/sigma"
)

type rulesTestCommand struct {
	What []string `arg:"" optional:"" name:"dir|name" help:"Folders or files of rules, or names of rules (default: all that are shipped)."`
	ruleSet
	JSON bool `name:"json" help:"Print one JSON document an example."`
}

// Help is what "sluice rules test --help" says below the summary.
func (rulesTestCommand) Help() string {
	return `A rule brings examples with it: under sluice.hits records on which it must match, under sluice.misses such on which it must not, as they stand in the logs. They go through the parsers that read all logs; those of a correlation are runs of records that are counted as scan counts them. Without --site the site is the one that the examples of the shipped rules are written for.

Exit codes: 0 all as it should be; 1 an example that is not, or an error; 2 wrong usage.`
}

// tested is an example for scripts.
type tested struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Rule    string `json:"rule"`
	Example string `json:"example"` // hit 1, miss 2
	OK      bool   `json:"ok"`
	Reason  string `json:"reason,omitempty"`
}

func (c *rulesTestCommand) Run(ctx context.Context, a *app) error {
	dirs, names := c.Rules, []string(nil)
	for _, w := range c.What {
		if _, err := os.Stat(w); err == nil {
			dirs = append(dirs, w)
		} else {
			names = append(names, w)
		}
	}
	user, err := ruleFiles(dirs)
	if err != nil {
		return err
	}
	site, err := c.site()
	if err != nil {
		return err
	}
	if c.Site == "" {
		site = detect.ExampleSite()
	}
	o := detect.Options{User: user, Site: site, SiteFile: filepath.ToSlash(c.Site)}
	rules, _ := detect.Load(o)
	meant, err := c.meant(rules.Set, names, len(user) > 0)
	if err != nil {
		return err
	}
	verdicts, problems := detect.Try(ctx, o, slices.Collect(maps.Keys(meant))...)
	for _, p := range problems {
		a.warn("%s", p)
	}
	return c.report(a, verdicts, meant, len(problems))
}

// meant are the rules that are to be tested, names by id: those named, else the user's where
// there are any, else all.
func (c *rulesTestCommand) meant(set *sigma.Set, names []string, user bool) (map[string]string, error) {
	meant := map[string]string{}
	for _, n := range names {
		l, err := findRule(set, n)
		if err != nil {
			return nil, err
		}
		meant[l.ID] = l.about.Called()
	}
	if len(names) > 0 {
		return meant, nil
	}
	for _, l := range listRules(set) {
		if l.Tier != tierFilter && (!user || !l.Shipped) {
			meant[l.ID] = l.about.Called()
		}
	}
	return meant, nil
}

func (c *rulesTestCommand) report(a *app, verdicts []detect.Verdict, meant map[string]string, problems int) error {
	var b strings.Builder
	var examples, wrong int64
	without := maps.Clone(meant)
	for _, v := range verdicts {
		if _, ok := meant[v.About.ID]; !ok {
			continue
		}
		delete(without, v.About.ID)
		t := verdictOf(v)
		examples++
		if !t.OK {
			wrong++
		}
		if c.JSON {
			if err := writeLine(a.stdout, t); err != nil {
				return err
			}
		} else if !t.OK {
			fmt.Fprintf(&b, "%s\n", clean.Line(fmt.Sprintf("%s:%d: %s: %s: %s", t.File, t.Line, t.Rule, t.Example, t.Reason)))
		}
	}
	if !c.JSON {
		fmt.Fprintf(&b, "%s of %s, %s\n", amount.Of(examples, "example"), amount.Of(int64(len(meant)-len(without)), "rule"),
			map[bool]string{true: "all as they should be", false: amount.Grouped(wrong) + " not as they should be"}[wrong == 0])
		if n := int64(len(without)); n > 0 {
			fmt.Fprintf(&b, "%s without examples: %s\n", amount.Of(n, "rule"), clean.Line(strings.Join(slices.Sorted(maps.Values(without)), ", ")))
		}
		if _, err := fmt.Fprint(a.stdout, b.String()); err != nil {
			return err
		}
	}
	if wrong > 0 || problems > 0 {
		return exit(exitError)
	}
	if examples == 0 {
		return errors.New("there is no example to test")
	}
	return nil
}

func verdictOf(v detect.Verdict) tested {
	kind := map[bool]string{true: "hit", false: "miss"}[v.Example.Hit]
	t := tested{File: v.About.File, Line: v.About.Line, Rule: v.About.Called(), Example: fmt.Sprintf("%s %d", kind, v.Example.Number), OK: v.OK()}
	if v.Example.Line > 0 {
		t.Line = v.About.Line - 1 + v.Example.Line
	}
	switch {
	case v.Err != nil && v.Example.Number == 0:
		t.Example, t.Reason = "examples", v.Err.Error()
	case v.Err != nil:
		t.Reason = v.Err.Error()
	case !t.OK && v.Example.Hit:
		t.Reason = "does not match"
	case !t.OK:
		t.Reason = "matches"
	}
	return t
}
