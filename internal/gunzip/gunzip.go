// Package gunzip reads gzip members (RFC 1952) faster than a decoder that takes its
// input a byte at a time: unzipping is a fifth of what a CloudTrail file costs.
//
// It takes 8 bytes of input at a time, decodes up to three literals or one match of
// up to 48 bits from them, and copies matches by words, as libdeflate does. What it
// accepts is what compress/gzip accepts, which its tests hold it to.
package gunzip

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

var (
	// ErrHeader is what no gzip member begins with.
	ErrHeader = errors.New("gzip: invalid header")
	// ErrCorrupt is data that no compressor makes.
	ErrCorrupt = errors.New("gzip: corrupt data")
	// ErrChecksum is text whose checksum or length is not that of what was compressed.
	ErrChecksum = errors.New("gzip: invalid checksum")
)

const (
	history = 32 << 10 // how far back a match may reach
	// slack is what one step may write beyond where it may begin: three literals, a
	// match and the rest of its last word.
	slack = 3 + 258 + 8
	// outSize is the text in memory: it is moved once for each that is not history.
	outSize = history + 96<<10 + slack
	// padding is zeros behind the end of the input, so that 8 bytes can be taken
	// anywhere; whoever consumed some of them was cut short.
	padding = 32
	// maxString is how many bytes a name or a comment may have, with its end.
	maxString = 512
	// minInput is how many bytes are asked for at least.
	minInput = 64
)

// Reader reads one gzip member after the other. It is for one goroutine.
type Reader struct {
	src *bufio.Reader
	err error // of reading; io.EOF at the end of the member

	in     []byte // what src has buffered, or pad
	pos    int    // bytes of in that are in bits
	bits   uint64 // above n are bits that will be taken again
	n      uint
	pad    [minInput + padding]byte
	padded bool  // in is pad
	rest   int   // bytes of pad that are input
	ended  error // why there are no more

	out      []byte
	from, to int // text that was not read yet; before it is history

	state  state
	last   bool // block
	stored int  // bytes left of a stored block
	crc    uint32
	size   uint32
	lit    table
	dist   table
	lens   [maxLit + maxDist]uint8
}

type state int

const (
	atBlock state = iota // the header of a block comes next
	inStored
	inCodes
	atTrailer
)

// Reset begins to read the member that src is at. src must have a buffer of at
// least 64 bytes, and is nobody else's until Read returned io.EOF; then it is at
// the first byte behind the member.
func (r *Reader) Reset(src *bufio.Reader) error {
	if r.out == nil {
		r.out = make([]byte, outSize)
	}
	r.src, r.in, r.pos, r.bits, r.n, r.padded = src, nil, 0, 0, 0, false
	r.from, r.to, r.state, r.last, r.crc, r.size = 0, 0, atBlock, false, 0, 0
	r.err = header(src)
	return r.err
}

// header reads the header of a member, whose texts say nothing that is needed.
func header(src *bufio.Reader) error {
	var h headerReader
	h.src = src
	fixed := h.take(10)
	if h.err != nil {
		return h.err
	}
	const crc, extra, name, comment = 2, 4, 8, 16
	if fixed[0] != 0x1f || fixed[1] != 0x8b || fixed[2] != 8 {
		return ErrHeader
	}
	flags := fixed[3]
	if flags&extra != 0 {
		if b := h.take(2); h.err == nil {
			for n := int(binary.LittleEndian.Uint16(b)); n > 0 && h.err == nil; n-- {
				h.take(1)
			}
		}
	}
	for _, f := range []byte{name, comment} {
		for n := 0; flags&f != 0 && h.err == nil; n++ {
			if n == maxString {
				return ErrHeader
			}
			if b := h.take(1); h.err == nil && b[0] == 0 {
				break
			}
		}
	}
	if flags&crc != 0 && h.err == nil {
		sum := uint16(h.crc)
		if b := h.take(2); h.err == nil && binary.LittleEndian.Uint16(b) != sum {
			return ErrHeader
		}
	}
	return h.err
}

// headerReader takes bytes of a header, and their checksum.
type headerReader struct {
	src *bufio.Reader
	crc uint32
	buf [10]byte
	err error
}

func (h *headerReader) take(n int) []byte {
	b := h.buf[:n]
	if _, err := io.ReadFull(h.src, b); err != nil {
		h.err = noEOF(err)
	}
	h.crc = crc32.Update(h.crc, crc32.IEEETable, b)
	return b
}

