package s3access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"sluice/internal/logs"
)

// MaxLine bounds the memory for one line. S3's own limits on request line and
// headers keep real lines below 20 KiB.
const MaxLine = 16 << 20

// keptOfLong is how much of a line over MaxLine its reject keeps.
const keptOfLong = 64 << 10

// mostStalls is how often a source may give nothing and no error.
const mostStalls = 100

const (
	bufSize = 256 << 10
	bufKept = 1 << 20
)

// reader reads one file after the other, in one buffer that grows to the longest
// line met.
type reader struct {
	parser parser
	buf    []byte
}

// NewReader returns a reader of server access logs.
func NewReader() logs.Reader[Row] { return &reader{buf: make([]byte, bufSize)} }

// NewLoggedReader returns a reader for whoever has a use for nothing but the 27
// columns that a line itself has, as AWS delivers them: requester_type to
// bucket_region are left NULL, and line_hash 0. Verdicts, keys, redaction and
// rejects are those of NewReader.
func NewLoggedReader() logs.Reader[Row] {
	r := &reader{buf: make([]byte, bufSize)}
	r.parser.loggedOnly = true
	return r
}

// Read yields a row or a reject for every line that is not blank. Lines end in
// LF or CRLF, the last one perhaps in nothing; a byte order mark is no part of
// the first. The only error is one of r.
func (r *reader) Read(in *logs.Input, src io.Reader) iter.Seq2[*Row, error] {
	key := logs.Text(in.Key)
	return func(yield func(*Row, error) bool) {
		var number int64
		for line, err := range r.lines(src) {
			number++
			if err != nil && !errors.Is(err, errLong) {
				yield(nil, fmt.Errorf("line %d: %w", number, err))
				return
			}
			if number == 1 {
				line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			if blank(line) {
				continue
			}
			in.Lines++
			var row *Row
			var bad *logs.BadRecord
			if err != nil {
				bad = &logs.BadRecord{Reason: ReasonLong, Detail: details[ReasonLong], Raw: r.parser.redact(line)}
			} else {
				row, bad = r.parser.parse(line)
			}
			if bad != nil {
				bad.Line = number
				if bad.Time == 0 {
					bad.Time = in.Dated
				}
				if !yield(nil, bad) {
					return
				}
				continue
			}
			row.LogKey, row.LogLine = key, logs.Int64(number)
			if !yield(row, nil) {
				return
			}
		}
	}
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

var errLong = errors.New("line too long")

// memory is a source that has its bytes already, as *bytes.Buffer does.
type memory interface {
	Len() int
	Next(n int) []byte
}

// linesOf yields the lines of a text where it lies: copying it first would take a
// tenth of the time that reading takes (BenchmarkRead).
func linesOf(text []byte, yield func([]byte, error) bool) {
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		var err error
		if len(line) > MaxLine {
			line, err = line[:keptOfLong], errLong
		}
		if !yield(bytes.TrimSuffix(line, []byte("\r")), err) {
			return
		}
	}
}

// lines yields the lines of src without their ends, each valid until the next.
// A line over MaxLine comes as its beginning with errLong; an error of src that
// is not io.EOF comes last, and the unfinished line before it is not yielded.
func (r *reader) lines(src io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if m, ok := src.(memory); ok {
			linesOf(m.Next(m.Len()), yield)
			return
		}
		if len(r.buf) > bufKept { // one huge line is no reason to stay huge
			r.buf = make([]byte, bufSize)
		}
		a, e := 0, 0 // unread bytes are buf[a:e]
		scanned := 0 // of them without a line end
		for stalled := 0; ; {
			if i := bytes.IndexByte(r.buf[a+scanned:e], '\n'); i >= 0 {
				end := a + scanned + i
				line := r.buf[a:end]
				a, scanned = end+1, 0
				var err error
				if len(line) > MaxLine {
					line, err = line[:keptOfLong], errLong
				}
				if !yield(bytes.TrimSuffix(line, []byte("\r")), err) {
					return
				}
				continue
			}
			scanned = e - a
			if scanned > MaxLine {
				if !yield(r.buf[a:a+keptOfLong], errLong) {
					return
				}
				var err error
				if a, e, err = r.skip(src); err != nil {
					if err != io.EOF {
						yield(nil, err)
					}
					return
				}
				scanned = 0
				continue
			}
			if a > 0 {
				copy(r.buf, r.buf[a:e])
				a, e = 0, e-a
			}
			if e == len(r.buf) {
				r.buf = append(r.buf, make([]byte, len(r.buf))...)
			}
			n, err := src.Read(r.buf[e:])
			e += n
			switch {
			case err == io.EOF:
				if rest := r.buf[a:e]; bytes.IndexByte(rest[scanned:], '\n') < 0 {
					if len(rest) > 0 {
						yield(bytes.TrimSuffix(rest, []byte("\r")), nil)
					}
					return
				}
				src = eof{} // lines are left in the buffer
			case err != nil:
				yield(nil, err)
				return
			case n == 0:
				if stalled++; stalled > mostStalls {
					yield(nil, io.ErrNoProgress)
					return
				}
			default:
				stalled = 0
			}
		}
	}
}

// skip reads to the end of a line that is too long. What follows it is left in
// buf[a:e].
func (r *reader) skip(src io.Reader) (a, e int, err error) {
	for stalled := 0; ; {
		n, err := src.Read(r.buf)
		if stalled++; n > 0 {
			stalled = 0
		}
		if i := bytes.IndexByte(r.buf[:n], '\n'); i >= 0 {
			if err == io.EOF {
				err = nil // the next read says it again
			}
			return i + 1, n, err
		}
		if err == nil && stalled > mostStalls {
			err = io.ErrNoProgress
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// eof is a source at its end.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
