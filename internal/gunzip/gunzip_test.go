package gunzip

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/gzip"

	"sluice/internal/generate"
)

// samples are texts that compress in different ways.
func samples(tb testing.TB) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 400_000) // long codes
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 14)
	}
	near := bytes.Repeat([]byte("ab"), 70_000) // matches within a word
	for i := 0; i < len(near); i += 997 {
		near[i] = byte(i)
	}
	var events, lines bytes.Buffer
	if err := errors.Join(generate.Events(&events, 1, 400), generate.Lines(&lines, 1, 900)); err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{
		"empty": nil, "byte": {'x'}, "zeros": make([]byte, 1<<20), "noise": noise, "skewed": skewed, "near": near,
		"far": bytes.Repeat(noise[:32<<10], 6), "events": events.Bytes(), "lines": lines.Bytes(),
	}
}

var levels = []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, 6, gzip.BestCompression}

func zipped(tb testing.TB, text []byte, level int, change ...func(*gzip.Writer)) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	for _, c := range change {
		c(w)
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func unzip(r *Reader, src io.Reader) ([]byte, error) {
	if err := r.Reset(bufio.NewReaderSize(src, 4<<10)); err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRead(t *testing.T) {
	var r Reader
	for name, text := range samples(t) {
		for _, level := range levels {
			z := zipped(t, text, level)
			for how, src := range map[string]io.Reader{
				"whole": bytes.NewReader(z), "data with EOF": iotest.DataErrReader(bytes.NewReader(z)), "bytes": iotest.OneByteReader(bytes.NewReader(z)),
			} {
				got, err := unzip(&r, src)
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("%s, level %d, %s: %d bytes of %d, %v", name, level, how, len(got), len(text), err)
				}
			}
			if err := r.Reset(bufio.NewReader(bytes.NewReader(z))); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(iotest.HalfReader(iotest.OneByteReader(&r))); len(text) < 200_000 && (err != nil || !bytes.Equal(got, text)) {
				t.Errorf("%s, level %d, a byte at a time: %d bytes of %d, %v", name, level, len(got), len(text), err)
			}
		}
	}
}

// TestMembers: src is left where the member ends, and headers say all they can.
func TestMembers(t *testing.T) {
	full := func(w *gzip.Writer) {
		w.Name, w.Comment, w.Extra = "a name", "a comment", bytes.Repeat([]byte("x"), 3000)
	}
	z := append(zipped(t, []byte("one"), 6, full), zipped(t, nil, 6)...)
	z = append(append(z, zipped(t, []byte("three"), 0)...), "tail"...)
	src := bufio.NewReader(bytes.NewReader(z))
	var r Reader
	for _, want := range []string{"one", "", "three"} {
		if err := r.Reset(src); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(&r); err != nil || string(got) != want {
			t.Fatalf("%q and %v, want %q", got, err, want)
		}
	}
	if rest, err := io.ReadAll(src); err != nil || string(rest) != "tail" {
		t.Errorf("behind the members: %q, %v", rest, err)
	}
	sum := []byte{0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 0, 0, 0}
	if _, err := unzip(&r, bytes.NewReader(sum)); err != ErrHeader {
		t.Errorf("wrong checksum of a header: %v", err)
	}
	if _, err := unzip(&r, bytes.NewReader([]byte("0123456789abc"))); err != ErrHeader {
		t.Errorf("no header: %v", err)
	}
}

// TestCutAnywhere: what is cut short is an error, and so is what the source could
// not give.
func TestCutAnywhere(t *testing.T) {
	broken := errors.New("broken")
	var r Reader
	text := samples(t)["events"][:20_000]
	for _, level := range []int{gzip.NoCompression, gzip.BestSpeed, 9} {
		z := zipped(t, text, level, func(w *gzip.Writer) { w.Name = "name" })
		for n := range z {
			if got, err := unzip(&r, bytes.NewReader(z[:n])); err != io.ErrUnexpectedEOF || !bytes.HasPrefix(text, got) {
				t.Fatalf("level %d, %d of %d bytes: %d bytes and %v", level, n, len(z), len(got), err)
			}
			src := io.MultiReader(bytes.NewReader(z[:n]), iotest.ErrReader(broken))
			if got, err := unzip(&r, src); err != broken || !bytes.HasPrefix(text, got) {
				t.Fatalf("level %d, %d of %d bytes: %d bytes and %v", level, n, len(z), len(got), err)
			}
		}
	}
}

// judge unzips with this package and with compress/gzip, and tells where they
// differ: in what they accept, in the text of that, in what they take for cut, or
// in the text before an error as far as both give it.
func judge(r *Reader, z []byte) error {
	want, werr := func() ([]byte, error) {
		z, err := gzip.NewReader(bufio.NewReader(bytes.NewReader(z)))
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return io.ReadAll(io.LimitReader(z, 64<<20))
	}()
	got, err := unzip(r, bytes.NewReader(z))
	same := werr == err
	_, corrupt := werr.(flate.CorruptInputError)
	switch {
	case corrupt: // what is corrupt may be cut as well: whichever is seen first
		same = err == ErrCorrupt || err == io.ErrUnexpectedEOF
	case werr == io.ErrUnexpectedEOF || werr == io.EOF:
		same = err == io.ErrUnexpectedEOF || err == ErrCorrupt
	case werr == gzip.ErrChecksum:
		same = err == ErrChecksum
	case werr == gzip.ErrHeader:
		same = err == ErrHeader
	}
	n := min(len(got), len(want))
	if werr == nil || werr == gzip.ErrChecksum {
		n = max(len(got), len(want))
	}
	if !same || len(got) < n || len(want) < n || !bytes.Equal(got[:n], want[:n]) {
		return fmt.Errorf("%d bytes and %v, want %d and %v", len(got), err, len(want), werr)
	}
	return nil
}

// TestOneByteWrong changes each byte of zipped texts in several ways.
func TestOneByteWrong(t *testing.T) {
	var r Reader
	for name, text := range samples(t) {
		for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, 6} {
			z := zipped(t, text[:min(len(text), 3000)], level)
			for i := range z {
				for _, x := range []byte{1, 0x10, 0x80, 0xff} {
					z[i] ^= x
					if err := judge(&r, z); err != nil {
						t.Fatalf("%s, level %d, byte %d ^ %#x: %v", name, level, i, x, err)
					}
					z[i] ^= x
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range samples(f) {
		for _, level := range levels {
			f.Add(zipped(f, text[:min(len(text), 2000)], level))
		}
	}
	var r Reader
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := judge(&r, b); err != nil {
			t.Error(err)
		}
		// the same as compressed data behind a sound header
		if err := judge(&r, append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, b...)); err != nil {
			t.Errorf("behind a header: %v", err)
		}
	})
}

// BenchmarkRead unzips a CloudTrail file, also with the fastest library, which is
// the yardstick of docs/performance.md.
func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	if err := generate.Events(&text, 1, 10_000); err != nil {
		b.Fatal(err)
	}
	z := zipped(b, text.Bytes(), 6)
	src := bufio.NewReaderSize(nil, 64<<10)
	run := func(b *testing.B, open func() (io.Reader, error)) {
		b.SetBytes(int64(text.Len()))
		b.ReportAllocs()
		buf := make([]byte, 64<<10)
		for b.Loop() {
			src.Reset(bytes.NewReader(z))
			r, err := open()
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for err == nil {
				var m int
				m, err = r.Read(buf)
				n += m
			}
			if err != io.EOF || n != text.Len() {
				b.Fatal(n, err)
			}
		}
	}
	b.Run("this", func(b *testing.B) {
		var r Reader
		run(b, func() (io.Reader, error) { return &r, r.Reset(src) })
	})
	b.Run("klauspost", func(b *testing.B) {
		r := new(klauspost.Reader)
		run(b, func() (io.Reader, error) { return r, r.Reset(src) })
	})
}
