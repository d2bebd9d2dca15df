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

// What is kept of all parts of a file has an end: then the least of the targets that
// take most are dropped. Who does more is kept, with all that he did before and does
// behind it; so are the few of another rule. It is the same each time.
func TestAFileTakesNoMoreThanItsRoom(t *testing.T) {
	const rule = `
title: %[1]s
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a0%[2]d
name: %[1]s
status: test
level: high
logsource: {product: aws, service: s3_server_access}
detection:
  sel: {operation: %[1]s}
  condition: sel
sluice: {group-by: [%[3]s]}
---
`
	rules := load(t, strings.TrimSuffix(fmt.Sprintf(rule, "PUT", 1, "key_name")+fmt.Sprintf(rule, "GET", 2, "remote_ip"), "---\n"))
	const size, parts, room = 64 << 10, 12, 32 << 20
	seen := func(room int) (list []string, dropped int64) {
		w := rules.Watch()
		w.Room(room)
		w.Begin("a", "logs/a")
		for i := range 3 {
			w.Row(row(at(0), op("GET"), from(fmt.Sprintf("203.0.113.%d", i))))
		}
		most, now := 0, 0
		for i := range parts * (16 << 20) / size {
			w.Row(row(at(0), op("PUT"), key(fmt.Sprint(i, strings.Repeat("k", size)))))
			if i%100 == 0 && i > 2*(16<<20)/size { // behind those that leave no room for it
				w.Row(row(at(0), op("PUT"), key("ledger")))
			}
			was := now
			if now = w.Kept(); now < was && (now > room/2 || now < room/2-2*size) {
				t.Errorf("of %d bytes %d were left, want half of %d", was, now, room)
			}
			most = max(most, now)
		}
		if most > room || most < min(room/2, 64<<20) {
			t.Errorf("the groups took %d bytes of %d", most, room)
		}
		out := &sent{}
		o := w.End(true)
		applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), o)
		for _, f := range out.all {
			value := f.Group[len(f.Group)-1].Value
			list = append(list, fmt.Sprintf("%s %.16s %d %d", f.Rule.Title, value, f.Count, len(f.Evidence)))
			for _, e := range f.Evidence {
				if e.RemoteIP != value && !strings.HasPrefix(e.Key, strings.TrimSuffix(value, "…")[:6]) {
					t.Errorf("finding about %.16s: evidence %.16s, %s", value, e.Key, e.RemoteIP)
				}
			}
		}
		slices.Sort(list)
		return list, o.Dropped
	}
	list, dropped := seen(room)
	for _, want := range []string{"PUT ledger 25 6", "GET 203.0.113.0 1 1", "GET 203.0.113.1 1 1", "GET 203.0.113.2 1 1"} {
		if !slices.Contains(list, want) {
			t.Errorf("not told of %q:\n%s", want, strings.Join(list, "\n"))
		}
	}
	again, _ := seen(room)
	if !slices.Equal(list, again) {
		t.Error("the same file was told of in another way")
	}
	all, fewer := seen(1 << 30)
	if len(all)-len(list) != int(dropped-fewer) || len(all) < 2*len(list) {
		t.Errorf("%d findings with room for all and %d without; %d and %d groups were dropped", len(all), len(list), fewer, dropped)
	}
}
