package table

import (
	"errors"

	"sluice/internal/logs"
)

// Writer turns rows of type R into Parquet objects.
type Writer[R any] struct{ table logs.Table[R] }

// New returns a writer that stages objects in dir.
func New[R any](t logs.Table[R], dir string) (*Writer[R], error) { return &Writer[R]{table: t}, nil }

var errSoon = errors.New("table: not written yet")

// Write adds a row.
func (w *Writer[R]) Write(row *R) error { return errSoon }

// Mark remembers the rows so far.
func (w *Writer[R]) Mark() {}

// Rollback removes every row written since Mark.
func (w *Writer[R]) Rollback() error { return errSoon }

// Close finishes the batch.
func (w *Writer[R]) Close(batch string) ([]Object, error) { return nil, errSoon }

// Abort removes what is staged.
func (w *Writer[R]) Abort() error { return nil }
