package frame

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// step is some literals and then a match, or none where n is 0.
type step struct {
	literals  []byte
	offset, n int
}

// plain is the text that steps stand for.
func plain(steps []step) (text []byte) {
	for _, s := range steps {
		text = append(text, s.literals...)
		for range s.n {
			text = append(text, text[len(text)-s.offset])
		}
	}
	return text
}

func write(w *Writer, steps []step, size int) ([]byte, bool) {
	w.Reset([]byte("before"), size)
	for _, s := range steps {
		w.Literals(s.literals)
		if s.n > 0 {
			w.Match(s.offset, s.n)
		}
	}
	out, ok := w.Close()
	return out[len("before"):], ok
}

func decode(t testing.TB, frame []byte) []byte {
	t.Helper()
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := r.DecodeAll(frame, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// random makes steps of about size bytes from one of a few kinds of text.
func random(r *rand.Rand, size int) (steps []step) {
	symbols := 1 << r.IntN(9)
	longest := 1 << r.IntN(15)
	offsets := r.IntN(4)
	var text int
	last := 1
	for text < size {
		s := step{literals: make([]byte, r.IntN(1+r.IntN(longest)))}
		if text == 0 {
			s.literals = make([]byte, 1+r.IntN(longest))
		}
		for i := range s.literals {
			s.literals[i] = byte(r.IntN(symbols))
		}
		text += len(s.literals)
		if text > 0 && r.IntN(8) > 0 {
			s.n = MinMatch + r.IntN(1+r.IntN(longest))
			switch offsets {
			case 0:
				s.offset = 1 + r.IntN(text)
			case 1:
				s.offset = 1 + r.IntN(min(text, 5))
			default:
				s.offset = min(text, last)
				if r.IntN(4) == 0 {
					s.offset = 1 + r.IntN(min(text, 100))
				}
			}
			last = s.offset
			text += s.n
		}
		steps = append(steps, s)
	}
	return steps
}

// TestFrames writes frames of all kinds of text with one Writer, and decodes
// them with a decoder that shares nothing with it.
func TestFrames(t *testing.T) {
	var w Writer
	var sure, grown int
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		steps := random(r, r.IntN(1<<r.IntN(20)))
		text := plain(steps)
		out, ok := write(&w, steps, len(text))
		if !ok {
			grown++
			continue
		}
		sure++
		if got := decode(t, out); !bytes.Equal(got, text) {
			t.Fatalf("seed %d: %d bytes are others, of %d", seed, len(got), len(text))
		}
	}
	if grown > sure/10 {
		t.Errorf("%d frames, and %d that cannot be", sure, grown)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("aaaabcdabcd\x05\x01xyz"))
	f.Add(bytes.Repeat([]byte{0, 200, 3, 9}, 9000))
	f.Fuzz(func(t *testing.T, in []byte) {
		var steps []step
		text := 0
		for len(in) > 4 { // literals, offset and length from four bytes
			n := min(int(in[0]), len(in)-4)
			s := step{literals: in[4 : 4+n]}
			text += n
			if m := int(in[1]); m >= MinMatch && text > 0 {
				s.n, s.offset = m*(1+int(in[3]&15)*8), 1+(int(in[2])<<8|int(in[3]))%text
				text += s.n
			}
			steps = append(steps, s)
			in = in[4+n:]
		}
		if text > MaxText {
			t.Skip()
		}
		want := plain(steps)
		out, ok := write(new(Writer), steps, len(want))
		if ok && !bytes.Equal(decode(t, out), want) {
			t.Fatalf("%+v", steps)
		}
	})
}

// TestShapes are the edges of the format.
func TestShapes(t *testing.T) {
	noise := make([]byte, 3*maxBlock)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var tiny, far []step
	tiny = append(tiny, step{literals: []byte("abcabcab")})
	for i := range 41_000 { // more sequences than two bytes count
		tiny = append(tiny, step{offset: 2 + i%3, n: 3})
	}
	far = append(far, step{literals: noise})
	for i := range 30 {
		far = append(far, step{literals: noise[i : 2*i], offset: 1<<i%len(noise) + 1, n: 100 << (i % 10)})
	}
	for name, steps := range map[string][]step{
		"nothing":           nil,
		"one byte":          {{literals: []byte("a")}},
		"one byte, often":   {{literals: bytes.Repeat([]byte("a"), 1000)}},
		"noise":             {{literals: noise}},
		"a block of noise":  {{literals: noise[:maxBlock]}},
		"a match only":      {{literals: []byte("ab"), offset: 2, n: maxBlock - 2}},
		"block and match":   {{literals: bytes.Repeat([]byte("abcdefgh"), maxBlock/8), offset: maxBlock, n: maxBlock}},
		"many sequences":    tiny,
		"long lengths":      far,
		"nothing in common": {{literals: bytes.Repeat([]byte("0123456789abcdef"), 9000)}},
	} {
		t.Run(name, func(t *testing.T) {
			text := plain(steps)
			out, ok := write(new(Writer), steps, len(text))
			if !ok || !bytes.Equal(decode(t, out), text) {
				t.Errorf("ok %v, %d bytes of text in %d", ok, len(text), len(out))
			}
		})
	}
}

func TestBugs(t *testing.T) {
	for name, do := range map[string]func(w *Writer){
		"no such text":         func(w *Writer) { w.Match(1, 5) },
		"too short":            func(w *Writer) { w.Literals([]byte("ab")); w.Match(1, 2) },
		"too far":              func(w *Writer) { w.Literals([]byte("ab")); w.Match(3, 3) },
		"too little":           func(w *Writer) { w.Literals([]byte("ab")); w.Close() },
		"too much":             func(w *Writer) { w.Literals([]byte("0123456789a")); w.Close() },
		"too much, by a match": func(w *Writer) { w.Literals([]byte("0123456")); w.Match(3, 4); w.Close() },
		"too large":            func(w *Writer) { w.Reset(nil, MaxText+1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("nobody noticed")
				}
			}()
			w := new(Writer)
			w.Reset(nil, 10)
			do(w)
		})
	}
}

