package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/enroll"
)

type enrollCommand struct {
	Buckets []string `arg:"" optional:"" name:"bucket" help:"Buckets whose access logs are to come here."`
	All     bool     `help:"All buckets of the account, but those of the stack."`
	Except  []string `placeholder:"NAME" help:"With --all, leave this bucket out; may be given again, or as a list with commas."`
	Replace bool     `help:"Take over buckets that log elsewhere: nobody else gets their logs any more."`
	Restore bool     `help:"Give back what the buckets did before they were enrolled; with --all, all that were."`

	Target      string `placeholder:"NAME" env:"SLUICE_LOG_BUCKET" help:"Log bucket, the output LogBucket of the stack."`
	LakeBucket  string `placeholder:"NAME" env:"SLUICE_LAKE_BUCKET" help:"Lake, the output LakeBucket of the stack: it must never log."`
	TrailBucket string `placeholder:"NAME" env:"SLUICE_TRAIL_BUCKET" help:"Bucket of the stack's trail, where it has one: it must never log."`
	Table       string `placeholder:"NAME" env:"SLUICE_STATE_TABLE" help:"DynamoDB table that remembers what was before, the output StateTable of the stack."`

	DryRun bool `help:"Show the plan and change nothing."`
	Yes    bool `short:"y" help:"Do not ask before something is changed."`
	JSON   bool `name:"json" help:"Print plan and outcome as one JSON document."`
}

// Help is what "sluice enroll --help" says below the summary.
func (enrollCommand) Help() string {
	return `It shows a plan first: enable (logs nowhere yet), reshape (logs to the log bucket already, under other keys), replace (logs elsewhere, with --replace), leave (logs elsewhere, stays so), refuse (cannot log here, and why), restore, release (was changed by somebody else since). What is right already is counted only. Then it asks, changes one bucket after the other, and remembers what each did before. Run again, it goes on where it was interrupted. The output EnrollCommand of the stack has the names that it needs.

Exit codes: 0 all that was asked for is so; 1 an error, nothing was changed; 2 wrong usage; 3 some buckets could not be enrolled, the others are.`
}

// accountBuckets is what enrolment needs of S3, with what it asks about a target.
type accountBuckets interface {
	enroll.Buckets
	Target(ctx context.Context, bucket string) (enroll.Target, error)
}

func (c *enrollCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	w, err := c.work(ctx, a)
	if err != nil {
		return err
	}
	steps, err := c.plan(ctx, a, w)
	if err != nil {
		return err
	}
	answer := enrollAnswer{Target: c.Target}
	changes := 0
	for _, s := range steps {
		if s.Verb.Changes() || s.Verb == enroll.Release {
			changes++
		}
	}
	if !c.JSON {
		answer.Buckets = fates(steps)
		if err := answer.write(a.stdout); err != nil {
			return err
		}
	}
	switch {
	case c.DryRun || changes == 0:
	case c.Yes || a.confirm(fmt.Sprintf("Change %s?", amount.Of(int64(changes), "bucket"))):
		bar := a.steps("changing", changes)
		steps = w.Apply(ctx, steps, func(s enroll.Step) {
			if s.Verb.Changes() || s.Verb == enroll.Release {
				bar()
			}
		})
		answer.Applied = true
	case a.stderr.terminal:
		return errors.New("nothing was changed")
	default:
		return usage(errors.New("nothing was changed: say --yes, or --dry-run to see the plan only"))
	}
	answer.Buckets = fates(steps)
	if c.JSON {
		err = answer.writeJSON(a.stdout)
	} else if answer.Applied {
		err = answer.writeOutcome(a.stdout)
	}
	return cmp.Or(err, c.verdict(steps))
}

// check finds all that is wrong with the command line at once.
func (c *enrollCommand) check() error {
	var faults []error
	if len(c.Buckets) == 0 && !c.All {
		faults = append(faults, errors.New("no bucket: name some, or say --all"))
	}
	if len(c.Buckets) > 0 && c.All {
		faults = append(faults, errors.New("buckets and --all: say one of them"))
	}
	if len(c.Except) > 0 && !c.All {
		faults = append(faults, errors.New("--except goes with --all"))
	}
	if c.Restore && c.Replace {
		faults = append(faults, errors.New("--restore and --replace are opposites"))
	}
	for _, n := range []struct{ flag, value string }{{"--target", c.Target}, {"--lake-bucket", c.LakeBucket}, {"--table", c.Table}} {
		if n.value == "" {
			faults = append(faults, fmt.Errorf("%s is missing; the output EnrollCommand of the stack has it", n.flag))
		}
	}
	if len(faults) > 0 {
		return usage(errors.Join(faults...))
	}
	return nil
}

func (c *enrollCommand) work(ctx context.Context, a *app) (*enroll.Work, error) {
	buckets, err := a.buckets(ctx)
	if err != nil {
		return nil, err
	}
	records, err := a.records(ctx, c.Table)
	if err != nil {
		return nil, err
	}
	own := map[string]string{c.LakeBucket: "the lake"}
	if c.TrailBucket != "" {
		own[c.TrailBucket] = "the bucket of the trail"
	}
	return &enroll.Work{
		Buckets: buckets, Targets: buckets, Memory: enroll.NewMemory(records),
		Want: enroll.Logging{Target: c.Target, Format: enroll.ByEventTime},
		Own:  own, By: enroll.Hand, Now: time.Now,
	}, nil
}

