// Package ledger makes a batch of files a transaction: which file went into
// which batch is decided once, however often a file is delivered and wherever a
// worker stops. An interrupted conversion that is run again neither loses a line
// nor doubles one.
//
// A batch is opened, claims its files, keeps its objects out of sight, and is
// committed or aborted by one conditional write, of which exactly one can win.
// Only then are its objects placed where readers look. So what a reader sees was
// committed, whatever a worker does that was given up: it can still put objects
// where nobody looks, and its commit is refused. Clocks and leases decide how
// soon a file is taken over, never what is right.
//
// The protocol is Ledger and Attempt. It runs over a Store and over Objects: Dir
// is both, for a lake in a directory; RecordStore keeps a Store's memory in
// records that are swapped one by one, as a database does.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/pipeline"
)

// Config is what a Ledger is made from.
type Config struct {
	Store   Store
	Objects Objects
	// Lease is how long others keep away from a batch: longer than a worker can
	// take, by as much as two clocks may differ. Where the context of Begin has a
	// deadline, that is how long a worker can take, and Lease is what is added.
	// Too short costs work twice, too long makes files wait after a crash;
	// neither costs a line.
	Lease time.Duration
	Now   func() time.Time
	// OnlyConverted forgets batches of which no file was converted. Else what is
	// known of files that were skipped is remembered, too.
	OnlyConverted bool
}

// Ledger lets workers take files in turn. It keeps nothing itself: one for each
// process, or one for all, is the same.
type Ledger struct {
	store         Store
	objects       Objects
	lease         time.Duration
	now           func() time.Time
	onlyConverted bool
}

// New returns a ledger.
func New(c Config) *Ledger {
	return &Ledger{store: c.Store, objects: c.Objects, lease: c.Lease, now: c.Now, onlyConverted: c.OnlyConverted}
}

// Held is a file that an attempt did not get.
type Held struct {
	File  pipeline.Object
	Batch string    // that has it
	Until time.Time // of a busy file: when to try again at the latest
}

// maxRounds is how often an attempt asks for a file that others take and give
// up meanwhile. The second time is usual, a fourth takes strange luck.
const maxRounds = 10

// Begin opens a batch and claims files for it. What it could not claim is Done,
// being in the lake, or Busy with a live batch of another worker. Batches on its
// way that were given up are brought to their end.
//
// After an error nothing is claimed for long: the lease ends it.
func (l *Ledger) Begin(ctx context.Context, files []pipeline.Object) (*Attempt, error) {
	id, err := l.store.Name(files, l.now())
	if err != nil {
		return nil, fmt.Errorf("name batch: %w", err)
	}
	files = distinct(files)
	now := l.now()
	until := now.Add(l.lease)
	if end, ok := ctx.Deadline(); ok {
		until = until.Add(time.Until(end))
	}
	a := &Attempt{ID: id, ledger: l, asked: files, begun: now}
	if err := l.store.Open(ctx, Batch{ID: id, State: Live, Begun: now, Until: until}); err != nil {
		return nil, fmt.Errorf("open batch %s: %w", id, err)
	}
	if err := a.claim(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("claim files for batch %s: %w", id, err), a.Abort(ctx))
	}
	return a, nil
}

// claim asks for all files, then for those that are not where they seem: each
// round takes the rest from batches that turned out not to have them.
func (a *Attempt) claim(ctx context.Context) error {
	ask, from := a.asked, map[string]string{}
	known := map[string]Batch{} // batches that are decided stay so
	for rounds := 0; len(ask) > 0; rounds++ {
		if rounds == maxRounds {
			return fmt.Errorf("%d files keep changing hands, first %q", len(ask), ask[0].Key)
		}
		holders, err := a.ledger.store.Claim(ctx, a.ID, ask, from)
		if err != nil {
			return err
		}
		var again []pipeline.Object
		for i, f := range ask {
			if holders[i] == a.ID {
				a.Taken = append(a.Taken, f)
				continue
			}
			b, ok := known[holders[i]]
			if !ok {
				if b, err = a.ledger.resolve(ctx, holders[i]); err != nil {
					return err
				}
				known[b.ID] = b
			}
			switch {
			case b.State == Live:
				a.Busy = append(a.Busy, Held{f, b.ID, b.Until})
			case b.has(f.ID()):
				a.Done = append(a.Done, Held{File: f, Batch: b.ID})
			default:
				from[f.ID()] = b.ID
				again = append(again, f)
			}
		}
		ask = again
	}
	a.answered = true
	return nil
}

// has tells whether a decided batch has a file that it holds.
func (b *Batch) has(file string) bool {
	return (b.State == Committed || b.State == Finished) && !slices.Contains(b.Left, file)
}

// resolve returns a batch that another worker began, decided and done with
// unless its lease still runs.
func (l *Ledger) resolve(ctx context.Context, id string) (Batch, error) {
	b, err := l.store.Batch(ctx, id)
	switch {
	case errors.Is(err, errGone):
		return Batch{ID: id, State: Aborted}, nil // nothing can commit it any more
	case err != nil:
		return Batch{}, fmt.Errorf("look at batch %s: %w", id, err)
	case b.State == Live && l.now().Before(b.Until):
		return b, nil
	case b.State == Live:
		if b.State, err = l.store.Abort(ctx, id); err != nil {
			return Batch{}, fmt.Errorf("abort batch %s: %w", id, err)
		}
		if b.State != Aborted { // its worker came first, and has said what it left
			return l.resolve(ctx, id)
		}
		if err := l.objects.Drop(ctx, id); err != nil {
			return Batch{}, fmt.Errorf("drop objects of batch %s: %w", id, err)
		}
	case b.State == Committed:
		if err := l.finish(ctx, id, nil); err != nil {
			return Batch{}, err
		}
		b.State = Finished
	}
	return b, nil
}

// finish places the objects of a committed batch, whoever committed it.
func (l *Ledger) finish(ctx context.Context, id string, c *Commit) error {
	if c == nil {
		found, err := l.store.Entry(ctx, id)
		if err != nil {
			return fmt.Errorf("finish batch %s: %w", id, err)
		}
		c = &found
	}
	if err := l.objects.Place(ctx, id, c.Objects); err != nil {
		return fmt.Errorf("finish batch %s: %w", id, err)
	}
	if err := l.store.Finish(ctx, id); err != nil {
		return fmt.Errorf("finish batch %s: %w", id, err)
	}
	return nil
}

// distinct leaves out files that are listed twice: a batch could claim one
// twice, and would.
func distinct(files []pipeline.Object) []pipeline.Object {
	seen := make(map[string]bool, len(files))
	out := make([]pipeline.Object, 0, len(files))
	for _, f := range files {
		if id := f.ID(); !seen[id] {
			seen[id] = true
			out = append(out, f)
		}
	}
	return out
}
