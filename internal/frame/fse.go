package frame

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// How the codes of a kind are told, in the order of their numbers.
const (
	predefined = iota // by frequencies that decoders assume
	repeated          // one code, said once
	described         // by frequencies that stand before the sequences
)

// coder turns the codes of one kind into bits: finite state entropy, RFC 8878,
// 4.1. A decoder goes through states from the last bits to the first, so codes
// are encoded from the last to the first.
type coder struct {
	counts [64]uint32
	max    int // the greatest code counted
	norm   [64]int16

	log    uint8       // of the number of states; 0 for a code that is always the same
	next   [512]uint16 // states by code, for each as often as it is frequent
	change [64]change

	spread [512]uint8 // scratch
}

// change says how a code changes a state.
type change struct {
	bits uint32 // to write, in 1/65536, less what makes the number exact
	find int32  // where the code's states begin in next
}

// count counts the codes of a block.
func (w *Writer) count() {
	clear(w.ll.counts[:])
	clear(w.of.counts[:])
	clear(w.ml.counts[:])
	for i := range w.seqs {
		s := &w.seqs[i]
		w.ll.counts[s.ll&63]++
		w.of.counts[s.of&63]++
		w.ml.counts[s.ml&63]++
	}
	for _, c := range [...]*coder{&w.ll, &w.of, &w.ml} {
		for c.max = len(c.counts) - 1; c.counts[c.max] == 0; c.max-- {
		}
	}
}

// minDescribed is fewer sequences than describing their codes pays for.
const minDescribed = 48

// choose decides how n codes that were counted are told, and says so behind dst.
func (c *coder) choose(dst []byte, n int, defaults []int16, defaultLog, maxLog uint8) ([]byte, byte) {
	if c.counts[c.max] == uint32(n) {
		// Its one state is left in no bits for itself.
		c.log, c.next[0], c.change[c.max] = 0, 0, change{}
		return append(dst, byte(c.max)), repeated
	}
	if n < minDescribed && c.max < len(defaults) {
		c.build(defaults, defaultLog)
		return dst, predefined
	}
	// States enough for all codes, not more than there are sequences to pay.
	log := min(maxLog, max(6, uint8(bits.Len(uint(n)))-2))
	c.normalize(uint32(n), log)
	dst = describe(dst, c.norm[:c.max+1], log)
	c.build(c.norm[:c.max+1], log)
	return dst, described
}

// normalize scales the counts to add up to 1<<log, none to 0.
func (c *coder) normalize(total uint32, log uint8) {
	left := int32(1) << log
	most := 0
	for i, n := range c.counts[:c.max+1] {
		if n == 0 {
			c.norm[i] = 0
			continue
		}
		f := int16(max(1, (uint64(n)<<log+uint64(total)/2)/uint64(total)))
		c.norm[i] = f
		left -= int32(f)
		if f > c.norm[most] {
			most = i
		}
	}
	// Rare codes took more than their share: from the most frequent ones.
	for left < 0 {
		n := min(-left, max(1, int32(c.norm[most])/4))
		c.norm[most] -= int16(n)
		left += n
		for i := range c.max + 1 {
			if c.norm[i] > c.norm[most] {
				most = i
			}
		}
	}
	c.norm[most] += int16(left)
}

// describe writes frequencies that add up to 1<<log (RFC 8878, 4.1.1).
func describe(dst []byte, norm []int16, log uint8) []byte {
	b := bitWriter{out: dst}
	b.add(uint64(log-5), 4)
	left := int32(1)<<log + 1 // what can still come, and one
	for i := 0; left > 1; i++ {
		// One more than a frequency, in as few bits as what can come needs: the
		// lower numbers in one bit less.
		width := uint8(bits.Len32(uint32(left)))
		short := int32(1)<<width - 1 - left
		v := int32(norm[i]) + 1
		left -= int32(norm[i])
		switch {
		case v < short:
			b.add(uint64(v), width-1)
		case v < 1<<(width-1):
			b.add(uint64(v), width)
		default:
			b.add(uint64(v+short), width)
		}
		b.flush()
		if v != 1 {
			continue
		}
		// Behind a 0, how many more: by threes.
		zeros := 0
		for i+1 < len(norm) && norm[i+1] == 0 {
			i++
			zeros++
		}
		for ; zeros >= 3; zeros -= 3 {
			b.add(3, 2)
			b.flush()
		}
		b.add(uint64(zeros), 2)
		b.flush()
	}
	return b.align()
}

// build makes the tables of frequencies that add up to 1<<log.
func (c *coder) build(norm []int16, log uint8) {
	c.log = log
	size := 1 << log
	high := size // states from here on are of codes below 1
	var starts [65]int
	for i, f := range norm {
		if f < 0 {
			high--
			c.spread[high] = uint8(i)
			f = 1
		}
		starts[i+1] = starts[i] + int(f)
	}
	step, at := size>>1+size>>3+3, 0
	for i, f := range norm {
		for range f {
			c.spread[at] = uint8(i)
			for at = (at + step) & (size - 1); at >= high; at = (at + step) & (size - 1) {
			}
		}
	}
	for i, f := range norm {
		f := uint32(max(f, -f))
		if f == 0 {
			continue
		}
		width := uint32(log)
		if f > 1 {
			width -= uint32(bits.Len32(f-1)) - 1
		}
		c.change[i] = change{bits: width<<16 - f<<width, find: int32(starts[i]) - int32(f)}
	}
	for s, code := range c.spread[:size] {
		c.next[starts[code]] = uint16(size + s)
		starts[code]++
	}
}

