//go:build cgo && unix

package bench

import (
	"bytes"
	"runtime"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// parseGoal is the most CPU a typed parse may take, in newline counts.
const parseGoal = 12

// BenchmarkParse parses lines to rows (verdict, types and derived columns
// included, nothing written) in turns with counting the newlines of the same
// bytes. They are more than any cache holds: newlines of a text that is in one
// are counted in half the time or in all of it, as the neighbours please.
func BenchmarkParse(b *testing.B) {
	n := lines(b)
	var buf bytes.Buffer
	buf.Grow(int(n) * 700)
	if err := generate.Lines(&buf, 1, n); err != nil {
		b.Fatal(err)
	}
	text := buf.Bytes()
	src, rd := bytes.NewReader(nil), s3access.Format.NewReader()
	parse := func() {
		src.Reset(text)
		in, rows := logs.Input{Key: delivered}, int64(0)
		for row, err := range rd.Read(&in, src) {
			if err != nil || row.Ambiguous() {
				b.Fatalf("line %d: not a clean row: %v", in.Lines, err)
			}
			rows++
		}
		if rows != n {
			b.Fatalf("%d rows, want %d", rows, n)
		}
	}
	count := func() {
		if got := int64(bytes.Count(text, []byte("\n"))); got != n {
			b.Fatalf("%d newlines, want %d", got, n)
		}
	}
	parse() // fills buffers and the cache of User-Agents
	const turns = 9
	for b.Loop() {
		var cpu pairs
		for range turns {
			cpu.add(spent(b, parse).Seconds()*1e9/float64(n), spent(b, count).Seconds()*1e9/float64(n))
		}
		allocs := allocated(parse) / float64(n)
		figures.add(figure{
			what: "parse, CPU ns per line", sluice: decimals(median(cpu.ours), 0),
			other: decimals(median(cpu.theirs), 1), name: "counting newlines",
			ratio: decimals(cpu.ratio(), 1), goal: "at most 12", met: cpu.ratio() <= parseGoal,
		})
		// What a file costs is spread over its lines and rounds to nothing.
		figures.add(figure{
			what: "parse, allocations per line", sluice: decimals(allocs, 3), goal: "0", met: allocs < 0.0005,
		})
		b.ReportMetric(median(cpu.ours), "cpu-ns/line")
		b.ReportMetric(cpu.ratio(), "cpu/newlines")
		b.ReportMetric(allocs, "allocs/line")
		b.ReportMetric(float64(len(text))/float64(n)/median(cpu.ours)*1e3, "MB/cpu-s")
	}
	b.ReportMetric(0, "ns/op") // of both sides together: says nothing
}

func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}
