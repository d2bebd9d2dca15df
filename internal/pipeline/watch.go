package pipeline

import (
	"sluice/internal/logs"
	"sluice/internal/table"
)

// Watch sees every row of a batch on its way to the tables, so that what looks
// for findings shares the one pass over a file. It is called from Run's
// goroutine.
//
// What a watch saw of a file counts only once Run has returned without an error
// and End was told that the file is Converted: a file that breaks on its last
// line, or a commit that fails, takes back all rows before it.
type Watch interface {
	// Begin is a file that a format reads. Files that are skipped are not told of.
	Begin(o Object)
	// Row is a pointer to a row that is written, such as *s3access.Row. It is
	// valid until Row returns. Rejects are not told of.
	Row(row any)
	// End follows every Begin exactly once, whatever became of the file: f says
	// what. A file that took its whole batch down is Failed too.
	End(f File)
}

// blind is a watch that looks away.
type blind struct{}

func (blind) Begin(Object) {}
func (blind) Row(any)      {}
func (blind) End(File)     {}

// writer is where rows go: a table, or nowhere.
type writer[R any] interface {
	closer
	Write(row *R) error
	Mark()
	Rollback() error
}

// nowhere takes rows and keeps none.
type nowhere[R any] struct{}

func (nowhere[R]) Write(*R) error                       { return nil }
func (nowhere[R]) Mark()                                {}
func (nowhere[R]) Rollback() error                      { return nil }
func (nowhere[R]) Close(string) ([]table.Object, error) { return nil, nil }
func (nowhere[R]) Abort() error                         { return nil }

// writerOf is a writer of table t, or one to nowhere where there is no stage.
func writerOf[R any](t logs.Table[R], stage *table.Stage) (writer[R], error) {
	if stage == nil {
		return nowhere[R]{}, nil
	}
	return table.New(t, stage)
}
