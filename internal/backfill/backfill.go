// Package backfill announces old log files as if they had just been delivered:
// an invocation of S3 Batch Operations in, messages to the queue and a verdict on
// each file out. It converts nothing. Batches, the ledger, rejects and findings
// are those of the live path, so a job can be stopped, repeated and mixed with
// live traffic, and a thousand old files become one Parquet object a day.
package backfill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"sluice/internal/clean"
	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// The faults of a file. Every other error is one of ours or of AWS, and passes.
var (
	// ErrGone says that there is no such object any more.
	ErrGone = errors.New("gone: deleted since it was listed")
	// ErrDenied says that the object may not be looked at.
	ErrDenied = errors.New("access denied: the bucket must be one of BackfillBuckets, and neither its policy nor its key may forbid it")
	// ErrUnreadable says that S3 will never answer about the object as it is asked.
	ErrUnreadable = errors.New("cannot be looked at")
	// ErrRefused says that the queue will never take a message as it is.
	ErrRefused = errors.New("refused by the queue")
)

// File is an object as S3 has it now.
type File struct {
	// Object has the version that a live announcement of it had: by that the
	// ledger knows a file that is in the lake already.
	pipeline.Object
	Archived string // the archive that it has to be restored from first; "" when it can be read
}

// Files looks at objects without reading them. Its errors are ErrGone, ErrDenied
// or ErrUnreadable where the object is to blame.
type Files interface {
	Look(ctx context.Context, bucket, key, version string) (File, error)
}

// Queue announces objects to the function that converts them. The errors are as
// many as the objects, nil for what was announced; ErrRefused blames the object.
// After any other error it may have been announced.
type Queue interface {
	Announce(ctx context.Context, objs []pipeline.Object) []error
}

// Config is what a Handler is made from.
type Config struct {
	Settings Settings
	Files    Files
	Queue    Queue
	Now      func() time.Time
	Out      io.Writer // log lines about files that failed, one JSON object a line
}

// Handler answers invocations, one after the other.
type Handler struct {
	Config
	log *slog.Logger
}

// New returns a handler.
func New(c Config) *Handler {
	return &Handler{c, slog.New(slog.NewJSONHandler(c.Out, nil))}
}

// Handle announces the files of an invocation. Each is looked at first, for three
// reasons: its ETag or version, which Batch Operations does not tell, is the
// identity by which the ledger knows what was converted; its size decides which
// batch it joins; and one that is gone or archived would only fail later, five
// times, away from the job's report.
//
// What is wrong with a file is a permanent failure, what is wrong with us or with
// AWS is a temporary one.
func (h *Handler) Handle(ctx context.Context, payload json.RawMessage) (Response, error) {
	in, tasks, err := read(payload)
	if err != nil {
		return Response{}, err
	}
	res := Response{Schema: in.Schema, MissingKeys: permanent, InvocationID: in.ID, Results: make([]Result, len(tasks))}
	want, argument := wishOf(in.Job.Arguments)
	var objs []pipeline.Object
	var asked []int // the task of each
	for i, t := range tasks {
		fault := argument // of all tasks
		if fault == nil {
			fault = t.err
		}
		file, why, err := h.look(ctx, t, want.Window, fault)
		switch {
		case err != nil:
			res.Results[i] = h.failed(in, t, err)
		case why != "":
			res.Results[i] = Result{t.id, succeeded, why}
		default:
			file.RowsOnly = want.rowsOnly && Delivered(file.Key, file.Modified) < logs.TimeOf(h.Now().Add(-Fresh))
			objs, asked = append(objs, file.Object), append(asked, i)
		}
	}
	if len(objs) == 0 {
		return res, nil
	}
	for n, err := range h.Queue.Announce(ctx, objs) {
		t := tasks[asked[n]]
		if err != nil {
			res.Results[asked[n]] = h.failed(in, t, fmt.Errorf("announce: %w", err))
			continue
		}
		why := "announced"
		if objs[n].RowsOnly {
			why = "announced, for its rows only"
		}
		res.Results[asked[n]] = Result{t.id, succeeded, why}
	}
	return res, nil
}

// Fresh is how long after its delivery a file may be on its way as a new one, in
// queue and dead-letter queue, and then some. Whoever wants rows only gets what is
// found in such a file all the same: else it would be lost for those who want to be
// told of new files.
const Fresh = 30 * 24 * time.Hour

// What makes no sense to announce, now or ever.
var (
	errOwn      = errors.New("an object of the lake: it was made from log files, and is none")
	errArchived = errors.New("archived")
	errTask     = errors.New("cannot be done")
)

// look says whether a task's file is to be announced, and if not, why not.
func (h *Handler) look(ctx context.Context, t task, w Window, fault error) (f File, why string, err error) {
	switch {
	case fault != nil:
		return f, "", fmt.Errorf("%w: %w", errTask, fault)
	case t.bucket == h.Settings.LakeBucket && strings.HasPrefix(t.key, h.Settings.LakePrefix):
		return f, "", errOwn
	}
	f, err = h.Files.Look(ctx, t.bucket, t.key, t.version)
	switch {
	case err != nil:
		return f, "", err
	case f.Archived != "":
		return f, "", fmt.Errorf("%w in %s: restore it, then run the job again", errArchived, f.Archived)
	case !w.Holds(t.key, f.Modified):
		return f, "left out: not delivered between since and until", nil
	}
	return f, "", nil
}

// maxWhy is how many bytes of a reason go into the job's report.
const maxWhy = 500

func (h *Handler) failed(in invocation, t task, err error) Result {
	r := Result{t.id, temporary, clean.Line(err.Error())}
	for _, theirs := range []error{ErrGone, ErrDenied, ErrUnreadable, ErrRefused, errOwn, errArchived, errTask} {
		if errors.Is(err, theirs) {
			r.Code = permanent
		}
	}
	if len(r.Why) > maxWhy {
		r.Why = strings.ToValidUTF8(r.Why[:maxWhy], "") + "…"
	}
	h.log.Error("file not announced", "job", clean.Line(in.Job.ID), "bucket", clean.Line(t.bucket), "key", clean.Line(t.key), "result", r.Code, "reason", r.Why)
	return r
}