// ids makes n values of the shape of S3's extended request ids.
func ids(n int) (values [][]byte) {
	r := rand.New(rand.NewPCG(7, 7))
	for range n {
		b := make([]byte, 56)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		values = append(values, base64.StdEncoding.AppendEncode(nil, b))
	}
	return values
}

// BenchmarkIDs compresses 20,000 random ids behind their lengths, once by saying
// where the lengths repeat, once by looking for that.
func BenchmarkIDs(b *testing.B) {
	const n = 20_000
	values := ids(n)
	var text []byte
	for _, v := range values {
		text = append(append(text, byte(len(v)), 0, 0, 0), v...)
	}
	b.Run("known", func(b *testing.B) {
		var w Writer
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			w.Reset(out[:0], len(text))
			w.Literals(text[:4])
			for i, v := range values {
				switch i {
				case 0:
				case 1:
					w.Literals([]byte("="))
					w.Match(80, 4)
				default:
					w.Match(80, 5) // with the "=" before
				}
				w.Literals(v[:len(v)-1])
			}
			w.Literals([]byte("="))
			out, _ = w.Close()
		}
		if !bytes.Equal(decode(b, out), text) {
			b.Fatal("other text")
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		b.ReportMetric(float64(len(out))/n, "B/value")
	})
	b.Run("sought", func(b *testing.B) {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(2<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			b.Fatal(err)
		}
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			out = z.EncodeAll(text, out[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		b.ReportMetric(float64(len(out))/n, "B/value")
	})
}

// TestCountsAtTheirLimits: numbers of literals and of sequences are said in more bytes
// from a limit on.
func TestCountsAtTheirLimits(t *testing.T) {
	check := func(name string, steps []step) {
		t.Helper()
		text := plain(steps)
		var w Writer
		frame, ok := write(&w, steps, len(text))
		if !ok {
			t.Fatalf("%s: no frame", name)
		}
		if got := decode(t, frame); !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes come back otherwise, of %d", name, len(got), len(text))
		}
	}
	r := rand.New(rand.NewPCG(1, 9))
	for _, limit := range []int{1 << 5, minHuffman, 256, 1 << 10, 1 << 12, 1 << 14, maxBlock} {
		for n := limit - 1; n <= min(limit+1, maxBlock); n++ {
			for _, letters := range []int{2, 256} { // to be compressed, and not
				literals := make([]byte, n)
				for i := range literals {
					literals[i] = byte(r.IntN(letters))
				}
				check(fmt.Sprint(n, " literals of ", letters), []step{{literals: literals}})
				check(fmt.Sprint(n, " literals of ", letters, " and a match"), []step{{literals: literals, offset: 9, n: 300}})
			}
		}
	}
	for _, limit := range []int{128, 0x7f00} {
		for n := limit - 1; n <= limit+1; n++ {
			steps := []step{{literals: []byte("abcdefgh"), offset: 8, n: 3}}
			for i := range n - 1 {
				steps = append(steps, step{offset: 3 + i%5, n: 3 + i%2})
			}
			check(fmt.Sprint(n, " sequences"), steps)
		}
	}
}

// TestTails: the last block of a frame is not so small that it comes out larger than its
// text, wherever the frame ends.
func TestTails(t *testing.T) {
	values := ids(4000)
	var w Writer
	for n := 1500; n < 4000; n += 7 {
		w.Reset(nil, 80*n)
		var text []byte
		for i, v := range values[:n] {
			length := []byte{byte(len(v)), 0, 0, 0}
			text = append(append(text, length...), v...)
			if i == 0 {
				w.Literals(length)
			} else {
				w.Match(80, 4)
			}
			w.Literals(v)
		}
		out, ok := w.Close()
		if !ok {
			t.Fatalf("%d values: no frame", n)
		}
		if n%10 == 0 && !bytes.Equal(decode(t, out), text) {
			t.Fatalf("%d values come back otherwise", n)
		}
	}
}
