package table

import (
	"bytes"
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/frame"
)

// idPage adds a plain page of e.values, which are size bytes with their lengths and
// unique, such as request ids. There is nothing in them to look for but their
// lengths, and those are known: looking took more than twice as long
// (BenchmarkIDs of package frame), for columns that are more than half of what
// is written of an access log. It is not ok where lengths repeat so little that
// a frame without looking is none.
func (e *encoder) idPage(size int) (ok bool, err error) {
	e.body = e.body[:0]
	if err := e.addLevels(len(e.values)); err != nil {
		return false, err
	}
	if size += len(e.body); size > frame.MaxText {
		return false, nil
	}
	e.frame.Reset(e.small[:0], size)
	e.frame.Literals(e.body)
	e.frameIDs()
	if e.small, ok = e.frame.Close(); !ok {
		return false, nil
	}
	e.describePage(format.Plain, len(e.values))
	return true, e.add(size)
}

// seenBits is the size of a table of ids by their first bytes: for a page of 20 to
// 100 thousand.
const seenBits = 16

// seenSpread is what their places in it come from. It is not random, as what
// finds no place is written again and the bytes of a file must not depend on
// luck; who makes ids collide gains nothing but a few bytes.
const seenSpread = 0x9e3779b97f4a7c15

// frameIDs writes e.values, each behind its length, into e.frame. A length that
// is that of the value before is a match, and so is a whole value that was there:
// the lines of one request share its ids, one in twenty of an access log. Where
// values end in the same byte, as base64 of 56 bytes ends in "=", that byte
// belongs to the next match.
func (e *encoder) frameIDs() {
	if e.seen == nil {
		e.seen = make([]seenID, 1<<seenBits)
	}
	clear(e.seen)
	var last []byte // the value before
	held := 0       // how many of its bytes are still to be written
	ends := true    // values end in the same byte, as far as seen
	at := 0         // where v begins, counted from the first
	for _, v := range e.values {
		if v == nil {
			continue
		}
		n := len(v)
		if last == nil || n != len(last) {
			e.frame.Literals(last[len(last)-held:])
			e.frame.Literals(binary.LittleEndian.AppendUint32(e.length[:0], uint32(n)))
			held, ends = 0, ends && last == nil
			e.frame.Literals(v)
		} else {
			more := 0 // bytes to hold back
			if ends && n > 0 {
				if ends = v[n-1] == last[n-1]; ends {
					more = 1
				}
			}
			seen := &e.seen[prefix(v)*seenSpread>>(64-seenBits)]
			switch old := seen.at; {
			case n < 8 || !bytes.Equal(seen.value, v):
				e.frame.Match(4+n, 4+held)
				e.frame.Literals(v[:n-more])
			case old == at-4-n:
				e.frame.Match(4+n, 4+held+n-more)
			default:
				e.frame.Match(4+n, 4+held)
				e.frame.Match(at-old, n-more)
			}
			*seen = seenID{v, at}
			held = more
		}
		last = v
		at += n + 4
	}
	e.frame.Literals(last[len(last)-held:])
	clear(e.seen)
}

// seenID is an id and where it begins.
type seenID struct {
	value []byte
	at    int
}
