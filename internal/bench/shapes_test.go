//go:build cgo && unix

package bench

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"sluice/internal/generate"
)

// The goals of many small files.
const (
	filesCPUGoal     = 0.5 // CPU seconds for a thousand of them
	filesGoal        = 1.5 // their CPU, of that of one file with their lines
	filesObjectsGoal = 3   // objects of the one table, which all rows are in
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
	one, _ := accessLog(b, files*each)
	for range turns(b) {
		var cpu pairs
		var peaks []float64
		var s side
		for range runs {
			s = start(b, roleSluice, dir, b.TempDir())
			if err := s.Report.whole(files, files*each); err != nil {
				b.Fatal(err)
			}
			cpu.add(s.cpu.Seconds(), start(b, roleSluice, one, b.TempDir()).cpu.Seconds())
			peaks = append(peaks, float64(s.Peak))
		}
		what := fmt.Sprintf("%s files of %d lines, ", whole(files), each)
		figures.add(figure{what: what + "CPU s", sluice: decimals(median(cpu.ours), 2),
			other: decimals(median(cpu.theirs), 2), name: "Sluice, the same lines in one file", ratio: decimals(cpu.ratio(), 2),
			goal: "at most 0.50 s", met: median(cpu.ours) <= filesCPUGoal})
		figures.add(figure{what: what + "peak memory in MiB, DuckDB's program text included", sluice: decimals(median(peaks)/mib, 0)})
		figures.add(figure{what: what + "objects written", sluice: whole(s.Report.objects()),
			goal: "at most 3", met: s.Report.objects() <= filesObjectsGoal})
		b.ReportMetric(median(cpu.ours), "cpu-s")
		say(b, "files-cpu/one-file", cpu.ratio())
		say(b, "files-objects", float64(s.Report.objects()))
	}
	b.ReportMetric(0, "ns/op")
}
