package table

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/frame"
)

// alikePage adds a plain page of e.values, which are size bytes with their lengths and
// alike: JSON objects with the same members as others before them, some of whose values
// are ids. What repeats in them begins behind a quotation mark, or where they differed,
// so that is where it is looked for: half the time of looking everywhere, for a column
// that takes most of all in a CloudTrail file, and as small. It is not ok where that
// makes no frame.
func (e *encoder) alikePage(size int) (ok bool, err error) {
	e.body = slices.Grow(e.body[:0], size)
	if err := e.addLevels(len(e.values)); err != nil {
		return false, err
	}
	if size += len(e.body); size > frame.MaxText {
		return false, nil
	}
	for _, v := range e.values {
		if v != nil {
			e.body = appendText(e.body, v)
		}
	}
	e.frame.Reset(e.small[:0], size)
	e.frameAlike(e.body)
	if e.small, ok = e.frame.Close(); !ok {
		return false, nil
	}
	e.describePage(format.Plain, len(e.values))
	return true, e.add(size)
}

// alikeBits is the size of the table of words that stand behind quotation marks: of
// objects of a few forms there are some dozens.
const alikeBits = 11

// frameAlike writes text into e.frame. A word is eight bytes; where one was last is in
// a table. Its places are not random, see seenSpread: who makes words collide gains
// nothing but bytes.
func (e *encoder) frameAlike(text []byte) {
	const word = 8
	var last [1 << alikeBits]uint32 // where a word was, from 1
	written, i := 0, 0              // of text
	differs := false                // what was alike has just ended
	for i+word <= len(text) {
		if !differs {
			n := bytes.IndexByte(text[i:len(text)-word+1], '"')
			if n < 0 {
				break
			}
			i += n
		}
		w := binary.LittleEndian.Uint64(text[i:])
		place := &last[w*seenSpread>>(64-alikeBits)]
		from := int(*place) - 1
		*place = uint32(i + 1)
		if differs = from >= 0 && binary.LittleEndian.Uint64(text[from:]) == w; !differs {
			i++
			continue
		}
		n := min(word+common(text[from+word:], text[i+word:]), frame.MaxMatch)
		// No further back than one match: what is behind it would be looked at again, and
		// found where it is itself.
		for n < frame.MaxMatch && i > written && from > 0 && text[i-1] == text[from-1] {
			i, from, n = i-1, from-1, n+1
		}
		e.frame.Literals(text[written:i])
		e.frame.Match(i-from, n)
		i += n
		written = i
	}
	e.frame.Literals(text[written:])
}

// common is how many bytes b has in common with a, which is longer, before they differ.
func common(a, b []byte) (n int) {
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
