//go:build cgo && unix

package bench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/generate"
)

// The goals of the conversion.
const (
	cpuGoal  = 0.80        // of DuckDB's
	sizeGoal = 1.00        // of DuckDB's
	peakGoal = 200_000_000 // bytes
	flatGoal = 1.10        // the peak at ten times the lines, to the peak
)

// runs is how often each side has its turn.
const runs = 3

// BenchmarkConvert converts one text file to Parquet: "sluice convert" with one
// worker and all columns, in turns with DuckDB with one thread and the 27
// logged ones. DuckDB takes its turn in two ways: a folder a day as Sluice
// writes them, and one file, which is the easier task.
func BenchmarkConvert(b *testing.B) {
	n := lines(b)
	file, size := accessLog(b, n)
	for b.Loop() {
		var m measured
		for range runs {
			if err := errors.Join(os.RemoveAll(m.lake), os.RemoveAll(m.dir)); err != nil {
				b.Fatal(err)
			}
			m.lake, m.dir = b.TempDir(), b.TempDir()
			ours := start(b, roleSluice, file, m.lake)
			if err := ours.Report.whole(1, n); err != nil {
				b.Fatal(err)
			}
			m.objects = ours.Report.objects()
			for i, role := range []string{roleDuckDays, roleDuckFile} {
				theirs := start(b, role, file, m.dir+"/"+role)
				if theirs.Rows != n {
					b.Fatalf("%s wrote %d rows, want %d", role, theirs.Rows, n)
				}
				m.cpu[i].add(ours.cpu.Seconds()*1e6/float64(n), theirs.cpu.Seconds()*1e6/float64(n))
				m.peak[i].add(float64(ours.Peak)/mib, float64(theirs.Peak)/mib)
			}
		}
		if err := compare(m.lake+"/s3_access_logs", m.dir+"/"+roleDuckDays); err != nil {
			b.Fatal(err)
		}
		figures.note("convert: %s lines, %.1f MB of text, DuckDB %s; medians of %d runs of each in turns", whole(n), float64(size)/1e6, duckVersion(b), runs)
		m.show(b, n)
		if os.Getenv(bigEnv) == "1" {
			flat(b, n, median(m.peak[0].ours))
		}
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

// measured is what the sides took and left. Beside Sluice stands DuckDB, first
// with a folder a day, then with one file.
type measured struct {
	cpu, peak [2]pairs // in seconds per million lines, and MiB
	objects   int64
	lake, dir string // of the last turn
}

func (m *measured) show(b *testing.B, n int64) {
	names := []string{"DuckDB, a folder a day", "DuckDB, one file"}
	for i, c := range m.cpu {
		figures.add(figure{
			what: "convert, CPU s per million lines", sluice: decimals(median(c.ours), 2),
			other: decimals(median(c.theirs), 2), name: names[i],
			ratio: decimals(c.ratio(), 2), goal: "at most 0.80", met: c.ratio() <= cpuGoal,
		})
	}
	for i, p := range m.peak {
		figures.add(figure{
			what: "convert, peak memory in MiB", sluice: decimals(median(p.ours), 0),
			other: decimals(median(p.theirs), 0), name: names[i],
			ratio: decimals(p.ratio(), 2), goal: "below 191 (200 MB)", met: median(p.ours)*mib < peakGoal,
		})
	}
	lake, dir := m.lake+"/s3_access_logs", m.dir+"/"+roleDuckDays
	ours, theirs := perRow(bytesBelow(b, lake), n), perRow(bytesBelow(b, dir), n)
	figures.add(figure{
		what: "convert, bytes per row", sluice: decimals(ours, 1), other: decimals(theirs, 1), name: "DuckDB",
		ratio: decimals(ours/theirs, 3), goal: "at most 1.00", met: ours <= theirs*sizeGoal,
	})
	oursLogged, theirsLogged := perRow(logged(b, lake), n), perRow(logged(b, dir), n)
	figures.add(figure{
		what: "  of them the 27 logged columns", sluice: decimals(oursLogged, 1), other: decimals(theirsLogged, 1), name: "DuckDB",
		ratio: decimals(oursLogged/theirsLogged, 3),
	})
	figures.add(figure{what: "convert, objects written", sluice: whole(m.objects)})
	b.ReportMetric(median(m.cpu[0].ours), "cpu-s/Mlines")
	b.ReportMetric(m.cpu[0].ratio(), "cpu/duckdb-days")
	b.ReportMetric(m.cpu[1].ratio(), "cpu/duckdb-file")
	b.ReportMetric(median(m.peak[0].ours), "peak-MiB")
	b.ReportMetric(ours, "B/row")
	b.ReportMetric(ours/theirs, "size/duckdb")
}

func perRow(bytes, rows int64) float64 { return float64(bytes) / float64(rows) }

// flat measures whether memory grows with the input. once is the peak at n lines.
func flat(b *testing.B, n int64, once float64) {
	dir := b.TempDir()
	file, _ := create(b, dir+"/"+delivered, func(w io.Writer) error { return generate.Lines(w, 1, 10*n) })
	s := start(b, roleSluice, file, dir+"/lake")
	if err := s.Report.whole(1, 10*n); err != nil {
		b.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil { // gigabytes
		b.Fatal(err)
	}
	often := float64(s.Peak) / mib
	figures.add(figure{
		what: fmt.Sprintf("convert %s lines, peak memory in MiB", whole(10*n)), sluice: decimals(often, 0),
		other: decimals(once, 0), name: "Sluice, " + whole(n) + " lines",
		ratio: decimals(often/once, 2), goal: "at most 1.10", met: often/once <= flatGoal && often*mib < peakGoal,
	})
	b.ReportMetric(often/once, "peak-10x/1x")
}

// bytesBelow adds up the Parquet files below dir.
func bytesBelow(tb testing.TB, dir string) (n int64) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	if n == 0 {
		tb.Fatalf("no Parquet below %s", dir)
	}
	return n
}
