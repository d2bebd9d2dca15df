package s3access

import (
	"bytes"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
)

// lines is enough for 670 MB: more than any cache holds, as with delivered logs.
const lines = 1_000_000

func generated(tb testing.TB, n int64) []byte {
	tb.Helper()
	var buf bytes.Buffer
	buf.Grow(int(n) * 680)
	if err := generate.Lines(&buf, 1, n); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// BenchmarkNewlines is the yardstick: no parser can be faster than finding the lines.
func BenchmarkNewlines(b *testing.B) {
	data := generated(b, lines)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if n := bytes.Count(data, []byte("\n")); n != lines {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}

// BenchmarkRead is the whole parse: verdict, typed fields and derived columns.
func BenchmarkRead(b *testing.B) {
	data := generated(b, lines)
	r := NewReader()
	read := func() (rows int) {
		for _, err := range r.Read(&logs.Input{Key: "k"}, bytes.NewReader(data)) {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		return rows
	}
	read() // fills the cache of User-Agents
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if n := read(); n != lines {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}

// BenchmarkSplit is the cutting alone, on the fast path and by the reference.
func BenchmarkSplit(b *testing.B) {
	data := generated(b, 100_000)
	cut := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	b.Run("fast", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			for _, l := range cut {
				var s split
				fast(l, &s, nil)
			}
		}
	})
	b.Run("fast, ends remembered", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		var memory ends
		for b.Loop() {
			for _, l := range cut {
				var s split
				fast(l, &s, &memory)
			}
		}
	})
	b.Run("legal", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		var s split
		var z zone
		for b.Loop() {
			for _, l := range cut {
				s = split{}
				if _, _, bad := legal(l, &s, &z); bad != "" {
					b.Fatal(bad)
				}
			}
		}
	})
}

// BenchmarkClock is one time that shares its minute with the last, and one that does not.
func BenchmarkClock(b *testing.B) {
	stamps := [2][]byte{[]byte("06/Feb/2026:00:00:38 +0000"), []byte("06/Feb/2026:00:01:38 +0000")}
	for name, step := range map[string]int{"same minute": 0, "other minute": 1} {
		b.Run(name, func(b *testing.B) {
			var c clock
			i := 0
			for b.Loop() {
				if _, ok := c.parse(stamps[i&1]); !ok {
					b.Fatal("no time")
				}
				i += step
			}
		})
	}
}
