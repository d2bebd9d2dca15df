package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/internal/ledger"
)

// Sweeper ends what no message will: what is needed of *ledger.Ledger.
type Sweeper interface {
	Sweep(ctx context.Context, since time.Time) (ledger.Swept, error)
}

// sweepBack is how far back batches are looked at that left nothing out of sight.
// The schedule is daily, and may fail for some days.
const sweepBack = 4 * 24 * time.Hour

// isSweep tells what a schedule sends. Nothing that a queue delivers looks like
// it: there, whatever others wrote is inside of a record.
func isSweep(payload json.RawMessage) bool {
	var p struct{ Sluice string }
	return json.Unmarshal(payload, &p) == nil && p.Sluice == "sweep"
}

// sweep brings batches to their end that were given up and whose files nobody
// delivered again. Readers of the lake miss nothing by it that a message does
// not bring; it keeps a lake tidy, and completes what was committed.
func (h *Handler) sweep(ctx context.Context) error {
	did, err := h.sweeper.Sweep(ctx, time.Now().Add(-sweepBack))
	if err != nil {
		return fmt.Errorf("after %+v: %w", did, err)
	}
	h.log.Info("swept", "aborted", did.Aborted, "finished", did.Finished, "dropped", did.Dropped)
	return nil
}
