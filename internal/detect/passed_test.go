package detect_test

import (
	"fmt"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs"
)

// Files full of dates that are still to come do not make the memory forget what
// is open, whether or not it is known when they were delivered.
func TestDatesToComeDoNotPass(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	century := 100 * 365 * 24 * time.Hour
	for _, c := range []struct {
		name      string
		delivered logs.Time
		now       time.Time
		forged    time.Duration
		forgets   bool
	}{
		{"delivered today", at(time.Hour), at(century).Go(), 30 * 24 * time.Hour, false},
		{"in the year 2126", 0, at(time.Hour).Go(), century, false},
		{"a month ago, and now it is that late", 0, at(30 * 24 * time.Hour).Go(), 30 * 24 * time.Hour, true},
		{"delivered a month later", at(30 * 24 * time.Hour), at(century).Go(), 30 * 24 * time.Hour, true},
	} {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Now: func() time.Time { return c.now }})
		w := rules.Watch()
		file := func(id string, at logs.Time, bucket string) {
			w.Begin(id, "logs/"+id)
			w.Delivered(c.delivered)
			r := row(at)
			r.BucketName = []byte(bucket)
			w.Row(r)
			applied(t, e, w.End(true))
		}
		for i := range 4 {
			file(fmt.Sprint("open", i), at(time.Duration(i)*time.Second), "amber-files")
		}
		for i := range 40 {
			file(fmt.Sprint("forged", i), at(c.forged), fmt.Sprint("other", i))
		}
		file("last", at(5*time.Second), "amber-files")
		mass := false
		for _, f := range out.all {
			mass = mass || f.Rule.Title == "Mass delete"
		}
		if mass == c.forgets {
			t.Errorf("%s: found the mass delete: %v, want %v", c.name, mass, !c.forgets)
		}
	}
}
