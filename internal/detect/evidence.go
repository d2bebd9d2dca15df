package detect

import (
	"bytes"
	"slices"
	"sync"

	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// gathered are records of earlier files, by counter: what a finding shows beside
// those of the file in which it crossed. Only one process that sees all files has
// them. It holds two generations of groups and forgets the older one when the
// younger is full.
type gathered struct {
	mu       sync.Mutex
	now, old map[string][]sample
	size     int // bytes of now
}

const (
	gatheredSize  = 8 << 20
	gatheredExtra = 128 // bytes that a group takes beside its samples
	samplesOfFile = 4   // so that many files are shown
)

func newGathered() *gathered { return &gathered{now: map[string][]sample{}} }

// gathers says whether records from before a crossing are worth keeping. An
// incident of a single rule is told from its first record on, and so is what is
// new; a pattern has samples in its counter.
func (t *target) gathers() bool {
	switch t.kind {
	case sigma.EventCount, sigma.ValueSum, sigma.ValueAvg, sigma.ValueCount:
		return true
	}
	return false
}

// take keeps samples of a file and returns those that were there of others, the
// latest finding.MaxEvidence of them.
func (g *gathered) take(key string, own []sample) []sample {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, ok := g.now[key]
	if !ok {
		was = g.old[key]
		delete(g.old, key)
		g.size += len(key) + gatheredExtra
		for _, s := range was {
			g.size += len(s)
		}
	}
	all := was
	for _, s := range own[:min(len(own), samplesOfFile)] {
		if !slices.ContainsFunc(was, func(o sample) bool { return bytes.Equal(o, s) }) { // the file came again
			all = append(all, bytes.Clone(s))
			g.size += len(s)
		}
	}
	for len(all) > finding.MaxEvidence {
		g.size -= len(all[0])
		all = all[1:]
	}
	// What was returned before is not written to again.
	g.now[key] = slices.Clone(all)
	if g.size >= gatheredSize {
		g.old, g.now, g.size = g.now, map[string][]sample{}, 0
	}
	return was
}
