package ledger

import (
	"context"
	"fmt"
	"time"
)

// clocks is by how much the clocks of workers differ, generously.
const clocks = time.Hour

// Swept is what a Sweep found to do.
type Swept struct{ Aborted, Finished, Dropped int }

// Sweep brings batches begun since t to their end that no worker will: whose
// files were not delivered again, so that nobody met them. It also drops what an
// aborted batch put after it was aborted. Readers see a difference only where a
// committed batch was not in place.
func (l *Ledger) Sweep(ctx context.Context, t time.Time) (Swept, error) {
	var done Swept
	for b, err := range l.store.Since(ctx, t, l.now().Add(clocks)) {
		if err != nil {
			return done, fmt.Errorf("sweep: %w", err)
		}
		if b.State == Finished {
			continue
		}
		r, err := l.resolve(ctx, b.ID)
		if err != nil {
			return done, fmt.Errorf("sweep: %w", err)
		}
		switch {
		case b.State == Aborted:
			if err := l.objects.Drop(ctx, b.ID); err != nil {
				return done, fmt.Errorf("sweep: drop objects of batch %s: %w", b.ID, err)
			}
			done.Dropped++
		case r.State == Aborted:
			done.Aborted++
		case r.State == Finished:
			done.Finished++
		}
	}
	return done, nil
}
