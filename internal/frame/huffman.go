package frame

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// huffman codes literals by two bytes at a time, and with one table for as many
// blocks of a frame as it fits. huff0 looks each byte up by itself and counts every
// block, which takes twice as long (BenchmarkLiterals) for the ids that are most of
// what is written of an access log: 4 % of the CPU of a conversion. It knows bytes up
// to maxSymbol, as text and ids are made of; what has others is left to huff0.
//
// Codes and their description: RFC 8878, 4.2.
type huffman struct {
	pairs   []uint32 // by two bytes, the first the lower: code<<5 | bits; noCode where there is none
	weights []byte   // the description of the codes
	longest uint8    // bits of a code
	has     [maxSymbol + 1]bool
	said    int    // tables that decoders of this frame got in a row; they have the last one
	cost    uint64 // bits of 1<<16 literals like those it was made for

	counts [4][256]uint32
	order  []node // symbols, the rarest first
	tree   []node
	lens   [maxSymbol + 1]uint8
	codes  [maxSymbol + 1]uint32
}

const (
	// maxSymbol is the last byte that a description without further compression has.
	maxSymbol = 128
	// maxBits is the longest code that decoders take.
	maxBits = 11
	noCode  = 1 << 31
	// settled is how many blocks of a frame have codes of their own: the first one
	// has what later ones repeat, such as lengths, and codes for that would cost ids
	// 0.2 % of their size.
	settled = 2
)

// node is a symbol, or the two nodes below it, in a tree of codes.
type node struct {
	count  uint32
	symbol int
	parent int
	depth  uint8
}

// encode appends literals as four streams behind their sizes, and before them the
// description of the codes unless decoders have it. It is not ok where it cannot, or
// where that would be hardly smaller.
func (h *huffman) encode(dst, literals []byte) (out []byte, described, ok bool) {
	start := len(dst)
	if h.said >= settled {
		out, ok = h.streams(dst, literals)
		if ok && h.fits(len(out)-start, len(literals)) {
			return out, false, true
		}
		dst = out[:start]
	}
	if !h.learn(literals) {
		return dst, false, false
	}
	dst = append(dst, h.weights...)
	coded := len(dst)
	out, ok = h.streams(dst, literals)
	if !ok || len(out)-start >= len(literals)-len(literals)/64 {
		return out[:start], false, false
	}
	h.said++
	h.cost = uint64(len(out)-coded) << 19 / uint64(len(literals))
	return out, true, true
}

// fits says whether n literals in size bytes are what the codes were made for, to a
// part in 256 and the sizes. What they were not made for is counted again.
func (h *huffman) fits(size, n int) bool {
	return uint64(size-16)<<19/uint64(n) <= h.cost+h.cost>>8
}

// streams appends four streams of a quarter of the literals each, behind the sizes
// of the first three (RFC 8878, 4.2.2 and 3.1.1.3.1.6).
func (h *huffman) streams(dst, literals []byte) (out []byte, ok bool) {
	quarter := (len(literals) + 3) / 4
	// Codes have up to maxBits; a store is of eight bytes.
	dst = slices.Grow(dst, 6+len(literals)*maxBits/8+64)
	jump := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	for i := range 4 {
		part := literals[min(i*quarter, len(literals)):min((i+1)*quarter, len(literals))]
		from := len(dst)
		if dst, ok = h.stream(dst, part); !ok || len(dst)-from > 1<<16-1 {
			return dst[:jump], false
		}
		if i < 3 {
			binary.LittleEndian.PutUint16(dst[jump+2*i:], uint16(len(dst)-from))
		}
	}
	return dst, true
}

// stream appends the codes of b from its last byte to its first, as decoders read
// from the end. There is room for them. It is not ok where a byte has no code.
func (h *huffman) stream(dst, b []byte) (out []byte, ok bool) {
	table := (*[1 << 16]uint32)(h.pairs)
	var (
		acc  uint64
		n    uint32 // bits in acc: less than 8 at the top of a loop
		seen uint32
		at   = len(dst)
	)
	dst = dst[:cap(dst)]
	if len(b)%2 == 1 {
		c := b[len(b)-1]
		if c > maxSymbol || h.lens[c] == 0 {
			return dst[:at], false
		}
		acc, n = uint64(h.codes[c]), uint32(h.lens[c])
		b = b[:len(b)-1]
	}
	for len(b) >= 4 { // two pairs are at most 44 bits
		x := binary.LittleEndian.Uint32(b[len(b)-4:])
		b = b[:len(b)-4]
		e, f := table[x>>16], table[uint16(x)]
		seen |= e | f
		acc |= (uint64(e>>5) | uint64(f>>5)<<(e&31)) << (n & 63)
		n += e&31 + f&31
		binary.LittleEndian.PutUint64(dst[at:at+8], acc)
		at += int(n >> 3)
		acc >>= n & 56
		n &= 7
	}
	for len(b) >= 2 {
		e := table[binary.LittleEndian.Uint16(b[len(b)-2:])]
		b = b[:len(b)-2]
		seen |= e
		acc |= uint64(e>>5) << (n & 63)
		n += e & 31
		binary.LittleEndian.PutUint64(dst[at:at+8], acc)
		at += int(n >> 3)
		acc >>= n & 56
		n &= 7
	}
	acc |= 1 << n // the mark that decoders look for
	dst[at] = byte(acc)
	dst[at+1] = byte(acc >> 8)
	at += 1 + int(n>>3)
	return dst[:at], seen&noCode == 0
}

