//go:build cgo && unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/generate"
)

// wrapper is an executable that runs another one with it: a process of the
// function is started by one name.
func wrapper(t *testing.T, runner, program string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(name, fmt.Appendf(nil, "#!/bin/sh\nexec %q %q\n", runner, program), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most memory that the running process of the function had at
// once, in bytes; 0 where the system does not say.
func (s *stack) peakMemory() int64 {
	if s.function == nil {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.function.PID))
	m := peak.FindSubmatch(status)
	if err != nil || m == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kb << 10
}

// TestLoad: many small files, as S3 delivers them, and what they cost.
// SLUICE_E2E_LOAD=1 runs it with 20,000 files of about 100 lines; another
// number is how many lines there are.
func TestLoad(t *testing.T) {
	lines, err := strconv.ParseInt(os.Getenv("SLUICE_E2E_LOAD"), 10, 64)
	if err != nil || lines == 0 {
		t.Skip("SLUICE_E2E_LOAD=1 runs 2 million lines in 20,000 files, which takes long")
	}
	if lines == 1 {
		lines = 2_000_000
	}
	dir, truth := generated(t, generate.Options{Seed: 9, Lines: lines, Days: 7, LinesPerFile: 100})
	keys := keysIn(t, dir)
	s := deploy(t, "MemorySize=512", oldLogs)
	// Without findings: a file is counted by some fifty calls, moto answers two
	// hundred a second, and that would be all that is measured.
	s.settings = []string{"SLUICE_STATE_TABLE=", "SLUICE_FINDINGS_TOPIC_ARN=", "SLUICE_ALERTS_TOPIC_ARN=", "SLUICE_CHAT_TOPIC_ARN="}
	began := time.Now()
	// Delivered and converted at the same time, as it is; moto answers both.
	var delivered atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, key := range keys {
			s.deliver(dir, key)
			delivered.Add(1)
		}
	})
	var converting time.Duration
	var most int64
	for done, files := int64(0), int64(len(keys)); done < files && !t.Failed(); {
		if waiting := delivered.Load() - done; waiting < min(int64(s.poller.BatchSize), files-done) {
			time.Sleep(50 * time.Millisecond) // until a batch is full: the window is minutes
			continue
		}
		start := time.Now()
		b, err := s.poller.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.Failed > 0 || b.Answer.Dead {
			t.Fatalf("%d of %d files failed\n%s", b.Failed, b.Messages, last([]byte(s.output()), 4000))
		}
		converting += time.Since(start)
		done += int64(b.Messages)
		t.Logf("%d of %d files after %v, %d delivered", done, files, time.Since(began).Round(time.Millisecond), delivered.Load())
		most = max(most, s.peakMemory())
	}
	wg.Wait()
	s.drain()
	took := time.Since(began)
	objects := map[string]int{}
	l := s.open()
	testRows(t, l, truth)
	var bytes int64
	for key, body := range l.objects {
		objects[strings.Split(key, "/")[1]]++
		bytes += int64(len(body))
	}
	calls := map[string]int{}
	for _, c := range s.proxy.Calls() {
		calls[c.Action]++
	}
	t.Logf("%d files, %d lines in %v: %.0f files/s, converting %v (%.0f files/s)", len(keys), truth.Access.Lines, took.Round(time.Second),
		float64(len(keys))/took.Seconds(), converting.Round(time.Second), float64(len(keys))/converting.Seconds())
	t.Logf("%d invocations, objects %v of %d bytes, peak memory %d MB of 512", s.invocations, objects, bytes, most>>20)
	t.Logf("calls %v", calls)
	if most > 512<<20 {
		t.Errorf("peak memory %d MB is more than the 512 MB of the function", most>>20)
	}
}
