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

// BenchmarkRow is the logged columns of a line alone, on the fast path and by the
// reference, and what is derived from them.
func BenchmarkRow(b *testing.B) {
	data := generated(b, 100_000)
	cut := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	var p parser
	for name, row := range map[string]func(line []byte) bool{
		"fast":             p.fast,
		"fast and derived": func(line []byte) bool { ok := p.fast(line); p.derive(); return ok },
		"reference":        func(line []byte) bool { return p.slow(line, line) == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range cut {
					p.scratch = p.scratch[:0]
					if !row(l) {
						b.Fatalf("no row: %s", l)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(cut)), "ns/line")
		})
	}
}

// BenchmarkMemo looks up the ends of lines as they come, in a memo and in a map.
func BenchmarkMemo(b *testing.B) {
	var ends [][]byte
	for line := range bytes.Lines(generated(b, 20_000)) {
		if _, end, ok := bytes.Cut(line, []byte("= ")); ok { // behind the host id
			ends = append(ends, bytes.TrimSuffix(end, []byte("\n")))
		}
	}
	var m memo[int]
	known := map[string]int{}
	for name, look := range map[string]func(text []byte) bool{
		"memo": func(text []byte) bool { _, ok := m.of(text); return ok },
		"map": func(text []byte) bool {
			_, ok := known[string(text)]
			if !ok {
				known[string(text)] = 1
			}
			return ok
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			hits, looks := 0, 0
			for b.Loop() {
				for _, end := range ends {
					if look(end) {
						hits++
					}
				}
				looks += len(ends)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(looks), "ns/look-up")
			b.ReportMetric(float64(hits)/float64(looks), "hits/look-up")
		})
	}
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