func (c *enrollCommand) plan(ctx context.Context, a *app, w *enroll.Work) ([]enroll.Step, error) {
	var bar func()
	seen := func(n, of int) {
		if bar == nil {
			bar = a.steps("looking", of)
		}
		bar()
	}
	if c.Restore {
		var all func(string, enroll.Record) bool
		if c.All {
			all = func(bucket string, _ enroll.Record) bool { return !slices.Contains(c.Except, bucket) }
		}
		return w.Plan(ctx, enroll.Order{Restore: c.Buckets}, all, seen)
	}
	o := enroll.Order{Buckets: c.Buckets, All: c.All, Except: c.Except, Replace: c.Replace}
	if c.All {
		o.Except = append(o.Except, c.Target, c.LakeBucket, c.TrailBucket)
	}
	return w.Plan(ctx, o, nil, seen)
}

// verdict is the exit code: of buckets that were asked for by name each counts,
// of all buckets only what went wrong.
func (c *enrollCommand) verdict(steps []enroll.Step) error {
	if why := enroll.Blocked(steps); why != "" {
		return errors.New(why)
	}
	for _, s := range steps {
		if s.Err != nil || !c.All && (s.Verb == enroll.Refuse || s.Verb == enroll.Leave) {
			return exit(exitPartial)
		}
	}
	return nil
}

// confirm asks a person, and takes silence for no.
func (a *app) confirm(question string) bool {
	if !a.stderr.terminal {
		return false
	}
	fmt.Fprint(a.stderr, question+" [y/N] ")
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && err != io.EOF { // an interrupt is no yes, and leaves the question's line
		fmt.Fprintln(a.stderr)
		return false
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes"
}

// steps is a bar on a terminal that moves by one each time it is called.
func (a *app) steps(what string, n int) func() {
	if !a.stderr.redraws {
		return func() {}
	}
	bar := progressbar.NewOptions(n, barOptions(a.stderr, progressbar.OptionSetDescription(what), progressbar.OptionShowCount())...)
	return func() { _ = bar.Add(1) } // a bar that cannot be drawn is not worth an error
}

// enrollAnswer is what enroll tells.
type enrollAnswer struct {
	Target  string       `json:"target"`
	Applied bool         `json:"applied"` // the steps were tried, those without error made
	Buckets []bucketFate `json:"buckets"`
}

type bucketFate struct {
	Bucket string          `json:"bucket"`
	Step   enroll.Verb     `json:"step"`
	Looked bool            `json:"looked"`          // now is known
	Now    *enroll.Logging `json:"now"`             // before the step; null for nothing, or where it is not known
	Then   *enroll.Logging `json:"then"`            // of a step that changes something: after it; null for nothing
	Reason string          `json:"reason"`          // why nothing is changed, "" otherwise
	Error  string          `json:"error,omitempty"` // why a step could not be made
}

func (f bucketFate) now() string {
	return enroll.Step{Looked: f.Looked, Now: f.Now}.Before()
}

func fates(steps []enroll.Step) []bucketFate {
	all := []bucketFate{}
	for _, s := range steps {
		f := bucketFate{Bucket: s.Bucket, Step: s.Verb, Looked: s.Looked, Now: s.Now, Then: s.To, Reason: s.Reason}
		if s.Err != nil {
			f.Error = s.Err.Error()
		}
		all = append(all, f)
	}
	return all
}

func (e *enrollAnswer) writeJSON(s screen) error {
	enc := json.NewEncoder(s)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}

// write shows the plan.
func (e *enrollAnswer) write(s screen) error {
	g := grid{columns: []gridColumn{{name: "bucket", whole: true}, {name: "step", whole: true}, {name: "logs to now"}, {name: "and then, or why not"}}}
	right := 0
	for _, f := range e.Buckets {
		then := clean.Line(f.Reason)
		if f.Step == enroll.Right {
			right++
			continue
		}
		if f.Step.Changes() {
			then = f.Then.String()
		}
		g.add(clean.Line(f.Bucket), paintStep(s, f.Step), clean.Line(f.now()), clean.Line(then))
	}
	if len(g.rows) > 0 {
		if _, err := fmt.Fprint(s, g.fitted(s)); err != nil {
			return err
		}
	}
	if right > 0 || len(e.Buckets) == 0 {
		_, err := fmt.Fprintf(s, " %s as they should be\n", amount.Of(int64(right), "bucket"))
		return err
	}
	return nil
}

func paintStep(s screen, v enroll.Verb) string {
	switch v {
	case enroll.Refuse:
		return s.red(string(v))
	case enroll.Leave, enroll.Release:
		return s.dim(string(v))
	}
	return s.bold(string(v))
}

// writeOutcome shows what went wrong, and counts the rest.
func (e *enrollAnswer) writeOutcome(s screen) error {
	done, failed := 0, 0
	for _, f := range e.Buckets {
		switch {
		case f.Error != "":
			failed++
			if _, err := fmt.Fprintf(s, " %s %s: %s\n", s.red("failed"), clean.Line(f.Bucket), clean.Line(f.Error)); err != nil {
				return err
			}
		case f.Step.Changes() || f.Step == enroll.Release:
			done++
		}
	}
	_, err := fmt.Fprintf(s, " %s changed, %s failed; S3 takes an hour or so to act on it\n", amount.Of(int64(done), "bucket"), amount.Grouped(int64(failed)))
	return err
}
