package pipeline

import (
	"io"
	"io/fs"
)

// ahead reads a file on a goroutine of its own, some buffers ahead of who wants
// its bytes: with Background, so that the core that parses need not copy them from
// the system as well. It is used for one file after the other.
type ahead struct {
	src  io.ReadCloser
	free chan []byte   // buffers to fill
	full chan chunk    // what was read, in order; closed at the end of reading
	stop chan struct{} // closed when nobody wants more
	cur  chunk         // what is left of the one being given out
	buf  []byte        // of cur
}

// chunk is what one Read returned.
type chunk struct {
	b   []byte
	err error
}

const (
	aheadBuffers = 3
	aheadSize    = 256 << 10
)

func newAhead() *ahead {
	a := &ahead{free: make(chan []byte, aheadBuffers)}
	for range aheadBuffers {
		a.free <- make([]byte, aheadSize)
	}
	return a
}

// open begins to read src. What it returns is src for one goroutine; Close ends
// the reading, and comes before the next file.
func (a *ahead) open(src io.ReadCloser) io.ReadCloser {
	a.src, a.cur, a.buf = src, chunk{}, nil
	a.full, a.stop = make(chan chunk, aheadBuffers), make(chan struct{})
	go fill(src, a.free, a.full, a.stop)
	return a
}

// fill reads src to its end or its error, or until stop.
func fill(src io.Reader, free <-chan []byte, full chan<- chunk, stop <-chan struct{}) {
	defer close(full)
	for {
		select {
		case <-stop:
			return
		case buf := <-free:
			n := 0
			err := Guarded(func() (err error) {
				n, err = src.Read(buf[:cap(buf)])
				return err
			})
			full <- chunk{buf[:n], err} // never blocks: there are no more buffers
			if err != nil {
				return
			}
		}
	}
}

// Read gives out what was read. It returns io.EOF, or the error that ended the
// reading, behind the last byte and from then on.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.cur.b) == 0 && a.cur.err == nil && len(p) > 0 {
		a.release()
		a.cur = <-a.full
		a.buf = a.cur.b[:0]
		if len(a.cur.b) == 0 {
			break // as src had it: nothing, or the end
		}
	}
	n := copy(p, a.cur.b)
	a.cur.b = a.cur.b[n:]
	if len(a.cur.b) > 0 || n > 0 {
		return n, nil
	}
	return 0, a.cur.err
}

func (a *ahead) release() {
	if a.buf != nil {
		a.free <- a.buf
		a.buf = nil
	}
}

// Close waits for the reading to end, and closes what was read.
func (a *ahead) Close() error {
	close(a.stop)
	a.release()
	for c := range a.full {
		a.free <- c.b
	}
	a.cur = chunk{err: fs.ErrClosed}
	return a.src.Close()
}
