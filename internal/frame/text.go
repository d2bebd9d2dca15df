package frame

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Text adds text and looks itself for what repeats in it, which suits texts whose
// pieces repeat: paths, links, names, and the lengths before them. It looks in two
// places instead of everywhere: where the text goes on as it did as far back as the
// last match was, and, where it does not, at the next byte that separates pieces, in a
// table of the words that began at such bytes before. Either is a few steps for eight
// bytes, so what is new in a text is passed quickly.
//
// Places in the table are not random: whoever makes words collide gains nothing but
// bytes. Each step passes a byte or more, whatever the text.
func (w *Writer) Text(text []byte) {
	w.literals = slices.Grow(w.literals, min(len(text), maxBlock)+shortRun)
	size := max(8, min(wordBits, bits.Len(uint(len(text)))-2)) // of the table, cleared for each text
	w.words = slices.Grow(w.words[:0], 1<<size)[:1<<size]
	clear(w.words)
	written, i := 0, 1 // how much is in the frame, and where to look
	back := 1          // how far the last match was
	ended := false     // it ended at i
	for i < len(text)-wordSize {
		now := word(text, i)
		from, n := 0, 0
		if p := fourZeros(now ^ word(text, i-back)); p < wordSize {
			i += p
			from = i - back
			n = 4 + common(text, from+4, i+4)
		} else {
			if !ended {
				p := separator(now)
				if p == wordSize {
					i += wordSize - 3 // its last bytes may begin what goes on as before
					continue
				}
				if i += p; i >= len(text)-wordSize {
					break
				}
				now = word(text, i)
			}
			ended = false
			place := &w.words[now*wordSpread>>((64-size)&63)]
			from = int(*place)
			*place = uint32(i)
			if from == 0 || word(text, from) != now {
				i++
				continue
			}
			n = wordSize + common(text, from+wordSize, i+wordSize)
			for i > written && from > 0 && text[i-1] == text[from-1] {
				i, from, n = i-1, from-1, n+1
			}
		}
		n = min(n, MaxMatch)
		back = i - from
		w.repeat(text[written:], i-written, back, n)
		i += n
		written, ended = i, true
	}
	w.Literals(text[written:])
}

const (
	wordSize = 8
	// wordBits is the size of the table of words: 1 MiB of links has some 50 thousand
	// places to begin at, and half of them would make the links 0.3 % larger.
	wordBits   = 15
	wordSpread = 0x9e3779b97f4a7c15
	shortRun   = 16 // literals that are copied as two words
)

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// Bytes of a word, all at once.
const (
	ones = 0x0101010101010101
	tops = ones << 7
	lows = tops - ones
)

// fourZeros is where the first four bytes of x are that are 0, or wordSize.
func fourZeros(x uint64) int {
	set := x&lows + lows | x // by their top bits, bytes that are not
	return bits.TrailingZeros64(^(set|set>>8|set>>16|set>>24)&(tops>>24)) >> 3
}

// separator is where the first byte of x is that is below '0', such as '/', '-', a
// space or the 0 of a length, or that is '=' or '?'; or wordSize. A byte that is not
// ASCII counts as what its lower bits are.
func separator(x uint64) int {
	below := x&lows + ones*(0x80-'0')        // no top bit
	equal := x&(ones*0x7d) ^ ones*'=' + lows // the same
	return bits.TrailingZeros64(^(below&equal)&tops) >> 3
}

// common is how many bytes of text are the same from i on as from an earlier place on.
func common(text []byte, from, i int) (n int) {
	a, b := text[from:], text[i:]
	for ; n+wordSize <= len(b); n += wordSize {
		if x := word(a, n) ^ word(b, n); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// repeat adds the first run bytes of text as literals, and then a match: Literals and
// Match, but that few literals, as most are, are copied without a call.
func (w *Writer) repeat(text []byte, run, offset, n int) {
	if run > shortRun || len(text) < shortRun || w.text+run+n > w.most {
		w.Literals(text[:run])
		w.Match(offset, n)
		return
	}
	at := len(w.literals)
	copy(w.literals[at:at+shortRun], text[:shortRun])
	w.literals = w.literals[:at+run]
	w.text += run
	w.sequence(offset, n)
}
