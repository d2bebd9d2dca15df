// Package frame writes Zstandard frames from text of which the caller knows where it
// may repeat: literals, and matches that repeat what came before.
//
// A general compressor spends most of its time looking for matches. Where values
// are random ids there are none but the lengths between them, and who writes the
// ids knows where those are. Where they are links or paths, pieces repeat, and Text
// looks where those begin. What this package writes is what any decoder of
// RFC 8878 reads; Huffman coding is huff0's.
package frame

import (
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/compress/huff0"
)

// maxBlock is the most text that a block stands for (RFC 8878, 3.1.1.2.3).
const maxBlock = 128 << 10

// MinMatch and MaxMatch are how long a match is at least, and at most: it stands in
// one block.
const (
	MinMatch = 3
	MaxMatch = maxBlock
)

// MaxText is how much text a frame may hold: decoders keep all of it at hand.
const MaxText = 8 << 20

// Writer writes one frame after the other: Reset, then Literals, Match and Text in the
// order of the text, then Close.
type Writer struct {
	dst  []byte
	size int // text of the frame
	left int // of it still to come

	// The block being made.
	text     int    // that it stands for
	most     int    // that it may, see share
	literals []byte // of all sequences, and those behind the last one
	counted  int    // literals that sequences have taken
	seqs     []sequence

	reps       [3]uint32 // the offsets that decoders remember
	grown      bool      // a block came out larger than its text
	huff       huff0.Scratch
	ll, of, ml coder
	words      []uint32 // where each was last, see Text
}

// sequence is some literals and then a match, in the codes of RFC 8878, 3.1.1.3.2.
type sequence struct {
	literals, match, offset uint32 // offset may stand for a remembered one
	ll, ml, of              uint8
}

// Reset starts a frame of size bytes of text, at most MaxText, behind dst.
func (w *Writer) Reset(dst []byte, size int) {
	if size < 0 || size > MaxText {
		panic("BUG: frame: text too large")
	}
	w.dst, w.size, w.left = dst, size, size
	w.share()
	w.text, w.counted = 0, 0
	w.literals, w.seqs = w.literals[:0], w.seqs[:0]
	w.reps, w.grown = [3]uint32{1, 4, 8}, false
	w.huff.Reuse = huff0.ReusePolicyNone
	w.dst = append(w.dst, 0x28, 0xb5, 0x2f, 0xfd) // magic
	// One segment, so the window is the text; the size in four bytes; no checksum.
	w.dst = append(w.dst, 0xa0)
	w.dst = binary.LittleEndian.AppendUint32(w.dst, uint32(size))
}

// share says how much text the next block may have. The last two share what is left:
// a block of a few bytes would be larger than its text, and the frame none.
func (w *Writer) share() {
	switch {
	case w.left <= maxBlock:
		w.most = w.left
	case w.left < 2*maxBlock:
		w.most = (w.left + 1) / 2
	default:
		w.most = maxBlock
	}
}

// Literals adds text as it is.
func (w *Writer) Literals(b []byte) {
	for len(b) > w.most-w.text {
		n := w.most - w.text
		if n == 0 && w.text == 0 {
			panic("BUG: frame: more text than was announced")
		}
		w.literals = append(w.literals, b[:n]...)
		w.text += n
		b = b[n:]
		w.block(false)
	}
	w.literals = append(w.literals, b...)
	w.text += len(b)
}

// Match repeats n bytes, from MinMatch to MaxMatch, that begin offset bytes ago.
func (w *Writer) Match(offset, n int) {
	if n > w.most-w.text {
		w.block(false)
		w.most = max(w.most, min(n, w.left, maxBlock))
	}
	if n < MinMatch || n > w.most-w.text || offset <= 0 || offset > w.size-w.left+w.text {
		panic("BUG: frame: no such match")
	}
	w.sequence(offset, n)
}

// sequence ends the literals that are in no sequence yet by a match.
func (w *Writer) sequence(offset, n int) {
	run := uint32(len(w.literals) - w.counted)
	w.counted = len(w.literals)
	s := sequence{literals: run, match: uint32(n), offset: w.offset(uint32(offset), run)}
	s.ll, s.ml, s.of = literalCode(run), matchCode(s.match), uint8(bits.Len32(s.offset)-1)
	w.seqs = append(w.seqs, s)
	w.text += n
}

// offset is the value that stands for an offset: 1 to 3 for one that the decoder
// remembers (RFC 8878, 3.1.1.5), else three more than it.
func (w *Writer) offset(offset, run uint32) uint32 {
	r := &w.reps
	switch {
	case offset == r[0] && run > 0:
		return 1
	case offset == r[1]:
		r[0], r[1] = r[1], r[0]
		if run == 0 {
			return 1
		}
		return 2
	case offset == r[2]:
		r[0], r[1], r[2] = r[2], r[0], r[1]
		if run == 0 {
			return 2
		}
		return 3
	}
	r[0], r[1], r[2] = offset, r[0], r[1]
	return offset + 3
}

