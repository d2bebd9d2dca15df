package gunzip

import (
	"encoding/binary"
	"math/bits"
)

// table finds the symbol that the next bits begin with. An entry is
//
//	bits  0–7   how many bits the code and the extra bits behind it take
//	bits  8–11  how many of them the code takes; of a pointer: bits of its subtable
//	bits 13–15  what is special
//	bits 16–30  the value: a literal, the least length or distance, a subtable
//	bit  31     a literal
//
// Codes longer than the table's bits are in subtables behind it; of 288 codes fewer
// than 144 share their first bits with another one, so those have at most 16 entries
// each, and those of 30 distances at most 128.
type table [1<<litBits + 144<<(15-litBits)]uint32

const (
	litBits  = 11
	distBits = 8
	clenBits = 7
	maxLit   = 288
	maxDist  = 32

	literal   = 1 << 31
	special   = 1 << 15 // no value; alone: no code
	endBlock  = 1 << 14
	pointer   = 1 << 13
	valueMask = 1<<15 - 1
)

// clenOrder is the order in which lengths of the code of lengths are written.
var clenOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// Entries by symbol, without the bits of their codes (RFC 1951, 3.2.5).
var (
	clenSymbols = func() (t [19]uint32) {
		for i := range t {
			t[i] = uint32(i) << 16
		}
		return t
	}()
	litSymbols = func() (t [maxLit]uint32) {
		for i := range 256 {
			t[i] = literal | uint32(i)<<16
		}
		t[256] = special | endBlock
		least := uint32(3)
		for i := range uint32(28) {
			extra := uint32(0)
			if i >= 8 {
				extra = i/4 - 1
			}
			t[257+i] = least<<16 | extra
			least += 1 << extra
		}
		t[285] = 258 << 16
		t[286], t[287] = special, special
		return t
	}()
	distSymbols = func() (t [maxDist]uint32) {
		least := uint32(1)
		for i := range uint32(30) {
			extra := uint32(0)
			if i >= 4 {
				extra = i/2 - 1
			}
			t[i] = least<<16 | extra
			least += 1 << extra
		}
		t[30], t[31] = special, special
		return t
	}()
)

// build fills the table for codes of such lengths by symbol, 0 where a symbol has
// none. It is false where they are no code: too many, or too few, but for a code of
// one symbol or none at all.
func (t *table) build(width uint, lens []uint8, symbols []uint32) bool {
	var count [16]int
	longest := uint(0)
	for _, n := range lens {
		count[n]++
		longest = max(longest, uint(n))
	}
	for i := range t[:1<<width] {
		t[i] = special
	}
	if longest == 0 {
		return true
	}
	count[0] = 0
	var next [16]int // code
	code := 0
	for n := 1; n <= int(longest); n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	if code += count[longest]; code != 1<<longest && !(code == 1 && longest == 1) {
		return false
	}
	end := 1 << width // of the table and its subtables
	for sym, n := range lens {
		if n == 0 {
			continue
		}
		n := uint(n)
		at := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		if n <= width {
			e := symbols[sym] + uint32(n) | uint32(n)<<8
			for ; at < 1<<width; at += 1 << n {
				t[at] = e
			}
			continue
		}
		p := &t[at&(1<<width-1)]
		if *p&pointer == 0 { // of the longest codes, as all others have their place before
			sub := longest - width
			*p = special | pointer | uint32(end)<<16 | uint32(sub)<<8
			for i := range 1 << sub {
				t[end+i] = special
			}
			end += 1 << sub
		}
		sub := uint(*p >> 8 & 15)
		rest := n - width
		e := symbols[sym] + uint32(rest) | uint32(rest)<<8
		first := int(*p >> 16 & valueMask)
		for i := at >> width; i < 1<<sub; i += 1 << rest {
			t[first+i] = e
		}
	}
	return true
}

// codes decodes a block until it ends, the output is full, or there is an error.
func (r *Reader) codes() {
	in, pos, buf, n := r.in, r.pos, r.bits, r.n
	out, o := r.out, r.to
	lit, dist := &r.lit, &r.dist
loop:
	for o < len(out)-slack {
		if pos+16 > len(in) {
			r.pos, r.bits, r.n = pos, buf, n
			if !r.more() {
				r.to = o
				return
			}
			in, pos, buf, n = r.in, r.pos, r.bits, r.n
		}
		buf |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[buf&(1<<litBits-1)]
		if e&literal != 0 {
			buf >>= e & 63
			n -= uint(e & 63)
			out[o] = byte(e >> 16)
			o++
			if e = lit[buf&(1<<litBits-1)]; e&literal != 0 {
				buf >>= e & 63
				n -= uint(e & 63)
				out[o] = byte(e >> 16)
				o++
				if e = lit[buf&(1<<litBits-1)]; e&literal != 0 {
					buf >>= e & 63
					n -= uint(e & 63)
					out[o] = byte(e >> 16)
					o++
					continue
				}
			}
			buf |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
			pos += int((63 - n) >> 3)
			n |= 56
		}
		if e&special != 0 {
			if e&pointer != 0 {
				buf >>= litBits
				n -= litBits
				e = lit[uint64(e>>16&valueMask)+buf&(1<<(e>>8&15)-1)]
				if e&literal != 0 {
					buf >>= e & 63
					n -= uint(e & 63)
					out[o] = byte(e >> 16)
					o++
					continue
				}
			}
			if e&special != 0 {
				if e&endBlock == 0 {
					r.err = ErrCorrupt
				} else {
					buf >>= e & 63
					n -= uint(e & 63)
					r.state = atBlock
				}
				break loop
			}
		}
		length := int(e>>16&valueMask) + int(buf&(1<<(e&63)-1)>>(e>>8&15))
		buf >>= e & 63
		n -= uint(e & 63)

		e = dist[buf&(1<<distBits-1)]
		if e&special != 0 {
			if e&pointer != 0 {
				buf >>= distBits
				n -= distBits
				e = dist[uint64(e>>16&valueMask)+buf&(1<<(e>>8&15)-1)]
			}
			if e&special != 0 {
				r.err = ErrCorrupt
				break
			}
		}
		back := int(e>>16&valueMask) + int(buf&(1<<(e&63)-1)>>(e>>8&15))
		buf >>= e & 63
		n -= uint(e & 63)
		if back > o {
			r.err = ErrCorrupt
			break
		}
		repeat(out, o, back, length)
		o += length
	}
	r.pos, r.bits, r.n, r.to = pos, buf, n, o
}

// repeat copies length bytes to o from back bytes before it, and may write up to
// 8 bytes more.
func repeat(out []byte, o, back, length int) {
	switch {
	case back >= 8 && length <= 32, back >= 8 && back < length:
		from, to := out[o-back:o-back+length+8], out[o:o+length+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
		}
	case back >= length:
		copy(out[o:o+length], out[o-back:])
	default: // they repeat within a word
		to := out[o-back : o+length]
		for i := range length {
			to[back+i] = to[i]
		}
	}
}
