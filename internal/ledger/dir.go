package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/internal/pipeline"
)

// Dir is a lake directory opened for writing. It is a pipeline.Lake, for any
// number of pipelines at once.
//
// A commit is one rename: that of its manifest. Before it nothing of the batch
// is seen by readers of the lake, after it the batch is finished whatever
// happens, by the next Open if need be:
//
//	_sluice/lock                    held while a process writes to the lake
//	_sluice/stage/                  objects that are being written
//	_sluice/pending/<batch>/<n>     whole objects of a batch that is not finished
//	_sluice/commits/<batch>.json    manifests
//	<table>/dt=<day>/<batch>-<nnnn>.parquet
//
// Readers of the lake skip names that start with an underscore. A reader that
// looks while a batch is being finished may see some of its objects before the
// others; a directory has no rename of many files.
type Dir struct {
	root string
	lock *os.File
	// change makes a change to the disk, which what names, or in tests refuses to.
	change func(what string, do func() error) error

	mu     sync.Mutex
	batch  map[string]string   // by id of a committed file
	known  map[string]bool     // committed batches
	named  map[name]struct{}   // names of committed files, whatever they held
	strays map[string][]string // visible objects of batches that are not known, by batch
	live   map[string]Batch    // batches of this process that are not committed
	claims map[string]string   // live batches by id of a claimed file
}

// Open opens the lake in dir for writing, makes it when it is not there, and
// finishes or removes what an interrupted process left. A lake has one writing
// process at a time.
func Open(dir string) (*Dir, error) {
	return open(dir, func(_ string, do func() error) error { return do() })
}

// errBusy is that another process has the lock of a lake.
var errBusy = errors.New("another sluice is writing to it; wait until that is done, or write to another lake")

func open(dir string, change func(string, func() error) error) (*Dir, error) {
	d := &Dir{root: dir, change: change, batch: map[string]string{}, known: map[string]bool{}, named: map[name]struct{}{},
		live: map[string]Batch{}, claims: map[string]string{}}
	for _, sub := range []string{d.Stage(), d.path("pending"), d.path("commits")} {
		if err := d.makeDir(sub); err != nil {
			return nil, fmt.Errorf("open lake: %w", err)
		}
	}
	lock, err := os.OpenFile(d.path("lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	if err := tryLock(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("open lake %s: %w", dir, err), lock.Close())
	}
	d.lock = lock
	if err := d.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("recover lake %s: %w", dir, err), d.Close())
	}
	return d, nil
}

// Close lets another process write to the lake.
func (d *Dir) Close() error { return d.lock.Close() }

// Stage is the directory for unfinished objects: on the same file system as the
// lake, and emptied by Open.
func (d *Dir) Stage() string { return d.path("stage") }

func (d *Dir) path(elem ...string) string {
	return filepath.Join(append([]string{d.root, "_sluice"}, elem...)...)
}

func (d *Dir) manifest(batch string) string { return d.path("commits", batch+".json") }

// Done tells whether a file is committed already, and in which batch.
func (d *Dir) Done(o pipeline.Object) (batch string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	batch, ok = d.batch[o.ID()]
	return batch, ok
}

// Changed tells whether a file of o's name is committed that held something
// else: another size, time or version. The rows of both would be in the lake.
func (d *Dir) Changed(o pipeline.Object) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, done := d.batch[o.ID()]
	_, named := d.named[nameOf(o.Bucket, o.Key)]
	return named && !done
}

// Strays lists the objects that readers of the lake see and that no commit
// accounts for, as when the ledger was lost: a file that is in them is not known
// to be, and its rows come twice when it is converted into another batch.
func (d *Dir) Strays() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(func(yield func(string) bool) {
		for _, objects := range d.strays {
			for _, o := range objects {
				if !yield(o) {
					return
				}
			}
		}
	})
}

// Ledger returns the protocol over this directory, for workers of this process.
// Nobody else has the lock, so leases never end.
func (d *Dir) Ledger(now func() time.Time) *Ledger {
	return New(Config{Store: inDir{d}, Objects: inDir{d}, Lease: 24 * 365 * time.Hour, Now: now, OnlyConverted: true})
}

// Begin is pipeline.Lake's. The objects that a batch has staged are moved into
// the lake when it is committed.
func (d *Dir) Begin(ctx context.Context, files []pipeline.Object) (pipeline.Batch, error) {
	return d.Ledger(time.Now).Lake().Begin(ctx, files)
}

// committed tells whether a batch's manifest is there. The disk is asked too: a
// rename that failed may have happened.
func (d *Dir) committed(batch string) (bool, error) {
	if d.known[batch] {
		return true, nil
	}
	m, err := readManifest(d.manifest(batch))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d.add(m)
	return true, nil
}

// add remembers a committed batch.
func (d *Dir) add(m Commit) {
	d.known[m.Batch] = true
	delete(d.strays, m.Batch)
	for _, f := range m.Files {
		if f.Outcome == "" {
			d.batch[f.ID] = m.Batch
			d.named[nameOf(f.Bucket, f.Key)] = struct{}{}
		}
	}
}
