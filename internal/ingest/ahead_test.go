package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/pipeline"
)

// latency is a source whose every Open takes as long as a GET in a region.
type latency struct {
	mu             sync.Mutex
	now, most      int // open at once
	held, mostHeld int64
	short          string // ends too early
	long           string // ends too late
}

const getTime = 40 * time.Millisecond

func (l *latency) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	l.mu.Lock()
	l.now++
	l.most = max(l.most, l.now)
	l.held += o.Size
	l.mostHeld = max(l.mostHeld, l.held)
	l.mu.Unlock()
	defer func() { l.mu.Lock(); l.now--; l.mu.Unlock() }()
	select {
	case <-time.After(getTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n := o.Size
	switch o.Key {
	case l.short:
		n--
	case l.long:
		n++
	}
	return io.NopCloser(io.LimitReader(zeros{}, n)), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func objects(n int, size int64) []pipeline.Object {
	objs := make([]pipeline.Object, n)
	for i := range objs {
		objs[i] = pipeline.Object{Key: fmt.Sprint(i), Size: size}
	}
	return objs
}

// readAhead reads objs one after the other like the pipeline, and says how long
// that took and which failed.
func readAhead(t *testing.T, src *latency, fetch, ask []pipeline.Object) (time.Duration, map[string]error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := fetchAhead(ctx, src, fetch)
	defer a.wait()
	defer cancel()
	start := time.Now()
	failed := map[string]error{}
	for _, o := range ask {
		rc, err := a.Open(ctx, o)
		if err != nil {
			failed[o.Key] = err
			continue
		}
		n, err := io.Copy(io.Discard, rc)
		if err != nil || n != o.Size {
			t.Errorf("%s: %d bytes, %v, want %d", o.Key, n, err, o.Size)
		}
		src.mu.Lock()
		src.held -= o.Size
		src.mu.Unlock()
		if err := errors.Join(rc.Close(), rc.Close()); err != nil { // twice must not free twice
			t.Error(err)
		}
	}
	return time.Since(start), failed
}

func TestAheadHidesLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &latency{}
		objs := objects(160, 73_000)
		took, failed := readAhead(t, src, objs, objs)
		if want := 160 / inFlight * getTime; took > want+2*getTime || len(failed) > 0 {
			t.Errorf("took %v, failed %v, want about %v", took, failed, want)
		}
		if src.most > inFlight || src.most < inFlight-1 {
			t.Errorf("%d in flight, want %d", src.most, inFlight)
		}
	})
}

func TestAheadHoldsBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &latency{}
		objs := objects(40, aheadFile)
		if _, failed := readAhead(t, src, objs, objs); len(failed) > 0 {
			t.Errorf("failed: %v", failed)
		}
		// The reader may open one more by itself when nobody has begun it.
		if src.mostHeld > aheadBytes+aheadFile || src.mostHeld < aheadBytes {
			t.Errorf("%d bytes held, want about %d", src.mostHeld, aheadBytes)
		}
	})
}

// Whatever the reader asks for, and in whatever order, it gets it: room that is
// held by files it has not come to must never make it wait.
func TestAheadAnyOrder(t *testing.T) {
	big := objects(12, aheadFile)
	unknown := []pipeline.Object{{Key: "u", Size: aheadFile + 1}, {Key: "v", Size: aheadFile + 1}}
	reverse := make([]pipeline.Object, len(big))
	for i, o := range big {
		reverse[len(big)-1-i] = o
	}
	for _, c := range []struct {
		name       string
		fetch, ask []pipeline.Object
	}{
		{"backwards", big, reverse},
		{"every second, the others never", big, []pipeline.Object{big[1], big[3], big[5], big[7], big[9], big[11]}},
		{"one twice", big, []pipeline.Object{big[0], big[0], big[11], big[11]}},
		{"too large to fetch", unknown, unknown},
		{"not announced", big[:2], big},
		{"only one", big[:1], big[:1]},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if _, failed := readAhead(t, &latency{}, c.fetch, c.ask); len(failed) > 0 {
					t.Errorf("failed: %v", failed)
				}
			})
		})
	}
}

func TestAheadFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objs := objects(50, 1000)
		_, failed := readAhead(t, &latency{short: "7", long: "20"}, objs, objs)
		if len(failed) != 2 || !errors.Is(failed["7"], io.ErrUnexpectedEOF) ||
			failed["20"] == nil || !strings.Contains(failed["20"].Error(), "1001 bytes instead of 1000") {
			t.Errorf("failed: %v", failed)
		}
	})
}

// A batch that is given up leaves no fetcher behind: synctest fails on one.
func TestAheadIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := fetchAhead(ctx, &latency{}, objects(40, aheadFile))
		time.Sleep(3 * getTime) // fake time: until all wait for room
		cancel()
		a.wait()
	})
}
