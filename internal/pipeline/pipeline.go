// Package pipeline turns a batch of delivered files into staged Parquet objects
// and commits them together: objects in, tables and one accounting a file out.
//
// It knows nothing of where files come from or where a lake is: those are a
// Source and a Lake. A file that breaks takes only itself out of its batch.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"sluice/internal/logs"
	"sluice/internal/table"
)

// Source opens delivered files. The reader it returns gives the file's bytes as
// delivered; reading it short must end in an error other than io.EOF where the
// source can tell.
type Source interface {
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
}

// Config is what a Pipeline is made from.
type Config struct {
	Routes   []Route                  // the formats, each from To; the first that matches a file reads it
	Stage    string                   // directory for unfinished objects
	Progress func(bytes, lines int64) // optional; deltas, called from Run's goroutine
	Watch    Watch                    // optional; sees every row

	// Background writes row groups on goroutines of their own, beside the one that
	// parses: for whoever has a core to spare, and the memory of a second buffer of
	// rows. What is written is the same. Run waits for all.
	Background bool

	// NoTables reads, counts and watches files and writes nothing: no stage is
	// made, the lake of Run is not asked and may be nil, and Converted means that
	// a file was read whole. What only a writer notices, a row that no table can
	// hold, goes unnoticed.
	NoTables bool
}

// Pipeline converts batches, one after the other. It keeps readers, column
// buffers and a compressor between batches: make one a worker.
type Pipeline struct {
	stage    string // "" where no tables are written
	sinks    []sink // one a route
	rejected writer[logs.Rejected]
	text     *opener
	progress func(bytes, lines int64)
	watch    Watch
}

