package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/internal/detect"
	"sluice/internal/outlet"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// applyAtOnce is how many files are counted at the same time. A file takes a few
// rounds of requests, some milliseconds each: one after the other, a batch of
// 1,000 would wait for half a minute and do nothing.
const applyAtOnce = 4

// applyTogether is how many files may tell their findings together, and so share
// an object of the table findings. Those that wait compute nothing, but hold
// claims that others wait for.
const applyTogether = 64

// maxSeen is how many hits may wait to be counted. What is kept of a hit is
// below a kilobyte as a rule; a batch can hold millions of them.
const maxSeen = 20_000

// detection is what a batch goes through on its way to the lake: what the rules
// see in its files is counted, and what crosses a threshold is told. It is the
// pipeline.Watch of the handler's one pipeline.
//
// Counting comes before the commit: a file that is committed is not read again,
// and what was not counted of it then would never be. One that is counted again
// changes nothing, so whatever breaks before the commit leaves no trace that
// matters. In return a message may be seconds ahead of the rows it is about.
type detection struct {
	rules  *ruleBook
	state  detect.State
	out    *outlet.Outlet
	gather *gather
	cfg    detect.Config
	log    *slog.Logger

	using   *detect.Rules // those of watcher and engine
	watcher *detect.Watcher
	engine  *detect.Engine
	did     detect.Report // since it was last counted

	// Of one batch:
	ctx    context.Context // of Run, whose goroutine calls End
	seen   []seen          // read whole and not counted yet
	hits   int64           // in those
	failed map[string]error
	blind  bool // the file at hand is for its rows only

	told map[string]int64 // of one invocation: findings, by id of a file that was counted
}

// seen is what the rules saw in a file.
type seen struct {
	id string // of the file
	o  *detect.Observed
}

func newDetection(c Config, stage string, log *slog.Logger) (*detection, error) {
	s := c.Settings
	now := c.Now
	if now == nil {
		now = time.Now
	}
	// A stage of its own: the pipeline empties and removes none but its own.
	stage = filepath.Join(stage, "findings")
	if err := os.Mkdir(stage, 0o700); err != nil {
		return nil, fmt.Errorf("make staging directory: %w", err)
	}
	out, err := outlet.New(outlet.Config{
		Shelf: c.Findings, Topics: c.Topics, Findings: s.FindingsTopic, Alerts: s.AlertsTopic, Chat: s.ChatTopic,
		Level: s.AlertLevel, Stage: stage, Log: log,
	})
	if err != nil {
		return nil, err
	}
	book := &ruleBook{now: now, log: log, about: reporter{account: s.Account, region: s.Region, bucket: s.RulesBucket, instance: s.Instance}}
	if s.RulesBucket != "" && c.Rules != nil {
		book.folder = &ruleFolder{Folder: c.Rules, bucket: s.RulesBucket, prefix: s.RulesPrefix}
	}
	return &detection{
		rules: book, state: c.State, out: out, gather: newGather(out), log: log, told: map[string]int64{},
		cfg: detect.Config{Account: s.Account, Region: s.Region, Now: now, Limits: detect.DefaultLimits(), AlertMaxAge: s.AlertMaxAge},
	}, nil
}

// refresh takes new rules into use, between batches.
func (d *detection) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, rulesTime)
	defer cancel()
	rules := d.rules.current(ctx)
	if rules != d.using {
		d.using = rules
		d.watcher = rules.Watch()
		d.engine = detect.NewEngine(rules, d.state, d.gather, d.cfg)
	}
	if err := d.rules.tell(ctx, d.state, d.out); err != nil {
		d.log.Error("broken rules not reported, will be tried again", "error", shown(err))
	}
}

// begin is called before a batch, and end after it.
func (d *detection) begin(ctx context.Context) {
	d.ctx, d.failed = ctx, map[string]error{}
}

func (d *detection) end() {
	d.ctx, d.seen, d.hits, d.failed = nil, nil, 0, nil
}

