package pipeline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// headSize is how much of a file's text formats are shown to recognise it: it
// must hold the first line of nearly every log.
const headSize = 64 << 10

// opener unzips one file after the other with buffers made once.
type opener struct {
	raw, text *bufio.Reader
	zip       *gzip.Reader
}

func newOpener() *opener {
	return &opener{raw: bufio.NewReaderSize(nil, headSize), text: bufio.NewReaderSize(nil, headSize), zip: new(gzip.Reader)}
}

// gzipMagic begins every gzip member (RFC 1952): two bytes, then deflate.
var gzipMagic = []byte{0x1f, 0x8b, 8}

// open returns the text of r, counted in n, and its first bytes. Whether it is
// zipped is told by content: names lie, and S3 access logs arrive both ways.
// The text ends with io.EOF only where the checksums of all zip members hold.
func (o *opener) open(r io.Reader, n *int64) (text io.Reader, head []byte, err error) {
	if _, err := o.begin(r, n); err != nil {
		return nil, nil, err
	}
	head, err = o.text.Peek(headSize)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return o.text, head, nil
}

func (o *opener) begin(r io.Reader, n *int64) (zipped bool, err error) {
	o.raw.Reset(r)
	var plain io.Reader = o.raw
	if zipped, err = o.member(); err != nil {
		return false, err
	}
	if zipped {
		plain = unzipped{o}
	}
	o.text.Reset(&counted{r: plain, n: n, tell: func(int) error { return nil }})
	return zipped, nil
}

// Text is a file as conversion reads it, for whoever shows a part of one.
type Text struct {
	*bufio.Reader        // unzipped where need be; io.EOF says that all checksums hold
	Zipped        bool   // so it takes reading to the end to know that it is whole
	Is            string // what it seems to be, where it is no text
}

// OpenText is the text of one file, however broken further on.
func OpenText(r io.Reader) (Text, error) {
	o, n := newOpener(), int64(0)
	zipped, err := o.begin(r, &n)
	if err != nil {
		return Text{}, err
	}
	head, _ := o.text.Peek(headSize) // an error comes again where it belongs
	return Text{o.text, zipped, notText(head)}, nil
}

// member goes to the gzip member that begins here, if one does.
func (o *opener) member() (ok bool, err error) {
	magic, err := o.raw.Peek(len(gzipMagic))
	switch {
	case err != nil && err != io.EOF:
		return false, err
	case len(magic) > 0 && len(magic) < len(gzipMagic) && bytes.HasPrefix(gzipMagic, magic):
		return false, unzipError(io.ErrUnexpectedEOF) // no text begins like this
	case !bytes.Equal(magic, gzipMagic):
		return false, nil
	}
	if err := o.zip.Reset(o.raw); err != nil {
		return false, unzipError(err)
	}
	o.zip.Multistream(false) // it takes whatever follows for a member that is cut
	return true, nil
}

// unzipped is the text of all members.
type unzipped struct{ *opener }

func (u unzipped) Read(p []byte) (int, error) {
	for {
		n, err := u.zip.Read(p)
		switch {
		case err == io.EOF:
			err = u.next()
		case err != nil:
			err = unzipError(err)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// next goes to the next member. It is io.EOF when the file ends here.
func (u unzipped) next() error {
	ok, err := u.member()
	if ok || err != nil {
		return err
	}
	if _, err := u.raw.Peek(1); err != nil {
		return err
	}
	return errors.New("unzip: bytes follow the last gzip member")
}

func unzipError(err error) error {
	if err == io.EOF { // the header itself is cut
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("unzip: %w", err)
}

// counted counts bytes where they are read and tells them; tell can stop the
// reading.
type counted struct {
	r    io.Reader
	n    *int64
	tell func(n int) error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	if stop := c.tell(n); stop != nil {
		return n, stop
	}
	return n, err
}
