//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/generate"
	"sluice/internal/testaws"
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

// TestLoad: many small files, as S3 delivers them, and what they cost, with
// findings. SLUICE_E2E_LOAD=1 runs it with 20,000 files of about 100 lines;
// another number is how many files there are.
//
// The settings are those of the template. S3, DynamoDB and SNS are not moto, of
// which a call takes longer than the function needs for a file, but servers in
// this process; the messages of a full batch are here at once.
func TestLoad(t *testing.T) {
	files, err := strconv.ParseInt(os.Getenv("SLUICE_E2E_LOAD"), 10, 64)
	if err != nil || files == 0 {
		t.Skip("SLUICE_E2E_LOAD=1 converts 2 million lines in 20,000 files, which takes long")
	}
	if files == 1 {
		files = 20_000
	}
	dir, truth := generated(t, generate.Options{Seed: 9, Lines: files * 100, Days: 7, LinesPerFile: 100})
	keys := keysIn(t, dir)
	s := deploy(t, "MemorySize=512", oldLogs, oldAlerts)
	objects, table, topics := testaws.NewLake(t), testaws.NewDynamoDB(t), testaws.NewSNS(t)
	s.settings = slices.Concat([]string{"AWS_ENDPOINT_URL_S3=" + objects.URL}, table.Environ(), topics.Environ())
	s.s3 = s3.NewFromConfig(s.config(objects.URL, s.Admin))
	var converting time.Duration
	var most int64
	done := 0
	for batch := range slices.Chunk(keys, s.poller.BatchSize) {
		payload := announced(t, objects, s.Resources["LogBucket"].ID, dir, batch)
		start := time.Now()
		a := s.invoke(payload)
		converting += time.Since(start)
		if a.Dead || a.Failed || a.Body != `{"batchItemFailures":[]}` {
			t.Fatalf("answer %+v\n%s", a, last([]byte(s.output()), 4000))
		}
		for _, key := range batch {
			objects.Put(s.Resources["LogBucket"].ID, key, nil) // it is in the lake, and not needed here any more
		}
		most = max(most, s.peakMemory())
		done += len(batch)
		t.Logf("%d of %d files, %.0f files/s, peak %d MB", done, len(keys), float64(done)/converting.Seconds(), most>>20)
	}
	requests := map[string]int{}
	for _, r := range objects.Requests() {
		method, _, _ := strings.Cut(r, " ")
		requests[method]++
	}
	calls := map[string]int{}
	var all int
	for _, c := range table.Calls() {
		calls[c]++
		all++
	}
	l := s.open()
	testRows(t, l, truth)
	kinds, bytes := map[string]int{}, 0
	for key, body := range l.objects {
		kinds[strings.Split(key, "/")[1]]++
		bytes += len(body)
	}
	if left := s.pending(); len(left) > 0 {
		t.Errorf("left out of sight: %v", left)
	}
	t.Logf("%d files, %d lines in %d invocations: %.0f files/s, %.0f lines/s; %v of CPU", len(keys), truth.Access.Lines, s.invocations,
		float64(len(keys))/converting.Seconds(), float64(truth.Access.Lines)/converting.Seconds(), s.cpu())
	found := l.query("SELECT count(*), count(DISTINCT finding_uid), count(*) FILTER (alert) FROM findings")[0]
	t.Logf("objects %v of %d bytes, peak memory %d MB of 512", kinds, bytes, most>>20)
	t.Logf("findings: %s rows of %s incidents, %s for a person", found[0], found[1], found[2])
	t.Logf("S3 %v, DynamoDB %v: %.1f calls a file; SNS %d", requests, calls, float64(all)/float64(len(keys)), topics.Calls())
	if most > 512<<20 {
		t.Errorf("peak memory %d MB is more than the 512 MB of the function", most>>20)
	}
}

// announced puts files of a folder into a bucket and returns what Lambda makes
// of the messages about them.
func announced(t *testing.T, to *testaws.S3, bucket, dir string, keys []string) []byte {
	t.Helper()
	var e struct{ Records []map[string]string }
	for i, key := range keys {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
		if err != nil {
			t.Fatal(err)
		}
		etag := to.Put(bucket, key, body)
		e.Records = append(e.Records, map[string]string{"messageId": fmt.Sprint(i), "eventSource": "aws:sqs", "body": fmt.Sprintf(
			`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-11-22T10:02:11.500Z","eventName":"ObjectCreated:Put",`+
				`"s3":{"bucket":{"name":%q},"object":{"key":%q,"size":%d,"eTag":%q,"sequencer":"006741D2"}}}]}`,
			bucket, (&url.URL{Path: key}).EscapedPath(), len(body), etag)})
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// cpu is how long the running process of the function has computed; 0 where the
// system does not say.
func (s *stack) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.function.PID))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 15 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[13], 10, 64)
	system, _ := strconv.ParseInt(fields[14], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // of which there are a hundred a second
}
