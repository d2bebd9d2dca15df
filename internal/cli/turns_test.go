package cli

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestTurns(t *testing.T) {
	turns, order := newTurns(), []int{}
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			err := turns.take(t.Context(), 19-i, func() error { order = append(order, 19-i); return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(order) != 20 || !slices.IsSorted(order) {
		t.Errorf("order %v", order)
	}
}

// TestTurnsEnd holds that nobody waits for a turn that never comes.
func TestTurnsEnd(t *testing.T) {
	turns, broken := newTurns(), errors.New("broken")
	ctx, stop := context.WithCancelCause(t.Context())
	later := make(chan error)
	go func() { later <- turns.take(ctx, 1, func() error { return nil }) }()
	if err := turns.take(ctx, 0, func() error { return broken }); err != broken {
		t.Errorf("got %v", err)
	}
	stop(broken)
	if err := <-later; err != broken {
		t.Errorf("who waited got %v", err)
	}
}
