package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/backfill"
	"sluice/internal/formats"
	"sluice/internal/logs"
)

type backfillCommand struct {
	From     string `arg:"" optional:"" name:"s3://bucket/prefix" help:"Old log files in S3, below a flat or a partitioned prefix."`
	Since    string `placeholder:"TIME" help:"Only files delivered from then on: a day such as 2019-03-02, or a time. Their names tell when, else their dates."`
	Until    string `placeholder:"TIME" help:"Only files delivered until then; a day is meant with all of it."`
	RowsOnly bool   `help:"Only rows, and no findings: most of the cost and of the time is counting for findings."`
	AnyName  bool   `help:"Take files whatever their names, such as copies: what they hold decides."`

	Plan     bool   `aliases:"dry-run" help:"Show what it would be and change nothing, also on a terminal, where it would ask otherwise."`
	Yes      bool   `short:"y" help:"Do not ask before the job is created."`
	Manifest string `placeholder:"FILE" help:"Write the list of files there, and print the commands that create the job from it."`
	Status   string `placeholder:"JOB" help:"Tell how far the job of this id is."`

	Function   string `placeholder:"ARN" env:"SLUICE_BACKFILL_FUNCTION" help:"BackfillFunction of the stack."`
	Role       string `placeholder:"ARN" env:"SLUICE_BACKFILL_ROLE" help:"BackfillJobRole of the stack."`
	LakeBucket string `placeholder:"NAME" env:"SLUICE_LAKE_BUCKET" help:"Lake, the output LakeBucket of the stack."`

	JSON bool `name:"json" help:"Print plan and outcome as one JSON document."`
}

// Help is what "sluice backfill --help" says below the summary.
func (backfillCommand) Help() string {
	return `It lists the files, and says how many there are, from which years, what is no log file, what converting them would cost and how long it would take. Then it asks, puts the list into the lake bucket and creates a job of S3 Batch Operations, whose files the stack converts like new ones: a job can be stopped, repeated and mixed with live traffic without a row coming twice. The output BackfillCommand of the stack has the function, the role and the bucket that it needs; the plan needs none of them. For up to some ten thousand files and a lake on a laptop, sluice convert s3://bucket/prefix needs no stack at all.

Exit codes: 0 all that was asked for is done; 1 an error, no job was created; 2 wrong usage; 3 nothing was found, or no such job.`
}

// archive is what a backfill needs to see of S3.
type archive interface {
	Files(ctx context.Context, bucket, prefix string) iter.Seq2[backfill.File, error]
}

// batchJobs is what it needs to have a job done.
type batchJobs interface {
	Upload(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64) (etag string, err error)
	Create(ctx context.Context, job backfill.Job) (id string, err error)
	State(ctx context.Context, account, id string) (backfill.State, error)
}

func (c *backfillCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Status != "" {
		return c.status(ctx, a)
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(c.From, "s3://"), "/")
	window, err := c.window()
	if err != nil {
		return err
	}
	list, err := c.list()
	if err != nil {
		return err
	}
	answer := backfillAnswer{From: c.From, RowsOnly: c.RowsOnly, now: time.Now()}
	err = c.backfill(ctx, a, bucket, prefix, window, list, &answer)
	return errors.Join(err, list.close())
}

// check says all that is wrong with the command line at once.
func (c *backfillCommand) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case c.Status != "" && c.From != "":
		fault("--status asks for a job, %s begins one: do one of them", c.From)
	case c.Status != "":
		if (backfill.Job{Function: c.Function}).Account() == "" {
			fault("--status needs --function ARN: it says in which account and Region the job is")
		}
	case c.From == "":
		fault("which files? Name them like s3://bucket/prefix, or a job with --status")
	default:
		at, ok := strings.CutPrefix(c.From, "s3://")
		if bucket, _, _ := strings.Cut(at, "/"); !ok || !backfill.IsBucket(bucket) {
			fault("%q is not in S3: write it like s3://bucket/prefix", c.From)
		}
	}
	if c.Plan && (c.Yes || c.Manifest != "") || c.Yes && c.Manifest != "" {
		fault("--plan, --yes and --manifest are three things to do: choose one")
	}
	if c.Yes || c.Manifest != "" {
		if err := c.job("", "").Check(); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return usage(errors.Join(faults...))
	}
	return nil
}

func (c *backfillCommand) window() (backfill.Window, error) {
	s, err := spanOf(c.Since, c.Until)
	if err != nil {
		return backfill.Window{}, err
	}
	var w backfill.Window
	if s.from != always.from {
		w.Since = s.from
	}
	if s.to != always.to {
		w.Until = s.to
	}
	return w, nil
}

func (c *backfillCommand) job(bucket, prefix string) backfill.Job {
	return backfill.Job{Function: c.Function, Role: c.Role, Lake: c.LakeBucket, About: backfill.About(bucket, prefix), RowsOnly: c.RowsOnly}
}

