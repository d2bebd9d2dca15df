//go:build cgo && unix

package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/generate"
	"sluice/internal/testaws"
)

const (
	// impatient is how long an invocation may take where some are killed: for as
	// long its files are left to it.
	impatient = 15 * time.Second
	// fewTries makes the function give up sooner what goes wrong, so that more
	// comes again as a message.
	fewTries = "AWS_MAX_ATTEMPTS=3"
	noLease  = "SLUICE_LEASE_SECONDS=0" // there is one clock here
)

// outcome is what is left when all is done.
type outcome struct {
	rows    map[string][]string // by table
	uids    []string            // of findings in the table
	told    []string            // of findings that programs were told
	objects []string            // by partition and content, but those of findings, which say when they were made
	calls   int                 // of the function
}

// through delivers the files to a stack of its own, with faults, and lets it
// come to rest.
func through(t *testing.T, dir string, keys []string, prepare func(*stack)) outcome {
	t.Helper()
	s := deploy(t, "BatchSize=6", oldLogs, oldAlerts)
	s.limit, s.settings = impatient, []string{fewTries, noLease}
	documents := s.documents()
	s.deliver(dir, keys...)
	if prepare != nil {
		prepare(s)
	}
	s.drain()
	s.proxy.Fail(nil)
	if err := s.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	did := s.sweep()
	if left := s.pending(); len(left) > 0 {
		t.Errorf("left of batches that are done: %v", left)
	}
	for _, c := range s.proxy.Calls() {
		if c.Status == 403 {
			t.Errorf("%s on %s was denied", c.Action, c.Resource)
		}
	}
	o := outcome{rows: map[string][]string{}}
	l := s.open()
	for _, table := range []string{"s3_access_logs", "cloudtrail_events", "rejected"} {
		o.rows[table] = l.rows(table)
	}
	for _, r := range l.query("SELECT DISTINCT finding_uid FROM findings ORDER BY ALL") {
		o.uids = append(o.uids, r[0])
	}
	for _, d := range documents() {
		o.told = append(o.told, d.FindingInfo.UID)
	}
	slices.Sort(o.told)
	o.told = slices.Compact(o.told)
	for key, body := range l.objects {
		if !strings.HasPrefix(key, "lake/findings/") {
			o.objects = append(o.objects, fmt.Sprintf("%s %x", path.Dir(key), sha256.Sum256(body)))
		}
	}
	slices.Sort(o.objects)
	for _, c := range s.proxy.Calls() {
		if c.Service != "sqs" {
			o.calls++
		}
	}
	t.Logf("%d calls in %d invocations, the function died %d times, then swept %+v", o.calls, s.invocations, s.died, did)
	return o
}

// same holds an outcome against that of a run in which nothing went wrong:
// the same rows and the same findings.
func (o outcome) same(t *testing.T, calm outcome) {
	t.Helper()
	for table, want := range calm.rows {
		if d := cmp.Diff(len(o.rows[table]), len(want)); d != "" {
			t.Errorf("rows of %s (-got +without faults): %s", table, d)
		} else if !slices.Equal(o.rows[table], want) {
			t.Errorf("rows of %s are as many, and others", table)
		}
	}
	if d := cmp.Diff(o.uids, calm.uids); d != "" {
		t.Errorf("findings (-got +without faults):\n%s", d)
	}
	if d := cmp.Diff(o.told, calm.told); d != "" {
		t.Errorf("findings that were told (-got +without faults):\n%s", d)
	}
}

