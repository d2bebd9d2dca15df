package coverage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/table"
)

// account is all ends of a Daily; each may fail once.
type account struct {
	buckets []Bucket
	seen    []Sighting
	known   map[string]Known
	objects map[string]int64 // rows by name
	sent    []*finding.Finding
	broken  string
}

var errBroken = errors.New("broken")

func (a *account) fails(what string) error {
	if a.broken == what {
		a.broken = ""
		return errBroken
	}
	return nil
}

func (a *account) Buckets(context.Context) ([]Bucket, error) { return a.buckets, a.fails("list") }

func (a *account) Sightings(_ context.Context, from, to time.Time) iter.Seq2[Sighting, error] {
	return func(yield func(Sighting, error) bool) {
		for _, s := range a.seen {
			if at := timeOf(int64(s.Day) * 24); at.After(from) && at.Before(to) && !yield(s, nil) {
				return
			}
		}
		if err := a.fails("sightings"); err != nil {
			yield(Sighting{}, err)
		}
	}
}

func (a *account) Known(context.Context) (all []Known, err error) {
	for _, k := range a.known {
		all = append(all, k)
	}
	return all, a.fails("known")
}

func (a *account) Keep(_ context.Context, all []Known) error {
	for _, k := range all {
		a.known[k.Bucket] = k
		if err := a.fails("keep"); err != nil { // halfway
			return err
		}
	}
	return nil
}

func (a *account) Write(_ context.Context, staged []table.Object) error {
	if err := a.fails("write"); err != nil {
		return err
	}
	for _, o := range staged {
		if _, there := a.objects[o.Name]; !there {
			a.objects[o.Name] = o.Rows
		}
	}
	return nil
}

func (a *account) Send(_ context.Context, fs []*finding.Finding) error {
	if err := a.fails("send"); err != nil {
		return err
	}
	a.sent = append(a.sent, fs...)
	return nil
}

func (a *account) daily(t *testing.T, now *time.Time, state detect.State, out *bytes.Buffer) (*Daily, string) {
	t.Helper()
	stage := t.TempDir()
	return NewDaily(Config{
		View: View{
			Account: "111122223333", Region: "eu-central-1", Converted: []string{"logs"}, Silence: 24 * time.Hour,
			Inventory: a, Now: func() time.Time { return *now },
		},
		Function: "coverage", Store: a, State: state, Outlet: a, Shelf: a, Stage: stage, Out: out,
	}), stage
}

// told are the findings so far, in words.
func (a *account) told() (all []string) {
	for _, f := range a.sent {
		all = append(all, f.Rule.Level+": "+f.Rule.Title+": "+f.Bucket)
	}
	slices.Sort(all)
	return all
}

