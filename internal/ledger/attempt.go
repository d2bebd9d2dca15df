package ledger

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// Attempt is a batch in the hands of the worker that began it. It ends with
// Commit or Abort; a worker that is stopped before leaves that to whoever meets
// one of its files.
type Attempt struct {
	ID    string            // ends the name of each object
	Taken []pipeline.Object // to convert; nobody else does while the lease runs
	Done  []Held            // to leave: they are in the lake
	Busy  []Held            // to deliver again later

	ledger   *Ledger
	asked    []pipeline.Object // a claim on one of them may still be on its way
	answered bool              // it is known which of them were claimed
	begun    time.Time
}

// ErrLost is a batch that was aborted by another worker, after its lease. Its
// files are that worker's now, or anyone's.
var ErrLost = errors.New("the batch was given up, and its files were taken over")

// Commit makes what became of the taken files count, all at once: files are
// their accounting, in any order, staged are the objects that hold the rows of
// the converted ones. Where there is nothing to remember, the batch is aborted.
//
// After nil all objects are in place. After an error the batch is not committed,
// or it is and the next worker that meets one of its files places the rest: in
// both cases deliver the files again. Objects that were staged may be gone.
func (a *Attempt) Commit(ctx context.Context, files []pipeline.File, staged []table.Object) error {
	b, c, err := a.account(files, staged)
	if err != nil {
		return errors.Join(fmt.Errorf("commit batch %s: %w", a.ID, err), a.Abort(ctx))
	}
	if b.Totals.Files == 0 && (b.Totals.Skipped == 0 || a.ledger.onlyConverted) {
		return a.Abort(ctx)
	}
	return a.decide(ctx, b, c, staged)
}

// decide puts the objects where they are safe, commits, and brings them into
// place.
func (a *Attempt) decide(ctx context.Context, b Batch, c Commit, staged []table.Object) error {
	if err := a.ledger.objects.Put(ctx, a.ID, staged); err != nil {
		return errors.Join(fmt.Errorf("commit batch %s: %w", a.ID, err), a.Abort(ctx))
	}
	state, err := a.ledger.store.Commit(ctx, b, c)
	if err != nil {
		// It may have been committed all the same. To abort it is to ask: only
		// one of the two can have won.
		var aerr error
		if state, aerr = a.ledger.store.Abort(ctx, a.ID); aerr != nil {
			return fmt.Errorf("commit batch %s: %w", a.ID, errors.Join(err, aerr))
		}
		if state == Aborted {
			return errors.Join(fmt.Errorf("commit batch %s: %w", a.ID, err), a.clear(ctx))
		}
	}
	if state == Aborted {
		return errors.Join(fmt.Errorf("commit batch %s: %w", a.ID, ErrLost), a.ledger.objects.Drop(ctx, a.ID))
	}
	return a.ledger.finish(ctx, a.ID, &c)
}

// Abort gives the files back and leaves no trace of the batch. After an error
// the lease does that, later.
func (a *Attempt) Abort(ctx context.Context) error {
	state, err := a.ledger.store.Abort(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("abort batch %s: %w", a.ID, err)
	}
	if state != Aborted {
		return fmt.Errorf("abort batch %s: it is committed", a.ID)
	}
	return a.clear(ctx)
}

func (a *Attempt) clear(ctx context.Context) error {
	if err := a.ledger.objects.Drop(ctx, a.ID); err != nil {
		return fmt.Errorf("drop objects of batch %s: %w", a.ID, err)
	}
	claimed := a.Taken
	if !a.answered {
		claimed = a.asked
	}
	if err := a.ledger.store.Forget(ctx, a.ID, claimed); err != nil {
		return fmt.Errorf("forget batch %s: %w", a.ID, err)
	}
	return nil
}

// account puts down what a batch is, and refuses one that does not add up.
func (a *Attempt) account(files []pipeline.File, staged []table.Object) (Batch, Commit, error) {
	now := a.ledger.now()
	b := Batch{ID: a.ID, State: Committed, Begun: a.begun, Committed: now}
	c := Commit{Batch: a.ID, Time: now}
	var err error
	if c.Objects, err = named(staged); err != nil {
		return b, c, err
	}
	taken := make(map[string]bool, len(a.Taken))
	for _, o := range a.Taken {
		taken[o.ID()] = true
	}
	converted := map[string]bool{}
	rows := map[string]int64{} // by table, that no object holds yet
	for _, f := range files {
		id := f.Object.ID()
		if !taken[id] {
			return b, c, fmt.Errorf("%q is accounted for twice, or was not claimed", f.Object.Key)
		}
		delete(taken, id)
		c.Files = append(c.Files, Account(f))
		if f.Outcome != pipeline.Converted {
			continue
		}
		if n := f.Unaccounted(); n != 0 {
			return b, c, fmt.Errorf("%q: %d of %d lines are neither row nor reject", f.Object.Key, n, f.Lines)
		}
		converted[id] = true
		rows[f.Format] += f.Rows
	}
	for _, h := range a.Done {
		converted[h.File.ID()] = true // its claim is that of the batch that has it, for good
	}
	for _, o := range a.asked {
		if id := o.ID(); !converted[id] {
			b.Left = append(b.Left, id)
		}
	}
	for _, o := range staged {
		if !strings.HasPrefix(path.Base(o.Name), a.ID) {
			return b, c, fmt.Errorf("object %q is not of this batch", o.Name)
		}
		if to, _, _ := strings.Cut(o.Name, "/"); rows[to] != 0 {
			rows[to] -= o.Rows
		}
	}
	for to, n := range rows {
		if n != 0 {
			return b, c, fmt.Errorf("the objects of table %s do not hold what the files gave: %d rows are missing", to, n)
		}
	}
	b.Totals = totals(c)
	slices.SortFunc(c.Files, func(x, y File) int { return strings.Compare(x.ID, y.ID) })
	return b, c, nil
}
