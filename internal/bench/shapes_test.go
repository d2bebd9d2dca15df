//go:build cgo && unix

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"

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

// BenchmarkCloudTrail converts one zipped CloudTrail file to Parquet, in turns
// with unzipping it.
func BenchmarkCloudTrail(b *testing.B) {
	const n = 50_000
	name := b.TempDir() + "/111122223333_CloudTrail_us-west-2_20260303T0005Z_Ab3dEf6hIj9lMn2p.json.gz"
	file, _ := create(b, name, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if err := generate.Events(z, 1, n); err != nil {
			return err
		}
		return z.Close()
	})
	for b.Loop() {
		var cpu pairs
		for range 5 {
			lake := b.TempDir()
			ours := spent(b, func() {
				r, err := convert(file, lake)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.whole(1, n); err != nil {
					b.Fatal(err)
				}
			})
			theirs := spent(b, func() {
				if err := unzip(file); err != nil {
					b.Fatal(err)
				}
			})
			cpu.add(ours.Seconds(), theirs.Seconds())
		}
		figures.add(figure{
			what: "CloudTrail .json.gz to Parquet, CPU µs per record", sluice: decimals(median(cpu.ours)*1e6/n, 1),
			other: decimals(median(cpu.theirs)*1e6/n, 1), name: "gunzip", ratio: decimals(cpu.ratio(), 1),
		})
		b.ReportMetric(median(cpu.ours)*1e6/n, "cpu-µs/record")
		b.ReportMetric(cpu.ratio(), "cpu/gunzip")
	}
	b.ReportMetric(0, "ns/op") // of both sides together: says nothing
}

func unzip(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, z)
	return err
}
