package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// History answers what became of files and batches.
type History struct{ reader Reader }

// NewHistory returns the history in r.
func NewHistory(r Reader) *History { return &History{r} }

// Status is what became of one content of a delivered file.
type Status struct {
	File File
	// Batch is the one that asked for the file last, nil when that is gone:
	// then the file is free, and taken when it is delivered again.
	Batch *Batch
	// In says that the file is in the lake, with its rows in Objects, or with
	// none of them if it held only rejects.
	In      bool
	Objects []Object // of the batch
}

// File tells what became of a delivered file, for each of its contents that was
// ever claimed; none is a file that never came, or that was forgotten.
func (h *History) File(ctx context.Context, bucket, key string) ([]Status, error) {
	claims, err := h.reader.Claims(ctx, bucket, key)
	if err != nil {
		return nil, fmt.Errorf("look for %q: %w", key, err)
	}
	var all []Status
	for _, c := range claims {
		s, err := h.status(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("look for %q: %w", key, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (h *History) status(ctx context.Context, c Claim) (Status, error) {
	s := Status{File: c.File}
	b, err := h.reader.Batch(ctx, c.Batch)
	if errors.Is(err, errGone) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.Batch = &b
	if b.State != Committed && b.State != Finished {
		return s, nil
	}
	e, err := h.reader.Entry(ctx, b.ID)
	if err != nil {
		return s, err
	}
	if i := slices.IndexFunc(e.Files, func(f File) bool { return f.ID == c.File.ID }); i >= 0 {
		s.File = e.Files[i]
	}
	if s.In = b.has(c.File.ID); s.In {
		s.Objects = e.Objects
	}
	return s, nil
}

// ErrUnknown is a batch that the ledger does not know, or no longer.
var ErrUnknown = errors.New("the ledger knows no such batch")

// Batch tells what became of a batch. What it committed is empty unless it was.
func (h *History) Batch(ctx context.Context, id string) (Batch, Commit, error) {
	b, err := h.reader.Batch(ctx, id)
	var c Commit
	if err == nil && (b.State == Committed || b.State == Finished) {
		c, err = h.reader.Entry(ctx, id)
	}
	if errors.Is(err, errGone) {
		err = ErrUnknown
	}
	if err != nil {
		return Batch{}, Commit{}, fmt.Errorf("batch %q: %w", id, err)
	}
	return b, c, nil
}

// Since lists the batches that were committed from a time on, and those that
// were begun then and are not committed, in the order in which they were begun.
func (h *History) Since(ctx context.Context, from, to time.Time) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for b, err := range h.reader.Since(ctx, from.Add(-longest), to) {
			if err != nil {
				yield(Batch{}, fmt.Errorf("list batches: %w", err))
				return
			}
			at := b.Begun
			if !b.Committed.IsZero() {
				at = b.Committed
			}
			if !at.Before(from) && !yield(b, nil) {
				return
			}
		}
	}
}

// longest is how long a batch may have been worked on when it is committed.
const longest = 24 * time.Hour
