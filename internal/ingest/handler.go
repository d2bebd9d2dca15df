// Package ingest is the Lambda function without Lambda: the payload of an
// invocation in, committed batches and the list of failed messages out. It
// decides what shares a batch, what is refused, and what is tried again.
package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sluice/internal/coverage"
	"sluice/internal/detect"
	"sluice/internal/outlet"
	"sluice/internal/pipeline"
)

const (
	// A batch of small files holds as many bytes as so many of the largest that
	// still count as small, and so many files: a ledger takes twice as many.
	largeInBatch = 8
	filesInBatch = 4096

	// Reading stops this long before the invocation ends, or after three
	// quarters of it; what is read by then can still be committed.
	commitTime = time.Minute
	// And the answer is due this long before. Without an answer the queue would
	// deliver the committed files again as well.
	answerTime = 2 * time.Second
)

var errLate = errors.New("not read in this invocation, too little time is left")

// runner is what the handler needs of *pipeline.Pipeline. One batch at a time.
type runner interface {
	Run(ctx context.Context, src pipeline.Source, lake pipeline.Lake, objs []pipeline.Object) (pipeline.Result, error)
}

// Config is what a Handler is made from.
type Config struct {
	Settings Settings
	// Objects tells which files a message announces.
	Objects func(message json.RawMessage) ([]pipeline.Object, error)
	Source  pipeline.Source
	Lake    pipeline.Lake // for log files, each into one batch however often it comes
	Sweeper Sweeper       // of that lake; nil where nobody sweeps
	Routes  []pipeline.Route
	Out     io.Writer // log lines and metrics, one JSON object a line

	// For findings; without a State there are none, and nothing else here is used.
	State    detect.State
	Findings outlet.Shelf // for rows of findings
	Topics   outlet.Publisher
	Rules    Folder // where Settings says that the site's rules are

	Sightings coverage.Noter   // of buckets that log; nil where nobody asks
	Now       func() time.Time // nil for time.Now
}

// Handler answers invocations, one after the other.
type Handler struct {
	objects    func(json.RawMessage) ([]pipeline.Object, error)
	source     pipeline.Source
	lake       pipeline.Lake
	sweeper    Sweeper
	pipeline   runner
	detection  *detection // nil without findings
	sightings  *sightings // nil where nobody asks
	lakeBucket string
	lakePrefix string
	largeFile  int64
	function   string
	out        io.Writer
	log        *slog.Logger
}

// New returns a handler. It takes a folder of the staging directory for itself
// and empties it: what is in there was left by a process that was killed.
func New(c Config) (*Handler, error) {
	stage := filepath.Join(c.Settings.Stage, "sluice-ingest")
	if err := errors.Join(os.RemoveAll(stage), os.MkdirAll(stage, 0o700)); err != nil {
		return nil, fmt.Errorf("empty staging directory: %w", err)
	}
	h := &Handler{
		objects: c.Objects, source: c.Source, lake: c.Lake, sweeper: c.Sweeper,
		lakeBucket: c.Settings.LakeBucket, lakePrefix: c.Settings.LakePrefix,
		largeFile: c.Settings.LargeFile, function: c.Settings.Function,
		out: c.Out, log: slog.New(slog.NewJSONHandler(c.Out, nil)),
	}
	pc := pipeline.Config{Routes: c.Routes, Stage: stage}
	if c.State == nil {
		h.log.Info("findings are off")
	} else {
		d, err := newDetection(c, stage, h.log)
		if err != nil {
			return nil, err
		}
		h.detection, h.lake, pc.Watch = d, d.lake(c.Lake), d
	}
	if c.Sightings != nil {
		h.sightings = newSightings(pc.Watch, c.Sightings, h.log, c.Now)
		pc.Watch = h.sightings
	}
	p, err := pipeline.New(pc)
	if err != nil {
		return nil, err
	}
	h.pipeline = p
	return h, nil
}

// Response tells SQS which messages to deliver again. It is the shape that
// ReportBatchItemFailures asks for; without a queue nobody reads it.
type Response struct {
	BatchItemFailures []ItemFailure `json:"batchItemFailures"`
}