func noEOF(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read reads the text of the member. It returns io.EOF only when its checksum and
// length are those that the member ends with.
func (r *Reader) Read(p []byte) (int, error) {
	for r.from == r.to && r.err == nil && len(p) > 0 {
		r.fill()
	}
	n := copy(p, r.out[r.from:r.to])
	r.from += n
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, r.err
}

// fill makes some text, or an error.
func (r *Reader) fill() {
	if r.to > len(r.out)-slack-1 {
		copy(r.out, r.out[r.to-history:r.to])
		r.from, r.to = history, history
	}
	start := r.to
	switch r.state {
	case atBlock:
		r.block()
	case inStored:
		r.storedBytes()
	case inCodes:
		r.codes()
	case atTrailer:
		r.trailer()
	}
	if r.padded && r.pos-int(r.n>>3) > r.rest {
		r.err = noEOF(r.ended)
	}
	if r.err != nil && r.err != io.EOF {
		r.to = start // it may be made of padding
	}
	text := r.out[start:r.to]
	r.crc = crc32.Update(r.crc, crc32.IEEETable, text)
	r.size += uint32(len(text))
}

// more goes on to the input behind pos. It is false when there is none. Bytes that
// are in bits whole become input again.
func (r *Reader) more() bool {
	if r.padded {
		r.err = noEOF(r.ended)
		return false
	}
	r.pos -= int(r.n >> 3)
	r.n &= 7
	r.src.Discard(r.pos) // they are buffered
	r.pos = 0
	b, err := r.src.Peek(minInput)
	if err == nil {
		r.in, _ = r.src.Peek(r.src.Buffered())
		return true
	}
	r.padded, r.rest, r.ended = true, len(b), err
	r.in = r.pad[:len(b)+padding]
	clear(r.in[copy(r.in, b):])
	return true
}

// refill makes at least 56 bits ready. It is false when there is no more input.
func (r *Reader) refill() bool {
	if r.pos+16 > len(r.in) && !r.more() {
		return false
	}
	r.bits |= binary.LittleEndian.Uint64(r.in[r.pos:]) << (r.n & 63)
	r.pos += int((63 - r.n) >> 3)
	r.n |= 56
	return true
}

// take consumes bits that are ready.
func (r *Reader) take(n uint) uint {
	v := uint(r.bits & (1<<n - 1))
	r.bits >>= n
	r.n -= n
	return v
}

// align goes back to the input: the next byte of it is src's next.
func (r *Reader) align() {
	r.pos -= int(r.n >> 3)
	r.bits, r.n = 0, 0
	if r.padded && r.pos > r.rest {
		r.err = noEOF(r.ended)
		return
	}
	r.src.Discard(r.pos)
	r.in, r.pos, r.padded = nil, 0, false
}

// block reads the header of a block.
func (r *Reader) block() {
	if r.last {
		r.align()
		r.state = atTrailer
		return
	}
	if !r.refill() {
		return
	}
	r.last = r.take(1) == 1
	switch r.take(2) {
	case 0:
		r.align()
		var b []byte
		if r.err == nil {
			if b, r.err = r.src.Peek(4); r.err != nil {
				r.err = noEOF(r.err)
				return
			}
			n := binary.LittleEndian.Uint16(b)
			if n != ^binary.LittleEndian.Uint16(b[2:]) {
				r.err = ErrCorrupt
				return
			}
			r.src.Discard(4)
			r.stored, r.state = int(n), inStored
		}
	case 1:
		for i := range r.lens[:288] {
			switch {
			case i < 144:
				r.lens[i] = 8
			case i < 256:
				r.lens[i] = 9
			case i < 280:
				r.lens[i] = 7
			default:
				r.lens[i] = 8
			}
		}
		r.lit.build(litBits, r.lens[:288], litSymbols[:])
		for i := range r.lens[:32] {
			r.lens[i] = 5
		}
		r.dist.build(distBits, r.lens[:32], distSymbols[:])
		r.state = inCodes
	case 2:
		r.dynamic()
	default:
		r.err = ErrCorrupt
	}
}

// dynamic reads the codes of a block.
func (r *Reader) dynamic() {
	nlit, ndist, nclen := int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
	if nlit > 286 || ndist > 30 {
		r.err = ErrCorrupt
		return
	}
	var clen [19]uint8
	for i := range nclen {
		if i%16 == 0 && !r.refill() { // 48 bits
			return
		}
		clen[clenOrder[i]] = uint8(r.take(3))
	}
	if !r.dist.build(clenBits, clen[:], clenSymbols[:]) {
		r.err = ErrCorrupt
		return
	}
	lens := r.lens[:nlit+ndist]
	for i := 0; i < len(lens); {
		if !r.refill() {
			return
		}
		e := r.dist[r.bits&(1<<clenBits-1)]
		if e&special != 0 {
			r.err = ErrCorrupt
			return
		}
		r.take(uint(e & 63))
		sym := e >> 16 & valueMask
		if sym < 16 {
			lens[i] = uint8(sym)
			i++
			continue
		}
		v, n := uint8(0), 0
		switch sym {
		case 16:
			if i == 0 {
				r.err = ErrCorrupt
				return
			}
			v, n = lens[i-1], 3+int(r.take(2))
		case 17:
			n = 3 + int(r.take(3))
		default:
			n = 11 + int(r.take(7))
		}
		if i+n > len(lens) {
			r.err = ErrCorrupt
			return
		}
		for range n {
			lens[i] = v
			i++
		}
	}
	if !r.lit.build(litBits, lens[:nlit], litSymbols[:]) || !r.dist.build(distBits, lens[nlit:], distSymbols[:]) {
		r.err = ErrCorrupt
		return
	}
	r.state = inCodes
}

// storedBytes copies bytes of a stored block.
func (r *Reader) storedBytes() {
	if r.stored == 0 {
		r.state = atBlock
		return
	}
	n, err := r.src.Read(r.out[r.to : r.to+min(r.stored, len(r.out)-slack-r.to)])
	r.to += n
	r.stored -= n
	if n == 0 && err != nil {
		r.err = noEOF(err)
	}
}

// trailer compares what the member says of its text.
func (r *Reader) trailer() {
	b, err := r.src.Peek(8)
	switch {
	case err != nil:
		r.err = noEOF(err)
	case binary.LittleEndian.Uint32(b) != r.crc || binary.LittleEndian.Uint32(b[4:]) != r.size:
		r.err = ErrChecksum
	default:
		r.src.Discard(8)
		r.err = io.EOF
	}
}
