package coverage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)

// lines are sightings of a bucket, hours before noon.
func lines(bucket string, ago ...int) (all []Sighting) {
	for _, h := range ago {
		at := hourOf(noon) - int64(h)
		all = append(all, Sighting{bucket, int32(at / 24), 1 << (at % 24)})
	}
	return all
}

// every is hours ago, from the oldest to the youngest, in steps.
func every(step, oldest, youngest int) (ago []int) {
	for h := oldest; h >= youngest; h -= step {
		ago = append(ago, h)
	}
	return ago
}

func look(buckets []Bucket, seen []Sighting, before ...Known) *Look {
	return &Look{
		Now: noon, Account: "111122223333", Region: "eu-central-1",
		Converted: []string{"logs"}, Keeps: map[string]string{"logs": "log bucket", "lake": "lake"},
		Silence: 24 * time.Hour, Buckets: buckets, Sightings: seen, Before: before,
	}
}

func here(name string) Bucket {
	return Bucket{Name: name, Region: "eu-central-1", Target: "logs", Prefix: "p/"}
}

func known(bucket string, s Status, daysAgo int) Known {
	k := Known{Bucket: bucket, Status: s, Looked: noon.AddDate(0, 0, -daysAgo)}
	if s.here() {
		k.Target = "logs"
	}
	return k
}

func TestStatus(t *testing.T) {
	busy := every(1, 400, 1)
	silent := known("a", Silent, 1)
	silent.Last, silent.Days, silent.Gap = timeOf(hourOf(noon)-40*24), 20, 10
	quiet := known("a", Logging, 1)
	quiet.Last = timeOf(hourOf(noon) - 55*24)
	for _, c := range []struct {
		name   string
		bucket Bucket
		ago    []int
		before []Known
		want   Status
		hours  int64 // silent
		told   int
	}{
		{name: "lines come", bucket: here("a"), ago: busy, want: Logging},
		{name: "no line yet", bucket: here("a"), want: Waiting},
		{name: "not logging", bucket: Bucket{Name: "a", Region: "eu-central-1"}, want: Off},
		{name: "elsewhere", bucket: Bucket{Name: "a", Target: "other"}, want: Elsewhere},
		{name: "no settings", bucket: Bucket{Name: "a", Fault: "AccessDenied"}, want: Unknown},
		{name: "far away", bucket: Bucket{Name: "a", Region: "us-east-1"}, want: OtherRegion},
		{name: "ours", bucket: Bucket{Name: "lake"}, want: Exempt},
		{name: "busy, then a day without", bucket: here("a"), ago: every(1, 400, 26), want: Silent, hours: 25, told: 1},
		{name: "busy, then nearly a day", bucket: here("a"), ago: every(1, 400, 25), want: Logging, hours: 24},
		{name: "once a day, then none for two days", bucket: here("a"), ago: every(24, 600, 72), want: Logging, hours: 71},
		{name: "once a day, then none for five days", bucket: here("a"), ago: every(24, 720, 120), want: Logging, hours: 119},
		{name: "once a day, then none for six days", bucket: here("a"), ago: every(24, 840, 144), want: Silent, hours: 143, told: 1},
		{name: "used on nine days, long ago", bucket: here("a"), ago: every(24, 672, 480), want: Logging, hours: 479},
		{name: "told before", bucket: here("a"), ago: every(1, 400, 50), before: []Known{known("a", Silent, 1)}, want: Silent, hours: 49},
		{name: "habit forgotten", bucket: here("a"), before: []Known{silent}, want: Silent, hours: 40*24 - 1},
		{name: "back again", bucket: here("a"), ago: []int{2}, before: []Known{silent}, want: Logging, hours: 1},
		{name: "quiet for months", bucket: here("a"), before: []Known{quiet}, want: Logging, hours: 55*24 - 1},
		{name: "switched off", bucket: Bucket{Name: "a"}, ago: busy, before: []Known{known("a", Logging, 1)}, want: Off, told: 1},
		{name: "switched off before a line came", bucket: Bucket{Name: "a"}, before: []Known{known("a", Waiting, 1)}, want: Off, told: 1},
		{name: "sent elsewhere", bucket: Bucket{Name: "a", Target: "other"}, before: []Known{known("a", Silent, 1)}, want: Elsewhere, told: 1},
		{name: "off as before", bucket: Bucket{Name: "a"}, before: []Known{known("a", Off, 1)}, want: Off},
		{name: "off when first seen", bucket: Bucket{Name: "a"}, before: []Known{known("b", Off, 1)}, want: Off},
		{name: "switched on again after silence", bucket: here("a"), ago: every(1, 900, 300), before: []Known{known("a", Off, 1)}, want: Logging},
	} {
		r := look([]Bucket{c.bucket}, lines("a", c.ago...), c.before...).Take()
		row := r.Rows[0]
		if got := Status(row.Status); got != c.want || row.SilentHours.V != c.hours {
			t.Errorf("%s: %s, silent for %v hours (usual %v), want %s, %d: %s", c.name, got, row.SilentHours, row.UsualHours, c.want, c.hours, row.Detail)
		}
		if fs := r.Findings("111122223333", "eu-central-1", noon); len(fs) != c.told {
			t.Errorf("%s: %d findings, want %d", c.name, len(fs), c.told)
		}
	}
}