// start is the state of the last code.
func (c *coder) start(code uint8) uint32 {
	t := c.change[code]
	width := (t.bits + 1<<15) >> 16
	state := width<<16 - t.bits
	return uint32(c.next[int32(state>>width)+t.find])
}

// maxBits is how many bytes a sequence takes at most: 26 bits for states and, as both
// lengths are in one block, 31 and 23 for what else there is.
const maxBits = 10

// encode writes the block's sequences, the last one first. States and bits that are
// not written yet stay in registers: one after the other by calls took twice the time.
func (w *Writer) encode() {
	ll, of, ml := &w.ll, &w.of, &w.ml
	last := &w.seqs[len(w.seqs)-1]
	l, o, m := ll.start(last.ll), of.start(last.of), ml.start(last.ml)
	b := bitWriter{out: w.dst}
	b.extra(last)
	const some = 1 << 9
	for seqs := w.seqs[:len(w.seqs)-1]; len(seqs) > 0; {
		some := seqs[max(0, len(seqs)-some):]
		seqs = seqs[:len(seqs)-len(some)]
		b.room(len(some)*maxBits + 8)
		out, at := b.out[:cap(b.out)], len(b.out)
		acc, n := b.acc, uint(b.n)
		for i := len(some) - 1; i >= 0; i-- {
			s := &some[i]
			t := of.change[s.of&63]
			width := uint(o+t.bits) >> 16 & 15
			acc |= uint64(o&(1<<width-1)) << (n & 63)
			n += width
			o = uint32(of.next[(o>>width+uint32(t.find))&511])

			t = ml.change[s.ml&63]
			width = uint(m+t.bits) >> 16 & 15
			acc |= uint64(m&(1<<width-1)) << (n & 63)
			n += width
			m = uint32(ml.next[(m>>width+uint32(t.find))&511])

			t = ll.change[s.ll&63]
			width = uint(l+t.bits) >> 16 & 15
			acc |= uint64(l&(1<<width-1)) << (n & 63)
			n += width
			l = uint32(ll.next[(l>>width+uint32(t.find))&511])

			binary.LittleEndian.PutUint64(out[at:], acc)
			at += int(n >> 3)
			acc >>= n & 56
			n &= 7

			acc |= uint64(s.literals-literalBase(s.ll)) << (n & 63)
			n += uint(literalBits[s.ll])
			acc |= uint64(s.match-matchBase(s.ml)) << (n & 63)
			n += uint(matchBits[s.ml])
			acc |= uint64(s.offset-1<<s.of) << (n & 63)
			n += uint(s.of)

			binary.LittleEndian.PutUint64(out[at:], acc)
			at += int(n >> 3)
			acc >>= n & 56
			n &= 7
		}
		b.out, b.acc, b.n = out[:at], acc, uint8(n)
	}
	ml.finish(&b, m)
	of.finish(&b, o)
	ll.finish(&b, l)
	w.dst = b.close()
}

// extra adds the bits by which values differ that share a code.
func (b *bitWriter) extra(s *sequence) {
	b.add(uint64(s.literals-literalBase(s.ll)), literalBits[s.ll])
	b.add(uint64(s.match-matchBase(s.ml)), matchBits[s.ml])
	b.flush()
	b.add(uint64(s.offset-1<<s.of), s.of)
	b.flush()
}

// finish writes the state that a decoder starts with.
func (c *coder) finish(b *bitWriter, state uint32) {
	b.add(uint64(state)&(1<<c.log-1), c.log)
	b.flush()
}

// bitWriter writes bits, the first in the lowest place. After a flush there is
// room for 56.
type bitWriter struct {
	out []byte
	acc uint64
	n   uint8
}

func (b *bitWriter) add(v uint64, n uint8) {
	b.acc |= v << (b.n & 63)
	b.n += n
}

// room makes room for n bytes.
func (b *bitWriter) room(n int) {
	if cap(b.out)-len(b.out) < n {
		b.out = slices.Grow(b.out, n+1<<10)
	}
}

func (b *bitWriter) flush() {
	b.room(8)
	binary.LittleEndian.PutUint64(b.out[len(b.out):len(b.out)+8], b.acc)
	whole := b.n >> 3
	b.out = b.out[:len(b.out)+int(whole)]
	b.acc >>= (whole * 8) & 63
	b.n &= 7
}

// align writes what is left, filled with zeros.
func (b *bitWriter) align() []byte {
	b.flush()
	if b.n > 0 {
		b.out = append(b.out, byte(b.acc))
	}
	return b.out
}

// close marks the end, which decoders look for from behind.
func (b *bitWriter) close() []byte {
	b.add(1, 1)
	return b.align()
}
