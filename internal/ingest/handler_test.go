package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/ledger"
)

// The front door: an invocation in; what was committed, which messages come
// again, and how each file ended out.
func TestHandle(t *testing.T) {
	files := map[string]string{
		"a": "1\n2\n", "b": "1\nbad\n3\n", "torn": "1\ntorn\n", "large": strings.Repeat("1\n", 501), "LARGE": strings.Repeat("1\n", 502),
		"x.digest": "1\n", "dir/": "", "c d+é": "1\n",
	}
	one := func(key string) string { return notification(record(key, size(files, key))) }
	eventBridge := func(key string) string {
		return fmt.Sprintf(`{"source":"aws.s3","detail-type":"Object Created","time":"2026-11-22T13:07:42Z",`+
			`"detail":{"bucket":{"name":"logs"},"object":{"key":%q,"size":%d,"etag":"e1"}}}`, key, len(files[key]))
	}
	sns := func(inner string) string { return fmt.Sprintf(`{"Type":"Notification","Message":%q}`, inner) }
	for _, c := range []struct {
		name    string
		payload string
		fail    func(keys string) error // the commit
		commits []string
		failed  []string // messages
		files   []string // outcome and key
		other   []string // other log lines
		err     string
	}{
		{name: "one batch", payload: queue(one("b"), one("a"), one("c d+é")),
			commits: []string{"a b c d+é: lines 5, rejected 1"},
			files:   []string{"converted a", "converted b", "converted c d+é"}},
		{name: "failing files go alone", payload: queue(one("a"), one("torn"), one("gone"), one("b")),
			commits: []string{"a b: lines 4, rejected 1"}, failed: []string{"m2", "m3"},
			files: []string{"converted a", "converted b", "failed gone", "failed torn"}},
		{name: "all fail", payload: queue(one("torn"), one("gone")), failed: []string{"m1", "m2"},
			files: []string{"failed gone", "failed torn"}},
		{name: "announced twice", payload: queue(one("a"), one("torn"), one("a"), one("torn")),
			commits: []string{"a: lines 2"}, failed: []string{"m2", "m4"},
			files: []string{"converted a", "failed torn"}},
		{name: "nothing to convert", payload: queue(one("dir/"), one("x.digest"), `{"Event":"s3:TestEvent","Bucket":"logs"}`),
			files: []string{"skipped dir/", "skipped x.digest"}, other: []string{"message announces no file"}},
		{name: "own output", payload: queue(one("a"), notification(record("lake:tables/lines/dt=2026-11-22/x.parquet", 9)),
			notification(record("lake:elsewhere", 9))),
			commits: []string{"a: lines 2"}, failed: []string{"m2", "m3"}, // elsewhere is no output, it is only missing
			files: []string{"failed elsewhere", "converted a"}, other: []string{"message refused"}},
		{name: "unknown shape", payload: queue("hello", one("a"), `{"Records":[]}`),
			commits: []string{"a: lines 2"}, failed: []string{"m1", "m3"},
			files: []string{"converted a"}, other: []string{"message refused", "message refused"}},
		{name: "several files in a message", payload: queue(one("c d+é"), notification(record("a", 4), record("gone", 4), record("b", 8))),
			commits: []string{"a b c d+é: lines 5, rejected 1"}, failed: []string{"m2"},
			files: []string{"converted a", "converted b", "converted c d+é", "failed gone"}},
		{name: "a bad record beside a good one", payload: queue(notification(record("a", 4), `{"eventSource":"aws:s3"}`)),
			commits: []string{"a: lines 2"}, failed: []string{"m1"},
			files: []string{"converted a"}, other: []string{"message refused"}},
		{name: "large files last and alone", payload: queue(one("LARGE"), one("large"), one("a"), one("b")),
			commits: []string{"a b: lines 4, rejected 1", "large: lines 501", "LARGE: lines 502"},
			files:   []string{"converted a", "converted b", "converted large", "converted LARGE"}},
		{name: "commit fails", payload: queue(one("a"), one("b"), one("large"), one("gone")),
			fail: func(keys string) error {
				if keys == "large" {
					return nil
				}
				return errors.New("denied")
			},
			commits: []string{"large: lines 501"}, failed: []string{"m1", "m2", "m4"},
			files: []string{"failed a", "failed b", "failed gone", "converted large"}},

		{name: "S3 direct", payload: one("a"), commits: []string{"a: lines 2"}, files: []string{"converted a"}},
		{name: "EventBridge direct", payload: eventBridge("c d+é"), commits: []string{"c d+é: lines 1"}, files: []string{"converted c d+é"}},
		{name: "EventBridge and SNS in the queue", payload: queue(eventBridge("a"), sns(one("b")), sns(eventBridge("c d+é"))),
			commits: []string{"a b c d+é: lines 5, rejected 1"},
			files:   []string{"converted a", "converted b", "converted c d+é"}},
		{name: "direct, missing", payload: one("gone"), files: []string{"failed gone"}, failed: []string{""}, err: "1 of 1 files failed"},
		{name: "direct, unknown shape", payload: `{"hello":1}`, failed: []string{""}, other: []string{"message refused"}, err: "refused"},
		{name: "not even JSON", payload: `hello`, failed: []string{""}, other: []string{"message refused"}, err: "refused"},
		{name: "queue without ids", payload: `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, err: `message id ""`},
		{name: "half a queue", payload: `{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"{}"},` + record("a", 4) + `]}`, err: "SQS record 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, files)
			r.lake.fail = c.fail
			failed, err := r.handle(t.Context(), c.payload)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			printed, otherLines, _ := r.lines(t)
			var ends, other []string
			for _, l := range printed {
				ends = append(ends, fmt.Sprint(l["outcome"], " ", l["key"]))
			}
			for _, l := range otherLines {
				other = append(other, fmt.Sprint(l["msg"]))
			}
			type outcome struct{ Commits, Failed, Files, Other []string }
			if diff := cmp.Diff(outcome{r.lake.commits, failed, ends, other}, outcome{c.commits, c.failed, c.files, c.other}); diff != "" {
				t.Errorf("outcome (-got +want):\n%s\nprinted:\n%s", diff, r.out.String())
			}
		})
	}
}

// The response is read by SQS: an empty list is success, nothing at all is not
// a response.
func TestResponse(t *testing.T) {
	files := map[string]string{"a": "1\n"}
	r := newRig(t, files)
	for _, c := range []struct{ payload, want string }{
		{announced(files, "a"), `{"batchItemFailures":[]}`},
		{announced(files, "a", "gone"), `{"batchItemFailures":[{"itemIdentifier":"m2"}]}`},
	} {
		res, err := r.Handle(t.Context(), []byte(c.payload))
		if got := mustJSON(t, res); got != c.want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
	}
}

// Delivered again, in whatever company, a file is left alone; one that another
// worker has comes again.
func TestRedelivery(t *testing.T) {
	files := map[string]string{"a": "1\n", "b": "1\nbad\n", "c": "1\n", "torn": "torn\n"}
	r := newRig(t, files)
	r.lake.busy = "b"
	for _, c := range []struct{ keys, commits, failed []string }{
		{[]string{"a", "b", "torn"}, []string{"a: lines 1"}, []string{"m2", "m3"}},
		{[]string{"b", "c", "a"}, []string{"c: lines 1"}, []string{"m1"}},
		{[]string{"c", "a"}, nil, nil},
	} {
		r.src.opened = nil
		failed, err := r.handle(t.Context(), announced(files, c.keys...))
		if diff := cmp.Diff(failed, c.failed); diff != "" || err != nil {
			t.Errorf("%q: %v, failed (-got +want):\n%s", c.keys, err, diff)
		}
		if diff := cmp.Diff(r.lake.commits, c.commits); diff != "" {
			t.Errorf("%q: commits (-got +want):\n%s", c.keys, diff)
		}
		r.lake.commits = nil
	}
	r.lake.busy = ""
	if failed, err := r.handle(t.Context(), announced(files, "a", "b", "c")); len(failed) > 0 || err != nil {
		t.Errorf("%v, %v", failed, err)
	}
	if diff := cmp.Diff(r.lake.commits, []string{"b: lines 1, rejected 1"}); diff != "" || r.lake.open != 0 {
		t.Errorf("%d batches open, commits (-got +want):\n%s", r.lake.open, diff)
	}
	got, _, _ := r.lines(t)
	if last := got[len(got)-1]; last["outcome"] != "skipped" || !strings.HasPrefix(last["reason"].(string), "converted before, in batch ") {
		t.Errorf("file line %v", last)
	}
}

// More files than a ledger takes at once are several batches.
func TestManyFiles(t *testing.T) {
	files, keys := map[string]string{}, []string{}
	for i := range 2*filesInBatch + 1 {
		key := fmt.Sprintf("%05d", i)
		files[key], keys = "1\n", append(keys, key)
	}
	r := newRig(t, files)
	r.largeFile = 1 << 20
	failed, err := r.handle(t.Context(), announced(files, keys...))
	if n := len(r.lake.commits); n != 3 || len(failed) > 0 || err != nil {
		t.Errorf("%d batches, %d failed, %v", n, len(failed), err)
	}
}

// sweeper notes how far back it was asked to look.
type sweeper struct {
	since []time.Time
	err   error
}

func (s *sweeper) Sweep(_ context.Context, since time.Time) (ledger.Swept, error) {
	s.since = append(s.since, since)
	return ledger.Swept{Aborted: 1, Dropped: 2}, s.err
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newRig(t, nil), &sweeper{}
		if _, err := r.handle(t.Context(), `{"sluice":"sweep"}`); err == nil {
			t.Error("no error where nobody sweeps")
		}
		r.out.Reset()
		r.sweeper = s
		for _, payload := range []string{`{"sluice":"keep"}`, queue(`{"sluice":"sweep"}`), queue(notification(record(`{"sluice":"sweep"}`, 3)))} {
			if r.handle(t.Context(), payload); len(s.since) > 0 {
				t.Fatalf("swept because of %s", payload)
			}
		}
		r.out.Reset()
		if failed, err := r.handle(t.Context(), `{"sluice":"sweep"}`); len(failed) > 0 || err != nil {
			t.Errorf("%v, %v", failed, err)
		}
		if len(s.since) != 1 || time.Since(s.since[0]) != sweepBack {
			t.Errorf("looked back to %v", s.since)
		}
		if _, got, _ := r.lines(t); len(got) != 1 || got[0]["msg"] != "swept" || got[0]["aborted"] != 1.0 || got[0]["dropped"] != 2.0 {
			t.Errorf("printed %s", r.out.String())
		}
		s.err = errors.New("throttled")
		if _, err := r.handle(t.Context(), `{"sluice":"sweep"}`); err == nil || !strings.Contains(err.Error(), "throttled") {
			t.Errorf("got %v", err)
		}
	})
}

// When time runs out, what was read is committed and the rest comes again, a
// file that hangs included; the answer is there before the invocation ends.
func TestTimeRunsOut(t *testing.T) {
	for _, c := range []struct {
		name    string
		hang    string // its body never comes
		slow    time.Duration
		commits []string
		failed  []string
	}{
		{name: "enough", slow: time.Second, commits: []string{"a b c: lines 3", "large: lines 501"}},
		{name: "one hangs", hang: "b", commits: []string{"a c: lines 2"}, failed: []string{"m2", "m4"}},
		{name: "none in time", slow: 200 * time.Second, failed: []string{"m1", "m2", "m3", "m4"}},
		{name: "no time for the large one", slow: 50 * time.Second, commits: []string{"a b c: lines 3"}, failed: []string{"m4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files := map[string]string{"a": "1\n", "b": "1\n", "c": "1\n", "large": strings.Repeat("1\n", 501)}
				r := newRig(t, files)
				r.src.before = func(ctx context.Context, key string) error {
					if key == c.hang {
						<-ctx.Done()
						return ctx.Err()
					}
					select {
					case <-time.After(c.slow):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				failed, err := r.handle(ctx, announced(files, "a", "b", "c", "large"))
				if ctx.Err() != nil || err != nil {
					t.Fatalf("no answer in time: %v, %v", ctx.Err(), err)
				}
				type outcome struct{ Commits, Failed []string }
				if diff := cmp.Diff(outcome{r.lake.commits, failed}, outcome{c.commits, c.failed}); diff != "" {
					t.Errorf("outcome (-got +want):\n%s\n%s", diff, r.out.String())
				}
			})
		})
	}
}

// A commit that hangs must not take the answer with it.
func TestCommitRunsOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := map[string]string{"a": "1\n", "large": strings.Repeat("1\n", 501)}
		r := newRig(t, files)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		hung := &hungLake{}
		r.Handler.lake = hung
		failed, err := r.handle(ctx, announced(files, "a", "large"))
		if diff := cmp.Diff(failed, []string{"m1", "m2"}); diff != "" || err != nil || ctx.Err() != nil {
			t.Errorf("%v, %v, failed (-got +want):\n%s", err, ctx.Err(), diff)
		}
	})
}

func TestNewEmptiesItsStage(t *testing.T) {
	stage := t.TempDir()
	left := writeFile(t, stage, "sluice-ingest/w-1/half.parquet")
	foreign := writeFile(t, stage, "other/file")
	c := Config{Settings: Settings{Stage: stage}, Out: &strings.Builder{}}
	if _, err := New(c); err != nil {
		t.Fatal(err)
	}
	if exists(left) || !exists(foreign) {
		t.Errorf("left-over still there: %v, foreign file still there: %v", exists(left), exists(foreign))
	}
	c.Settings.Stage = foreign // a file
	if _, err := New(c); err == nil {
		t.Error("a stage that is a file: no error")
	}
}
