package table

import (
	"fmt"
	"runtime/debug"
)

// Stage is what the writers of a batch have in common: the directory of their
// unfinished objects, and the memory to encode with. They are for one goroutine
// and write one row group at a time, so that they need it once: where a batch
// held logs of both kinds that saved 24 of 127 MB in use.
type Stage struct {
	dir   string
	enc   *encoder
	spare spare
	order sorter

	background bool
	running    chan error  // of what start started; nil: nothing is running
	ended      func(error) // to be told of it
}

// NewStage returns a stage in dir, a directory that is there.
func NewStage(dir string) (*Stage, error) {
	enc, err := newEncoder()
	if err != nil {
		return nil, err
	}
	return &Stage{dir: dir, enc: enc}, nil
}

// Background lets the writers that are made from now on fill one buffer while
// another one is written, on a goroutine that Close and Abort wait for. It takes
// the memory of a second buffer, and a core that has nothing else to do.
func (s *Stage) Background() { s.background, s.enc.beside = true, true }

// start runs do beside the caller, once what was started before has ended. The
// caller's goroutine is told in settle how it ended.
func (s *Stage) start(do func() error, ended func(error)) {
	s.settle()
	running := make(chan error, 1)
	s.running, s.ended = running, ended
	go func() { running <- guarded(do) }()
}

// guarded runs do on a goroutine that has nobody above to take a panic.
func guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("BUG: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return do()
}

// settle waits for what start started.
func (s *Stage) settle() {
	if s.running == nil {
		return
	}
	err := <-s.running
	s.running = nil
	s.ended(err)
}
