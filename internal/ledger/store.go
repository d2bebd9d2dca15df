package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// State says how far a batch has come. It only ever moves downward in this
// list, and a batch that is decided, committed or aborted, stays so.
type State string

const (
	Live      State = "live"      // being worked on until its lease ends, then anyone may abort it
	Committed State = "committed" // decided: its rows count, whoever meets it brings its objects into place
	Finished  State = "finished"  // its objects are in place
	Aborted   State = "aborted"   // decided: nothing of it counts, its files are free
)

// Batch is one attempt to convert some files together, as all workers see it.
type Batch struct {
	ID        string    `json:"-"`
	State     State     `json:"-"`
	Begun     time.Time `json:"begun,omitzero"`
	Until     time.Time `json:"until,omitzero"` // end of the lease
	Committed time.Time `json:"committed,omitzero"`
	Parts     int       `json:"parts,omitempty"` // of the commit, see Records
	Totals    Totals    `json:"totals,omitzero"`

	// Left are the ids of files that this batch asked for and did not convert:
	// a claim on one of them means nothing, committed or not. The commit itself
	// says so, because a release of its own could be overtaken by the claim it
	// releases, and the file would count as converted for ever.
	Left []string `json:"left,omitempty"`
}

// Totals is the accounting of a batch in a line.
type Totals struct {
	Files     int64 `json:"files"` // converted
	Skipped   int64 `json:"skipped,omitempty"`
	Failed    int64 `json:"failed,omitempty"`
	Lines     int64 `json:"lines"`
	Rows      int64 `json:"rows"`
	Rejected  int64 `json:"rejected,omitempty"`
	Ambiguous int64 `json:"ambiguous,omitempty"`
	Bytes     int64 `json:"bytes"` // of the files, as delivered
	Objects   int64 `json:"objects"`
}

// Claim is the memory of one file: which batch asked for it last. Whether that
// batch has it is the batch's to say.
type Claim struct {
	File  File
	Batch string
}

// errGone is a batch that a store does not know, or no longer.
var errGone = errors.New("no such batch")

// Reader tells what a Store remembers. It changes nothing.
type Reader interface {
	// Batch returns a batch as it is, or errGone.
	Batch(ctx context.Context, id string) (Batch, error)
	// Entry returns what a batch committed, or errGone.
	Entry(ctx context.Context, id string) (Commit, error)
	// Claims lists every content of a file that is known.
	Claims(ctx context.Context, bucket, key string) ([]Claim, error)
	// Since lists the batches begun from a time on, and maybe some before,
	// decided or not.
	Since(ctx context.Context, from, to time.Time) iter.Seq2[Batch, error]
}

// Store remembers claims and batches. Every method may be repeated after an
// error or a lost answer with the same outcome, and what one returned another
// process reads from then on. The protocol is in Ledger; a store only keeps its
// word about the conditions.
type Store interface {
	Reader
	// Name gives a new batch its id, which also ends the names of its objects.
	Name(files []pipeline.Object, now time.Time) (string, error)
	// Open makes a batch known. Only this makes one.
	Open(ctx context.Context, b Batch) error
	// Claim puts each file under batch unless another holds it that is not the
	// one in from (by file id), and returns who holds each file now.
	Claim(ctx context.Context, batch string, files []pipeline.Object, from map[string]string) (holders []string, err error)
	// Commit decides a live batch, with all that is to be known of it. It
	// returns how the batch is decided: Aborted when another came first.
	Commit(ctx context.Context, b Batch, c Commit) (State, error)
	// Abort decides a live batch and returns how it is decided: Committed or
	// Finished when its worker came first, Aborted also when it is gone.
	Abort(ctx context.Context, id string) (State, error)
	// Finish notes that the objects of a committed batch are in place.
	Finish(ctx context.Context, id string) error
	// Forget removes the claims of an aborted batch on files.
	Forget(ctx context.Context, id string, files []pipeline.Object) error
}

// Objects keeps the objects of batches: out of sight of whoever reads the lake
// until they are placed. Place and Drop may be repeated, also at the same time
// and by several workers.
type Objects interface {
	// Put takes staged objects, where only Place finds them.
	Put(ctx context.Context, batch string, staged []table.Object) error
	// Place makes the objects of a committed batch visible under their names,
	// and drops what Put kept when all of them are.
	Place(ctx context.Context, batch string, objects []Object) error
	// Drop removes what Put kept, as far as it is there.
	Drop(ctx context.Context, batch string) error
	// Batches lists the batches of which Put has kept something.
	Batches(ctx context.Context) ([]string, error)
}
