package table

import (
	"bytes"
	"encoding/binary"
	"slices"

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

// seenBits is the size of the table of ids by their first bytes: a page has 20 to
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
	e.seen = slices.Grow(e.seen[:0], 1<<seenBits)[:1<<seenBits]
	clear(e.seen)
	e.starts = slices.Grow(e.starts[:0], len(e.values))[:len(e.values)]
	var last []byte // the value before
	held := 0       // how many of its bytes are still to be written
	ends := true    // values end in the same byte, as far as seen
	at := 0         // where v begins, counted from the first
	for i, v := range e.values {
		if v == nil {
			continue
		}
		n := len(v)
		e.starts[i] = uint32(at)
		if last == nil || n != len(last) {
			e.frame.Literals(last[len(last)-held:])
			e.frame.Literals(binary.LittleEndian.AppendUint32(e.length[:0], uint32(n)))
			e.frame.Literals(v)
			held, ends = 0, ends && last == nil
		} else {
			more := 0 // bytes to hold back
			if ends && n > 0 {
				if ends = v[n-1] == last[n-1]; ends {
					more = 1
				}
			}
			switch old := e.seenAt(i, v); {
			case old < 0:
				e.frame.Match(4+n, 4+held)
				e.frame.Literals(v[:n-more])
			case old == at-4-n:
				e.frame.Match(4+n, 4+held+n-more)
			default:
				e.frame.Match(4+n, 4+held)
				e.frame.Match(at-old, n-more)
			}
			held = more
		}
		last = v
		at += n + 4
	}
	e.frame.Literals(last[len(last)-held:])
}

// seenAt is where the page has v, its i-th value, already, or -1. An entry of the
// table is a part of the hash and the number of a value, from 1: what is elsewhere
// in memory is looked at only where the hash agrees. No id is as long as a match
// may be, with its length; but what stands where ids do is somebody else's.
func (e *encoder) seenAt(i int, v []byte) (at int) {
	if len(v) < 8 || len(v) > frame.MaxMatch-len(e.length) {
		return -1
	}
	h := prefix(v) * seenSpread
	entry := &e.seen[h>>(64-seenBits)]
	old, tag := *entry, h<<seenBits>>32<<32
	*entry = tag | uint64(i+1)
	if old == 0 || old>>32<<32 != tag {
		return -1
	}
	if i := old&(1<<32-1) - 1; bytes.Equal(e.values[i], v) {
		return int(e.starts[i])
	}
	return -1
}
