package enroll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/internal/ledger"
)

// fake is S3 as far as enrolment goes.
type fake struct {
	mu      sync.Mutex
	buckets []Bucket
	logging map[string]*Logging
	target  Target
	fail    map[string]error // "get NAME", "set NAME", "list", "target"
	sets    int
}

func (f *fake) List(context.Context) ([]Bucket, error) { return f.buckets, f.fail["list"] }
func (f *fake) Target(context.Context, string) (Target, error) {
	return f.target, f.fail["target"]
}

func (f *fake) Logging(_ context.Context, bucket string) (*Logging, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logging[bucket], f.fail["get "+bucket]
}

func (f *fake) SetLogging(_ context.Context, bucket string, to *Logging) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["set "+bucket]; err != nil {
		return err
	}
	f.sets++
	f.logging[bucket] = to
	return nil
}

func (f *fake) state() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.logging)) {
		if l := f.logging[name]; l != nil {
			all = append(all, name+" "+l.Target)
		}
	}
	return strings.Join(all, ", ")
}

func working(by string) (*fake, *Work) {
	v := account()
	f := &fake{buckets: v.Buckets, logging: map[string]*Logging{"example-archive": to("example-elsewhere")}, target: v.Target, fail: map[string]error{}}
	return f, &Work{
		Buckets: f, Targets: f, Memory: NewMemory(ledger.NewMemory()), Want: here, Own: v.Own, By: by,
		Now: func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 123, time.UTC) },
	}
}