// New returns a pipeline with a staging directory of its own below c.Stage.
func New(c Config) (*Pipeline, error) {
	p := &Pipeline{progress: c.Progress, watch: c.Watch, text: newOpener()}
	if p.progress == nil {
		p.progress = func(int64, int64) {}
	}
	if p.watch == nil {
		p.watch = blind{}
	}
	if c.NoTables {
		if err := p.open(c.Routes, nil); err != nil {
			return nil, err
		}
		return p, nil
	}
	var err error
	if p.stage, err = os.MkdirTemp(c.Stage, "w-*"); err != nil {
		return nil, fmt.Errorf("make staging directory: %w", err)
	}
	stage, err := table.NewStage(p.stage)
	if err == nil {
		if c.Background {
			stage.Background()
		}
		err = p.open(c.Routes, stage)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pipeline) open(routes []Route, stage *table.Stage) error {
	var err error
	if p.rejected, err = writerOf(logs.RejectedTable, stage); err != nil {
		return err
	}
	seen := map[string]bool{logs.RejectedTable.Name: true}
	for _, r := range routes {
		if seen[r.Table] {
			return fmt.Errorf("table %s: two formats write it", r.Table)
		}
		seen[r.Table] = true
		s, err := r.open(stage)
		if err != nil {
			return err
		}
		p.sinks = append(p.sinks, s)
	}
	return nil
}

// Close removes the pipeline's staging directory and whatever is still in it.
func (p *Pipeline) Close() error {
	if p.stage == "" {
		return nil
	}
	return os.RemoveAll(p.stage)
}

// Run converts one batch and commits what it could convert. A file that cannot
// be read or is corrupt is Failed alone and none of its rows are kept. An error
// concerns the whole batch (staging, commit, an ended ctx): then nothing of it
// is visible, or the lake finishes it by itself, and the Result is empty.
func (p *Pipeline) Run(ctx context.Context, src Source, lake Lake, objs []Object) (Result, error) {
	if p.stage == "" {
		lake = noLake{}
	}
	b, err := lake.Begin(ctx, objs)
	if err != nil {
		return Result{}, err
	}
	res, taken, err := p.read(ctx, src, b.Held(), objs)
	if err == nil {
		err = p.close(ctx, b.ID(), &res)
	}
	if err != nil {
		return Result{}, errors.Join(err, p.abort(), abandon(ctx, b))
	}
	if err := errors.Join(b.Commit(ctx, taken, res.Objects), removeStaged(res.Objects)); err != nil {
		return Result{}, err
	}
	return res, nil
}

// read converts the files that no other batch has, and returns the accounting
// of all, and of those.
func (p *Pipeline) read(ctx context.Context, src Source, others []Held, objs []Object) (res Result, taken []File, err error) {
	held := make(map[string]Held, len(others))
	for _, h := range others {
		held[h.Object.ID()] = h
	}
	seen := make(map[string]bool, len(objs))
	for _, o := range objs {
		f := File{Object: o}
		id := o.ID()
		switch h, ok := held[id]; {
		case seen[id]:
			f.Reason = "listed twice in this batch"
		case ok:
			h.account(&f)
		default:
			if err := p.file(ctx, src, &f); err != nil {
				return Result{}, nil, err
			}
			taken = append(taken, f)
		}
		seen[id] = true
		res.Files = append(res.Files, f)
	}
	return res, taken, nil
}

// close stages the objects of what was read.
func (p *Pipeline) close(ctx context.Context, batch string, res *Result) error {
	if ctx.Err() != nil {
		return fmt.Errorf("convert batch: %w", context.Cause(ctx))
	}
	converted := func(f File) bool { return f.Outcome == Converted }
	if p.stage == "" || !slices.ContainsFunc(res.Files, converted) {
		return p.abort()
	}
	res.Batch = batch
	for _, s := range p.everySink() {
		objects, err := s.Close(batch)
		if err != nil {
			return errors.Join(err, removeStaged(res.Objects)) // of the tables before
		}
		res.Objects = append(res.Objects, objects...)
	}
	return nil
}

// everySink lists the writers of a batch in an order that never changes.
func (p *Pipeline) everySink() []closer {
	all := make([]closer, 0, len(p.sinks)+1)
	for _, s := range p.sinks {
		all = append(all, s)
	}
	return append(all, p.rejected)
}

func (p *Pipeline) abort() error {
	var errs []error
	for _, s := range p.everySink() {
		errs = append(errs, s.Abort())
	}
	return errors.Join(errs...)
}

// removeStaged removes closed objects that no lake has moved.
func removeStaged(objects []table.Object) error {
	var errs []error
	for _, o := range objects {
		if err := os.Remove(o.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove staged object: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Outcome says what became of a file.
type Outcome int

const (
	// Skipped files hold no records for us: look at Reason, then leave them.
	Skipped Outcome = iota
	// Converted files are accounted for, line by line, in a committed batch.
	Converted
	// Failed files left nothing behind: deliver them again, or look at Err.
	Failed
)

func (o Outcome) String() string {
	switch o {
	case Skipped:
		return "skipped"
	case Converted:
		return "converted"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// Result is the accounting of a batch.
type Result struct {
	Batch   string         // "" when no file was converted
	Files   []File         // one for each object given to Run, in that order
	Objects []table.Object // as committed: the lake has them, what Path named is gone
}

// File is the accounting of one delivered file.
type File struct {
	Object    Object
	Format    string // table name; "" when skipped before a format was known
	Outcome   Outcome
	Reason    string                // why skipped, for a person
	Err       error                 // why failed
	Lines     int64                 // records found by the reader
	Rows      int64                 // records written to the table of their format
	Rejected  int64                 // records written to the table of rejects
	Reasons   map[logs.Reason]int64 // why rejected: adds up to Rejected, nil when that is 0
	Ambiguous int64                 // rows that say of themselves that they could be read in several ways
	BytesIn   int64                 // as delivered
	BytesText int64                 // unzipped

	// Before is the batch that the file is in already, which is why it is Skipped.
	Before string
	// Findings is how many incidents were told because of this file, nil where
	// nobody looked: a Lake that lets rules count may set it.
	Findings *int64
}

// Unaccounted is the number of lines that became neither row nor reject: 0
// unless one was lost. Lines are counted where they are found, rows where they
// are written, so it is a check and not a definition.
func (f File) Unaccounted() int64 { return f.Lines - f.Rows - f.Rejected }

// dated is the time of rejects that carry none: the day the file's name says,
// which is the same however and however often it is delivered, else the time of
// its delivery, else 1970-01-01.
func dated(o Object) logs.Time {
	if t, ok := dateInKey(o.Key); ok {
		return t
	}
	if o.Modified.IsZero() {
		return 0
	}
	return logs.TimeOf(o.Modified)
}

// dateInKey finds the last yyyy-mm-dd or yyyy/mm/dd in a key: the file's name
// counts before its folders.
func dateInKey(key string) (logs.Time, bool) {
	const layout = "2006-01-02"
	for i := len(key) - len(layout); i >= 0; i-- {
		b := []byte(key[i : i+len(layout)])
		if b[4] == '/' && b[7] == '/' {
			b[4], b[7] = '-', '-'
		}
		if t, err := time.Parse(layout, string(b)); err == nil {
			return logs.TimeOf(t), true
		}
	}
	return 0, false
}
