package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// sought is a frame of literals and then of text in which repetitions were looked for.
func sought(w *Writer, literals, text []byte) ([]byte, bool) {
	w.Reset(nil, len(literals)+len(text))
	w.Literals(literals)
	w.Text(text)
	return w.Close()
}

func checkText(t testing.TB, w *Writer, literals, text []byte) (size int) {
	t.Helper()
	out, ok := sought(w, literals, text)
	if !ok {
		return -1
	}
	if got := decode(t, out); !bytes.Equal(got, append(literals[:len(literals):len(literals)], text...)) {
		t.Fatalf("%d bytes come back otherwise, of %d and %d", len(got), len(literals), len(text))
	}
	return len(out)
}

// paths makes n values behind their lengths, as a page has them.
func paths(seed uint64, n int) (text []byte) {
	r := rand.New(rand.NewPCG(seed, 11))
	for range n {
		v := fmt.Sprintf("GET /events/dt%%3D2026-01-%02d/hour%%3D%02d/part-%d-%012x.c000.snappy.parquet", 1+r.IntN(28), r.IntN(24), r.IntN(1<<r.IntN(17)), r.Uint64()>>16)
		if r.IntN(2) == 0 {
			v += "?x-id=GetObject"
		}
		v += " HTTP/1.1"
		text = append(append(text, byte(len(v)), 0, 0, 0), v...)
	}
	return text
}

// TestText: what is written of texts of all kinds is read again as it was, by a decoder
// that shares nothing with the writer.
func TestText(t *testing.T) {
	var w Writer
	noise := make([]byte, 2*maxBlock+100)
	r := rand.New(rand.NewPCG(1, 12))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	// Known again by its end only, further back than a match is long.
	letters := make([]byte, maxBlock+maxBlock/2)
	for i := range letters {
		letters[i] = "ABCDEFGHIJKLMNOP"[r.IntN(16)]
	}
	end := append(letters, "/the end of it/"...)
	for name, text := range map[string][]byte{
		"long before it ends": bytes.Repeat(end, 4),
		"nothing":             nil,
		"noise":               noise,
		"one byte many times": bytes.Repeat([]byte{'/'}, 3*maxBlock),
		"a letter many times": bytes.Repeat([]byte{'a'}, 3*maxBlock+5),
		"a page of paths":     paths(1, 9000),
		"words, then noise":   append(paths(2, 3000), noise...),
		"noise twice":         append(noise[:maxBlock+7:maxBlock+7], noise...),
		"separators":          []byte(strings.Repeat("/?=&%-. +,!", 5000)),
		"no separators":       bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz0123456789"), 5000),
	} {
		t.Run(name, func(t *testing.T) {
			checkText(t, &w, nil, text)
			checkText(t, &w, noise[:9], text)
		})
	}
	for seed := range uint64(300) { // edges: short texts, and a few letters, so that much repeats
		r := rand.New(rand.NewPCG(seed, 13))
		text := make([]byte, r.IntN(1<<r.IntN(18)))
		letters := []byte("ab/-=\x00c?z ")[:1+r.IntN(10)]
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		checkText(t, &w, noise[:r.IntN(40)], text)
		page := paths(seed, r.IntN(300))
		checkText(t, &w, nil, page[:len(page)-min(len(page), r.IntN(30))])
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("ab"), []byte("GET /a/b?c=d HTTP/1.1GET /a/b?c=e HTTP/1.1"), uint16(0))
	f.Add([]byte{}, paths(3, 40), uint16(9))
	f.Fuzz(func(t *testing.T, literals, text []byte, times uint16) {
		all := bytes.Repeat(text, 1+int(times)%64)
		if len(literals)+len(all) > MaxText {
			t.Skip()
		}
		checkText(t, new(Writer), literals, all)
	})
}

// TestTextIsSmall: looking in few places finds what looking everywhere does.
func TestTextIsSmall(t *testing.T) {
	text := paths(5, 10_000)
	got := checkText(t, new(Writer), nil, text)
	if want := len(fastest(t).EncodeAll(text, nil)); got < 0 || got > want {
		t.Errorf("%d bytes, and %d of zstd at its fastest", got, want)
	}
}

func fastest(t testing.TB) *zstd.Encoder {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestWords holds what looks at eight bytes at once to what looks at one after the other.
func TestWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 14))
	letters := []byte("\x00\x01 /09:;<=>?@Az\x7f\x80\xaf\xb0\xbd\xbf\xff")
	for range 200_000 {
		var b [wordSize]byte
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
			if r.IntN(2) == 0 {
				b[i] = 0
			}
		}
		zeros := bytes.Index(b[:], make([]byte, 4))
		if zeros < 0 {
			zeros = wordSize
		}
		if got := fourZeros(word(b[:], 0)); got != zeros {
			t.Fatalf("% x: four zeros at %d, want %d", b, got, zeros)
		}
		for i := range b { // fewer separators than zeros are
			if b[i] == 0 && r.IntN(4) > 0 {
				b[i] = 'a'
			}
		}
		sep := wordSize
		for i := wordSize - 1; i >= 0; i-- {
			if c := b[i] & 0x7f; c < '0' || c == '=' || c == '?' {
				sep = i
			}
		}
		if got := separator(word(b[:], 0)); got != sep {
			t.Fatalf("% x: a separator at %d, want %d", b, got, sep)
		}
	}
}

// BenchmarkText compresses a page of paths, once looking where pieces begin, once
// everywhere.
func BenchmarkText(b *testing.B) {
	text := paths(5, 10_000)
	b.Run("pieces", func(b *testing.B) {
		var w Writer
		var out []byte
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			w.Reset(out[:0], len(text))
			w.Text(text)
			out, _ = w.Close()
		}
		b.ReportMetric(float64(len(out))/10_000, "B/value")
	})
	b.Run("everywhere", func(b *testing.B) {
		z := fastest(b)
		var out []byte
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out = z.EncodeAll(text, out[:0])
		}
		b.ReportMetric(float64(len(out))/10_000, "B/value")
	})
}
