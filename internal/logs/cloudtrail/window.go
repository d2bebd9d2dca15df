package cloudtrail

import (
	"errors"
	"io"
)

const (
	firstWindow = 256 << 10
	// maxWindow bounds one record, and with it the memory of a reader. CloudTrail
	// itself stops at 256 KiB.
	maxWindow = 16 << 20
)

// window is the part of a file that is in memory: what was read and not yet
// consumed. Bytes handed out stay where they are until more is called.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int
	offset   int64 // of buf[0] in the file
	err      error // what r said last
}

func (w *window) reset(r io.Reader) {
	if w.buf == nil {
		w.buf = make([]byte, firstWindow)
	}
	*w = window{r: r, buf: w.buf}
}

// unread is what was read and not yet consumed.
func (w *window) unread() []byte { return w.buf[w.pos:w.end] }

// at is the offset in the file of the next byte to consume.
func (w *window) at() int64 { return w.offset + int64(w.pos) }

// more reads until the window is full, and makes it larger when nothing was
// consumed since. Filling it whole keeps the cost linear for values that are
// begun again from their start, however few bytes r gives at a time. It returns
// io.EOF when the file had ended before.
func (w *window) more() error {
	if w.err != nil {
		return w.err
	}
	if w.pos > 0 {
		w.offset += int64(w.pos)
		w.end = copy(w.buf, w.buf[w.pos:w.end])
		w.pos = 0
	}
	if w.end == len(w.buf) {
		if len(w.buf) >= maxWindow {
			return errTooLarge
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	start, idle := w.end, 0
	for w.end < len(w.buf) && w.err == nil {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		if idle++; n > 0 {
			idle = 0
		}
		if idle == 100 {
			w.err = io.ErrNoProgress
		}
	}
	if w.end == start {
		return w.err
	}
	return nil
}

// token skips white space and returns the byte behind it without consuming it;
// io.EOF when there is none.
func (w *window) token() (byte, error) {
	for {
		w.pos += skipSpace(w.unread(), 0)
		if w.pos < w.end {
			return w.buf[w.pos], nil
		}
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}

// whole is what an end means where a value was expected.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