// A look that breaks anywhere and is repeated, on the same day or on the next,
// leaves one object a day and tells each change once.
func TestDailyBreaksAnywhere(t *testing.T) {
	for _, c := range []struct {
		broken string
		hours  int // until it is repeated
	}{{"", 0}, {"list", 1}, {"sightings", 1}, {"known", 1}, {"write", 1}, {"send", 1}, {"keep", 1}, {"send", 24}, {"keep", 24}} {
		t.Run(fmt.Sprintf("%s %dh", c.broken, c.hours), func(t *testing.T) {
			a := &account{known: map[string]Known{}, objects: map[string]int64{}}
			a.buckets = []Bucket{here("a"), here("b"), here("c"), {Name: "d"}}
			a.seen = append(lines("a", every(1, 400, 0)...), lines("b", every(1, 400, 0)...)...)
			now := noon
			var out bytes.Buffer
			d, stage := a.daily(t, &now, detect.NewMemory(), &out)
			handle := func() {
				t.Helper()
				if err := d.Handle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			handle()
			a.buckets = []Bucket{here("a"), {Name: "b"}, {Name: "c", Target: "other"}, {Name: "d"}, {Name: "e"}}
			now = now.Add(24 * time.Hour)
			if a.broken = c.broken; c.broken != "" {
				if err := d.Handle(t.Context()); !errors.Is(err, errBroken) {
					t.Fatalf("error %v", err)
				}
			}
			now = now.Add(time.Duration(c.hours) * time.Hour)
			handle()
			handle()
			want := []string{
				"high: Access logging of a bucket was switched off: b",
				"high: Access logging of a bucket was switched off: c",
			}
			if c.hours == 24 {
				want = append(want, "medium: Access logs of a bucket have stopped: a") // a day and a half by then
			}
			if d := cmp.Diff(a.told(), want); d != "" {
				t.Errorf("told (-got +want):\n%s", d)
			}
			days := map[string]int64{}
			for name, rows := range a.objects {
				days[strings.Split(name, "/")[1]] += rows
			}
			wantDays := map[string]int64{"dt=2026-11-23": 4, "dt=2026-11-24": 5}
			if c.hours == 24 {
				wantDays["dt=2026-11-25"] = 5
			}
			if d := cmp.Diff(days, wantDays); d != "" {
				t.Errorf("rows by day (-got +want):\n%s", d)
			}
			if left, err := os.ReadDir(stage); len(left) > 0 || err != nil {
				t.Errorf("left on the stage: %v, %v", left, err)
			}
		})
	}
}

// Who forbids to look at a bucket that logged here is told of, once, and not who
// had an accident, nor of a bucket that never logged here.
func TestHidden(t *testing.T) {
	a := &account{known: map[string]Known{}, objects: map[string]int64{}, buckets: []Bucket{here("a"), here("b"), {Name: "c"}}}
	a.seen = append(lines("a", every(1, 400, 0)...), lines("b", every(1, 400, 0)...)...)
	now := noon
	var out bytes.Buffer
	d, _ := a.daily(t, &now, detect.NewMemory(), &out)
	look := func(buckets ...Bucket) {
		t.Helper()
		a.buckets = buckets
		if err := d.Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
	}
	look(here("a"), here("b"), Bucket{Name: "c"})
	denied := func(name string) Bucket { return Bucket{Name: name, Fault: "AccessDenied", Denied: true} }
	for range 3 {
		look(denied("a"), Bucket{Name: "b", Fault: "no answer"}, denied("c"))
	}
	want := []string{"medium: Whether a bucket still logs can no longer be seen: a"}
	if d := cmp.Diff(a.told(), want); d != "" {
		t.Errorf("told (-got +want):\n%s", d)
	}
	// Seen again, it is compared with what it was; hidden again, that is another time.
	look(Bucket{Name: "a"}, here("b"), Bucket{Name: "c"})
	want = append([]string{"high: Access logging of a bucket was switched off: a", "medium: Access logs of a bucket have stopped: b"}, want...)
	if d := cmp.Diff(a.told(), want); d != "" {
		t.Errorf("told (-got +want):\n%s", d)
	}
	for _, f := range a.sent {
		if _, err := f.Row(); err != nil || !strings.Contains(f.Rule.Type, "Coverage/") {
			t.Errorf("%+v, %v", f, err)
		}
	}

	var before []Known
	var all []Bucket
	for i := range 9 {
		before, all = append(before, known(fmt.Sprint("b", i), Logging, 1)), append(all, denied(fmt.Sprint("b", i)))
	}
	fs := manyLook(all, before)
	if len(fs) != 1 || fs[0].Count != 9 || fs[0].Rule.ID != hiddenRule {
		t.Errorf("%d findings of nine", len(fs))
	}
}

func manyLook(buckets []Bucket, before []Known) []*finding.Finding {
	return look(buckets, nil, before...).Take().Findings("111122223333", "eu-central-1", noon)
}

// Many at once are one incident, with one identity however often it is told.
func TestManyAtOnce(t *testing.T) {
	var buckets []Bucket
	var before []Known
	var seen []Sighting
	for i := range 60 {
		name := fmt.Sprintf("b%02d", i)
		buckets = append(buckets, Bucket{Name: name})
		before = append(before, known(name, Logging, 1))
		if i < 10 {
			buckets = append(buckets, here("s"+name))
			seen = append(seen, lines("s"+name, every(1, 400, 30)...)...)
		}
	}
	fs := look(buckets, seen, before...).Take().Findings("111122223333", "eu-central-1", noon)
	again := look(buckets, seen, before...).Take().Findings("111122223333", "eu-central-1", noon.Add(time.Hour))
	if len(fs) != 2 || len(again) != 2 || fs[0].UID != again[0].UID || fs[1].UID != again[1].UID || fs[0].UID == fs[1].UID {
		t.Fatalf("%d and %d findings", len(fs), len(again))
	}
	// It began with the last look before, whatever some buckets were last seen at.
	before[7].Looked = noon.AddDate(0, 0, -9)
	late := look(buckets, seen, before...).Take().Findings("111122223333", "eu-central-1", noon)
	if late[0].UID != fs[0].UID || late[0].First != logs.TimeOf(noon.AddDate(0, 0, -1)) {
		t.Errorf("began %s", late[0].First.Go())
	}
	if text := fs[0].Rule.Description; !strings.Contains(text, "b49, and 10 more.") || strings.Contains(fs[1].Rule.Description, "more.") {
		t.Errorf("names: %s", text)
	}
	for i, want := range []string{"60 buckets that logged at the look before log no longer", "10 buckets have fallen silent at once"} {
		subject, body := fs[i].Mail()
		if !strings.Contains(strings.Join(strings.Fields(body), " "), want) || !strings.HasPrefix(subject, "[HIGH] ") {
			t.Errorf("mail %q:\n%s\nwant %q", subject, body, want)
		}
		if _, err := fs[i].Row(); err != nil {
			t.Error(err)
		}
	}
}

// The line of metrics is what the alarms look at.
func TestMetrics(t *testing.T) {
	a := &account{known: map[string]Known{}, objects: map[string]int64{}, buckets: []Bucket{here("a"), here("b"), {Name: "c"}, {Name: "d", Fault: "AccessDenied"}}}
	a.seen = append(lines("a", every(1, 400, 30)...), lines("b", 3)...)
	now := noon
	var out bytes.Buffer
	d, _ := a.daily(t, &now, detect.NewMemory(), &out)
	if err := d.Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(all[len(all)-1]), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "_aws")
	want := map[string]any{
		"Function": "coverage", "Buckets": 4.0, "BucketsSilent": 1.0, "BucketsOff": 1.0, "BucketsElsewhere": 0.0, "BucketsUnknown": 1.0,
		"BucketsWaiting": 0.0, "BucketsLogging": 1.0,
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("metrics (-got +want):\n%s", d)
	}
}
