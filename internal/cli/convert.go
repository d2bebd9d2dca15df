package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"sluice/internal/amount"
	"sluice/internal/formats"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
)

// defaultLake is where convert writes to, and query asks, unless told otherwise.
const defaultLake = "lake"

type convertCommand struct {
	Paths   []string `arg:"" name:"path" help:"Files, folders (with all in them, except what is hidden by a dot), patterns, s3://bucket/prefix, or - for standard input."`
	Output  string   `short:"o" default:"lake" placeholder:"DIR" help:"Lake to write to, made when it is not there (default: lake)."`
	Workers workers  `default:"0" short:"j" aliases:"jobs" placeholder:"N" help:"Batches converted at once (default: one a core). The result is the same for any number."`
	JSON    bool     `name:"json" help:"Print the report as one JSON document."`
}

// workers is how many batches are converted at once; 0 is one a core.
type workers int

// Decode takes -1 for a bad number where kong would take it for a flag, and say
// so at length.
func (w *workers) Decode(ctx *kong.DecodeContext) error {
	t := ctx.Scan.Pop()
	n, err := strconv.Atoi(t.String())
	if t.IsEOL() || err != nil || n < 0 {
		return errors.New("how many? It takes a number, 1 or more")
	}
	*w = workers(n)
	return nil
}

// Help is what "sluice convert --help" says below the summary.
func (convertCommand) Help() string {
	return `Files may be gzipped or not, and of any kind: what holds no S3 server access logs or CloudTrail records is skipped and listed. So are archives (.tar, .tgz, .zip): unpack them first.
Files are converted in batches of up to 256 MiB; a batch, or a single file of any size, keeps up to two cores busy.
Files that the lake has already are left out, so the same command again continues after an interrupt and adds what is new. A file is known by its path, size and modification time: one that was rewritten or touched since is another file, and is converted in addition, with a warning.
Links to files are followed and those to folders are not; a file is converted once, however many names it has. What is not converted is listed with the reason.

Exit codes: 0 all converted; 1 an error, nothing or not all was done; 2 wrong usage; 3 done, but some files could not be read (the others are converted).`
}

func (c *convertCommand) Run(ctx context.Context, a *app) error {
	start := time.Now()
	defer collectLate().end()
	skip, err := realPath(c.Output)
	if err != nil {
		return err
	}
	f := finder{skip: skip, connect: a.connect}
	if err := f.find(ctx, c.Paths); err != nil {
		return err
	}
	if len(f.objects)+len(f.aside)+len(f.streams) == 0 {
		return errors.New("there are no files to convert in what was named")
	}
	lake, err := ledger.Open(c.Output)
	if err != nil {
		return err
	}
	r, err := c.convert(ctx, a, &f, lake)
	err = errors.Join(err, lake.Close())
	r.Lake, r.Seconds, r.interrupted = c.Output, time.Since(start).Seconds(), ctx.Err() != nil
	r.below = below(c.Paths)
	if perr := r.print(a, c.JSON, err); perr != nil {
		return perr
	}
	return r.verdict(err)
}

// convert converts what was found and tells what became of it, also when an
// error ended it early.
func (c *convertCommand) convert(ctx context.Context, a *app, f *finder, lake *ledger.Dir) (report, error) {
	var r report
	for _, left := range f.aside {
		r.file(left)
	}
	streams, copies, err := a.copyStreams(ctx, f.streams, lake.Stage())
	if err != nil {
		return r, err
	}
	done := func(o pipeline.Object) bool { _, ok := lake.Done(o); return ok }
	files := append(f.objects, streams...)
	batches, already := remaining(files, done)
	a.warnChanged(files, lake)
	r.already(already)
	bar := a.progress(batches)
	n := int(c.Workers)
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	results, err := work(ctx, min(n, len(batches)), batches, func() (*worker, error) {
		p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Stage: lake.Stage(), Progress: bar.add, Background: beside(n, len(batches))})
		if err != nil {
			return nil, err
		}
		return &worker{
			run: func(ctx context.Context, _ int, b []pipeline.Object) (pipeline.Result, error) {
				return p.Run(ctx, source{f.remote, copies, bar.file}, lake, b)
			},
			close: p.Close,
		}, nil
	})
	bar.end()
	for i, res := range results {
		r.batch(res, len(batches[i]))
	}
	if r.Converted > 0 {
		a.warnStrays(lake)
	}
	return r, err
}

// beside says whether workers should do part of a batch on a second core: they
// take more memory then (25 MB each), and only what is left for the last batches
// to do is done sooner.
func beside(workers, batches int) bool { return workers > 1 && batches < 4*workers }

// warnChanged tells of files that are converted again: what they held before is
// in the lake, and stays there.
func (a *app) warnChanged(files []pipeline.Object, lake *ledger.Dir) {
	changed := slices.DeleteFunc(slices.Clone(files), func(o pipeline.Object) bool { return !lake.Changed(o) })
	if n := int64(len(changed)); n > 0 {
		a.warn("converted before with another size or time, so that rows may come twice: %s, first %s", amount.Of(n, "file"), near(changed[0].Key))
	}
}

// warnStrays tells of objects whose files are not known, when it is known that
// they are not those that were just converted.
func (a *app) warnStrays(lake *ledger.Dir) {
	strays := lake.Strays()
	if n := int64(len(strays)); n > 0 {
		a.warn("in the lake, but of no conversion that it knows, so that rows may come twice: %s, first %s", amount.Of(n, "object"), strays[0])
	}
}

// realPath is the absolute path of p with links resolved as far as it exists.
func realPath(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", fmt.Errorf("lake: %w", err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(parent, filepath.Base(abs)), nil
	}
	return abs, nil
}