// Begin is pipeline.Watch's.
func (d *detection) Begin(o pipeline.Object) {
	if d.blind = o.RowsOnly; !d.blind {
		d.watcher.Begin(o.ID(), o.Key)
	}
}

// Row is pipeline.Watch's.
func (d *detection) Row(row any) {
	if !d.blind {
		d.watcher.Row(row)
	}
}

// End is pipeline.Watch's. Only a file that was read whole is counted.
func (d *detection) End(f pipeline.File) {
	if d.blind {
		return
	}
	o := d.watcher.End(f.Outcome == pipeline.Converted)
	if o == nil {
		return
	}
	d.seen = append(d.seen, seen{f.Object.ID(), o})
	if d.hits += o.Matched; d.hits >= maxSeen {
		d.apply(d.ctx)
	}
}

// lake is l, reached through the findings.
func (d *detection) lake(l pipeline.Lake) pipeline.Lake { return &countedLake{l, d} }

type countedLake struct {
	pipeline.Lake
	d *detection
}

// Begin is pipeline.Lake's.
func (l *countedLake) Begin(ctx context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	b, err := l.Lake.Begin(ctx, files)
	if err != nil {
		return nil, err
	}
	return &countedBatch{b, l.d}, nil
}

type countedBatch struct {
	pipeline.Batch
	d *detection
}

// Commit counts what is left of a batch, then commits it. Unless all could be
// counted nothing is committed, and the error is an uncountedError.
func (b *countedBatch) Commit(ctx context.Context, files []pipeline.File, staged []table.Object) error {
	b.d.apply(ctx)
	if failed := b.d.failed; len(failed) > 0 {
		return errors.Join(&uncountedError{failed}, b.Abort(ctx))
	}
	files = slices.Clone(files)
	for i := range files {
		if files[i].Outcome == pipeline.Converted && !files[i].Object.RowsOnly { // of others nobody knows
			n := b.d.told[files[i].Object.ID()]
			files[i].Findings = &n
		}
	}
	return b.Batch.Commit(ctx, files, staged)
}

// uncountedError says which files of a batch could not be looked at for
// findings. The batch can be converted without them.
type uncountedError struct{ files map[string]error } // by id

func (e *uncountedError) Error() string {
	for _, err := range e.files {
		return fmt.Sprintf("findings of %d files not counted, one of them: %v", len(e.files), err)
	}
	return "findings not counted"
}

// hopeless is after how many failures, and no success, the state or a topic is
// taken to be down: to try each file in vain would take the time to answer.
const hopeless = 16

var errNotTried = errors.New("not tried after others had failed")

// apply counts what was seen and not counted yet, and notes what failed.
func (d *detection) apply(ctx context.Context) {
	todo := make(chan seen, len(d.seen))
	for _, s := range d.seen {
		todo <- s
	}
	close(todo)
	var (
		mu   sync.Mutex
		done int
	)
	d.gather.together(ctx, len(d.seen), func() {
		for s := range todo {
			mu.Lock()
			down := done == 0 && len(d.failed) >= hopeless
			mu.Unlock()
			var report detect.Report
			err := errNotTried
			if !down {
				err = pipeline.Guarded(func() (err error) {
					report, err = d.engine.Apply(ctx, s.o)
					return err
				})
			}
			mu.Lock()
			if err != nil {
				d.failed[s.id] = err
			} else {
				done++
				d.did.Add(report)
				for _, n := range report.Findings {
					d.told[s.id] += n
				}
			}
			mu.Unlock()
		}
	})
	d.seen, d.hits = nil, 0
}

// count ends an invocation: it adds to the metrics what was done in it.
func (d *detection) count(t *tally) {
	t.detects = true
	t.did = d.did
	t.refused = d.out.Refusals()
	t.ruleErrors = d.rules.broken()
	d.did, d.told = detect.Report{}, map[string]int64{}
}
