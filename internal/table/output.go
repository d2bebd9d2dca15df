package table

import "errors"

// output is where the pages of one row group go: to its file, as soon as there are
// many, or with encoder.beside by way of a goroutine that writes while the pages that
// follow are made. Of a row group of access logs that is all but the last of seven
// megabytes. Whoever has an output closes it, which waits for that goroutine.
type output struct {
	write func(b []byte) error

	full, free chan []byte // one piece to write, and what was written; nil before the first
	ended      chan error  // the first error of write
}

// spill writes e.out and empties it. Beside, errors are told by finish.
func (o *output) spill(e *encoder) error {
	if !e.beside {
		err := o.write(e.out)
		e.out = e.out[:0]
		return err
	}
	if o.full == nil {
		o.full, o.free, o.ended = make(chan []byte, 1), make(chan []byte, 2), make(chan error, 1)
		o.free <- e.second[:0]
		go writeAll(o.write, o.full, o.free, o.ended)
	}
	o.full <- e.out
	e.out = <-o.free
	return nil
}

// writeAll writes pieces until there are no more or one cannot be written, and takes
// those that follow that one.
func writeAll(write func([]byte) error, full <-chan []byte, free chan<- []byte, ended chan<- error) {
	var err error
	for b := range full {
		if err == nil {
			err = guarded(func() error { return write(b) })
		}
		free <- b[:0]
	}
	ended <- err
}

// finish writes the last of a row group, and says whether all of it was written.
func (o *output) finish(e *encoder) error {
	if o.full == nil {
		err := o.write(e.out)
		e.out = e.out[:0]
		return err
	}
	return errors.Join(o.spill(e), o.close(e))
}

// close waits for what is being written. It may be called more than once.
func (o *output) close(e *encoder) error {
	if o.full == nil {
		return nil
	}
	close(o.full)
	err := <-o.ended
	e.second = <-o.free
	o.full = nil
	return err
}