// TestFaults: whatever breaks on the way, and wherever the function dies, the
// result is that of a run in which nothing did.
func TestFaults(t *testing.T) {
	t.Parallel()
	dir, _ := generated(t, generate.Options{Seed: 5, Lines: 300, Events: 40, Scenarios: []string{"public-policy"}})
	keys := keysIn(t, dir)
	calm := through(t, dir, keys, nil)
	if len(calm.uids) == 0 || len(calm.told) == 0 || len(calm.rows["s3_access_logs"]) < 300 {
		t.Fatalf("nothing to compare with: %d findings, %d told, %d rows", len(calm.uids), len(calm.told), len(calm.rows["s3_access_logs"]))
	}
	// Each waits more than it works.
	run := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t) })
	}
	for seed := range uint64(2) {
		run(fmt.Sprint("answers/", seed), func(t *testing.T) {
			through(t, dir, keys, func(s *stack) { s.proxy.Fail(broken(t, seed, calm.calls)) }).same(t, calm)
		})
		run(fmt.Sprint("killed/", seed), func(t *testing.T) {
			got := through(t, dir, keys, func(s *stack) { s.proxy.Fail(deaths(s, seed, calm.calls)) })
			got.same(t, calm)
			// All of a batch came again, so the batches are the same.
			if d := cmp.Diff(got.objects, calm.objects); d != "" {
				t.Errorf("objects (-got +without faults):\n%s", d)
			}
		})
		run(fmt.Sprint("killed, and again in other company/", seed), func(t *testing.T) {
			through(t, dir, keys, func(s *stack) {
				s.proxy.Fail(deathsAtCommit(s, seed))
				show := s.poller.Again
				s.poller.Again = func(ctx context.Context, handles []string) error {
					s.poller.BatchSize = 4 + s.poller.BatchSize%3
					return show(ctx, handles)
				}
			}).same(t, calm)
		})
	}
}

// broken makes about 30 calls go wrong, and more often those that are rare. One
// of the first seed is left without an answer: the function waits long for that.
// No bit is changed: moto keeps no checksum by which a reader could tell.
func broken(t *testing.T, seed uint64, calls int) func(int, testaws.Call) testaws.Fault {
	r := rand.New(rand.NewPCG(seed, 1))
	left, hung := 30, seed > 0 // what hangs ends with the invocation
	did := map[string]int{}
	t.Cleanup(func() { t.Logf("faults by call and kind: %v", did) })
	return func(n int, c testaws.Call) testaws.Fault {
		often := 4
		if c.Service == "dynamodb" {
			often = max(calls/30, 4)
		}
		if c.Service == "sqs" || left == 0 || r.IntN(often) > 0 {
			return testaws.OK
		}
		left--
		kinds := []testaws.Fault{testaws.SlowDown, testaws.InternalError, testaws.Reset, testaws.LostResponse}
		switch {
		case c.Name == "GetObject":
			kinds = append(kinds, testaws.Truncated)
		case c.Name == "PublishBatch":
			kinds = append(kinds, testaws.PartFailed, testaws.PartFailed)
		}
		f := kinds[r.IntN(len(kinds))]
		if !hung && c.Service == "dynamodb" {
			f, hung = testaws.Hang, true
		}
		did[c.Name]++
		return f
	}
}

// deaths kills the function three times, at calls that seed decides: before the
// call is done, or after, so that nobody learns of it. For every other seed these
// are calls that can be seen from outside: of an object, a message.
func deaths(s *stack, seed uint64, calls int) func(int, testaws.Call) testaws.Fault {
	r := rand.New(rand.NewPCG(seed, 2))
	span := calls / 2
	if seed%2 == 0 {
		span = 8
	}
	left, next, done := 3, r.IntN(span), 0
	return func(_ int, c testaws.Call) testaws.Fault {
		if c.Service == "sqs" || seed%2 == 0 && !slices.Contains([]string{"PutObject", "CopyObject", "DeleteObject", "PublishBatch"}, c.Name) {
			return testaws.OK
		}
		done++
		if left == 0 || done <= next {
			return testaws.OK
		}
		left--
		next = done + 1 + r.IntN(span)
		s.kill()
		if r.IntN(2) == 0 {
			return testaws.Reset
		}
		return testaws.LostResponse
	}
}

// deathsAtCommit kills the function three times, each time when it is about to
// put rows where readers look, or just has.
func deathsAtCommit(s *stack, seed uint64) func(int, testaws.Call) testaws.Fault {
	r := rand.New(rand.NewPCG(seed, 3))
	left, next := 3, r.IntN(3)
	return func(_ int, c testaws.Call) testaws.Fault {
		if left == 0 || c.Name != "CopyObject" || !strings.Contains(c.Resource, "/lake/s3_access_logs/") {
			return testaws.OK
		}
		if next--; next >= 0 {
			return testaws.OK
		}
		left, next = left-1, r.IntN(4)
		s.kill()
		if r.IntN(2) == 0 {
			return testaws.Reset
		}
		return testaws.LostResponse
	}
}
