//go:build cgo && unix

package bench

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The goals of the conversion.
const (
	loggedGoal  = 0.30     // CPU for the 27 logged columns, of DuckDB's
	watchedGoal = 0.60     // CPU with all columns and all rules, of DuckDB's
	sizeGoal    = 0.90     // of DuckDB's bytes for the 27 logged columns
	peakGoal    = 96 * mib // bytes
)

// runs is how often each side has its turn.
const runs = 3

// contender is a way to convert and what it took, next to DuckDB in the same turns.
type contender struct {
	role, what string
	goal       float64 // of DuckDB's CPU; 0: none is set
	cpu, peak  pairs   // in seconds per million lines, and MiB
}

// BenchmarkConvert converts one text file to Parquet in turns with DuckDB, which
// has one thread and writes the 27 logged columns: Sluice writes those alone, all
// of its columns ("sluice convert" with one worker), and all of them with all
// shipped rules on. All
// write a folder a day; DuckDB one file, too, which is the easier task.
func BenchmarkConvert(b *testing.B) {
	n := lines(b)
	file, size := accessLog(b, n)
	for range turns(b) {
		sides := []*contender{
			{role: roleLogged, what: "the 27 logged columns", goal: loggedGoal},
			{role: roleSluice, what: "all columns"},
			{role: roleWatched, what: "all columns and rules", goal: watchedGoal},
		}
		var (
			dir     string // of the last turn
			objects int64
			single  pairs // all columns, and DuckDB with one file
		)
		for range runs {
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
			dir = b.TempDir()
			theirs := start(b, roleDuckDays, file, dir+"/"+roleDuckDays)
			if theirs.Rows != n {
				b.Fatalf("DuckDB wrote %d rows, want %d", theirs.Rows, n)
			}
			for _, c := range sides {
				ours := start(b, c.role, file, dir+"/"+c.role)
				if c.role == roleSluice {
					if err := ours.Report.whole(1, n); err != nil {
						b.Fatal(err)
					}
					ours.Rows, objects = ours.Report.Rows, ours.Report.objects()
				}
				if ours.Rows != n || c.role == roleWatched && ours.Found == 0 {
					b.Fatalf("%s: %d rows and %d findings, want %d rows", c.role, ours.Rows, ours.Found, n)
				}
				c.cpu.add(ours.cpu.Seconds()*1e6/float64(n), theirs.cpu.Seconds()*1e6/float64(n))
				c.peak.add(float64(ours.Peak)/mib, float64(theirs.Peak)/mib)
				if c.role == roleSluice {
					other := start(b, roleDuckFile, file, dir+"/"+roleDuckFile)
					single.add(ours.cpu.Seconds()*1e6/float64(n), other.cpu.Seconds()*1e6/float64(n))
				}
			}
		}
		for _, role := range []string{roleLogged, roleSluice, roleWatched} {
			if err := compare(dir+"/"+role+"/s3_access_logs", dir+"/"+roleDuckDays); err != nil {
				b.Fatalf("%s: %v", role, err)
			}
		}
		figures.note("convert: %s lines, %.1f MB of text, DuckDB %s; medians of %d runs of each in turns", whole(n), float64(size)/1e6, duckVersion(b), runs)
		show(b, sides, dir, n)
		figures.add(figure{
			what: "convert, CPU s per million lines: all columns", sluice: decimals(median(single.ours), 2),
			other: decimals(median(single.theirs), 2), name: "DuckDB, one file, which is easier", ratio: decimals(single.ratio(), 2),
		})
		figures.add(figure{what: "convert, objects written", sluice: whole(objects)})
		figures.add(figure{what: "convert, allocations per line: all columns", sluice: decimals(allocated(func() {
			if _, err := convert(file, b.TempDir()); err != nil {
				b.Fatal(err)
			}
		})/float64(n), 4)})
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

// show adds what the sides took and left below dir to the table.
func show(b *testing.B, sides []*contender, dir string, n int64) {
	const duck = "DuckDB, a folder a day"
	for _, c := range sides {
		f := figure{
			what: "convert, CPU s per million lines: " + c.what, sluice: decimals(median(c.cpu.ours), 2),
			other: decimals(median(c.cpu.theirs), 2), name: duck, ratio: decimals(c.cpu.ratio(), 2),
		}
		if c.goal > 0 {
			f.goal, f.met = "at most "+decimals(c.goal, 2), c.cpu.ratio() <= c.goal
		}
		figures.add(f)
		say(b, strings.TrimPrefix(c.role, "sluice-")+"-cpu/duckdb", c.cpu.ratio())
	}
	for _, c := range sides {
		figures.add(figure{
			what: "convert, peak memory in MiB: " + c.what, sluice: decimals(median(c.peak.ours), 0),
			other: decimals(median(c.peak.theirs), 0), name: duck + " (both with its program text)", ratio: decimals(c.peak.ratio(), 2),
		})
	}
	theirs := perRow(bytesBelow(b, dir+"/"+roleDuckDays), n)
	ours := perRow(bytesBelow(b, dir+"/"+roleLogged), n)
	figures.add(figure{
		what: "convert, bytes per row: the 27 logged columns", sluice: decimals(ours, 1), other: decimals(theirs, 1), name: "DuckDB",
		ratio: decimals(ours/theirs, 3), goal: "at most 0.900", met: ours <= theirs*sizeGoal,
	})
	say(b, "logged-bytes/duckdb", ours/theirs)
	ours = perRow(bytesBelow(b, dir+"/"+roleSluice), n)
	figures.add(figure{
		what: "convert, bytes per row: all columns", sluice: decimals(ours, 1), other: decimals(theirs, 1), name: "DuckDB",
		ratio: decimals(ours/theirs, 3),
	})
}

func perRow(bytes, rows int64) float64 { return float64(bytes) / float64(rows) }

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
