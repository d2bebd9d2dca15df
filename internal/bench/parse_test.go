//go:build cgo && unix

package bench

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// The most CPU that parsing may take, in newline counts.
const (
	parseGoal    = 6  // the 27 logged columns
	parseRowGoal = 12 // all columns
)

// parseSumGoal is what parsing the logged columns took on 2026-11-23, of the CPU of
// the SHA-256 of the same bytes. Newlines are counted as fast as memory is in an hour;
// a sum is bound by the processor, as parsing is, and so holds it closer.
const parseSumGoal = 0.62

// allocsGoal is none a line: what a file costs is spread over its lines.
const allocsGoal = 0.0005

// BenchmarkParse parses lines to rows, nothing written, in turns with counting the
// newlines of the same bytes. Both read the text where it lies. It is more than any
// cache holds: newlines of a text that is in one are counted in half the time or in
// all of it, as the neighbours please.
func BenchmarkParse(b *testing.B) {
	n := lines(b)
	text := generated(b, n)
	read := func(rd logs.Reader[s3access.Row]) {
		in, rows := logs.Input{Key: delivered}, int64(0)
		for row, err := range rd.Read(&in, bytes.NewBuffer(text)) {
			if err != nil || row.Ambiguous() {
				b.Fatalf("line %d: not a clean row: %v", in.Lines, err)
			}
			rows++
		}
		if rows != n {
			b.Fatalf("%d rows, want %d", rows, n)
		}
	}
	allRows, loggedRows := s3access.NewReader(), s3access.NewLoggedReader()
	all := func() { read(allRows) }
	logged := func() { read(loggedRows) }
	count := func() {
		if got := int64(bytes.Count(text, []byte("\n"))); got != n {
			b.Fatalf("%d newlines, want %d", got, n)
		}
	}
	sum := func() { sha256.Sum256(text) }
	all() // fills what is remembered
	logged()
	const times = 15
	for range turns(b) {
		var a, l, s pairs
		for range times {
			newlines := perLine(spent(b, count).Seconds(), n)
			ours := perLine(spent(b, logged).Seconds(), n)
			l.add(ours, newlines)
			s.add(ours, perLine(spent(b, sum).Seconds(), n))
			a.add(perLine(spent(b, all).Seconds(), n), newlines)
		}
		allocs := allocated(all) / float64(n)
		figures.note("parse: text in memory to rows; the logged columns are typed, keys decoded, secrets redacted, with the verdict of each line")
		figures.add(figure{
			what: "parse the 27 logged columns, CPU ns per line", sluice: decimals(median(l.ours), 0),
			other: decimals(median(l.theirs), 1), name: "counting newlines",
			ratio: decimals(l.ratio(), 1), goal: fmt.Sprint("at most ", parseGoal), met: l.ratio() <= parseGoal,
		})
		figures.add(figure{
			what: "parse whole rows, 20 derived columns more, CPU ns per line", sluice: decimals(median(a.ours), 0),
			other: decimals(median(a.theirs), 1), name: "counting newlines",
			ratio: decimals(a.ratio(), 1), goal: fmt.Sprint("at most ", parseRowGoal), met: a.ratio() <= parseRowGoal,
		})
		// What a file costs is spread over its lines and rounds to nothing.
		figures.add(figure{
			what: "parse, allocations per line", sluice: decimals(allocs, 3), goal: "0", met: allocs <= allocsGoal,
		})
		b.ReportMetric(median(l.ours), "logged-cpu-ns/line")
		say(b, "logged-cpu/newlines", l.ratio())
		say(b, "logged-cpu/sha256", s.ratio())
		b.ReportMetric(median(a.ours), "cpu-ns/line")
		say(b, "cpu/newlines", a.ratio())
		say(b, "allocs/line", allocs)
		b.ReportMetric(float64(len(text))/float64(n)/median(a.ours)*1e3, "MB/cpu-s")
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

func perLine(seconds float64, n int64) float64 { return seconds * 1e9 / float64(n) }

// generated is an access log of n lines.
func generated(tb testing.TB, n int64) []byte {
	tb.Helper()
	var buf bytes.Buffer
	buf.Grow(int(n) * 700)
	if err := generate.Lines(&buf, 1, n); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}
