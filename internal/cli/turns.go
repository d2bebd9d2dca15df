package cli

import (
	"context"
	"sync"
)

// turns lets workers that run ahead of each other finish in order: what is done
// in a turn is done as if there were one worker. Whoever has no turn yet waits,
// so that nobody is ahead by more than what it holds in its hands.
type turns struct {
	mu   sync.Mutex
	next int
	wake chan struct{} // closed when next changes
}

func newTurns() *turns { return &turns{wake: make(chan struct{})} }

// take does something when it is i's turn, numbers from 0 without a gap, and
// gives the turn to i+1 where it went well. Where it did not, the others wait
// until ctx ends: the work cannot be finished in order any more.
func (t *turns) take(ctx context.Context, i int, do func() error) error {
	for {
		t.mu.Lock()
		now, wake := t.next == i, t.wake
		t.mu.Unlock()
		if now {
			break
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := do(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next++
	close(t.wake)
	t.wake = make(chan struct{})
	return nil
}
