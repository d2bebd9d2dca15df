package detect

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// askedRules group by texts, numbers and flags, of both logs, with and without an
// owner, so that lists of values differ in where one ends and in which is absent.
const askedRules = `
title: By texts
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0a01
name: by_texts
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.GET.OBJECT}, condition: sel}
sluice: {group-by: [bucket_name, key_name], period: 1h}
---
title: By a number and a flag
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0a02
name: by_number
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.GET.OBJECT}, condition: sel}
sluice: {group-by: [http_status, escaped, key_name]}
---
title: New
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0a03
status: test
level: low
correlation: {type: first_seen, rules: [by_texts], group-by: [bucket_name], timespan: 30d, condition: {field: key_name}}
---
title: In the trail
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0a04
name: in_trail
status: test
level: low
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: GetObject}, condition: sel}
sluice: {group-by: [requestParameters.bucketName, requestParameters.key, readOnly]}
---
title: In both
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0a05
status: test
level: low
correlation: {type: event_count, rules: [by_texts, in_trail], group-by: [bucket], timespan: 1h, condition: {gte: 100},
  aliases: {bucket: {by_texts: bucket_name, in_trail: requestParameters.bucketName}}}
`

// A group is found by the hashes of its values, and made with a key that is written as
// a whole. Both must tell the same hits apart.
func TestAGroupIsFoundByWhatItsKeySays(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "asked.yml", Text: []byte(askedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func() logs.Text {
		all := []logs.Text{nil, {}, logs.Text("a"), logs.Text("aa"), logs.Text("\x00"), logs.Text("\x01\x00\x00\x00\x00"), logs.Text("200"), logs.Text("true"), logs.Text("a\x01\x00\x00\x00\x01a")}
		return all[rnd.IntN(len(all))]
	}
	w := rules.Watch()
	w.Begin("a", "logs/a")
	groups := map[string]*group{}
	checked := 0
	check := func(matched []int32, h *hit) {
		t.Helper()
		w.turnTo(h)
		for _, rule := range matched {
			for i := range rules.feeds[rule] {
				f := &rules.feeds[rule][i]
				_, period := w.bin(f.target, h.time)
				b, _, _ := w.writeKey(f, h, period)
				key := string(b)
				for _, g := range groups {
					if got, want := w.hash(f, h, period) == g.hash, g.key == key; got != want {
						t.Fatalf("a hit with the key %q is one of the group %q: got %v, want %v", key, g.key, got, want)
					}
					checked++
				}
				g := w.group(f, h, period)
				if was := groups[key]; g.key != key || was != nil && was != g {
					t.Fatalf("got the group %q, want %q", g.key, key)
				}
				groups[key] = g
			}
		}
	}
	for range 2000 {
		at := logs.Time(rnd.IntN(3)-1) * 3600 * 1000
		owner := text()
		row := &s3access.Row{RequestTime: at, BucketOwnerID: owner, Operation: logs.Text("REST.GET.OBJECT"), BucketName: text(), KeyName: text(), Escaped: logs.SomeBool(rnd.IntN(2) == 0)}
		if rnd.IntN(2) == 0 {
			row.HTTPStatus = logs.SomeInt(200)
		}
		w.accessRecord.Set(row)
		check(w.access.Match(&w.accessRecord), &hit{record: &w.accessRecord, time: at, owner: owner, asked: w.ofAccess})
		event := &cloudtrail.Row{EventTime: at, RecipientAccountID: owner, EventName: logs.Text("GetObject"), BucketName: text(), KeyName: text()}
		w.trailRecord.Set(event)
		check(w.trail.Match(w.trailRecord), &hit{record: w.trailRecord, time: at, owner: owner, asked: w.ofTrail})
	}
	if len(groups) < 200 || checked < 100_000 {
		t.Errorf("%d groups, %d comparisons: too few to show anything", len(groups), checked)
	}
	for key, g := range groups {
		if pairs := g.pairs(); len(pairs) != len(g.target.names) {
			t.Errorf("%q: %d values read out of it, want those of %v", key, len(pairs), g.target.names)
		}
	}
}

// Whoever sends requests chooses values, so where a group stands must not be known
// beforehand, nor be the same for the same values in other places.
func TestHashesAreNobodysChoice(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "asked.yml", Text: []byte(askedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	var f *feed // by bucket_name and key_name
	for _, feeds := range rules.feeds {
		for i := range feeds {
			if feeds[i].target.kind == sigma.FirstSeen {
				f = &feeds[i]
			}
		}
	}
	w, seen, checks := rules.Watch(), map[uint64]int{}, map[uint64]int{}
	text := func(s string) logs.Text { return logs.Text(s) }
	for i, c := range []struct {
		owner, bucket, key logs.Text
		period             int64
	}{
		{text("a"), text("a"), text("b"), 0}, {text("a"), text("b"), text("a"), 0}, {text("b"), text("a"), text("a"), 0},
		{text("a"), text("a"), nil, 0}, {text("a"), nil, text("a"), 0}, {nil, text("a"), text("a"), 0},
		{text("a"), text("a"), text(""), 0}, {text("a"), text(""), text("a"), 0},
		{text("a"), text("a"), text("b"), 1}, {text("a"), text("a"), text("b"), -1},
	} {
		w.accessRecord.Set(&s3access.Row{BucketOwnerID: c.owner, BucketName: c.bucket, KeyName: c.key})
		h := &hit{record: &w.accessRecord, owner: c.owner, asked: w.ofAccess}
		w.turnTo(h)
		hash := w.hash(f, h, c.period)
		for half, seen := range map[uint64]map[uint64]int{hash.place: seen, hash.check: checks} {
			if was, ok := seen[half]; ok {
				t.Errorf("case %d has half of the hash of case %d", i, was)
			}
			seen[half] = i
		}
	}
	memory, other := NewMemory(), NewMemory()
	if next := rules.Watch(); w.seeds[0] == next.seeds[0] || w.seeds[1] == next.seeds[1] || w.seeds[0] == w.seeds[1] || memory.seed == other.seed {
		t.Error("two hash alike")
	}
}

// Groups are found among many whose hashes end alike, none is found that was taken out,
// and a file of many leaves no large table to the next.
func TestGroupsByHash(t *testing.T) {
	find := func(b *byHash, hash uint64) (n int) {
		for i := hash & uint64(len(b.places)-1); b.places[i].group != nil; i = (i + 1) & uint64(len(b.places)-1) {
			if b.places[i].hash == hash {
				n++
			}
		}
		return n
	}
	var b byHash
	b.clear()
	at := func(i int) uint64 { return uint64(i)<<40 | uint64(i%3)*0xff } // a few places for all, the last one among them
	check := func(from, to, most int) {
		t.Helper()
		for i := range most {
			want := 0
			if i >= from && i < to {
				want = 1
			}
			if got := find(&b, at(i)); got != want {
				t.Fatalf("group %d stands in %d places, want %d", i, got, want)
			}
		}
		if b.groups != to-from || 2*b.groups > len(b.places) {
			t.Fatalf("%d groups in %d places, want %d in twice as many", b.groups, len(b.places), to-from)
		}
	}
	var all []*group
	for i := range 600 {
		all = append(all, &group{hash: hash{place: at(i)}})
		b.put(all[i])
		if i%50 == 0 {
			check(0, i+1, 600)
		}
	}
	b.fill(all[200:300])
	check(200, 300, 600)
	b.clear()
	check(0, 0, 600)
	for i := range manyPlaces {
		b.put(&group{hash: hash{place: uint64(i)}})
	}
	if b.clear(); len(b.places) > manyPlaces || find(&b, 5) > 0 {
		t.Errorf("%d places after a file of many groups, want at most %d", len(b.places), manyPlaces)
	}
}

// No value is not a new one; but a value may be new where a record says nothing of what
// it is grouped by.
func TestWhatIsNewMustBeThere(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "asked.yml", Text: []byte(askedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	w := rules.Watch()
	for _, c := range []struct {
		bucket, key logs.Text
		want        string
	}{
		{logs.Text("b"), logs.Text("k"), "[{bucket_name b false} {key_name k false}]"},
		{nil, logs.Text("k"), "[{bucket_name  true} {key_name k false}]"},
		{logs.Text(""), logs.Text(""), "[{bucket_name  false} {key_name  false}]"},
		{logs.Text("b"), nil, "[]"},
	} {
		w.Begin("a", "logs/a")
		w.Row(&s3access.Row{Operation: logs.Text("REST.GET.OBJECT"), BucketName: c.bucket, KeyName: c.key})
		got := "[]"
		for _, g := range w.End(true).groups {
			if g.target.kind == sigma.FirstSeen {
				got = fmt.Sprint(g.pairs())
			}
		}
		if got != c.want {
			t.Errorf("key %q in bucket %q: got %s, want %s", c.key, c.bucket, got, c.want)
		}
	}
}
