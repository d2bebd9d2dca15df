package ingest

import (
	"context"
	"sync"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/pipeline"
)

// gather is the detect.Outlet of files that are counted at the same time: what
// they have to tell goes out together, so that the table findings gets one
// object for many files and not one for each. A query opens every object.
//
// A file that has something to tell waits until each of the others has, too, or
// is done. Only few compute at a time; those that wait let others in.
type gather struct {
	out     detect.Outlet
	compute chan struct{} // a place for each file that may compute

	mu      sync.Mutex
	active  int // files being counted, the waiting ones included
	waiting []parcel
}

// parcel is what one file tells.
type parcel struct {
	findings []*finding.Finding
	sent     chan error
}

func newGather(out detect.Outlet) *gather {
	return &gather{out: out, compute: make(chan struct{}, applyAtOnce)}
}

// together runs work in several goroutines, each of which takes files until there
// are no more, and waits for them.
func (g *gather) together(ctx context.Context, n int, work func()) {
	var wg sync.WaitGroup
	workers := min(applyTogether, n)
	g.mu.Lock()
	g.active += workers
	g.mu.Unlock()
	for range workers {
		wg.Go(func() {
			g.compute <- struct{}{}
			defer g.leave(ctx)
			work()
		})
	}
	wg.Wait()
}

// leave is the end of a worker. The others may have waited for it alone.
func (g *gather) leave(ctx context.Context) {
	<-g.compute
	g.mu.Lock()
	g.active--
	ready := g.ready()
	g.mu.Unlock()
	g.flush(ctx, ready)
}

// Send returns when the findings are where they must be, with those of others.
// An error is everybody's: all of it may be sent again.
func (g *gather) Send(ctx context.Context, fs []*finding.Finding) error {
	p := parcel{fs, make(chan error, 1)}
	g.mu.Lock()
	working := g.active > 0
	g.waiting = append(g.waiting, p)
	ready := g.ready()
	g.mu.Unlock()
	if working {
		<-g.compute
		defer func() { g.compute <- struct{}{} }()
	}
	g.flush(ctx, ready)
	return <-p.sent
}

// ready takes what waits if nobody is left who could add to it. It is called
// with mu held.
func (g *gather) ready() []parcel {
	if len(g.waiting) == 0 || len(g.waiting) < g.active {
		return nil
	}
	ready := g.waiting
	g.waiting = nil
	return ready
}

// flush sends parcels and answers each, also when sending panics: whoever waits
// would wait for ever.
func (g *gather) flush(ctx context.Context, ready []parcel) {
	if len(ready) == 0 {
		return
	}
	var all []*finding.Finding
	for _, p := range ready {
		all = append(all, p.findings...)
	}
	err := pipeline.Guarded(func() error { return g.out.Send(ctx, all) })
	for _, p := range ready {
		p.sent <- err
	}
}
