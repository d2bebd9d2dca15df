package awsio

import (
	"context"
	"errors"
	"sync"
)

// each calls f for 0 to n-1, some at once, and waits for all. After an error it
// begins no more; the error is that of the lowest number.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return f(ctx, 0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		next int
		at   = -1
		bad  error
	)
	for range min(n, atOnce) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := bad != nil || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := f(ctx, i); err != nil {
					mu.Lock()
					if bad == nil || i < at && !errors.Is(err, context.Canceled) {
						at, bad = i, err
					}
					mu.Unlock()
					cancel()
				}
			}
		})
	}
	wg.Wait()
	return bad
}
