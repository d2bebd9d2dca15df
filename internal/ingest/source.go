package ingest

import (
	"context"
	"io"
	"slices"
	"time"

	"sluice/internal/pipeline"
)

// source is the pipeline's view of one batch: files fetched ahead, a clock on
// each, and an end: when time is up, what is in memory is still given out, and
// nothing else is begun.
type source struct {
	// ctx ends when reading must end. It is not the pipeline's: a file that is
	// cut off then fails alone, and the batch is committed without it.
	ctx    context.Context
	cancel context.CancelFunc
	files  pipeline.Source
	ahead  *ahead
	took   map[string]time.Duration
}

func (h *Handler) open(ctx context.Context, readUntil time.Time) *source {
	s := &source{files: h.source, took: map[string]time.Duration{}}
	if readUntil.IsZero() {
		s.ctx, s.cancel = context.WithCancel(ctx)
	} else {
		s.ctx, s.cancel = context.WithDeadlineCause(ctx, readUntil, errLate)
	}
	s.ahead = fetchAhead(s.ctx, s.files, nil)
	return s
}

// lake is l, whose batches have their files fetched ahead as soon as it is known
// which files those are.
func (s *source) lake(l pipeline.Lake) pipeline.Lake { return &fetchingLake{l, s} }

type fetchingLake struct {
	pipeline.Lake
	s *source
}

// Begin is pipeline.Lake's. It is called once, before any file is opened.
func (l *fetchingLake) Begin(ctx context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	b, err := l.Lake.Begin(ctx, files)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, h := range b.Held() {
		held[h.Object.ID()] = true
	}
	taken := slices.DeleteFunc(slices.Clone(files), func(o pipeline.Object) bool { return held[o.ID()] })
	l.s.ahead = fetchAhead(l.s.ctx, l.s.files, taken)
	return b, nil
}

// close ends all fetching and waits for it.
func (s *source) close() {
	s.cancel()
	s.ahead.wait()
}

// Open is called by the pipeline, for one file after the other.
func (s *source) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	start := time.Now()
	rc, err := s.ahead.Open(s.ctx, o)
	if err != nil {
		s.took[o.ID()] = time.Since(start)
		return nil, err
	}
	return &clocked{rc, func() { s.took[o.ID()] = time.Since(start) }}, nil
}

// spent is how long a file was open: what it cost the batch.
func (s *source) spent(o pipeline.Object) time.Duration { return s.took[o.ID()] }

type clocked struct {
	io.ReadCloser
	stop func()
}

func (c *clocked) Close() error {
	c.stop()
	return c.ReadCloser.Close()
}
