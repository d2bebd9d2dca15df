package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/generate"
)

type generateCommand struct {
	Dir          string   `arg:"" optional:"" default:"logs" help:"Folder to fill, made when it is not there (default: logs)."`
	Lines        int64    `default:"100000" placeholder:"N" help:"Lines of access logs (default: 100000)."`
	Events       int64    `default:"5000" placeholder:"N" help:"CloudTrail records (default: 5000)."`
	Days         int      `default:"2" placeholder:"N" help:"Days they spread over (default: 2)."`
	Start        string   `placeholder:"DATE" help:"First day, such as 2026-03-02 (the default)."`
	Seed         int64    `default:"1" placeholder:"N" help:"Same seed and options, same files (default: 1)."`
	LinesPerFile int      `placeholder:"N" help:"Lines of a file, on average."`
	Scenario     []string `default:"all" placeholder:"NAME" help:"What an attacker leaves behind: all, none, or names (see --scenarios); may be given several times."`
	Scenarios    bool     `help:"List the scenarios."`
}

func (c *generateCommand) Run(ctx context.Context, a *app) error {
	if c.Scenarios {
		return c.list(a)
	}
	o := generate.Options{Seed: c.Seed, Lines: c.Lines, Events: c.Events, Days: c.Days, LinesPerFile: c.LinesPerFile, Scenarios: c.Scenario}
	if len(c.Scenario) == 1 && c.Scenario[0] == "none" {
		o.Scenarios = nil
	}
	if c.Start != "" {
		start, err := time.Parse(time.DateOnly, c.Start)
		if err != nil {
			return usage(fmt.Errorf("--start %q is not a day; days look like 2026-03-02", c.Start))
		}
		o.Start = start
	}
	show, end := a.counter("lines")
	truth, err := generate.Write(c.Dir, o, func(done, total int64) error {
		show(done, total)
		return context.Cause(ctx)
	})
	end()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted; the same command again makes all of it")
	case errors.Is(err, generate.ErrOptions):
		return usage(err)
	case err != nil:
		return err
	}
	return c.report(a, truth)
}

// counter shows on a terminal how many things are done.
func (a *app) counter(unit string) (show func(done, total int64), end func()) {
	if !a.stderr.redraws {
		return func(int64, int64) {}, func() {}
	}
	var bar *progressbar.ProgressBar
	show = func(done, total int64) {
		if bar == nil {
			// What was done before anybody looked would be of no time at all.
			bar = progressbar.NewOptions64(max(total, 1), barOptions(a.stderr, progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit))...)
			return
		}
		_ = bar.Set64(min(done, total))
	}
	return show, func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

func (c *generateCommand) list(a *app) error {
	var b strings.Builder
	for _, s := range generate.Scenarios() {
		fmt.Fprintf(&b, "%s  %s\n%-20s  %s\n", a.stdout.bold(fmt.Sprintf("%-20s", s.Name)), s.Title, "", a.stdout.dim(s.Summary))
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

func (c *generateCommand) report(a *app, t *generate.Truth) error {
	var b strings.Builder
	g := grid{columns: []gridColumn{{name: "logs"}, {name: "files", right: true}, {name: "lines", right: true}, {name: "broken", right: true}, {name: "ambiguous", right: true}, {name: "size", right: true}}}
	for _, kind := range []struct {
		name string
		generate.Table
	}{{"S3 access logs", t.Access}, {"CloudTrail", t.CloudTrail}} {
		g.add(kind.name, amount.Grouped(kind.Files), amount.Grouped(kind.Lines), amount.Grouped(kind.Rejected), amount.Grouped(kind.Ambiguous), amount.Bytes(kind.Bytes))
	}
	fmt.Fprintf(&b, "%s\n%s", a.stdout.bold("Generated in "+clean.Line(c.Dir)), g.render())
	if len(t.Scenarios) > 0 {
		g = grid{columns: []gridColumn{{name: "planted"}, {name: "what"}, {name: "lines", right: true}, {name: "records", right: true}}}
		for _, s := range t.Scenarios {
			g.add(s.Name, s.Title, amount.Grouped(s.Lines), amount.Grouped(s.Records))
		}
		fmt.Fprintf(&b, "\n%s", g.render())
	}
	fmt.Fprintf(&b, "\nWhat must be found in them is in %s.\nNext: sluice convert %s\n",
		clean.Line(filepath.Join(c.Dir, generate.TruthFile)), clean.Line(c.Dir))
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}
