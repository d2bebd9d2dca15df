package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs/s3access"
)

// A part ends with its PartRecords-th record: of the groups that began in it, as many
// as MaxGroups are kept, and what begins behind it is of the next one.
func TestPartsEndWhereTheyShould(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	rowOf := map[int]*s3access.Row{}
	of := func(i int) *s3access.Row { // of group i
		if rowOf[i] == nil {
			rowOf[i] = row(at(0), from(fmt.Sprintf("198.51.%d.%d", i/250, i%250)))
		}
		return rowOf[i]
	}
	for _, c := range []struct {
		first, behind int // groups of a part that is full, and behind it
		dropped       int64
	}{
		{detect.MaxGroups, 0, 0}, {detect.MaxGroups + 1, 0, 1}, {detect.MaxGroups, 1, 0},
		{detect.MaxGroups + 1, detect.MaxGroups, 1}, {detect.MaxGroups, detect.MaxGroups + 2, 2},
	} {
		w := rules.Watch()
		w.Begin("a", "logs/a")
		for i := range detect.PartRecords {
			w.Row(of(i % c.first))
		}
		for i := range c.behind {
			w.Row(of(c.first + i))
		}
		o := w.End(true)
		if o.Dropped != c.dropped || o.Records != detect.PartRecords+int64(c.behind) {
			t.Errorf("%d groups in a part and %d behind: %d dropped of %d records, want %d", c.first, c.behind, o.Dropped, o.Records, c.dropped)
		}
	}
}

// A group that goes on in the parts behind its own is one, whether others of its part
// were dropped or not, and counts all of its records.
func TestAGroupGoesOn(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	for _, others := range []int{0, 3 * detect.MaxGroups} {
		w := rules.Watch()
		w.Begin("a", "logs/a")
		const parts = 3
		for part := range parts {
			for i := range detect.PartRecords {
				r := row(at(time.Duration(part)*time.Minute), from("203.0.113.9"))
				if i < others {
					r = row(at(0), from(fmt.Sprintf("2001:db8:%d::%d", part, i)))
				}
				w.Row(r)
			}
		}
		out := &sent{}
		applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), w.End(true))
		n := 0
		for _, f := range out.all {
			if f.Group[2].Value != "203.0.113.9" {
				continue
			}
			n++
			if want := int64(parts * (detect.PartRecords - others)); f.Count != want || f.Last-f.First != 2*60_000 {
				t.Errorf("%d others a part: %d records over %d ms, want %d over two minutes", others, f.Count, f.Last-f.First, want)
			}
			for _, e := range f.Evidence {
				if e.RemoteIP != "203.0.113.9" {
					t.Errorf("%d others a part: evidence %+v", others, e)
				}
			}
		}
		if n != 1 {
			t.Errorf("%d others a part: told %d times, want once\n%.2000s", others, n, out.list())
		}
	}
}

// Who was dropped with one part begins anew in the next: its records there are not lost
// with those before.
func TestADroppedGroupBeginsAnew(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	w := rules.Watch()
	w.Begin("a", "logs/a")
	w.Row(row(at(0), from("203.0.113.9")))
	for i := range detect.PartRecords - 1 {
		w.Row(row(at(0), from(fmt.Sprintf("2001:db8::%d", i%(2*detect.MaxGroups)))))
	}
	for range 1000 {
		w.Row(row(at(0), from("203.0.113.9")))
	}
	out := &sent{}
	o := w.End(true)
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), o)
	var counts []int64
	for _, f := range out.all {
		if f.Group[2].Value == "203.0.113.9" {
			counts = append(counts, f.Count)
		}
	}
	if !slices.Equal(counts, []int64{1000}) || o.Dropped != detect.MaxGroups+1 {
		t.Errorf("told of %v records, %d groups dropped; want 1000 and %d", counts, o.Dropped, detect.MaxGroups+1)
	}
}

// Long keys end a part before its records do, so that its groups fit into memory.
func TestLargeGroupsEndAPart(t *testing.T) {
	rules := load(t, strings.Replace(fmt.Sprintf(deletes, "high"), "level: high", "level: high\nsluice: {group-by: [key_name]}", 1))
	w := rules.Watch()
	w.Begin("a", "logs/a")
	const size, parts = 64 << 10, 3
	for i := range parts * (16 << 20) / size {
		w.Row(row(at(0), key(fmt.Sprint(i, strings.Repeat("k", size)))))
	}
	// Of 3 parts of 16 MiB, 256 groups each, MaxGroups are kept of each.
	if o := w.End(true); o.Dropped < 2*40 || o.Dropped > 3*(256-detect.MaxGroups) {
		t.Errorf("%d groups were dropped", o.Dropped)
	}
}
