package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/query"
	page "sluice/internal/report"
)

type reportCommand struct {
	Lake   string `arg:"" optional:"" default:"lake" help:"Lake to report on (default: lake)."`
	Output string `short:"o" default:"report.html" placeholder:"FILE" help:"File to write, - for standard output (default: report.html)."`
	From   string `placeholder:"DAY" help:"First day, such as 2026-03-02 (default: the first there is)."`
	To     string `placeholder:"DAY" help:"Last day (default: the last there is)."`
}

// Help is what "sluice report --help" says below the summary.
func (reportCommand) Help() string {
	return `The page is one file that loads nothing: it can be mailed, archived and printed. It has tables and charts of the requests, findings and the quality of the data, with filters for bucket and time, and reads without scripts too. Days are UTC.`
}

func (c *reportCommand) Run(ctx context.Context, a *app) error {
	o := page.Options{Name: c.Lake, Version: version(), From: "0000-01-01", To: "9999-12-31"}
	var errs []error
	for _, d := range []struct {
		flag, day string
		to        *string
	}{{"--from", c.From, &o.From}, {"--to", c.To, &o.To}} {
		if d.day == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, d.day); err != nil {
			errs = append(errs, fmt.Errorf("%s %q is no day such as 2026-03-02", d.flag, d.day))
		}
		*d.to = d.day
	}
	if len(errs) == 0 && o.From > o.To {
		errs = append(errs, fmt.Errorf("--to %s is before --from %s", c.To, c.From))
	}
	if len(errs) > 0 {
		return usage(errors.Join(errs...))
	}
	all, err := tables()
	if err != nil {
		return err
	}
	lake, err := query.Open(ctx, c.Lake, all)
	if errors.Is(err, query.ErrNoLake) {
		return fmt.Errorf("%w\nsluice convert PATH -o DIR makes a lake", err)
	}
	if err != nil {
		return err
	}
	bar := a.questions()
	o.Step = bar.step
	start := time.Now()
	var s page.Summary
	size, err := c.write(a, func(w io.Writer) (err error) {
		s, err = page.Write(ctx, w, lake, o)
		return err
	})
	bar.end()
	if err = errors.Join(err, lake.Close()); err != nil || c.Output == "-" {
		return err
	}
	return c.say(a, s, size, time.Since(start))
}

// write gives the page to where it belongs. A file is there whole or as it was.
func (c *reportCommand) write(a *app, fill func(io.Writer) error) (int64, error) {
	if c.Output == "-" {
		w := bufio.NewWriter(a.stdout)
		if err := fill(w); err != nil {
			return 0, err // Flush would say the same again
		}
		return 0, w.Flush()
	}
	if info, err := os.Stat(c.Output); err == nil && info.IsDir() {
		return 0, usage(fmt.Errorf("%s is a folder; -o names a file, such as %s", c.Output, filepath.Join(c.Output, "report.html")))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(c.Output), ".report-*")
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return 0, fmt.Errorf("write %s: %w", c.Output, at.Err) // the name that at has is none that anybody gave
	} else if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // there no more, once it has its name
	w := bufio.NewWriter(f)
	err = errors.Join(fill(w), w.Flush(), f.Chmod(0o644))
	info, serr := f.Stat()
	if err = errors.Join(err, serr, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(f.Name(), c.Output)
}

func (c *reportCommand) say(a *app, s page.Summary, bytes int64, took time.Duration) error {
	g := grid{headless: true, columns: make([]gridColumn, 2)}
	g.add("report", fmt.Sprintf("%s, %s", clean.Line(c.Output), amount.Bytes(bytes)))
	if s.First == "" {
		g.add("period", "holds nothing")
	} else {
		g.add("period", s.First+" to "+s.Last+" (UTC)")
	}
	g.add("requests", amount.Grouped(s.Requests))
	g.add("CloudTrail", amount.Of(s.Events, "record"))
	g.add("findings", amount.Grouped(s.Alerts)+" alert")
	g.add("seconds", fmt.Sprintf("%.1f", took.Seconds()))
	_, err := fmt.Fprintf(a.stdout, "%s\nNext: open %s in a browser\n", g.render(), clean.Line(c.Output))
	return err
}

// questionBar shows on a terminal which question is asked, of how many. A nil
// one shows nothing.
type questionBar struct{ bar *progressbar.ProgressBar }

func (a *app) questions() *questionBar {
	if !a.stderr.redraws {
		return nil
	}
	return &questionBar{progressbar.NewOptions(1, barOptions(a.stderr)...)}
}

// step is told what comes. A bar that cannot be drawn is not worth an error.
func (s *questionBar) step(done, of int, what string) {
	if s == nil {
		return
	}
	s.bar.ChangeMax(of)
	s.bar.Describe(what)
	_ = s.bar.Set(done)
}

func (s *questionBar) end() {
	if s != nil {
		_ = s.bar.Finish()
	}
}
