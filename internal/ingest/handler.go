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

	"sluice/internal/pipeline"
)

const (
	// filesPerBatch bounds a batch of small files: so many of the largest that
	// still count as small.
	filesPerBatch = 8

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
	Lake    pipeline.Lake
	Routes  []pipeline.Route
	Out     io.Writer // log lines and metrics, one JSON object a line
}

// Handler answers invocations, one after the other.
type Handler struct {
	objects    func(json.RawMessage) ([]pipeline.Object, error)
	source     pipeline.Source
	lake       pipeline.Lake
	pipeline   runner
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
	p, err := pipeline.New(pipeline.Config{Routes: c.Routes, Stage: stage})
	if err != nil {
		return nil, err
	}
	return newHandler(c, p), nil
}

func newHandler(c Config, p runner) *Handler {
	return &Handler{
		objects: c.Objects, source: c.Source, lake: c.Lake, pipeline: p,
		lakeBucket: c.Settings.LakeBucket, lakePrefix: c.Settings.LakePrefix,
		largeFile: c.Settings.LargeFile, function: c.Settings.Function,
		out: c.Out, log: slog.New(slog.NewJSONHandler(c.Out, nil)),
	}
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
	msgs, queued, err := messages(payload)
	if err != nil {
		return Response{}, err
	}
	ctx, readUntil, cancel := h.deadlines(ctx)
	defer cancel()

	var sum tally
	for _, batch := range h.batches(h.plan(msgs)) {
		h.batch(ctx, readUntil, batch, &sum)
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

// batch converts and commits one batch and marks the messages of what failed.
func (h *Handler) batch(ctx context.Context, readUntil time.Time, batch []*work, sum *tally) {
	objs := make([]pipeline.Object, len(batch))
	for i, w := range batch {
		objs[i] = w.object
	}
	src := h.open(ctx, readUntil, objs)
	res, err := h.pipeline.Run(ctx, src, h.lake, objs)
	src.close()

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
	now := time.Now()
	for i, f := range files {
		if f.Outcome == pipeline.Failed {
			for _, m := range batch[i].waiting {
				m.failed = true
			}
		}
		h.report(f, src.spent(f.Object))
		sum.add(f, now)
	}
	for _, o := range res.Objects {
		sum.bytesOut += o.Bytes
	}
}