// A bucket that others log to must not be told to log.
func TestReceiverIsExempt(t *testing.T) {
	r := look([]Bucket{{Name: "a", Target: "old-logs"}, {Name: "old-logs"}}, nil).Take()
	if got := string(r.Rows[1].Status); got != "exempt" {
		t.Errorf("old-logs is %s", got)
	}
}

// New is what the look before did not find, and nothing is new at the first.
func TestNew(t *testing.T) {
	r := look([]Bucket{here("a"), here("b")}, nil).Take()
	if r.Rows[0].IsNew.OK {
		t.Errorf("first look: %+v", r.Rows[0].IsNew)
	}
	r = look([]Bucket{here("b"), here("a")}, nil, known("a", Waiting, 1)).Take()
	if a, b := r.Rows[0], r.Rows[1]; a.IsNew.V || !a.IsNew.OK || !b.IsNew.V || string(a.StatusBefore) != "waiting" || b.StatusBefore != nil {
		t.Errorf("second look: %+v, %+v", a, b)
	}
}

// What could not be read is compared with what was there before, once it can be.
func TestUnreadKeepsWhatWas(t *testing.T) {
	was := known("a", Logging, 1)
	r := look([]Bucket{{Name: "a", Fault: "AccessDenied"}}, nil, was).Take()
	if d := cmp.Diff(r.Known, []Known{was}); d != "" {
		t.Errorf("known (-got +want):\n%s", d)
	}
	r = look([]Bucket{{Name: "a"}}, nil, r.Known...).Take()
	if fs := r.Findings("", "", noon); len(fs) != 1 {
		t.Errorf("%d findings", len(fs))
	}
}

