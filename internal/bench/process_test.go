//go:build cgo && unix

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// roleEnv makes the test binary one side of a measurement.
const roleEnv = "SLUICE_BENCH_ROLE"

// The sides. Their arguments are the log file, and the directory to write to.
const (
	roleSluice    = "sluice"
	roleLogged    = "sluice-logged"  // the logged columns alone
	roleWatched   = "sluice-watched" // all columns and all rules
	roleDuckDays  = "duckdb-days"    // a folder a day
	roleDuckFile  = "duckdb-file"    // one file
	roleDuckTrail = "duckdb-trail"   // CloudTrail, a folder a day
	roleParquetGo = "parquet-go"     // one file
)

// said is what a side prints when it is done.
type said struct {
	Peak   int64  // most bytes of memory it ever had
	Report report // of Sluice
	Rows   int64  // of the others
	Found  int    // findings, where rules watched
}

// play is a side: it converts, and says what came of it.
func play(role string, args []string) int {
	var s said
	err := fmt.Errorf("%s=%s with arguments %q: no such side", roleEnv, role, args)
	switch {
	case len(args) != 2:
	case role == roleSluice:
		s.Report, err = convert(args[0], args[1])
	case role == roleLogged:
		s.Rows, err = convertLogged(args[0], args[1])
	case role == roleWatched:
		s.Rows, s.Found, err = convertWatched(args[0], args[1])
	case role == roleDuckDays:
		s.Rows, err = duckConvert(duckCopy(args[0], args[1], true))
	case role == roleDuckFile:
		s.Rows, err = duckConvert(duckCopy(args[0], args[1], false))
	case role == roleDuckTrail:
		s.Rows, err = duckConvert(duckTrail(args[0], args[1]))
	case role == roleParquetGo:
		s.Rows, err = writePointers(args[0], args[1])
	}
	if err == nil {
		s.Peak, err = peak()
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// side is what one side took.
type side struct {
	said
	cpu time.Duration // user and system
}

// start runs one side to its end.
func start(tb testing.TB, role string, args ...string) side {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	return finish(tb, cmd)
}

// finish runs a side that may be another program.
func finish(tb testing.TB, cmd *exec.Cmd) side {
	tb.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%q: %v", cmd.Args, err)
	}
	s := side{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if err := json.Unmarshal(out, &s.said); err != nil {
		tb.Fatalf("%q: answer %q: %v", cmd.Args, out, err)
	}
	return s
}

// peak is the most memory that this process ever had resident. On Linux the
// Rusage of a child starts at the peak of the parent that forked it, so there a
// side asks for its own high-water mark.
func peak() (int64, error) {
	if runtime.GOOS == "linux" {
		return peakOf("self")
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	if runtime.GOOS == "darwin" { // in bytes there, in KiB elsewhere
		return u.Maxrss, nil
	}
	return u.Maxrss << 10, nil
}

// peakOf is the most memory that a process of Linux ever had resident.
func peakOf(pid string) (int64, error) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "VmHWM:" && string(f[2]) == "kB" {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%s/status tells no VmHWM", pid)
}

// spent is the CPU time, user and system, that this process takes for f. What
// was left to the collector by earlier work is not counted.
func spent(tb testing.TB, f func()) time.Duration {
	tb.Helper()
	runtime.GC()
	before := usage(tb)
	f()
	return usage(tb) - before
}

func usage(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// pairs collects runs that alternated.
type pairs struct{ ours, theirs []float64 }

func (p *pairs) add(ours, theirs float64) {
	p.ours, p.theirs = append(p.ours, ours), append(p.theirs, theirs)
}

// ratio is the median of the pairs' ratios: minutes in which the machine is
// slow make both of a pair slow.
func (p *pairs) ratio() float64 {
	var r []float64
	for i := range p.ours {
		r = append(r, p.ours[i]/p.theirs[i])
	}
	return median(r)
}
