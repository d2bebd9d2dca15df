package frame

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/huff0"
)

// base64s is n random letters of base64.
func base64s(r *rand.Rand, n int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[r.IntN(len(letters))]
	}
	return text
}

// TestLiterals writes literals only, in blocks whose codes can be those of the block
// before, must be others, or must be left to huff0.
func TestLiterals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	ids := base64s(r, 6*maxBlock+77)
	var steep []byte // so that the rarest would have codes of 20 bits
	for i, a, b := 0, 1, 1; i < 22; i, a, b = i+1, b, a+b {
		steep = append(steep, bytes.Repeat([]byte{byte('a' + i)}, a)...)
	}
	r.Shuffle(len(steep), func(i, j int) { steep[i], steep[j] = steep[j], steep[i] })
	noise := make([]byte, maxBlock)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	few := bytes.Map(func(c rune) rune { return 'a' + c%3 }, ids[:2*maxBlock])
	one := bytes.Repeat([]byte("z"), maxBlock)
	last := append(bytes.Clone(ids[:maxBlock-1]), maxSymbol)
	above := append(bytes.Clone(ids[:maxBlock-1]), maxSymbol+1)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		text  []byte
		pairs bool // the first block has codes of its own
	}{
		"alike":            {ids, true},
		"odd":              {ids[:4*maxBlock-3], true},
		"the fewest":       {ids[:minPairs], true},
		"too few":          {ids[:minPairs-1], false},
		"steep":            {steep, true},
		"others then":      {join(ids[:3*maxBlock], few, ids[:maxBlock], few), true},
		"a byte more then": {join(ids[:3*maxBlock], last, ids), true},
		"noise between":    {join(ids[:3*maxBlock], noise, ids), true},
		"one between":      {join(ids[:3*maxBlock], one, ids[:2*maxBlock]), true},
		"huff0 between":    {join(ids[:3*maxBlock], above, ids), true},
		"the last symbol":  {last, true},
		"one above":        {above, false},
		"two symbols":      {bytes.Map(func(c rune) rune { return 'a' + c%2 }, ids), true},
		"0 and 1":          {bytes.Map(func(c rune) rune { return c % 2 }, ids), true},
		"noise":            {noise, false},
	} {
		t.Run(name, func(t *testing.T) {
			var h huffman
			if _, _, ok := h.encode(nil, c.text[:min(len(c.text), maxBlock)]); ok != c.pairs && len(c.text) >= minPairs {
				t.Errorf("own codes: %v", ok)
			}
			out, ok := write(new(Writer), []step{{literals: c.text}}, len(c.text))
			if !ok || !bytes.Equal(decode(t, out), c.text) {
				t.Fatalf("ok %v, %d bytes of text in %d", ok, len(c.text), len(out))
			}
		})
	}
}

// FuzzLiterals writes text drawn from letters, and then from others, with one Writer.
func FuzzLiterals(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), []byte("abc"), uint64(1), 300_000)
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaab"), []byte{maxSymbol, 0, maxSymbol + 1}, uint64(2), 200_001)
	var w Writer
	f.Fuzz(func(t *testing.T, letters, others []byte, seed uint64, size int) {
		if len(letters) == 0 || len(others) == 0 || size < 0 || size > 600_000 {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 9))
		text := make([]byte, size)
		then := r.IntN(size + 1)
		for i := range text {
			if i < then {
				text[i] = letters[r.IntN(len(letters))]
			} else {
				text[i] = others[r.IntN(len(others))]
			}
		}
		out, ok := write(&w, []step{{literals: text}}, size)
		if !ok || !bytes.Equal(decode(t, out), text) {
			t.Fatalf("ok %v, %d bytes of text in %d", ok, size, len(out))
		}
	})
}

// TestOneWriter writes frames of other letters with one Writer: pairs of the frame
// before must be none of the next, and the bytes must not depend on it.
func TestOneWriter(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	a := base64s(r, 3*maxBlock)
	b := bytes.Map(func(c rune) rune { return c - 30 }, a)
	var w Writer
	for i, text := range [][]byte{a, b, a, b[:maxBlock], a} {
		steps := []step{{literals: text}}
		out, _ := write(&w, steps, len(text))
		alone, _ := write(new(Writer), steps, len(text))
		if !bytes.Equal(out, alone) {
			t.Errorf("frame %d: not the bytes of a new writer", i)
		}
		if !bytes.Equal(decode(t, out), text) {
			t.Errorf("frame %d: other text", i)
		}
	}
}

// BenchmarkLiterals codes 100,000 letters of base64, which is what a block of ids
// has, with the codes of the block before and with huff0.
func BenchmarkLiterals(b *testing.B) {
	text := base64s(rand.New(rand.NewPCG(7, 7)), 100_000)
	b.Run("pairs", func(b *testing.B) {
		var h huffman
		var out []byte
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		ok := true
		for b.Loop() && ok {
			out, _, ok = h.encode(out[:0], text)
		}
		if !ok {
			b.Fatal("not encoded")
		}
		b.ReportMetric(float64(len(out)), "B/block")
	})
	b.Run("huff0", func(b *testing.B) {
		var s huff0.Scratch
		var out []byte
		var err error
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() && err == nil {
			out, _, err = huff0.Compress4X(text, &s)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(out)), "B/block")
	})
}
