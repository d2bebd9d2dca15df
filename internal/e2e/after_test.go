//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/ledger"
	"sluice/internal/testaws"
)

// testStatus: what sluice status reads in the table of the stack is what the
// function said about a file, and what is in the lake of it.
func testStatus(t *testing.T, s *stack, l *lake, keys []string) {
	type counts struct {
		Outcome, Batch        string
		Lines, Rows, Rejected int64
	}
	logged := map[string]counts{}
	for text := range strings.Lines(s.output()) {
		var line struct {
			Msg, Key string
			counts
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("printed %q: %v", text, err)
		}
		if line.Msg == "file" {
			logged[line.Key] = line.counts
		}
	}
	// The first, one of the other kind of log, and one of each other outcome.
	asked := keys[:1]
	for _, key := range keys {
		if last := asked[len(asked)-1]; logged[key].Outcome != logged[last].Outcome || strings.HasSuffix(key, ".gz") != strings.HasSuffix(last, ".gz") {
			asked = append(asked[:len(asked):len(asked)], key)
		}
	}
	asked = asked[:min(len(asked), 4)]
	for _, key := range asked {
		var answer struct {
			Files []struct {
				counts
				File    string
				Objects []string
			}
		}
		text := s.sluice("status", "s3://"+s.Resources["LogBucket"].ID+"/"+key, "--table", s.Resources["StateTable"].ID, "--json")
		if err := json.Unmarshal(text, &answer); err != nil || len(answer.Files) != 1 {
			t.Fatalf("status of %s: %v\n%s", key, err, text)
		}
		f := answer.Files[0]
		if f.Outcome == "skipped" {
			f.Batch = "" // which the function says of what is in the lake
		}
		if d := cmp.Diff(f.counts, logged[key]); d != "" {
			t.Errorf("status of %s (-status +log of the function):\n%s", key, d)
		}
		for _, o := range f.Objects {
			if l.objects["lake/"+o] == nil {
				t.Errorf("status of %s: it is in %s, which is not there", key, o)
			}
		}
		for table, want := range map[string]int64{"s3_access_logs": f.Rows, "cloudtrail_events": f.Rows, "rejected": f.Rejected} {
			if table == "cloudtrail_events" != strings.HasSuffix(key, ".gz") && table != "rejected" {
				continue
			}
			got := l.counts(fmt.Sprintf("SELECT 'rows', count(*) FROM %s WHERE log_key = '%s'", table, strings.ReplaceAll(key, "'", "''")))
			if got["rows"] != want {
				t.Errorf("status of %s: %d rows in %s, and there are %d", key, want, table, got["rows"])
			}
		}
	}
	t.Logf("asked about %q", asked)
}

// sluice runs the program with the administrator's credentials.
func (s *stack) sluice(args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command(sluice, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_REGION="+s.Region, "AWS_SESSION_TOKEN=",
		"AWS_ACCESS_KEY_ID="+s.Admin.ID, "AWS_SECRET_ACCESS_KEY="+s.Admin.Secret)
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if e, ok := err.(*exec.ExitError); ok {
			said = e.Stderr
		}
		s.t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return out
}

// testSweep: a batch whose function died and whose messages nobody sends again
// is brought to its end by the schedule: what was committed is placed, what was
// not is given back.
func testSweep(t *testing.T, s *stack, dir string, keys []string) {
	const brief = 10 * time.Second // an invocation that dies holds its files for so long
	key := keys[slices.IndexFunc(keys, func(k string) bool { return !strings.HasSuffix(k, ".gz") })]
	body, err := os.ReadFile(dir + "/" + key)
	if err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.function = nil
	s.limit, s.settings = brief, []string{noLease, fewTries}
	defer func() { s.limit, s.settings = 0, nil }()
	dies := func(name string, at func(c testaws.Call) bool) {
		t.Helper()
		s.put(s.Resources["LogBucket"].ID, name, body)
		done := false
		s.proxy.Fail(func(_ int, c testaws.Call) testaws.Fault {
			if done || !at(c) {
				return testaws.OK
			}
			done = true
			s.kill()
			return testaws.LostResponse
		})
		if b, err := s.poller.Poll(t.Context()); err != nil || !b.Answer.Dead {
			t.Fatalf("poll: %+v, %v", b, err)
		}
		s.proxy.Fail(nil)
		if _, err := s.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(s.Resources["Queue"].ID)}); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(name string) string {
		t.Helper()
		l := s.open()
		l.t = t
		return fmt.Sprint(l.query("SELECT count(*) > 0, count(*) = count(DISTINCT log_line) FROM s3_access_logs WHERE log_key = '" + name + "'"))
	}
	const none, each = "[[false true]]", "[[true true]]"

	committed, unfinished := key+"-committed", key+"-unfinished"
	dies(committed, func(c testaws.Call) bool { return c.Name == "CopyObject" })
	if len(s.pending()) == 0 {
		t.Error("nothing is left to place")
	}
	if did, want := s.sweep(), (ledger.Swept{Finished: 1, Dropped: 1}); did != want {
		t.Errorf("swept %+v, want %+v", did, want)
	}
	if got := rows(committed); got != each {
		t.Errorf("rows of what was committed: %s", got)
	}

	dies(unfinished, func(c testaws.Call) bool {
		return c.Name == "PutObject" && strings.Contains(c.Resource, "/_sluice/pending/")
	})
	if len(s.pending()) == 0 {
		t.Error("nothing is left of what was not committed")
	}
	if err := s.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if did, want := s.sweep(), (ledger.Swept{Aborted: 1, Dropped: 1}); did != want {
		t.Errorf("swept %+v, want %+v", did, want)
	}
	if got := rows(unfinished); got != none {
		t.Errorf("rows of what was not committed: %s", got)
	}
	s.put(s.Resources["LogBucket"].ID, unfinished, body)
	s.drain()
	if got := rows(unfinished); got != each {
		t.Errorf("rows of what was given back, and came again: %s", got)
	}
	if left := s.pending(); len(left) > 0 {
		t.Errorf("left out of sight: %v", left)
	}
	if did := s.sweep(); did != (ledger.Swept{}) {
		t.Errorf("nothing was left, and swept %+v", did)
	}
	s.kill()
	s.mu.Lock()
	s.printed.WriteString(s.function.Output())
	s.function = nil // the next has the template's settings
	s.mu.Unlock()
}
