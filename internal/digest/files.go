package digest

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"strings"
	"sync"
)

// outcome is what became of one log file.
type outcome struct {
	kind   Kind // "" where it is what its digest says
	detail string
}

// files verifies the log files that a digest names. They are some hundred of a
// busy hour, each some ten milliseconds away: Workers of them at the same time.
func (v *verifier) files(ctx context.Context, c *chain, d *Digest) error {
	if v.o.SkipLogs {
		return nil
	}
	keys := make([]string, len(d.LogFiles))
	for i, f := range d.LogFiles {
		key, ok := v.shift.local(f.Object)
		if !ok {
			key = f.Object
		}
		keys[i] = key
		v.named[idOf(key)] = true
	}
	found := make([]outcome, len(keys))
	work := make(chan int)
	var wait sync.WaitGroup
	for range max(1, min(v.o.Workers, len(keys))) {
		wait.Go(func() {
			for i := range work {
				found[i] = v.file(ctx, keys[i], &d.LogFiles[i])
			}
		})
	}
	for i := range keys {
		work <- i
	}
	close(work)
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, f := range found {
		c.Logs++
		v.logs++
		if f.kind == "" {
			c.Good++
			continue
		}
		v.problem(f.kind, keys[i], "%s", f.detail)
	}
	if v.o.Progress != nil {
		v.o.Progress(v.total, v.logs)
	}
	return nil
}

// file compares one log file with its hash.
func (v *verifier) file(ctx context.Context, key string, f *LogFile) outcome {
	if ctx.Err() != nil {
		return outcome{} // nobody will look
	}
	if f.Algorithm != hashAlgorithm {
		return outcome{Unreadable, "hashed by " + f.Algorithm + ", only " + hashAlgorithm + " is known"}
	}
	body, _, err := v.src.Open(ctx, key)
	if errors.Is(err, ErrMissing) {
		return outcome{Missing, "a digest names it"}
	}
	if err != nil {
		return outcome{Unreadable, err.Error()}
	}
	defer body.Close()
	hash, err := hashOf(body)
	switch {
	case broken(err):
		return outcome{Modified, err.Error()}
	case err != nil:
		return outcome{Unreadable, err.Error()}
	case !strings.EqualFold(hash, f.Hash):
		return outcome{Modified, "its hash is " + hash + ", the digest says " + strings.ToLower(f.Hash)}
	}
	return outcome{}
}

// broken tells content that CloudTrail cannot have written from content that could
// not be fetched.
func broken(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, errTooLong)
}

// shift is by what keys in digests differ from those of the source: a copy may
// lack the start of them, or stand below folders of its own.
type shift struct{ lacks, has string }

// shiftOf compares the key of a digest with what it says of itself. Where they have
// nothing in common it is no shift, and the digest was moved.
func shiftOf(key, object string) *shift {
	switch {
	case strings.HasSuffix(object, key):
		return &shift{lacks: strings.TrimSuffix(object, key)}
	case strings.HasSuffix(key, "/"+object):
		return &shift{has: strings.TrimSuffix(key, object)}
	}
	return &shift{}
}

// local is the key in the source of what has a key in S3.
func (s *shift) local(object string) (string, bool) {
	rest, ok := strings.CutPrefix(object, s.lacks)
	return s.has + rest, ok
}
