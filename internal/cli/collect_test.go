package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// Nothing is collected below a size, then garbage is kept small, and afterwards
// everything is as it was, also when the first collection comes late.
func TestCollectLate(t *testing.T) {
	const percent, limit = 170, 3 << 30
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	is := func(when string, wantPercent int, wantLimit int64) {
		t.Helper()
		gotLimit := debug.SetMemoryLimit(-1)
		gotPercent := debug.SetGCPercent(-1)
		debug.SetGCPercent(gotPercent)
		if gotPercent != wantPercent || gotLimit != wantLimit {
			t.Errorf("%s: %d %% and a limit of %d, want %d %% and %d", when, gotPercent, gotLimit, wantPercent, wantLimit)
		}
	}
	for range 2 {
		c := collectLate()
		is("at first", -1, firstCollection)
		runtime.GC()
		<-c.strict
		is("after a collection", gcPercent, limit)
		c.end()
		is("at the end", percent, limit)
	}
	c := collectLate()
	c.end()
	is("at the end, nothing collected", percent, limit)
	runtime.GC()
	<-c.strict
	is("collected after the end", percent, limit)

	debug.SetMemoryLimit(20 << 20)
	c = collectLate()
	is("where less is allowed", -1, 20<<20)
	c.end()
	debug.SetMemoryLimit(limit)
}
