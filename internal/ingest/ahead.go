package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"sluice/internal/pipeline"
)

// A GET takes 20 to 50 ms until its first byte and a typical log file is done
// within one: one after the other, a batch of 1,000 files would wait for half a
// minute and work for half a second. So small files are fetched ahead.
const (
	inFlight   = 48       // the reader's own included: 1,200 files a second at 40 ms each, twice what a processor converts
	aheadBytes = 32 << 20 // of all files fetched and not yet read
	aheadFile  = 8 << 20  // a larger one streams, its first byte is a small part of it
)

// ahead fetches the files of a batch into memory in the order in which they
// will be asked for. Whoever made it waits for it with wait.
type ahead struct {
	src   pipeline.Source
	slots []*slot
	wg    sync.WaitGroup

	mu   sync.Mutex
	room *sync.Cond       // used has shrunk, or it is over
	byID map[string]*slot // slots that the reader has not asked for
	next int              // first slot that no fetcher has looked at
	used int64            // bytes of files fetched and not yet closed
	over bool
}

type slot struct {
	object pipeline.Object
	begun  bool          // by a fetcher
	done   chan struct{} // closed when data or err is there
	data   []byte
	err    error
}

func fetchAhead(ctx context.Context, src pipeline.Source, objs []pipeline.Object) *ahead {
	a := &ahead{src: src, byID: make(map[string]*slot, len(objs))}
	a.room = sync.NewCond(&a.mu)
	for _, o := range objs {
		if o.Size > 0 && o.Size <= aheadFile {
			s := &slot{object: o, done: make(chan struct{})}
			a.slots = append(a.slots, s)
			a.byID[o.ID()] = s
		}
	}
	if len(a.slots) > 1 { // a single file gains nothing
		for range min(inFlight-1, len(a.slots)) {
			a.wg.Go(func() { a.fetch(ctx) })
		}
	}
	return a
}

// wait ends the fetching. Cancel the context before, to end what hangs.
func (a *ahead) wait() {
	a.mu.Lock()
	a.over = true
	a.room.Broadcast()
	a.mu.Unlock()
	a.wg.Wait()
}

func (a *ahead) fetch(ctx context.Context) {
	for {
		s := a.claim()
		if s == nil {
			return
		}
		s.data, s.err = whole(ctx, a.src, s.object)
		if s.err != nil {
			a.release(s.object.Size)
		}
		close(s.done)
	}
}

// claim waits for room and takes the next slot. While it waits the slot stays
// free, so that the reader, who frees the room, never waits for it.
func (a *ahead) claim() *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.over && a.next < len(a.slots) {
		s := a.slots[a.next]
		switch {
		case a.byID[s.object.ID()] != s: // the reader came first
			a.next++
		case a.used+s.object.Size <= aheadBytes:
			a.next++
			a.used += s.object.Size
			s.begun = true
			return s
		default:
			a.room.Wait()
		}
	}
	return nil
}

func (a *ahead) release(n int64) {
	a.mu.Lock()
	a.used -= n
	a.room.Broadcast()
	a.mu.Unlock()
}

// Open returns the fetched file, or opens it when no fetcher has begun it.
func (a *ahead) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	s := a.take(o)
	if s == nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return a.src.Open(ctx, o)
	}
	<-s.done // a fetcher always gets there: its context ends with ours
	if s.err != nil {
		return nil, s.err
	}
	return &fetched{Reader: bytes.NewReader(s.data), release: sync.OnceFunc(func() {
		s.data = nil
		a.release(o.Size)
	})}, nil
}

// take gives the slot of o to the reader, nil when the reader has to do without.
func (a *ahead) take(o pipeline.Object) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byID[o.ID()]
	delete(a.byID, o.ID())
	a.room.Broadcast()
	if s == nil || !s.begun {
		return nil
	}
	return s
}

type fetched struct {
	*bytes.Reader
	release func()
}

func (f *fetched) Close() error {
	f.release()
	return nil
}

// whole reads a file of known size to its end, where checksums are verified.
func whole(ctx context.Context, src pipeline.Source, o pipeline.Object) ([]byte, error) {
	rc, err := src.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data := make([]byte, o.Size)
	n, err := io.ReadFull(rc, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF { // not one that says more
		return nil, fmt.Errorf("%d bytes instead of %d: %w", n, o.Size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, err
	}
	more, err := io.Copy(io.Discard, rc)
	if err == nil && more > 0 {
		err = fmt.Errorf("%d bytes instead of %d", o.Size+more, o.Size)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}
