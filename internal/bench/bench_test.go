//go:build cgo && unix

// Package bench measures Sluice from end to end, next to a yardstick that runs
// in the same minute: DuckDB for the conversion, counting newlines for the
// parser, gunzip for CloudTrail. On a shared machine absolute times wander by a
// quarter; ratios of runs that alternate do not.
//
// No benchmark fails on a clock; all fail when a result is wrong. The short form of
// them holds ratios to thresholds, see hold_test.go.
package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"sluice/internal/cli"
	"sluice/internal/generate"
)

// The environment chooses the size of the runs.
const (
	linesEnv = "SLUICE_BENCH_LINES" // lines to convert, 1,000,000 when not set
	pageEnv  = "SLUICE_BENCH_PAGE"  // file whose generated part is to be the table
	bigEnv   = "SLUICE_BENCH_BIG"   // 1: measure memory at ten times as many lines, too, and layouts at all of them instead of a fifth; 100: and at a hundred times
)

// TestMain prints the table after the benchmarks. Started with a role, the test
// binary is one side of a measurement instead: a process of its own, of which
// the system tells CPU time and memory.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(play(role, os.Args[1:]))
	}
	code := m.Run()
	if code == 0 {
		figures.write(os.Stdout)
		writeGrids(os.Stdout)
	}
	if page := os.Getenv(pageEnv); code == 0 && page != "" {
		if err := writePage(page); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			code = 1
		}
	}
	if os.Getenv(holdEnv) != "" {
		for _, d := range held.debts() {
			fmt.Println("owed:", d)
		}
		for _, f := range held.faults() {
			fmt.Fprintln(os.Stderr, "passed its threshold:", f)
			code = 1
		}
	}
	os.Exit(code)
}

// lines is how many lines the conversion is measured on.
func lines(b *testing.B) int64 {
	b.Helper()
	text := os.Getenv(linesEnv)
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		b.Fatalf("%s=%q: want a number of lines", linesEnv, text)
	}
	return n
}

// big says whether more is asked for than a run of minutes.
func big() bool { return os.Getenv(bigEnv) == "1" || huge() }

// huge says whether a run of an hour, and the disk for it, is asked for.
func huge() bool { return os.Getenv(bigEnv) == "100" }

// delivered is the name of a file as S3 delivers it.
const delivered = "2026-03-03-00-17-42-8C0FFEE0DECADE01"

// accessLog writes one access-log file of n lines and returns its path and size.
func accessLog(tb testing.TB, n int64) (path string, size int64) {
	tb.Helper()
	return create(tb, tb.TempDir()+"/"+delivered, func(w io.Writer) error { return generate.Lines(w, 1, n) })
}

func create(tb testing.TB, path string, write func(io.Writer) error) (string, int64) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := write(f); err != nil {
		tb.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path, size
}

// report is what these benchmarks read of the report of "sluice convert --json".
type report struct {
	Complete    bool  `json:"complete"`
	Files       int64 `json:"files"`
	Converted   int64 `json:"converted"`
	Lines       int64 `json:"lines"`
	Rows        int64 `json:"rows"`
	Ambiguous   int64 `json:"ambiguous"`
	Unaccounted int64 `json:"unaccounted"`
	Tables      []struct {
		Name    string `json:"name"`
		Objects int64  `json:"objects"`
		Bytes   int64  `json:"bytes"`
	} `json:"tables"`
}

// whole says what is wrong with a conversion of n lines that must all be clean
// rows of one table.
func (r report) whole(files, n int64) error {
	if !r.Complete || r.Converted != files || r.Files != files || r.Lines != n || r.Rows != n ||
		r.Ambiguous != 0 || r.Unaccounted != 0 || len(r.Tables) != 1 {
		return fmt.Errorf("converted %+v, want %d clean rows from %d files in one table", r, n, files)
	}
	return nil
}

func (r report) objects() (n int64) {
	for _, t := range r.Tables {
		n += t.Objects
	}
	return n
}

// convert is "sluice convert" with one worker.
func convert(from, lake string) (r report, err error) {
	var out bytes.Buffer
	if code := cli.Run([]string{"convert", from, "-o", lake, "--workers", "1", "--json"}, nil, &out, os.Stderr); code != 0 {
		return r, fmt.Errorf("sluice convert %s: exit code %d", from, code)
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}
