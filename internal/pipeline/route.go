package pipeline

import (
	"errors"
	"io"

	"sluice/internal/logs"
	"sluice/internal/table"
)

// Route is a log format whose row type is forgotten, so that formats of
// different rows fit in one list. Make it with To.
type Route struct {
	Table string // the table the format fills

	match func(key string, head []byte) (ok bool, skip string)
	open  func(*table.Stage) (sink, error) // without a stage: a sink that keeps nothing
}

// To makes a format a route. Rows that have a method Ambiguous() bool are
// counted by it.
func To[R any](f logs.Format[R]) Route {
	return Route{
		Table: f.Table.Name,
		match: f.Match,
		open: func(stage *table.Stage) (sink, error) {
			w, err := writerOf(f.Table, stage)
			if err != nil {
				return nil, err
			}
			_, counts := any((*R)(nil)).(ambiguous)
			return &rows[R]{writer: w, format: f, counts: counts}, nil
		},
	}
}

// Named says whether the name alone shows that a file holds this format, and what
// a sibling of such files is that holds none. Other files may hold it all the
// same: that takes a look into them.
func (r Route) Named(key string) (ok bool, skip string) { return r.match(key, nil) }

// ambiguous is a row that may have been one of several.
type ambiguous interface{ Ambiguous() bool }

// closer is what every table writer of a batch ends with.
type closer interface {
	Close(batch string) ([]table.Object, error)
	Abort() error
}

// sink reads files of one format into its table.
type sink interface {
	closer
	name() string
	match(key string, head []byte) (ok bool, skip string)
	Mark()
	Rollback() error
	// read writes the rows of one file, shows them to w, hands its rejects to
	// bad and counts both in f. A stageError concerns the batch, any other error
	// the file.
	read(f *File, in *logs.Input, r io.Reader, w Watch, bad func(*logs.BadRecord) error) error
}

// stageError is an error of our own side: no file is to blame for it.
type stageError struct{ err error }

func (e *stageError) Error() string { return e.err.Error() }
func (e *stageError) Unwrap() error { return e.err }

// blame tells whether it is the file's fault that a row cannot be written.
func blame(err error) error {
	if _, theirs := errors.AsType[*table.RowError](err); theirs {
		return err
	}
	return &stageError{err}
}

type rows[R any] struct {
	writer[R]
	format logs.Format[R]
	reader logs.Reader[R] // made for the first file, kept for its caches
	counts bool           // R tells ambiguous rows
}

func (s *rows[R]) name() string { return s.format.Table.Name }

func (s *rows[R]) match(key string, head []byte) (bool, string) { return s.format.Match(key, head) }

func (s *rows[R]) read(f *File, in *logs.Input, r io.Reader, w Watch, bad func(*logs.BadRecord) error) error {
	reader := s.reader
	if reader == nil {
		reader = s.format.NewReader()
	}
	s.reader = nil // one that panics is not used again
	for row, err := range reader.Read(in, r) {
		if err == nil {
			if err := writing(s.writer, row); err != nil {
				return blame(err)
			}
			w.Row(row)
			f.Rows++
			if s.counts && any(row).(ambiguous).Ambiguous() {
				f.Ambiguous++
			}
			continue
		}
		b, ok := errors.AsType[*logs.BadRecord](err)
		if !ok {
			return err
		}
		if err := bad(b); err != nil {
			return blame(err)
		}
		f.Rejected++
		if f.Reasons == nil {
			f.Reasons = map[logs.Reason]int64{}
		}
		f.Reasons[b.Reason]++
	}
	s.reader = reader
	return nil
}