// learn makes the codes that are best for literals. It is not ok where they have a
// byte above maxSymbol or only one.
func (h *huffman) learn(literals []byte) bool {
	if !h.count(literals) {
		return false
	}
	for !h.lengths() {
		for i := range h.order { // flatter, until no code is too long
			h.order[i].count = h.order[i].count>>1 | 1
		}
	}
	h.assign()
	return true
}

// count puts the symbols of literals into order, the rarest first.
func (h *huffman) count(literals []byte) bool {
	clear(h.counts[:])
	b := literals
	for ; len(b) >= 4; b = b[4:] { // the same byte twice does not wait for itself
		h.counts[0][b[0]]++
		h.counts[1][b[1]]++
		h.counts[2][b[2]]++
		h.counts[3][b[3]]++
	}
	for _, c := range b {
		h.counts[0][c]++
	}
	h.order = h.order[:0]
	for c := range 256 {
		n := h.counts[0][c] + h.counts[1][c] + h.counts[2][c] + h.counts[3][c]
		if n == 0 {
			continue
		}
		if c > maxSymbol {
			return false
		}
		h.order = append(h.order, node{count: n, symbol: c})
	}
	slices.SortStableFunc(h.order, func(a, b node) int { return cmp.Compare(a.count, b.count) })
	return len(h.order) > 1
}

// lengths sets the length of each symbol's code: how deep it is in the tree that
// joins the two rarest nodes first. It is not ok where one is too long.
func (h *huffman) lengths() bool {
	n := len(h.order)
	tree := append(h.tree[:0], h.order...)
	leaf, inner := 0, n // the rarest of either kind not yet joined
	least := func() int {
		if leaf < n && (inner == len(tree) || tree[leaf].count <= tree[inner].count) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for len(tree) < 2*n-1 {
		a, b := least(), least()
		tree[a].parent, tree[b].parent = len(tree), len(tree)
		tree = append(tree, node{count: tree[a].count + tree[b].count})
	}
	h.tree = tree
	clear(h.lens[:])
	h.longest = 0
	for i := len(tree) - 2; i >= 0; i-- {
		tree[i].depth = tree[tree[i].parent].depth + 1
		if i < n {
			h.lens[tree[i].symbol] = tree[i].depth
			h.longest = max(h.longest, tree[i].depth)
		}
	}
	return h.longest <= maxBits
}

// assign gives codes to symbols, from the longest to the shortest, of one length in
// the order of symbols; describes them; and makes the table of pairs.
func (h *huffman) assign() {
	code := uint32(0)
	for length := h.longest; length > 0; length-- {
		for c, n := range h.lens {
			if n == length {
				h.codes[c] = code
				code++
			}
		}
		code >>= 1
	}
	last := maxSymbol
	for h.lens[last] == 0 {
		last--
	}
	// Weights in four bits each, of all symbols but the last one, which follows.
	h.weights = append(h.weights[:0], byte(127+last))
	for c := 0; c < last; c += 2 {
		w := h.weight(c) << 4
		if c+1 < last {
			w |= h.weight(c + 1)
		}
		h.weights = append(h.weights, w)
	}
	if h.pairs == nil {
		h.pairs = make([]uint32, 1<<16)
		fill(h.pairs)
	}
	h.pair()
}

func (h *huffman) weight(c int) byte {
	if h.lens[c] == 0 {
		return 0
	}
	return h.longest + 1 - h.lens[c]
}

// pair makes the table of two symbols, the second of which is coded first.
func (h *huffman) pair() {
	for c, had := range h.has {
		if had && h.lens[c] == 0 { // pairs with it are no more
			fill(h.pairs[c<<8:][:1<<8])
			for d := range 1 << 8 {
				h.pairs[d<<8|c] = noCode
			}
		}
	}
	for c := range h.lens {
		h.has[c] = h.lens[c] > 0
	}
	for second, m := range h.lens {
		if m == 0 {
			continue
		}
		row := h.pairs[second<<8:][:1<<8]
		for first, n := range h.lens {
			if n > 0 {
				row[first] = (h.codes[first]<<m|h.codes[second])<<5 | uint32(m+n)
			}
		}
	}
}

func fill(pairs []uint32) {
	for i := range pairs {
		pairs[i] = noCode
	}
}