// backfill lists, shows, asks, and has it done.
func (c *backfillCommand) backfill(ctx context.Context, a *app, bucket, prefix string, w backfill.Window, list *manifest, answer *backfillAnswer) error {
	var err error
	if answer.plan, err = c.look(ctx, a, bucket, prefix, w, list); err != nil {
		return err
	}
	answer.price()
	if !c.JSON {
		if err := answer.write(a.stdout); err != nil {
			return err
		}
	}
	job := c.job(bucket, prefix)
	job.Manifest, job.Token = backfill.ManifestKey(bucket, answer.now), rand.Text()
	switch {
	case answer.plan.Files == 0:
	case c.Manifest != "":
		answer.Commands = job.Commands(c.Manifest)
		err = list.keep()
	case c.Plan || !c.Yes && !c.may(a, job, answer.plan):
	default:
		answer.Job, err = c.create(ctx, a, job, list)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = answer.writeJSON(a.stdout)
	} else {
		err = answer.next(a.stdout, c)
	}
	if err == nil && answer.plan.Files == 0 {
		when := ""
		if c.Since+c.Until != "" {
			when = " in the time asked for"
		}
		err = coded{fmt.Errorf("there is no log file below %s%s", c.From, when), exitUnknown}
	}
	return err
}

// may asks a person, where one is there and all that is needed is known.
func (c *backfillCommand) may(a *app, job backfill.Job, p backfill.Plan) bool {
	return !c.JSON && job.Check() == nil && a.confirm(fmt.Sprintf("Have %s converted?", amount.Of(p.Files, "file")))
}

func logName(key string) (bool, string) {
	for _, r := range formats.Routes() {
		if ok, skip := r.Named(key); ok || skip != "" {
			return ok, skip
		}
	}
	return false, ""
}

// look goes through the list of the bucket, a thousand files a request.
func (c *backfillCommand) look(ctx context.Context, a *app, bucket, prefix string, w backfill.Window, list *manifest) (backfill.Plan, error) {
	s3, err := a.archive(ctx)
	if err != nil {
		return backfill.Plan{}, err
	}
	names := backfill.Named(logName)
	if c.AnyName {
		names = nil
	}
	bar := a.listing()
	p := backfill.NewPlanner(w, names, list.writer())
	defer bar.end()
	for f, err := range s3.Files(ctx, bucket, prefix) {
		if err == nil {
			err = p.Add(f)
		}
		if err != nil {
			_, derr := p.Done()
			return backfill.Plan{}, errors.Join(err, derr)
		}
		bar.add()
	}
	return p.Done()
}

func (c *backfillCommand) create(ctx context.Context, a *app, job backfill.Job, list *manifest) (string, error) {
	jobs, err := a.jobs(ctx, job.Region())
	if err != nil {
		return "", err
	}
	body, size, err := list.read()
	if err != nil {
		return "", err
	}
	if job.ETag, err = jobs.Upload(ctx, job.Lake, job.Manifest, body, size); err != nil {
		return "", err
	}
	return jobs.Create(ctx, job)
}

// listing counts the files of a list on a terminal: nobody knows how many there
// will be.
func (a *app) listing() *lister {
	if !a.stderr.redraws {
		return nil
	}
	return &lister{bar: progressbar.NewOptions64(-1, barOptions(a.stderr, progressbar.OptionSetDescription("listing"), progressbar.OptionShowCount(), progressbar.OptionShowIts())...)}
}

type lister struct{ bar *progressbar.ProgressBar }

func (l *lister) add() {
	if l != nil {
		_ = l.bar.Add(1) // a bar that cannot be drawn is not worth an error
	}
}

func (l *lister) end() {
	if l != nil {
		_ = l.bar.Finish()
	}
}

// manifest is the list of files while it is made: millions of them do not fit
// into memory. A nil manifest is none.
type manifest struct {
	file *os.File
	buf  *bufio.Writer
	kept bool
}

// list begins a list where one is needed, and takes it back unless it is kept.
func (c *backfillCommand) list() (*manifest, error) {
	var f *os.File
	var err error
	switch {
	case c.Plan:
		return nil, nil
	case c.Manifest != "":
		f, err = os.OpenFile(c.Manifest, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	default:
		f, err = os.CreateTemp("", "sluice-backfill-*.csv")
	}
	if err != nil {
		return nil, fmt.Errorf("list of files: %w", err)
	}
	return &manifest{file: f, buf: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (m *manifest) writer() io.Writer {
	if m == nil {
		return nil
	}
	return m.buf
}

// read returns what was written.
func (m *manifest) read() (io.ReadSeeker, int64, error) {
	if err := m.buf.Flush(); err != nil {
		return nil, 0, fmt.Errorf("list of files: %w", err)
	}
	size, err := m.file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = m.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list of files: %w", err)
	}
	return m.file, size, nil
}

// keep leaves the list where it is.
func (m *manifest) keep() error {
	m.kept = true
	if err := m.buf.Flush(); err != nil {
		return fmt.Errorf("list of files: %w", err)
	}
	return nil
}

func (m *manifest) close() error {
	if m == nil {
		return nil
	}
	err := m.file.Close()
	if !m.kept {
		err = errors.Join(err, os.Remove(m.file.Name()))
	}
	if err != nil {
		return fmt.Errorf("list of files: %w", err)
	}
	return nil
}

// status tells how far a job is.
func (c *backfillCommand) status(ctx context.Context, a *app) error {
	where := backfill.Job{Function: c.Function}
	jobs, err := a.jobs(ctx, where.Region())
	if err != nil {
		return err
	}
	s, err := jobs.State(ctx, where.Account(), c.Status)
	if errors.Is(err, backfill.ErrNoJob) {
		return coded{fmt.Errorf("%w in Region %s of account %s; S3 forgets jobs 90 days after their end", err, where.Region(), where.Account()), exitUnknown}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJobJSON(a.stdout, s)
	}
	return writeJob(a.stdout, s)
}

// dayOf is a moment as a day, "" for none.
func dayOf(t logs.Time) string {
	if t == 0 {
		return ""
	}
	return t.Go().Format(time.DateOnly)
}
