package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// inDir is a Dir as the protocol sees it. What is not committed is in memory
// only: it ends with the process, and so does the lock.
type inDir struct{ d *Dir }

// Name returns the id that the files make: the same files have the same object
// names also when the ledger was lost, and so are recognised. No worker of an
// earlier batch can be left, so an id need not be new, only free.
func (s inDir) Name(files []pipeline.Object, _ time.Time) (string, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	id := pipeline.BatchID(files)
	for {
		_, live := s.d.live[id]
		known, err := s.d.committed(id)
		if err != nil || !live && !known {
			return id, err
		}
		id = pipeline.BatchID([]pipeline.Object{{Key: id}})
	}
}

// Open makes a batch known to this process.
func (s inDir) Open(_ context.Context, b Batch) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if !isBatchID(b.ID) {
		return errors.New("not a batch id")
	}
	if _, there := s.d.live[b.ID]; there || s.d.known[b.ID] {
		return errors.New("a batch of this id is there")
	}
	s.d.live[b.ID] = b
	return nil
}

// Claim puts files under a batch that no batch of the lake or of this process has.
func (s inDir) Claim(_ context.Context, batch string, files []pipeline.Object, _ map[string]string) ([]string, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	holders := make([]string, len(files))
	for i, f := range files {
		id := f.ID()
		if done, ok := s.d.batch[id]; ok {
			holders[i] = done
			continue
		}
		if _, held := s.d.claims[id]; !held {
			s.d.claims[id] = batch
		}
		holders[i] = s.d.claims[id]
	}
	return holders, nil
}

// Batch returns a batch as it is.
func (s inDir) Batch(ctx context.Context, id string) (Batch, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if b, ok := s.d.live[id]; ok {
		return b, nil
	}
	if !isBatchID(id) {
		return Batch{}, errGone
	}
	if known, err := s.d.committed(id); err != nil || !known {
		return Batch{}, errors.Join(err, errGone)
	}
	return onDisk(s.d.root).Batch(ctx, id)
}

// Commit renames the manifest into place.
func (s inDir) Commit(_ context.Context, b Batch, c Commit) (State, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if _, ok := s.d.live[b.ID]; !ok {
		return Aborted, nil
	}
	if err := s.d.write(c); err != nil {
		return "", fmt.Errorf("write manifest: %w", err)
	}
	return s.committed(b.ID)
}

// committed brings what has been renamed to the disk.
func (s inDir) committed(id string) (State, error) {
	if _, err := s.d.committed(id); err != nil {
		return "", err
	}
	s.release(id)
	return Committed, s.d.sync(s.d.path("commits"))
}

// Abort gives the files of a batch back. A rename that failed may have happened.
func (s inDir) Abort(_ context.Context, id string) (State, error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	known, err := s.d.committed(id)
	if err != nil {
		return "", err
	}
	if known {
		return s.committed(id)
	}
	s.release(id)
	return Aborted, nil
}

func (s inDir) release(id string) {
	delete(s.d.live, id)
	maps.DeleteFunc(s.d.claims, func(_, batch string) bool { return batch == id })
}

// Finish has nothing to note: a batch is finished when nothing of it is pending.
func (s inDir) Finish(context.Context, string) error { return nil }

// Forget has nothing to remove: an aborted batch is not remembered.
func (s inDir) Forget(context.Context, string, []pipeline.Object) error { return nil }

// Put brings staged objects to where Place, and Open, look for those of a
// committed batch. The staged files are gone then.
func (s inDir) Put(_ context.Context, batch string, staged []table.Object) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if err := s.d.unlike(batch, staged); err != nil {
		return err
	}
	if err := s.d.take(batch, staged); err != nil {
		return fmt.Errorf("take staged objects: %w", err)
	}
	return nil
}

// Place moves the objects of a batch to where they belong.
func (s inDir) Place(_ context.Context, batch string, objects []Object) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.d.finish(Commit{Batch: batch, Objects: objects})
}

// Drop removes the pending objects of a batch that was not committed.
func (s inDir) Drop(_ context.Context, batch string) error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	pending := s.d.path("pending", batch)
	if _, err := os.Stat(pending); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return s.d.change("drop "+pending, func() error { return os.RemoveAll(pending) })
}

// Batches lists what is out of sight.
func (s inDir) Batches(context.Context) ([]string, error) {
	entries, err := os.ReadDir(s.d.path("pending"))
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids, err
}

func (s inDir) Entry(ctx context.Context, id string) (Commit, error) {
	return onDisk(s.d.root).Entry(ctx, id)
}

func (s inDir) Claims(ctx context.Context, bucket, key string) ([]Claim, error) {
	return onDisk(s.d.root).Claims(ctx, bucket, key)
}

func (s inDir) Since(ctx context.Context, from, to time.Time) iter.Seq2[Batch, error] {
	return onDisk(s.d.root).Since(ctx, from, to)
}

// onDisk reads the ledger of a lake directory without its lock: a batch that is
// committed meanwhile may be there or not.
type onDisk string

// InDir returns what the ledger of the lake in dir remembers.
func InDir(dir string) Reader { return onDisk(dir) }

// Batch returns a committed batch; others are not on the disk.
func (root onDisk) Batch(ctx context.Context, id string) (Batch, error) {
	c, err := root.Entry(ctx, id)
	if err != nil {
		return Batch{}, err
	}
	return root.batch(c)
}

func (root onDisk) batch(c Commit) (Batch, error) {
	b := Batch{ID: c.Batch, State: Finished, Begun: c.Time, Committed: c.Time, Totals: totals(c)}
	for _, f := range c.Files {
		if f.Outcome != "" {
			b.Left = append(b.Left, f.ID)
		}
	}
	_, err := os.Stat(filepath.Join(string(root), "_sluice", "pending", c.Batch))
	switch {
	case err == nil:
		b.State = Committed
	case !errors.Is(err, os.ErrNotExist):
		return Batch{}, err
	}
	return b, nil
}

// Entry reads a manifest.
func (root onDisk) Entry(_ context.Context, id string) (Commit, error) {
	if !isBatchID(id) {
		return Commit{}, errGone
	}
	path := filepath.Join(string(root), "_sluice", "commits", id+".json")
	c, err := readManifest(path)
	if errors.Is(err, os.ErrNotExist) {
		return Commit{}, errGone
	}
	if err == nil && c.Time.IsZero() {
		var st os.FileInfo
		if st, err = os.Stat(path); err == nil {
			c.Time = st.ModTime().UTC()
		}
	}
	return c, err
}

// Claims looks through all manifests: a person asks, and a lake on a laptop has
// not many.
func (root onDisk) Claims(_ context.Context, bucket, key string) ([]Claim, error) {
	var claims []Claim
	for c, err := range Commits(string(root)) {
		if err != nil {
			return nil, err
		}
		for _, f := range c.Files {
			if f.Bucket == bucket && f.Key == key {
				claims = append(claims, Claim{f, c.Batch})
			}
		}
	}
	return claims, nil
}

// Since lists the batches committed in a stretch of time.
func (root onDisk) Since(ctx context.Context, from, to time.Time) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for c, err := range Commits(string(root)) {
			var b Batch
			if err == nil {
				b, err = root.Batch(ctx, c.Batch)
			}
			if err == nil && (b.Committed.Before(from) || b.Committed.After(to)) {
				continue
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}