// ItemFailure names one message to deliver again.
type ItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Handle converts the files that an invocation announces. With a queue, the
// messages of files that failed are in the response and the error is nil, so
// that all the others are done with. Without one, a failed file is an error,
// and the invocation as a whole comes again.
func (h *Handler) Handle(ctx context.Context, payload json.RawMessage) (Response, error) {
	if h.sweeper != nil && isSweep(payload) {
		return Response{}, h.sweep(ctx)
	}
	msgs, queued, err := messages(payload)
	if err != nil {
		return Response{}, err
	}
	ctx, readUntil, cancel := h.deadlines(ctx)
	defer cancel()

	var sum tally
	if h.detection != nil {
		h.detection.refresh(ctx)
	}
	for _, batch := range h.batches(h.plan(msgs)) {
		h.batch(ctx, readUntil, batch, &sum, true)
	}
	if h.detection != nil {
		h.detection.count(&sum)
	}
	werr := sum.write(h.out, h.function, time.Now())

	res := Response{BatchItemFailures: []ItemFailure{}}
	for _, m := range msgs {
		if m.failed {
			res.BatchItemFailures = append(res.BatchItemFailures, ItemFailure{m.id})
		}
	}
	if werr != nil {
		// The files are safe; only their count is lost. Failing would convert
		// them again.
		h.log.Error("metrics lost", "error", shown(werr))
	}
	if !queued && msgs[0].failed {
		return res, fmt.Errorf("%d of %d files failed, or the event was refused: the log lines before this say why", sum.failed, sum.files)
	}
	return res, nil
}

// deadlines splits what is left of an invocation: time to read files, to commit
// them, and to answer. Without a deadline there is nothing to split.
func (h *Handler) deadlines(ctx context.Context) (run context.Context, readUntil time.Time, cancel context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, time.Time{}, func() {}
	}
	left := time.Until(end)
	run, cancel = context.WithDeadline(ctx, end.Add(-min(answerTime, left/20)))
	return run, end.Add(-min(commitTime, left/4)), cancel
}

// batch converts and commits one batch and marks the messages of what failed. It
// may retry once, without the files that could not be counted.
func (h *Handler) batch(ctx context.Context, readUntil time.Time, batch []*work, sum *tally, retry bool) {
	objs := make([]pipeline.Object, len(batch))
	for i, w := range batch {
		objs[i] = w.object
	}
	src := h.open(ctx, readUntil)
	res, err := h.run(ctx, src, objs)
	src.close()

	if u, ok := errors.AsType[*uncountedError](err); ok && retry && len(u.files) < len(batch) {
		// The others need not wait for what is wrong with these.
		h.batch(ctx, readUntil, h.without(u, batch, sum), sum, false)
		return
	}
	files := res.Files
	if err == nil && len(files) != len(batch) {
		err = fmt.Errorf("BUG: %d files in, %d accounted for", len(batch), len(files))
	}
	if err != nil {
		files = make([]pipeline.File, len(batch))
		for i, o := range objs {
			files[i] = pipeline.File{Object: o, Outcome: pipeline.Failed, Err: fmt.Errorf("batch: %w", err)}
		}
	}
	for i, f := range files {
		h.account(batch[i], f, res.Batch, src.spent(f.Object), sum)
	}
	for _, o := range res.Objects {
		sum.bytesOut += o.Bytes
	}
}

func (h *Handler) run(ctx context.Context, src *source, objs []pipeline.Object) (pipeline.Result, error) {
	if h.detection != nil {
		h.detection.begin(ctx)
		defer h.detection.end()
	}
	if h.sightings != nil {
		defer h.sightings.note(ctx)
	}
	return h.pipeline.Run(ctx, src, src.lake(h.lake), objs)
}

// without fails the files of a batch that could not be counted and returns the
// others.
func (h *Handler) without(u *uncountedError, batch []*work, sum *tally) (rest []*work) {
	for _, w := range batch {
		err, ok := u.files[w.object.ID()]
		if !ok {
			rest = append(rest, w)
			continue
		}
		h.account(w, pipeline.File{Object: w.object, Outcome: pipeline.Failed, Err: fmt.Errorf("findings: %w", err)}, "", 0, sum)
	}
	return rest
}

// account says what became of a file: to the queue, in the log, in the metrics.
func (h *Handler) account(w *work, f pipeline.File, batch string, took time.Duration, sum *tally) {
	if f.Outcome == pipeline.Failed {
		for _, m := range w.waiting {
			m.failed = true
		}
	}
	h.report(f, batch, took)
	sum.add(f, time.Now())
}
