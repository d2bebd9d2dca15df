package cli

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"sluice/internal/pipeline"
)

// worker converts batches, one after the other.
type worker struct {
	run   func(ctx context.Context, number int, batch []pipeline.Object) (pipeline.Result, error)
	close func() error
}

// work hands batches out to n workers in their order, each with buffers of its
// own, and waits for all of them. The first error ends the others; results of batches that
// were not committed are empty.
func work(ctx context.Context, n int, batches [][]pipeline.Object, hire func() (*worker, error)) ([]pipeline.Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wait    sync.WaitGroup
		next    atomic.Int64
		results = make([]pipeline.Result, len(batches))
		errs    = make([]error, n)
	)
	for i := range n {
		wait.Go(func() {
			errs[i] = labour(ctx, batches, results, hire, func() int { return int(next.Add(1) - 1) })
			if errs[i] != nil {
				stop(errs[i])
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return results, context.Cause(ctx) // the first; the others followed from it
	}
	return results, nil
}

func labour(ctx context.Context, batches [][]pipeline.Object, results []pipeline.Result, hire func() (*worker, error), take func() int) (err error) {
	w, err := hire()
	if err != nil {
		return err
	}
	defer func() {
		if cerr := w.close(); cerr != nil {
			err = errors.Join(err, cerr)
		}
	}()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i := take()
		if i >= len(batches) {
			return nil
		}
		if results[i], err = w.run(ctx, i, batches[i]); err != nil {
			return err
		}
	}
}
