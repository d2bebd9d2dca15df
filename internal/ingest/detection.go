package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice/internal/detect"
	"sluice/internal/pipeline"
)

// applyAtOnce is how many files are counted at the same time. A file makes
// about ten requests of some milliseconds each, one after the other: a batch of
// 1,000 would wait for most of a minute, and there is a minute for the commit.
const applyAtOnce = 16

// detection is what a batch goes through on its way to the lake: what the rules
// saw in its files is counted, and what crosses a threshold is told.
//
// Counting comes before the commit. Both may be repeated, but not alike: a file
// that is counted again changes nothing, whatever company it comes in, while one
// that is committed again, in other company, doubles its rows. So the commit is
// last, and whatever breaks before it leaves no trace that matters. In return a
// message may be seconds ahead of the rows it is about.
type detection struct {
	rules *ruleBook
	state detect.State
	out   *outlet
	cfg   detect.Config
	watch *watch
	log   *slog.Logger

	using  *detect.Rules // those of watch and engine
	engine *detect.Engine
	did    detect.Report // since it was last counted
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
	out, err := newOutlet(s, c.Lake, c.Topics, stage, log)
	if err != nil {
		return nil, err
	}
	book := &ruleBook{now: now, log: log, about: reporter{account: s.Account, region: s.Region, bucket: s.RulesBucket, instance: s.Instance}}
	if s.RulesBucket != "" && c.Rules != nil {
		book.folder = &ruleFolder{Folder: c.Rules, bucket: s.RulesBucket, prefix: s.RulesPrefix}
	}
	return &detection{
		rules: book, state: c.State, out: out, watch: &watch{}, log: log,
		cfg: detect.Config{Account: s.Account, Region: s.Region, Now: now},
	}, nil
}

// refresh takes new rules into use, between batches.
func (d *detection) refresh(ctx context.Context) {
	rules := d.rules.current(ctx)
	if rules != d.using {
		d.using = rules
		d.watch.watcher = rules.Watch()
		d.engine = detect.NewEngine(rules, d.state, d.out, d.cfg)
	}
	if err := d.rules.tell(ctx, d.state, d.out); err != nil {
		d.log.Error("broken rules not reported, will be tried again", "error", shown(err))
	}
}

// lake is l, reached through the findings.
func (d *detection) lake(l pipeline.Lake) pipeline.Lake { return &countedLake{l, d} }

type countedLake struct {
	pipeline.Lake
	d *detection
}

// Commit counts the files of a batch, then commits it. Unless all could be
// counted nothing is committed, and the error is an uncountedError.
func (l *countedLake) Commit(ctx context.Context, c pipeline.Commit) error {
	if failed := l.d.apply(ctx, c.Files); len(failed) > 0 {
		return &uncountedError{failed}
	}
	return l.Lake.Commit(ctx, c)
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

// errNotTried spares the time to answer: where sixteen files failed and none
// succeeded, the state or a topic is down.
var errNotTried = errors.New("not tried after others had failed")

// apply counts what was seen in files and returns those of which it could not
// be, by id.
func (d *detection) apply(ctx context.Context, files []pipeline.Object) map[string]error {
	todo := make(chan string, len(files))
	for _, f := range files {
		if d.watch.seen[f.ID()] != nil {
			todo <- f.ID()
		}
	}
	close(todo)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		done   int
		failed = map[string]error{}
	)
	for range min(applyAtOnce, len(todo)) {
		wg.Go(func() {
			for id := range todo {
				mu.Lock()
				hopeless := done == 0 && len(failed) >= applyAtOnce
				mu.Unlock()
				var report detect.Report
				err := errNotTried
				if !hopeless {
					report, err = d.engine.Apply(ctx, d.watch.seen[id])
				}
				mu.Lock()
				if err != nil {
					failed[id] = err
				} else {
					done++
					d.add(report)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

func (d *detection) add(r detect.Report) {
	d.did.GroupsDropped += r.GroupsDropped
	d.did.Alerts += r.Alerts
	d.did.Limited += r.Limited
	for l, n := range r.Findings {
		d.did.Findings[l] += n
	}
}

// count adds to the metrics what was done since the last time.
func (d *detection) count(t *tally) {
	t.detects = true
	t.did = d.did
	t.refused = d.out.refusals()
	t.ruleErrors = d.rules.broken()
	d.did = detect.Report{}
}