// Close ends the frame and returns it behind what Reset was given. It is not ok
// where matches cost more than they saved: such a frame is none, as a block may
// not be larger than its text.
func (w *Writer) Close() (dst []byte, ok bool) {
	w.block(true)
	if w.left != 0 {
		panic("BUG: frame: not the text that was announced")
	}
	dst = w.dst
	w.dst = nil
	return dst, !w.grown
}

// The types of blocks.
const (
	rawBlock        = 0
	compressedBlock = 2
)

func blockHeader(dst []byte, last bool, kind, size int) {
	h := kind<<1 | size<<3
	if last {
		h |= 1
	}
	dst[0], dst[1], dst[2] = byte(h), byte(h>>8), byte(h>>16)
}

// block writes what was gathered.
func (w *Writer) block(last bool) {
	if w.text == 0 && !last {
		return
	}
	start := len(w.dst)
	w.dst = append(w.dst, 0, 0, 0)
	w.addLiterals()
	w.addSequences()
	size := len(w.dst) - start - 3
	kind := compressedBlock
	switch {
	case size < w.text:
	case len(w.seqs) > 0:
		w.grown = true
	default:
		w.dst = append(w.dst[:start+3], w.literals...)
		kind, size = rawBlock, len(w.literals)
	}
	blockHeader(w.dst[start:], last, kind, size)
	w.left -= w.text
	w.text, w.counted = 0, 0
	w.share()
	w.literals, w.seqs = w.literals[:0], w.seqs[:0]
}

// minHuffman is fewer literals than a Huffman table pays for.
const minHuffman = 64

// The types of literals sections.
const (
	rawLiterals        = 0
	repeatedLiterals   = 1
	compressedLiterals = 2
)

// addLiterals writes the literals section (RFC 8878, 3.1.1.3.1).
func (w *Writer) addLiterals() {
	n := len(w.literals)
	if n < minHuffman {
		w.plainLiterals(rawLiterals, w.literals)
		return
	}
	pack := huff0.Compress4X
	if n < 256 {
		pack = huff0.Compress1X
	}
	out, _, err := pack(w.literals, &w.huff)
	switch {
	case err == huff0.ErrUseRLE:
		w.plainLiterals(repeatedLiterals, w.literals[:1])
		return
	case err != nil: // not to be compressed
		w.plainLiterals(rawLiterals, w.literals)
		return
	}
	// Sizes of the literals and of what they became, in 10, 14 or 18 bits each;
	// one stream only in the first of four formats.
	var format, width uint64
	switch {
	case n < 256:
		format, width = 0, 10
	case n < 1<<10:
		format, width = 1, 10
	case n < 1<<14:
		format, width = 2, 14
	default:
		format, width = 3, 18
	}
	h := compressedLiterals | format<<2 | uint64(n)<<4 | uint64(len(out))<<(4+width)
	for i := uint64(0); i < (4+2*width+7)/8; i++ {
		w.dst = append(w.dst, byte(h>>(8*i)))
	}
	w.dst = append(w.dst, out...)
}

// plainLiterals writes b behind the number of literals.
func (w *Writer) plainLiterals(kind int, b []byte) {
	n := len(w.literals)
	switch {
	case n < 1<<5:
		w.dst = append(w.dst, byte(kind|n<<3))
	case n < 1<<12:
		w.dst = append(w.dst, byte(kind|1<<2|n<<4), byte(n>>4))
	default:
		w.dst = append(w.dst, byte(kind|3<<2|n<<4), byte(n>>4), byte(n>>12))
	}
	w.dst = append(w.dst, b...)
}

// addSequences writes the sequences section (RFC 8878, 3.1.1.3.2): the codes of
// each kind by a table of their frequencies, in this order, then a stream of
// bits that decoders read from its end.
func (w *Writer) addSequences() {
	n := len(w.seqs)
	switch {
	case n < 128:
		w.dst = append(w.dst, byte(n))
	case n < 0x7f00:
		w.dst = append(w.dst, byte(n>>8)+128, byte(n))
	default:
		w.dst = append(w.dst, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
	}
	if n == 0 {
		return
	}
	w.count()
	modes := len(w.dst)
	w.dst = append(w.dst, 0)
	var mode [3]byte
	w.dst, mode[0] = w.ll.choose(w.dst, n, literalDefaults[:], 6, 9)
	w.dst, mode[1] = w.of.choose(w.dst, n, offsetDefaults[:], 5, 8)
	w.dst, mode[2] = w.ml.choose(w.dst, n, matchDefaults[:], 6, 9)
	w.dst[modes] = mode[0]<<6 | mode[1]<<4 | mode[2]<<2

	w.encode()
}