func do(t *testing.T, w *Work, o Order, restore func(string, Record) bool) []Step {
	t.Helper()
	steps, err := w.Plan(t.Context(), o, restore, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.Apply(t.Context(), steps, nil)
}

func failures(steps []Step) string {
	var all []string
	for _, s := range steps {
		if s.Err != nil {
			all = append(all, s.Bucket+": "+s.Err.Error())
		}
	}
	return strings.Join(all, "; ")
}

func everything(string, Record) bool { return true }

// TestThereAndBack: whatever the order is applied to, twice does no more than
// once, and giving back leaves the account as it was.
func TestThereAndBack(t *testing.T) {
	f, w := working(Hand)
	was := f.state()
	order := Order{All: true, Replace: true}
	if bad := failures(do(t, w, order, nil)); bad != "" {
		t.Fatal(bad)
	}
	if got, want := f.state(), "example-archive example-logs, example-photos example-logs"; got != want {
		t.Errorf("enrolled: %s, want %s", got, want)
	}
	sets := f.sets
	for _, s := range do(t, w, order, nil) {
		if s.Verb != Right && s.Verb != Refuse {
			t.Errorf("the second time: %s %s", s.Verb, s.Bucket)
		}
	}
	if f.sets != sets {
		t.Errorf("the second time set %d buckets", f.sets-sets)
	}
	if bad := failures(do(t, w, Order{}, everything)); bad != "" {
		t.Fatal(bad)
	}
	if got := f.state(); got != was {
		t.Errorf("given back: %s, want %s", got, was)
	}
	if left, err := w.Memory.All(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("still remembered: %v, %v", left, err)
	}
}

// TestWhatWasBeforeIsKept through moves of the log bucket, through being switched
// off and on by others, and through being replaced twice.
func TestWhatWasBeforeIsKept(t *testing.T) {
	photos := Order{Buckets: []string{"example-archive"}, Replace: true}
	for name, between := range map[string]func(*fake, *Work){
		"nothing":      func(*fake, *Work) {},
		"switched off": func(f *fake, _ *Work) { f.logging["example-archive"] = nil },
		"moved": func(f *fake, w *Work) {
			w.Want.Target, f.target.Name = "example-logs-2", "example-logs-2"
			f.buckets = append(f.buckets, Bucket{Name: "example-logs-2", Region: "eu-central-1"})
			f.target.Policy = strings.ReplaceAll(openPolicy, "example-logs", "example-logs-2")
		},
	} {
		f, w := working(Stack)
		do(t, w, photos, nil)
		between(f, w)
		if bad := failures(do(t, w, photos, nil)); bad != "" || f.logging["example-archive"].Target != w.Want.Target {
			t.Errorf("%s: %s, %s", name, bad, f.state())
		}
		do(t, w, Order{}, everything)
		if got := f.state(); got != "example-archive example-elsewhere" {
			t.Errorf("%s: given back: %s", name, got)
		}
	}
	f, w := working(Stack)
	do(t, w, photos, nil)
	f.logging["example-archive"] = to("example-third")
	do(t, w, photos, nil)
	do(t, w, Order{}, everything)
	if got := f.state(); got != "example-archive example-third" {
		t.Errorf("replaced twice: given back: %s, want what was replaced last", got)
	}
}

// TestStoppedAnywhere: whichever request fails, the same order again completes
// it, and giving back leaves the account as it was.
func TestStoppedAnywhere(t *testing.T) {
	order := Order{Buckets: []string{"example-archive", "example-photos"}, Replace: true}
	for n := 0; ; n++ {
		f, w := working(Stack)
		was := f.state()
		broken := &fuse{left: n}
		w.Buckets, w.Memory = breaking{f, broken}, NewMemory(breakingRecords{w.Memory.records, broken})
		do(t, w, order, nil)
		stopped := broken.left < 0
		broken.left = 1 << 30
		if bad := failures(do(t, w, order, nil)); bad != "" || f.state() != "example-archive example-logs, example-photos example-logs" {
			t.Fatalf("stopped after %d requests: %s, %s", n, bad, f.state())
		}
		broken.left = n
		do(t, w, Order{}, everything)
		stopped = stopped || broken.left < 0
		broken.left = 1 << 30
		if bad := failures(do(t, w, Order{}, everything)); bad != "" || f.state() != was {
			t.Fatalf("given back, stopped after %d requests: %s, %s", n, bad, f.state())
		}
		if left, err := w.Memory.All(t.Context()); err != nil || len(left) > 0 {
			t.Fatalf("stopped after %d requests: still remembered: %v, %v", n, left, err)
		}
		if !stopped {
			if n < 8 {
				t.Fatalf("only %d requests", n)
			}
			return
		}
	}
}

// fuse lets some things happen, and then nothing.
type fuse struct{ left int }

var errBroken = errors.New("broken")

func (f *fuse) blown() bool { f.left--; return f.left < 0 }

// breaking and breakingRecords fail before a change, or when it is done: then
// only the answer is lost.
type breaking struct {
	*fake
	fuse *fuse
}

func (b breaking) SetLogging(ctx context.Context, bucket string, to *Logging) error {
	if b.fuse.blown() {
		return errBroken
	}
	err := b.fake.SetLogging(ctx, bucket, to)
	if err == nil && b.fuse.blown() {
		return errBroken
	}
	return err
}

type breakingRecords struct {
	ledger.Records
	fuse *fuse
}

func (b breakingRecords) Swap(ctx context.Context, changes []ledger.Change) ([]ledger.Record, error) {
	if b.fuse.blown() {
		return nil, errBroken
	}
	r, err := b.Records.Swap(ctx, changes)
	if err == nil && b.fuse.blown() {
		return nil, errBroken
	}
	return r, err
}

// TestOneFailsOthersDoNot: a bucket that S3 refuses, or that somebody changes
// while the plan is read, is alone with that.
func TestOneFailsOthersDoNot(t *testing.T) {
	f, w := working(Hand)
	f.fail["set example-archive"] = errors.New("InvalidTargetBucketForLogging")
	bad := failures(do(t, w, Order{All: true, Replace: true}, nil))
	if bad != "example-archive: InvalidTargetBucketForLogging" || f.logging["example-photos"] == nil {
		t.Errorf("%s; %s", bad, f.state())
	}

	f, w = working(Hand)
	steps, err := w.Plan(t.Context(), Order{All: true, Replace: true}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.logging["example-photos"] = to("example-archive")
	bad = failures(w.Apply(t.Context(), steps, nil))
	if !strings.Contains(bad, "example-photos: was changed meanwhile to s3://example-archive/p/ (simple): plan again") || strings.Contains(bad, ";") {
		t.Error(bad)
	}
}

// TestTwoAtOnce: of two who enroll the same bucket, one learns of the other, and
// what was before stays what was before.
func TestTwoAtOnce(t *testing.T) {
	f, w := working(Stack)
	order := Order{Buckets: []string{"example-archive"}, Replace: true}
	mine, err := w.Plan(t.Context(), order, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := w.Plan(t.Context(), order, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Apply(t.Context(), mine, nil)
	if bad := failures(w.Apply(t.Context(), theirs, nil)); !strings.Contains(bad, "changed meanwhile") {
		t.Errorf("the second: %s", bad)
	}
	do(t, w, Order{}, everything)
	if got := f.state(); got != "example-archive example-elsewhere" {
		t.Errorf("given back: %s", got)
	}
}

func TestNoTimeLeft(t *testing.T) {
	f, w := working(Stack)
	steps, err := w.Plan(t.Context(), Order{All: true, Replace: true}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	steps = w.Apply(ctx, steps, func(s Step) {
		if told++; s.Verb.Changes() {
			cancel()
		}
	})
	if bad := failures(steps); bad != "example-photos: "+errLate.Error() || told != len(steps) || f.sets != 1 {
		t.Errorf("%s; told %d of %d, set %d", bad, told, len(steps), f.sets)
	}
	if _, err := w.Plan(ctx, Order{All: true}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a plan without time: %v", err)
	}
}

func TestNothingCanBePlanned(t *testing.T) {
	f, w := working(Stack)
	f.fail["list"] = errors.New("no rights")
	if _, err := w.Plan(t.Context(), Order{All: true}, nil, nil); err == nil || err.Error() != "no rights" {
		t.Errorf("error %v", err)
	}
}

// TestManyBuckets: all of them are looked at, and what is seen is told.
func TestManyBuckets(t *testing.T) {
	f, w := working(Stack)
	f.buckets = []Bucket{{Name: "example-logs", Region: "eu-central-1"}}
	for i := range 1000 {
		f.buckets = append(f.buckets, Bucket{Name: fmt.Sprintf("example-%04d", i), Region: "eu-central-1"})
	}
	f.fail["get example-0500"] = errors.New("access denied")
	var last string
	steps, err := w.Plan(t.Context(), Order{All: true, Except: []string{"example-logs"}}, nil, func(n, of int) { last = fmt.Sprint(n, " of ", of) })
	if err != nil || len(steps) != 1000 || last != "1000 of 1000" || steps[500].Verb != Refuse || steps[501].Verb != Enable {
		t.Errorf("%d steps, %s, %v", len(steps), last, err)
	}
}

// TestLogBucketIsNotHere: none of that name, or in another Region than is asked.
func TestLogBucketIsNotHere(t *testing.T) {
	for target, want := range map[string]string{
		"example-log":      "the log bucket cannot be looked at: example-log is no bucket of this account",
		"example-virginia": "the log bucket cannot be looked at: example-virginia is in us-east-1, and this asks in eu-central-1: choose that Region",
	} {
		_, w := working(Hand)
		w.Want.Target = target
		steps := do(t, w, Order{Buckets: []string{"example-photos"}}, nil)
		if got := Blocked(steps); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestMissing(t *testing.T) {
	steps := []Step{
		{Bucket: "a", Verb: Refuse, Reason: "is in us-east-1"}, {Bucket: "b", Verb: Refuse, Reason: "is in us-east-1"},
		{Bucket: "c", Verb: Refuse, Reason: "is in us-east-1"}, {Bucket: "d", Verb: Refuse, Reason: "is in us-east-1"},
		{Bucket: "e", Verb: Leave, Reason: "logs to s3://x/ (simple) already"}, {Bucket: "f", Verb: Enable, Err: errors.New("refused")},
		{Bucket: "g", Verb: Right}, {Bucket: "h", Verb: Replace}, {Bucket: "i", Verb: Restore}, {Bucket: "j", Verb: Release, Reason: "is gone"},
	}
	want := "f: refused; e: logs to s3://x/ (simple) already; a, b, c and 1 more: is in us-east-1"
	if got := Missing(steps, 1000); got != want || Enrolled(steps) != 2 {
		t.Errorf("%q, %d enrolled", got, Enrolled(steps))
	}
	if got := Missing(steps[6:], 1000); got != "nothing" {
		t.Errorf("%q", got)
	}
	for n := range 40 {
		got := Cut("é→"+want, n+4)
		if len(got) > n+4 || !strings.HasSuffix(got, " …") || !utf8.ValidString(got) {
			t.Errorf("cut to %d: %q", n+4, got)
		}
	}
}

// TestRefusedLeavesNoRecord: S3 refused, so the bucket was not enrolled; what was
// remembered of it before stands.
func TestRefusedLeavesNoRecord(t *testing.T) {
	f, w := working(Stack)
	remembered := func() map[string]Record {
		t.Helper()
		all, err := w.Memory.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	photos := Order{Buckets: []string{"example-photos"}}
	f.fail["set example-photos"] = errors.New("denied")
	if steps := do(t, w, photos, nil); steps[0].Err == nil || len(remembered()) > 0 {
		t.Errorf("%v, and remembered is %v", steps[0].Err, remembered())
	}
	delete(f.fail, "set example-photos")
	do(t, w, photos, nil)
	first := remembered()["example-photos"]

	w.Want.Prefix = "p/"
	f.fail["set example-photos"] = errors.New("denied")
	if steps := do(t, w, photos, nil); steps[0].Verb != Reshape || steps[0].Err == nil {
		t.Errorf("%+v", steps[0])
	}
	if now := remembered()["example-photos"]; !now.Set.Same(first.Set) || now.says != first.says {
		t.Errorf("remembered %+v, was %+v", now, first)
	}
}

// TestCounted: what is told of a plan that was applied.
func TestCounted(t *testing.T) {
	failed := errors.New("denied")
	steps := []Step{
		{Bucket: "a", Verb: Right}, {Bucket: "b", Verb: Enable}, {Bucket: "c", Verb: Replace}, {Bucket: "d", Verb: Enable, Err: failed},
		{Bucket: "e", Verb: Restore}, {Bucket: "f", Verb: Leave, Reason: "elsewhere"}, {Bucket: "g", Verb: Release, Reason: "is gone"},
	}
	if n := Enrolled(steps); n != 3 {
		t.Errorf("%d enrolled, want a, b and c", n)
	}
	if got := Missing(steps, 100); got != "d: denied; f: elsewhere" {
		t.Errorf("missing: %s", got)
	}
}

// TestOnlyItsRegion: of a bucket in another one nothing is asked, nor of one that
// nobody ordered.
func TestOnlyItsRegion(t *testing.T) {
	f, w := working(Stack)
	for _, b := range []string{"example-virginia", "example-archive"} {
		f.fail["get "+b] = errors.New("BUG: asked")
	}
	seen := 0
	steps, err := w.Plan(t.Context(), Order{Buckets: []string{"example-photos", "example-virginia"}}, nil, func(_, of int) { seen = of })
	if err != nil || seen != 1 || len(steps) != 2 || steps[0].Verb != Enable || !strings.HasPrefix(steps[1].Reason, "is in us-east-1") {
		t.Errorf("%d asked, %+v, %v", seen, steps, err)
	}
}
