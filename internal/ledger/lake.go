package ledger

import (
	"context"

	"sluice/internal/pipeline"
)

// Lake is the ledger as a pipeline sees it.
func (l *Ledger) Lake() pipeline.Lake { return lake{l} }

type lake struct{ *Ledger }

// Begin is pipeline.Lake's.
func (l lake) Begin(ctx context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	a, err := l.Ledger.Begin(ctx, files)
	if err != nil {
		return nil, err
	}
	return batch{a}, nil
}

// batch is an attempt as a pipeline sees it.
type batch struct{ *Attempt }

// ID is pipeline.Batch's.
func (b batch) ID() string { return b.Attempt.ID }

// Held is pipeline.Batch's.
func (b batch) Held() []pipeline.Held {
	var all []pipeline.Held
	for _, h := range b.Done {
		all = append(all, pipeline.Held{Object: h.File, Batch: h.Batch})
	}
	for _, h := range b.Busy {
		all = append(all, pipeline.Held{Object: h.File, Batch: h.Batch, Until: h.Until})
	}
	return all
}
