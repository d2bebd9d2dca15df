package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Swept counts what a Sweep found to do, in batches.
type Swept struct{ Aborted, Finished, Dropped int }

// Sweep brings batches to their end that no worker will: those begun since t
// that nobody met again, and those that have objects out of sight, left by a
// worker that was given up and went on. Readers see a difference only where a
// committed batch was not in place.
func (l *Ledger) Sweep(ctx context.Context, t time.Time) (Swept, error) {
	var done Swept
	pending, err := l.objects.Batches(ctx)
	if err != nil {
		return done, fmt.Errorf("sweep: list objects out of sight: %w", err)
	}
	for _, id := range pending {
		b, err := l.end(ctx, id, &done)
		if err == nil && b.State != Live {
			// It may have been decided long ago, and this come since.
			err = l.objects.Drop(ctx, id)
			done.Dropped++
		}
		if err != nil {
			return done, fmt.Errorf("sweep: batch %s: %w", id, err)
		}
	}
	for b, err := range l.store.Since(ctx, t, l.now().Add(clocks)) {
		if err == nil && (b.State == Live || b.State == Committed) {
			_, err = l.end(ctx, b.ID, &done)
		}
		if err != nil {
			return done, fmt.Errorf("sweep: %w", err)
		}
	}
	return done, nil
}

// clocks is by how much the clocks of workers differ, generously.
const clocks = time.Hour

func (l *Ledger) end(ctx context.Context, id string, done *Swept) (Batch, error) {
	was, err := l.store.Batch(ctx, id)
	if err != nil && !errors.Is(err, errGone) {
		return Batch{}, err
	}
	b, err := l.resolve(ctx, id)
	switch {
	case err != nil:
	case was.State == Live && b.State == Aborted:
		done.Aborted++
	case was.State != b.State && b.State == Finished:
		done.Finished++
	}
	return b, err
}
