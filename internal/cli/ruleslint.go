package cli

import (
	"fmt"
	"slices"

	"sluice/internal/amount"
	"sluice/internal/clean"
)

type rulesLintCommand struct {
	Dirs []string `arg:"" name:"dir" help:"Folders or files of rules."`
	Site string   `placeholder:"FILE" help:"The site file that the rules are used with."`
	JSON bool     `name:"json" help:"Print problems as JSON, one document a line."`
}

// Help is what "sluice rules lint --help" says below the summary.
func (rulesLintCommand) Help() string {
	return `Rules are checked as scan and the Lambda function load them, together with the shipped ones, which they may name. A problem is a line FILE:LINE: RULE: FIELD: what is wrong.

Exit codes: 0 no problem; 1 problems, or an error; 2 wrong usage.`
}

// linted is a problem for scripts.
type linted struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

func (c *rulesLintCommand) Run(a *app) error {
	set := ruleSet{Rules: c.Dirs, Site: c.Site}
	rules, problems, err := set.load(c.Dirs)
	if err != nil {
		return err
	}
	for _, p := range problems {
		if c.JSON {
			if err := writeLine(a.stdout, linted(p)); err != nil {
				return err
			}
		} else if _, err := fmt.Fprintln(a.stdout, clean.Line(p.Error())); err != nil {
			return err
		}
	}
	mine := slices.DeleteFunc(listRules(rules.Set), func(l listed) bool { return l.Shipped })
	if !c.JSON {
		for _, l := range mine {
			if l.Idle != "" {
				fmt.Fprintf(a.stdout, "%s: %s: idle: %s\n", clean.Line(l.File), clean.Line(l.about.Called()), clean.Line(l.Idle))
			}
		}
		fmt.Fprintf(a.stdout, "%s in order, %s\n", amount.Of(int64(len(mine)), "rule"), amount.Of(int64(len(problems)), "problem"))
	}
	if len(problems) > 0 {
		return exit(exitError)
	}
	return nil
}
