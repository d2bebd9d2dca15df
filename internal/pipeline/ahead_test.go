package pipeline

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// closing is a reader that knows whether it was closed, and read after that.
type closing struct {
	io.Reader
	closed, late bool
	err          error // of Close
}

func (c *closing) Read(p []byte) (int, error) {
	c.late = c.late || c.closed
	return c.Reader.Read(p)
}

func (c *closing) Close() error {
	c.closed = true
	return c.err
}

func TestAhead(t *testing.T) {
	text := make([]byte, 3*aheadSize+1234)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	broken := errors.New("the line is cut")
	a := newAhead() // for all files, as a pipeline uses it
	for name, c := range map[string]struct {
		src  io.Reader
		want []byte
		err  error
	}{
		"empty":            {bytes.NewReader(nil), nil, nil},
		"short":            {bytes.NewReader(text[:10]), text[:10], nil},
		"one buffer":       {bytes.NewReader(text[:aheadSize]), text[:aheadSize], nil},
		"long":             {bytes.NewReader(text), text, nil},
		"bytes":            {iotest.OneByteReader(bytes.NewReader(text[:999])), text[:999], nil},
		"data and its end": {iotest.DataErrReader(bytes.NewReader(text)), text, nil},
		"cut":              {io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken)), text, broken},
		"broken":           {iotest.ErrReader(broken), nil, broken},
	} {
		t.Run(name, func(t *testing.T) {
			src := &closing{Reader: c.src}
			rc := a.open(src)
			got, err := io.ReadAll(iotest.HalfReader(rc))
			if err != c.err || !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes and %v, want %d and %v", len(got), err, len(c.want), c.err)
			}
			if n, err := rc.Read(make([]byte, 8)); n != 0 || err == nil {
				t.Errorf("behind the end: %d bytes, %v", n, err)
			}
			if err := rc.Close(); err != nil || !src.closed || src.late {
				t.Errorf("close: %v, closed %v, read after it %v", err, src.closed, src.late)
			}
			if n, err := rc.Read(make([]byte, 8)); n != 0 || !errors.Is(err, fs.ErrClosed) {
				t.Errorf("behind Close: %d bytes, %v", n, err)
			}
		})
	}
	t.Run("left unread", func(t *testing.T) {
		for range 3 {
			src := &closing{Reader: bytes.NewReader(text), err: broken}
			rc := a.open(src)
			if _, err := io.ReadFull(rc, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			if err := rc.Close(); err != broken || !src.closed || src.late {
				t.Errorf("close: %v, closed %v, read after it %v", err, src.closed, src.late)
			}
			if len(a.free) != aheadBuffers {
				t.Fatalf("%d buffers of %d", len(a.free), aheadBuffers)
			}
		}
	})
}

// endless is a file that goes on as long as somebody reads it.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

// Who has read enough does not wait for the rest: of an endless file for ever.
func TestAheadStops(t *testing.T) {
	a := newAhead()
	for range 2 {
		r := a.open(endless{})
		if n, err := r.Read(make([]byte, 10)); n != 10 || err != nil {
			t.Fatal(n, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
