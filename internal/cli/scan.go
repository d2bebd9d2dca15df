package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"sluice/internal/amount"
	"sluice/internal/sigma"
)

type scanCommand struct {
	Paths    []string `arg:"" name:"path" help:"Files, folders, patterns, s3://bucket/prefix, or - for standard input, as for convert."`
	MinLevel string   `placeholder:"LEVEL" help:"Show findings of this level and above: informational, low, medium, high or critical (default: those that alert)."`
	Since    string   `placeholder:"TIME" help:"Leave out what happened before: a day such as 2026-03-02, or a time such as 2026-03-02T08:30:00Z."`
	Until    string   `placeholder:"TIME" help:"Leave out what happened later than this; a day is meant with all of it."`
	Rows     int      `default:"100" placeholder:"N" help:"Findings of the table at most, 0 for all; --json and --lake have all (default: 100)."`
	Full     bool     `help:"Show each finding whole, too: what happened, samples, what to do."`
	JSON     bool     `name:"json" help:"Print findings as OCSF 1.8.0 Detection Findings, one JSON document a line."`
	Lake     string   `placeholder:"DIR" help:"Write what is shown into the table findings of this lake, too."`
	Compare  []string `placeholder:"DIR" sep:"none" help:"Show what changes where the rules in DIR become those of --rules: which findings appear (+) and which vanish (-)."`
	Workers  workers  `default:"0" short:"j" aliases:"jobs" placeholder:"N" help:"Files read at once (default: one a core). The result is the same for any number."`
	ExitZero bool     `help:"Exit with 0 whatever is found."`
	ruleSet
}

// Help is what "sluice scan --help" says below the summary.
func (scanCommand) Help() string {
	return `Rules judge every record, and what belongs together (same rule, bucket and caller, same day) is one finding. sluice rules list shows the rules, and which of them alert.
Files are read in the order of the times in their names, so that windows over time need not be kept for long: what is delivered more than six hours after it happened may be counted apart from what it belongs to. Nothing is kept from one scan to the next.

Exit codes: 0 nothing found; 1 an error; 2 wrong usage; 3 nothing found, but some files or rules could not be read; 11 to 15 found, and the highest level of it was informational (11), low (12), medium (13), high (14) or critical (15). With --compare it is the highest level of what differs.`
}

// exitFound and the number of a level, as OCSF counts them, are the exit code of
// a scan that found something.
const exitFound = 10

// A scan reads files in smaller batches than a conversion: nothing is made of
// them, workers wait for each other between them, and what was seen in a batch is
// in memory until it is counted. With 512 files it was 250 MB more.
const (
	scanBytes = 16 << 20
	scanFiles = 32
)

// scanGCPercent is gcPercent for a scan, most of whose memory is counters that
// live: to collect as early as a conversion does cost as much time again.
const scanGCPercent = 50

func (c *scanCommand) Run(ctx context.Context, a *app) error {
	start := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(scanGCPercent))
	s, err := c.scan(a)
	if err != nil {
		return err
	}
	skip := ""
	if c.Lake != "" {
		if skip, err = realPath(c.Lake); err != nil {
			return err
		}
	}
	f := finder{skip: skip, connect: a.connect}
	if err := f.find(ctx, c.Paths); err != nil {
		return err
	}
	if len(f.objects)+len(f.aside)+len(f.streams) == 0 {
		return errors.New("there are no files to scan in what was named")
	}
	if err := s.run(ctx, &f); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	s.report.Seconds = time.Since(start).Seconds()
	s.report.below = below(c.Paths)
	if c.Lake != "" {
		if err := s.intoLake(ctx, c.Lake); err != nil {
			return err
		}
	}
	if err := c.show(s); err != nil {
		return err
	}
	return s.verdict(c.ExitZero)
}

// scan is made ready before the first file is looked for: mistakes in the command
// line and in rules are told at once.
func (c *scanCommand) scan(a *app) (*scan, error) {
	s := &scan{a: a, workers: int(c.Workers), tier: tier{}}
	if s.workers == 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	if c.MinLevel != "" {
		var ok bool
		if s.tier.level, ok = sigma.ParseLevel(c.MinLevel); !ok {
			return nil, usage(fmt.Errorf("--min-level %q is none of informational, low, medium, high, critical", c.MinLevel))
		}
	}
	var err error
	if s.span, err = spanOf(c.Since, c.Until); err != nil {
		return nil, err
	}
	for _, dirs := range [][]string{c.Rules, c.Compare} {
		rules, problems, err := c.load(dirs)
		if err != nil {
			return nil, err
		}
		s.problem(problems)
		s.sides = append(s.sides, newSide(rules, s.tier))
		if len(c.Compare) == 0 {
			break
		}
	}
	return s, nil
}

func (c *scanCommand) show(s *scan) error {
	switch {
	case len(c.Compare) > 0:
		return s.showChanges(c.JSON, c.Rows, c.Full)
	case c.JSON:
		return writeOCSF(s.a.stdout, s.sides[0].harvest.findings())
	}
	return s.show(c.Rows, c.Full)
}

// problem tells of rules that cannot be used, of each once: two sets have most in
// common.
func (s *scan) problem(problems []sigma.Problem) {
	for _, p := range problems {
		if !slices.Contains(s.problems, p) {
			s.problems = append(s.problems, p)
			s.a.warn("%s", p)
		}
	}
}

// verdict is the error that a scan ends with: the exit code for what it shows.
func (s *scan) verdict(zero bool) error {
	worst := sigma.Unrated
	for _, l := range s.levels() {
		worst = max(worst, l)
	}
	failed := s.report.Failed
	if failed > 0 {
		s.a.warn("%s could not be read", amount.Of(failed, "file"))
	}
	switch {
	case failed > 0 && s.report.Converted+s.report.Skipped == 0:
		return errors.New("no file could be read")
	case worst > sigma.Unrated && !zero:
		return exit(exitFound + int(worst))
	case failed > 0 || len(s.problems) > 0:
		return exit(exitPartial)
	}
	return nil
}

// stage is a directory for what standard input holds, which is gone with done.
func stage() (dir string, done func() error, err error) {
	dir, err = os.MkdirTemp("", "sluice-scan-")
	if err != nil {
		return "", nil, fmt.Errorf("scan: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
