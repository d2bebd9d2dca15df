//go:build cgo && unix

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"sluice/internal/cli"
	"sluice/internal/generate"
)

// coresGoal is how much sooner two workers are done than one.
const coresGoal = 1.8

// BenchmarkCores converts the same lines with one worker and with two in turns,
// and takes the time on the clock: as one file, which two workers share by reading
// and writing beside the parser, and as a folder of three times as many lines, whose
// batches they share: eight of them, of a million lines in the file. It says something
// on a machine with two idle cores only.
func BenchmarkCores(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Skip("one core")
	}
	n := lines(b)
	file, _ := accessLog(b, n)
	dir := b.TempDir()
	const files = 288
	each := 3 * n / files
	for i := range files {
		name := fmt.Sprintf("%s/2026-03-02-%02d-%02d-00-%016X", dir, i/12, i%12*5, i)
		create(b, name, func(w io.Writer) error { return generate.Lines(w, int64(i+1), each) })
	}
	for b.Loop() {
		for _, c := range []struct {
			what, from string
			lines      int64
			files      int64
		}{
			{"one file", file, n, 1},
			{fmt.Sprintf("%d files", files), dir, each * files, files},
		} {
			var wall pairs
			for range runs {
				one, two := clocked(b, c.from, 1, c.files, c.lines), clocked(b, c.from, 2, c.files, c.lines)
				wall.add(one.Seconds(), two.Seconds())
			}
			figures.add(figure{
				what: "convert " + c.what + ", seconds with two workers", sluice: decimals(median(wall.theirs), 2),
				other: decimals(median(wall.ours), 2), name: "Sluice, one worker",
				ratio: decimals(wall.ratio(), 2), goal: "at least 1.80 times as fast", met: wall.ratio() >= coresGoal,
			})
			b.ReportMetric(wall.ratio(), "times/"+map[bool]string{true: "file", false: "folder"}[c.files == 1])
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

// clocked is how long a conversion takes with so many workers.
func clocked(b *testing.B, from string, workers, files, n int64) time.Duration {
	b.Helper()
	lake := b.TempDir()
	var out bytes.Buffer
	start := time.Now()
	if code := cli.Run([]string{"convert", from, "-o", lake, "--workers", fmt.Sprint(workers), "--json"}, nil, &out, os.Stderr); code != 0 {
		b.Fatalf("exit code %d", code)
	}
	took := time.Since(start)
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		b.Fatal(err)
	}
	if err := r.whole(files, n); err != nil {
		b.Fatal(err)
	}
	if err := os.RemoveAll(lake); err != nil {
		b.Fatal(err)
	}
	return took
}
