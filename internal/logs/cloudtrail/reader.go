package cloudtrail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"sluice/internal/logs"
)

// Format is the CloudTrail format, for the list of formats.
//
// Rows are sorted by bucket and key before time: questions are about a bucket or
// an object ("who touched this?"), the day is the partition already, and equal
// neighbours are what dictionaries and page statistics live on.
var Format = logs.Format[Row]{
	Table: logs.Table[Row]{
		Name: "cloudtrail_events",
		Time: func(r *Row) logs.Time { return r.EventTime },
		Sort: []string{"bucket_name", "key_name", "event_time"},
	},
	Match:     match,
	NewReader: func() logs.Reader[Row] { return new(reader) },
}

// errStopped says that the consumer wants no more.
var errStopped = errors.New("stopped")

// reader walks one file after the other. It holds one record at a time, so its
// memory is that of the largest record seen.
type reader struct {
	win    window
	scan   scanner
	quick  quick
	parser parser
}

func (rd *reader) Read(in *logs.Input, r io.Reader) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		rd.win.reset(r)
		rd.parser.begin(in)
		err := rd.document(in, yield)
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("cloudtrail: record %d, near byte %d: %w", in.Lines, rd.win.at(), err))
		}
	}
}

// document reads the whole file: an object, of whose members only Records matters.
func (rd *reader) document(in *logs.Input, yield func(*Row, error) bool) error {
	if err := rd.skipMark(); err != nil {
		return err
	}
	if err := rd.expect('{'); err != nil {
		return err
	}
	records := 0
	c, err := rd.win.token()
	for err == nil && c != '}' {
		var isRecords bool
		if isRecords, err = rd.name(); err != nil {
			return err
		}
		if !isRecords {
			_, err = rd.value()
		} else if records++; records > 1 {
			err = errors.New("the member \"Records\" stands there twice")
		} else {
			err = rd.records(in, yield)
		}
		if err == nil {
			c, err = rd.separator('}')
		}
	}
	if err != nil {
		return whole(err)
	}
	rd.win.pos++
	if records == 0 {
		return errors.New("no Records: not a CloudTrail log file")
	}
	return rd.drain()
}

// skipMark skips a byte order mark.
func (rd *reader) skipMark() error {
	const mark = "\ufeff"
	for rd.win.end < len(mark) {
		if err := rd.win.more(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	if bytes.HasPrefix(rd.win.unread(), []byte(mark)) {
		rd.win.pos += len(mark)
	}
	return nil
}

func (rd *reader) expect(want byte) error {
	c, err := rd.win.token()
	if err != nil {
		return whole(err)
	}
	if c != want {
		return fmt.Errorf("not JSON of the shape {\"Records\":[…]}: want %q, found %q", want, c)
	}
	rd.win.pos++
	return nil
}

// separator reads what stands between two members or elements. It returns the
// first byte of the next one, or end, which it does not consume.
func (rd *reader) separator(end byte) (byte, error) {
	c, err := rd.win.token()
	if err != nil || c == end {
		return c, err
	}
	if err := rd.expect(','); err != nil {
		return 0, err
	}
	if c, err = rd.win.token(); err == nil && c == end {
		err = fmt.Errorf("not JSON: comma before %q", end)
	}
	return c, err
}

// name reads a member's name and its colon, and reports whether it is Records.
func (rd *reader) name() (isRecords bool, err error) {
	name, err := rd.value()
	if err != nil {
		return false, err
	}
	if rd.scan.nodes[0].kind != text {
		return false, errors.New("not JSON: a member without a name")
	}
	isRecords = string(rd.scan.unquote(name, 0)) == "Records"
	return isRecords, rd.expect(':')
}

// value reads the next value whole. It stays valid until the next one is read,
// and its nodes are in rd.scan.
func (rd *reader) value() ([]byte, error) {
	if _, err := rd.win.token(); err != nil {
		return nil, whole(err)
	}
	for {
		n, err := rd.scan.scan(rd.win.unread(), flatDepth)
		if err == nil {
			v := rd.win.unread()[:n:n]
			rd.win.pos += n
			return v, nil
		}
		if !errors.Is(err, errShort) {
			return nil, err
		}
		if err := rd.win.more(); err != nil {
			return nil, whole(err)
		}
	}
}

// records reads the elements of Records.
func (rd *reader) records(in *logs.Input, yield func(*Row, error) bool) error {
	if err := rd.expect('['); err != nil {
		return err
	}
	c, err := rd.win.token()
	for err == nil && c != ']' {
		var (
			row *Row
			bad *logs.BadRecord
		)
		if row, bad, err = rd.record(); err != nil {
			return err
		}
		in.Lines++
		if bad != nil {
			bad.Line = in.Lines
			if !yield(nil, bad) {
				return errStopped
			}
		} else {
			row.LogLine = logs.Int64(in.Lines)
			if !yield(row, nil) {
				return errStopped
			}
		}
		c, err = rd.separator(']')
	}
	if err != nil {
		return whole(err)
	}
	rd.win.pos++
	return nil
}

// record reads the next element: in one pass where it looks like those that AWS
// writes, otherwise as if there were no faster way.
func (rd *reader) record() (*Row, *logs.BadRecord, error) {
	if n, ok := rd.parser.usual(&rd.quick, rd.win.unread()); ok {
		rd.win.pos += n
		return &rd.parser.row, nil, nil
	}
	rec, err := rd.value()
	if err != nil {
		return nil, nil, err
	}
	if rec, err = rd.clean(rec); err != nil {
		return nil, nil, err
	}
	row, bad := rd.parser.parse(&rd.scan, rec)
	return row, bad, nil
}

// clean redacts the secrets of a record. Few records have any, and only they
// are copied.
func (rd *reader) clean(rec []byte) ([]byte, error) {
	secrets := pairsIn(rec)
	if _, _, pair := secrets.next(); !pair && !rd.scan.secret {
		return rec, nil
	}
	rec, err := redact(&rd.scan, rec, rd.scan.secret)
	if err != nil {
		return nil, err
	}
	_, err = rd.scan.scan(append(rec, ' '), flatDepth)
	return rec, err
}

// drain reads the file to its end, so that checksums behind the last record
// are verified, and takes nothing there but white space.
func (rd *reader) drain() error {
	c, err := rd.win.token()
	if err == nil {
		return fmt.Errorf("%q after the end of the document", c)
	}
	if err != io.EOF {
		return err
	}
	return nil
}
