package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/internal/table"
)

// Lake is where batches become visible, and knows which files are in them.
type Lake interface {
	// Begin takes files into a new batch, as far as no other batch has them. Every
	// batch that is begun ends with one Commit or Abort.
	Begin(ctx context.Context, files []Object) (Batch, error)
}

// Batch is files in the hands of one worker.
type Batch interface {
	ID() string // ends the name of each object of the batch
	// Held lists the files that Begin was asked for and that this batch does not
	// have. All others are to be accounted for in Commit.
	Held() []Held
	// Commit makes the staged objects visible, all or none. files says what
	// became of each file of the batch. After an error nothing of the batch is
	// visible, or the lake finishes the commit by itself later; in both cases the
	// same files may be begun again, and what is staged is not needed any more.
	Commit(ctx context.Context, files []File, staged []table.Object) error
	// Abort gives the files back.
	Abort(ctx context.Context) error
}

// Held is a file that another batch has.
type Held struct {
	Object Object
	Batch  string
	Until  time.Time // it is being converted, and free or done then at the latest; zero: it is in the lake
}

// ErrBusy is why a file is Failed that another worker is converting.
var ErrBusy = errors.New("another worker is converting it")

func (h Held) account(f *File) {
	if h.Until.IsZero() {
		f.Before, f.Reason = h.Batch, "converted before, in batch "+h.Batch
		return
	}
	f.Outcome = Failed
	f.Err = fmt.Errorf("%w, in batch %s, until %s at the latest", ErrBusy, h.Batch, h.Until.UTC().Format(time.RFC3339))
}

// abandonTime is what an ended context leaves for giving files back. Where it is
// too short they are free when the lake finds the batch to be given up.
const abandonTime = time.Second

func abandon(ctx context.Context, b Batch) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
		defer cancel()
	}
	return b.Abort(ctx)
}

// noLake is where batches go of which nothing is written.
type noLake struct{}

func (noLake) Begin(context.Context, []Object) (Batch, error)       { return noLake{}, nil }
func (noLake) ID() string                                           { return "" }
func (noLake) Held() []Held                                         { return nil }
func (noLake) Commit(context.Context, []File, []table.Object) error { return nil }
func (noLake) Abort(context.Context) error                          { return nil }
