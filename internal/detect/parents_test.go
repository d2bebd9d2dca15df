package detect_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs/s3access"
)

// over is a correlation that is built on mass_delete.
func over(kind, condition, group string) string {
	return fmt.Sprintf(deletes, "low") + massDelete + fmt.Sprintf(`---
title: Parent
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0d01
status: test
level: critical
correlation:
  type: %s
  rules: [mass_delete]
  group-by: [%s]
  timespan: 1h
  condition: {%s}
`, kind, group, condition)
}

func TestFindingsAreCounted(t *testing.T) {
	// Five deletes of each of the users, a user a quarter of an hour.
	burst := func(users ...string) (rows []*s3access.Row) {
		for i, user := range users {
			for n := range 5 {
				rows = append(rows, row(at(time.Duration(i)*15*time.Minute+time.Duration(n)*time.Second), func(r *s3access.Row) { r.RequesterName = []byte(user) }))
			}
		}
		return rows
	}
	const fires = "Parent @03-03 amber-files"
	for _, c := range []struct {
		name, docs string
		rows       []*s3access.Row
		want       string
	}{
		{"three findings", over("event_count", "gte: 3", "bucket_name"), burst("wren", "finch", "tern"), fires},
		{"two findings", over("event_count", "gte: 3", "bucket_name"), burst("wren", "finch"), ""},
		{"one finding that goes on", over("event_count", "gte: 2", "bucket_name"), burst("wren", "wren", "wren"), ""},
		{"three too far apart", over("event_count", "gte: 3", "bucket_name"), append(burst("wren", "finch"), burst("", "", "", "", "", "tern")[25:]...), ""},
		{"distinct values of findings", over("value_count", "field: requester_name, gte: 3", "bucket_name"), burst("wren", "finch", "tern"), fires},
		{"too few distinct values", over("value_count", "field: requester_name, gte: 3", "bucket_name"), burst("wren", "finch", "wren"), ""},
		{"another group", over("event_count", "gte: 2", "requester_name"), burst("wren", "finch"), ""},
	} {
		rules := load(t, c.docs)
		for seed := range uint64(5) {
			r := rand.New(rand.NewPCG(seed, 1))
			if got := strings.Join(found(t, rules, c.rows, 1+r.IntN(12), r), "; "); got != c.want {
				t.Errorf("%s, seed %d: got %q, want %q", c.name, seed, got, c.want)
			}
		}
	}
}

func TestNewInFindings(t *testing.T) {
	docs := over("first_seen", "field: requester_name", "bucket_name")
	last := strings.LastIndex(docs, "timespan: 1h")
	rules := load(t, docs[:last]+"timespan: 30d"+docs[last+len("timespan: 1h"):])
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for i, user := range []string{"finch", "wren"} {
		var rows []*s3access.Row
		for n := range 5 {
			rows = append(rows, row(at(time.Duration(i)*8*24*time.Hour+time.Duration(n)*time.Second), func(r *s3access.Row) { r.RequesterName = []byte(user) }))
		}
		applied(t, e, watched(w, fmt.Sprint(i), rows...))
	}
	var parents []string
	for _, u := range out.uids() {
		if strings.HasPrefix(u, "Parent") {
			parents = append(parents, u)
		}
	}
	if got, want := strings.Join(parents, "; "), "Parent @03-11 amber-files wren"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A pattern that another file began shows what began it.
func TestAPatternShowsItsBeginning(t *testing.T) {
	docs, _, _ := strings.Cut(simRules[strings.Index(simRules, "---\ntitle: Object put"):], "---\ntitle: Denied")
	rules := load(t, fmt.Sprintf(deletes, "low")+docs+`---
title: Pattern
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b02
status: test
level: high
correlation: {type: temporal_ordered, rules: [put, deleted], group-by: [bucket_name], timespan: 1m}
`)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	logged := func(key string) func(*s3access.Row) { return func(r *s3access.Row) { r.LogKey = []byte(key) } }
	applied(t, e, watched(w, "a", row(at(0), op("REST.PUT.OBJECT"), key("begun"), logged("logs/a"))))
	applied(t, e, watched(w, "b", row(at(time.Second), key("ended"), logged("logs/b"))))
	if len(out.all) != 1 {
		t.Fatalf("got %s, want one finding", out.list())
	}
	f := out.all[0]
	if len(f.Evidence) != 2 || f.Evidence[0].Key != "begun" || f.Evidence[1].Key != "ended" {
		t.Errorf("got evidence %+v", f.Evidence)
	}
	if strings.Join(f.Sources, " ") != "logs/b logs/a" || f.First != at(0) || f.Last != at(time.Second) {
		t.Errorf("got sources %v, from %v to %v", f.Sources, f.First.Go(), f.Last.Go())
	}
}

func TestWhatCannotBeCountedIsAProblem(t *testing.T) {
	for _, c := range []struct{ docs, want string }{
		{fmt.Sprintf(deletes, "low") + correlation("value_count", "1h", "field: key_name, gte: 10001", "bucket_name"), "at most 10000 distinct values"},
		{over("value_sum", "field: bytes_sent_size, gte: 5", "bucket_name"), "mass_delete"},
	} {
		rules, problems := loadUser(c.docs)
		if len(problems) == 0 || !strings.Contains(problems[0].Error(), c.want) || !strings.Contains(problems[0].Error(), "test.yml:") {
			t.Errorf("got %v, want a problem about %q", problems, c.want)
		}
		watched(rules.Watch(), "a", row(at(0))) // the others run
	}
}
