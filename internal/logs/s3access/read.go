package s3access

import (
	"bytes"
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
// the first. The only error is one of src.
func (r *reader) Read(in *logs.Input, src io.Reader) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		f := file{parser: &r.parser, in: in, key: logs.Text(in.Key), yield: yield}
		if m, ok := src.(memory); ok {
			f.lines(m.Next(m.Len())) // where they lie: to copy them would take a tenth of the time of reading
			return
		}
		r.stream(&f, src)
	}
}

// memory is a source that has its bytes already, as *bytes.Buffer does.
type memory interface {
	Len() int
	Next(n int) []byte
}

// stream reads src to its end, through the buffer. An error of src that is not
// io.EOF comes last, and what was read of a line before it is no record.
func (r *reader) stream(f *file, src io.Reader) {
	if len(r.buf) > bufKept { // one huge line is no reason to stay huge
		r.buf = make([]byte, bufSize)
	}
	e := 0          // buf[:e] begins a line, and does not end it
	behind := false // what is left of a line that is too long goes first
	for stalled := 0; ; {
		n, err := src.Read(r.buf[e:])
		begin := e
		e += n
		if behind {
			i := bytes.IndexByte(r.buf[:e], '\n')
			if behind = i < 0; behind {
				i = e - 1
			}
			e = copy(r.buf, r.buf[i+1:e])
		}
		if i := bytes.LastIndexByte(r.buf[begin:e], '\n'); i >= 0 {
			whole := begin + i + 1
			if !f.lines(r.buf[:whole]) {
				return
			}
			e = copy(r.buf, r.buf[whole:e])
		}
		if e > MaxLine {
			if !f.line(r.buf[:e]) {
				return
			}
			e, behind = 0, true
		}
		switch {
		case err == io.EOF:
			f.lines(r.buf[:e])
			return
		case err != nil:
			f.broken(err)
			return
		case n > 0:
			stalled = 0
		default:
			if stalled++; stalled > mostStalls {
				f.broken(io.ErrNoProgress)
				return
			}
		}
		if e == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
}

// file is one file being read.
type file struct {
	parser *parser
	in     *logs.Input
	key    logs.Text
	source logs.Again // of rows that are clean
	number int64      // of lines so far
	yield  func(*Row, error) bool
}

// lines yields the records of whole lines, of which the last may lack its end. It
// returns false when no more are wanted.
func (f *file) lines(text []byte) bool {
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if !f.line(line) {
			return false
		}
	}
	return true
}

// line yields the record of a line, if it is not blank.
func (f *file) line(line []byte) bool {
	f.number++
	long := len(line) > MaxLine
	if long {
		line = line[:keptOfLong]
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if f.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if blank(line) {
		return true
	}
	f.in.Lines++
	var row *Row
	var bad *logs.BadRecord
	if long {
		bad = &logs.BadRecord{Reason: ReasonLong, Detail: details[ReasonLong], Raw: f.parser.redact(line)}
	} else {
		row, bad = f.parser.parse(line)
	}
	if bad != nil {
		bad.Line = f.number
		if bad.Time == 0 {
			bad.Time = f.in.Dated
		}
		return f.yield(nil, bad)
	}
	row.LogKey, row.LogLine, row.Source = f.key, logs.Int64(f.number), nil
	if !row.Ambiguous() {
		row.Source = &f.source
	}
	return f.yield(row, nil)
}

// broken yields the error of a source, which is in the line that comes next.
func (f *file) broken(err error) { f.yield(nil, fmt.Errorf("line %d: %w", f.number+1, err)) }

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}
