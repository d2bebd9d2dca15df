//go:build cgo && unix

package bench

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"sluice/internal/generate"
)

// BenchmarkSmallFiles converts what most buckets hold: many files of a hundred lines.
func BenchmarkSmallFiles(b *testing.B) {
	const files, each = 1000, 110
	var text bytes.Buffer
	if err := generate.Lines(&text, 1, files*each); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	all := bytes.SplitAfter(text.Bytes(), []byte("\n"))
	for i := range files {
		name := fmt.Sprintf("%s/2026-03-02-%02d-%02d-%02d-%016X", dir, i/60%24, i%60, i%59, i)
		if err := os.WriteFile(name, bytes.Join(all[i*each:(i+1)*each], nil), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var cpu, peaks []float64
		var s side
		for range runs {
			s = start(b, roleSluice, dir, b.TempDir())
			if err := s.Report.whole(files, files*each); err != nil {
				b.Fatal(err)
			}
			cpu, peaks = append(cpu, s.cpu.Seconds()), append(peaks, float64(s.Peak))
		}
		what := fmt.Sprintf("%s files of %d lines, ", whole(files), each)
		figures.add(figure{what: what + "CPU s", sluice: decimals(median(cpu), 2)})
		figures.add(figure{what: what + "peak memory in MiB", sluice: decimals(median(peaks)/mib, 0)})
		figures.add(figure{what: what + "objects written", sluice: whole(s.Report.objects())})
		b.ReportMetric(median(cpu), "cpu-s")
		b.ReportMetric(float64(s.Report.objects()), "objects")
	}
	b.ReportMetric(0, "ns/op")
}
