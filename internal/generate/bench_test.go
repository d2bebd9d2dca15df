package generate

import (
	"bytes"
	"io"
	"testing"
)

// counter counts bytes and lines and keeps nothing.
type counter struct{ bytes, lines int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.lines += int64(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

func BenchmarkLines(b *testing.B) {
	b.ReportAllocs()
	var c counter
	if err := Lines(&c, 1, int64(b.N)); err != nil {
		b.Fatal(err)
	}
	if c.lines != int64(b.N) {
		b.Fatalf("%d lines, want %d", c.lines, b.N)
	}
	b.SetBytes(c.bytes / c.lines)
	b.ReportMetric(float64(c.bytes)/float64(c.lines), "B/line")
}

func BenchmarkEvents(b *testing.B) {
	b.ReportAllocs()
	var c counter
	if err := Events(&c, 1, int64(b.N)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(c.bytes / int64(b.N))
}

func BenchmarkWrite(b *testing.B) {
	b.ReportAllocs()
	truth, err := Write(b.TempDir(), Options{Seed: 1, Lines: int64(b.N), Events: int64(b.N) / 20, Days: 2, LinesPerFile: 1000}, nil)
	if err != nil {
		b.Fatal(err)
	}
	if got := truth.Access.Lines; got != int64(b.N) {
		b.Fatalf("%d lines, want %d", got, b.N)
	}
	b.SetBytes(truth.Access.Bytes / truth.Access.Lines)
}

// A writer that is full must not pass for success.
func TestStreamsReportErrors(t *testing.T) {
	for name, stream := range map[string]func(io.Writer, int64, int64) error{"lines": Lines, "events": Events} {
		full := writerFunc(func([]byte) (int, error) { return 0, io.ErrShortWrite })
		if err := stream(full, 1, 10); err == nil {
			t.Errorf("%s into a full writer: no error", name)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