// From look to look: a silence is told once, and so is the next.
func TestSilenceIsToldOnce(t *testing.T) {
	var before []Known
	var told []string
	seen := lines("a", every(1, 760, 480)...) // 20 days ago it stops,
	seen = append(seen, lines("a", 240)...)   // is back for an hour, ten days ago
	for day := 24; day >= 0; day-- {
		l := look([]Bucket{here("a")}, nil, before...)
		l.Now = noon.AddDate(0, 0, -day)
		for _, s := range seen {
			if int64(s.Day)*24 <= hourOf(l.Now)-24 {
				l.Sightings = append(l.Sightings, s)
			}
		}
		r := l.Take()
		for _, f := range r.Findings("", "", l.Now) {
			told = append(told, fmt.Sprintf("%d days ago, since %s", day, f.Period.Go().Format(time.DateOnly)))
		}
		before = r.Known
	}
	// The second silence is told when it is five times as long as the first was.
	if want := []string{"18 days ago, since 2026-11-03"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// Months in the life of buckets that are used at random: which are taken for
// silent and are not, and which of those that are never used again are noticed.
func TestHabitsOfManyBuckets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	when := func(yes bool, chance float64) float64 {
		if yes {
			return chance
		}
		return 0
	}
	const buckets, days = 100, 240
	for _, c := range []struct {
		kind    string
		chance  func(hour int) float64 // of a line in an hour; nil for gaps that have no mean
		cries   int                    // at most
		noticed int                    // at least
		within  int                    // days
	}{
		{"every hour", func(int) float64 { return 0.9 }, 0, 100, 2},
		{"office hours", func(h int) float64 { return when(h/24%7 < 5 && h%24 >= 8 && h%24 < 18, 0.7) }, 0, 100, 16},
		{"a few times a day", func(int) float64 { return 0.1 }, 0, 100, 22},
		{"a nightly job", func(h int) float64 { return when(h%24 == 3, 1) }, 0, 100, 6},
		{"every other day", func(int) float64 { return 0.02 }, 1, 50, 90},
		{"every week", func(int) float64 { return 0.006 }, 1, 0, 90},
		{"a Monday report", func(h int) float64 { return when(h%168 == 9, 1) }, 0, 0, 0},
		// The worst there is: as likely as not, a gap is twice as long as the one before.
		{"rare bursts", nil, 150, 50, 150},
	} {
		cries, found, slowest := 0, 0, 0
		for range buckets {
			var hours []int64
			for h := 0; h < days*24; h++ {
				if c.chance == nil {
					h += int(1/(1-random.Float64())) - 1
				} else if random.Float64() >= c.chance(h) {
					continue
				}
				hours = append(hours, int64(h))
			}
			crying := false
			for d := 40; d < days; d++ { // lines come half a day late
				upTo, _ := slices.BinarySearch(hours, int64(d*24-12))
				h := habitOf(hours[:upTo])
				until, ok := h.Until(24 * time.Hour)
				now := ok && int64(d*24)-h.Last-1 > until
				if now && !crying {
					cries++
				}
				crying = now
			}
			if until, ok := habitOf(hours).Until(24 * time.Hour); ok {
				found++
				slowest = max(slowest, int(until)/24+1)
			}
		}
		t.Logf("%-18s %3d false alarms in %d bucket years; of %d that end %d are noticed, the last after %d days", c.kind, cries, buckets*200/365, buckets, found, slowest)
		if cries > c.cries || found < c.noticed || slowest > c.within {
			t.Errorf("%s: want at most %d false alarms, and at least %d noticed within %d days", c.kind, c.cries, c.noticed, c.within)
		}
	}
}

// TestUsualHours are told of a bucket that has a habit, and of no other.
func TestUsualHours(t *testing.T) {
	seen := append(lines("a", every(1, 400, 1)...), lines("b", 3)...)
	for _, r := range look([]Bucket{here("a"), here("b")}, seen).Take().Rows {
		if want := string(r.BucketName) == "a"; r.UsualHours.OK != want || want && r.UsualHours.V != 24 {
			t.Errorf("%s: usual are %+v", r.BucketName, r.UsualHours)
		}
	}
}

// TestExemptNamesWhoLogsThere: the reason names a bucket that does.
func TestExemptNamesWhoLogsThere(t *testing.T) {
	r := look([]Bucket{{Name: "a"}, {Name: "audit"}, {Name: "b", Target: "audit"}, {Name: "c", Target: "audit"}}, nil).Take()
	for _, row := range r.Rows {
		if string(row.BucketName) == "audit" && (Status(row.Status) != Exempt || !strings.Contains(string(row.Detail), "access logs of b:")) {
			t.Errorf("%s, %s", row.Status, row.Detail)
		}
	}
}
