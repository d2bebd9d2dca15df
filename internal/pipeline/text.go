package pipeline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

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
	o.raw.Reset(r)
	var plain io.Reader = o.raw
	ok, err := o.member()
	if err != nil {
		return nil, nil, err
	}
	if ok {
		plain = unzipped{o}
	}
	o.text.Reset(&counted{r: plain, n: n, tell: func(int) error { return nil }})
	head, err = o.text.Peek(headSize)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return o.text, head, nil
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

// looksLike names what a file that no format reads seems to be, so that a
// person who pointed us at a bucket knows what was left out.
func looksLike(head []byte) string {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, m := range []struct{ magic, is string }{
		{"PAR1", "a Parquet file"},
		{"ORC", "an ORC file"},
		{"Obj\x01", "an Avro file"},
		{"PK\x03\x04", "a ZIP archive"},
		{"\x28\xb5\x2f\xfd", "zstd compressed, which no log here is delivered as"},
		{"BZh", "bzip2 compressed, which no log here is delivered as"},
		{"\x1f\x8b", "gzip inside gzip"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.is
		}
	}
	switch {
	case len(trimmed) == 0:
		return "blank"
	case bytes.IndexByte(head, 0) >= 0 || mostlyNotText(head):
		return "binary data"
	case trimmed[0] == '{' || trimmed[0] == '[':
		return "JSON of no format known here"
	case trimmed[0] == '<':
		return "XML or HTML"
	}
	return "text of no format known here"
}

// mostlyNotText allows for logs with some bytes that are not UTF-8.
func mostlyNotText(head []byte) bool {
	bad := 0
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			bad++
		}
		i += n
	}
	return bad > len(head)/8
}
