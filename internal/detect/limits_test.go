package detect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

func sources(n, of int) []*s3access.Row {
	var rows []*s3access.Row
	for i := range n {
		rows = append(rows, row(at(0), from(fmt.Sprintf("203.0.113.%d", of*50+i))))
	}
	return rows
}

// tiers counts findings: those for a person, those only for the table, and those
// about limits.
func (s *sent) tiers() (alerts, table, about int) {
	for _, f := range s.all {
		switch {
		case f.Rule.ID == detect.LimitRule:
			about++
		case f.Alert:
			alerts++
		default:
			table++
		}
	}
	return alerts, table, about
}

func TestLimits(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	for _, c := range []struct {
		name                 string
		limits               detect.Limits
		alerts, table, about int
	}{
		{"none", detect.Limits{}, 90, 0, 0},
		{"a file", detect.Limits{PerFile: 10}, 30, 60, 1},
		{"a rule and hour", detect.Limits{PerRule: 20}, 20, 70, 1},
		{"a minute", detect.Limits{PerMinute: 40}, 40, 50, 1},
		{"all", detect.Limits{PerFile: 10, PerRule: 20, PerMinute: 15}, 15, 75, 2},
	} {
		out := &sent{}
		now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
		state := detect.NewMemory()
		limited := int64(0)
		for file := range 3 {
			e := detect.NewEngine(rules, state, out, detect.Config{Limits: c.limits, Now: func() time.Time { return now }})
			o := watched(rules.Watch(), fmt.Sprint(file), sources(30, file)...)
			limited += applied(t, e, o).Limited
			applied(t, e, o)
		}
		alerts, table, about := out.tiers()
		if alerts != c.alerts || table != c.table || limited != int64(c.table) {
			t.Errorf("%s: got %d alerts, %d for the table, %d limited, want %d and %d", c.name, alerts, table, limited, c.alerts, c.table)
		}
		if about != c.about {
			t.Errorf("%s: got %d findings about limits, want %d", c.name, about, c.about)
		}
		now = now.Add(time.Hour)
		e := detect.NewEngine(rules, state, out, detect.Config{Limits: c.limits, Now: func() time.Time { return now }})
		applied(t, e, watched(rules.Watch(), "later", row(at(0), from("198.51.100.1"))))
		if !out.all[len(out.all)-1].Alert {
			t.Errorf("%s: an hour later: got no alert", c.name)
		}
	}
}

// TestAlertMaxAge: what logs of long ago tell is found and kept, and wakes nobody.
func TestAlertMaxAge(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	const limit = 15 * 24 * time.Hour
	for _, c := range []struct {
		name  string
		age   time.Duration // of the records, at(0)
		max   time.Duration
		alert bool
	}{
		{"no limit", 3650 * 24 * time.Hour, 0, true},
		{"fresh", time.Hour, limit, true},
		{"as old as may be", limit, limit, true},
		{"a second older", limit + time.Second, limit, false},
		{"years", 3650 * 24 * time.Hour, limit, false},
		{"dated later than today", -48 * time.Hour, limit, true},
	} {
		out := &sent{}
		now := at(0).Go().Add(c.age)
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{
			AlertMaxAge: c.max, Limits: detect.DefaultLimits(), Now: func() time.Time { return now },
		})
		r := applied(t, e, watched(rules.Watch(), "a", row(at(0), from("203.0.113.9"))))
		if len(out.all) != 1 || out.all[0].Alert != c.alert || r.Findings[sigma.High] != 1 || r.Limited != 0 || (r.Alerts == 1) != c.alert {
			t.Errorf("%s: got %s, %+v", c.name, out.list(), r)
		}
	}
}

func TestTheGravestAlertsStay(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "medium")+massDelete)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: detect.Limits{PerFile: 1}})
	docs := sources(6, 0)
	applied(t, e, watched(rules.Watch(), "a", docs...))
	for _, f := range out.all {
		if f.Alert != (f.Rule.Title == "Mass delete" || f.Rule.ID == detect.LimitRule) {
			t.Errorf("%s: alert is %v", f.Rule.Title, f.Alert)
		}
	}
	if !slices.ContainsFunc(out.all, func(f *finding.Finding) bool { return f.Rule.Title == "Mass delete" }) {
		t.Error("got no mass delete")
	}
}

func TestLevels(t *testing.T) {
	docs := fmt.Sprintf(deletes, "low")
	for _, c := range []struct {
		docs  string
		min   sigma.Level
		want  int
		alert bool
	}{
		{docs, 0, 1, false},
		{docs, sigma.Low, 1, false},
		{docs, sigma.Medium, 0, false},
		{docs + "sluice: {alert: true}\n", 0, 1, true},
		{fmt.Sprintf(deletes, "critical") + "sluice: {alert: false}\n", sigma.High, 1, false},
	} {
		rules := load(t, c.docs)
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{MinLevel: c.min})
		applied(t, e, watched(rules.Watch(), "a", row(at(0))))
		if len(out.all) != c.want || c.want == 1 && out.all[0].Alert != c.alert {
			t.Errorf("%s from %v: got %s", c.docs, c.min, out.list())
		}
	}
}

// failing refuses what it is sent.
type failing struct{}

func (failing) Send(context.Context, []*finding.Finding) error { return errors.New("topic is gone") }

func TestWhatCouldNotBeSentIsSentLater(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	state := detect.NewMemory()
	o := watched(rules.Watch(), "a", row(at(0)))
	_, err := detect.NewEngine(rules, state, failing{}, detect.Config{}).Apply(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "logs/a") || !strings.Contains(err.Error(), "topic is gone") {
		t.Errorf("got %v, want an error that names file and reason", err)
	}
	out := &sent{}
	applied(t, detect.NewEngine(rules, state, out, detect.Config{}), o)
	if len(out.all) != 1 {
		t.Errorf("got %d findings, want 1", len(out.all))
	}
}

func TestOtherRulesAreRefused(t *testing.T) {
	a, b := load(t, fmt.Sprintf(deletes, "high")), load(t, fmt.Sprintf(deletes, "high"))
	o := watched(a.Watch(), "a", row(at(0)))
	if _, err := detect.NewEngine(b, detect.NewMemory(), &sent{}, detect.Config{}).Apply(t.Context(), o); err == nil {
		t.Error("got no error for what other rules saw")
	}
}

// On a laptop every growth is told, and the last one says how large it became,
// whether or not it is for a person.
func TestEveryGrowthIsTold(t *testing.T) {
	rules := load(t, strings.Replace(fmt.Sprintf(deletes, "low")+massDelete, "  type: event_count", "  type: event_count\n  generate: true", 1))
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Every: true})
	w := rules.Watch()
	last := map[string]int64{}
	for i := range 8 {
		o := watched(w, fmt.Sprint(i), row(at(time.Duration(i)*time.Minute)))
		applied(t, e, o)
		applied(t, e, o)
	}
	for _, f := range out.all {
		last[f.Rule.Title] = f.Count
	}
	if last["Object deleted"] != 8 || last["Mass delete"] != 8 {
		t.Errorf("got %v, want 8 of each", last)
	}
}

// Years of logs take no more memory than the windows that are open.
func TestMemoryForgets(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high")+simRules)
	memory := detect.NewMemory()
	e := detect.NewEngine(rules, memory, &sent{}, detect.Config{Now: func() time.Time { return at(365 * 24 * time.Hour).Go() }})
	w := rules.Watch()
	var early, late int
	for hour := range 24 * 120 {
		var rows []*s3access.Row
		for i := range 5 {
			rows = append(rows, row(at(time.Duration(hour)*time.Hour+time.Duration(i)*time.Minute), key(fmt.Sprint(hour, i)),
				from(fmt.Sprintf("198.51.100.%d", hour%200)), op([]string{"REST.DELETE.OBJECT", "REST.PUT.OBJECT"}[i%2])))
		}
		applied(t, e, watched(w, fmt.Sprint(hour), rows...))
		if hour > 24*10 && hour < 24*30 {
			early = max(early, memory.Live())
		}
		late = memory.Live()
	}
	if late > early || early == 0 {
		t.Errorf("got %d entries after four months, at most %d in the first", late, early)
	}
}

// One file with a date of its own does not make Memory forget the others.
func TestMemoryIsNotMisledByOneDate(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for i := range 40 {
		applied(t, e, watched(w, fmt.Sprint("quiet", i), row(at(time.Duration(i)*time.Second), from(fmt.Sprint(i)), func(r *s3access.Row) { r.RequesterName = nil; r.BucketName = []byte(fmt.Sprint(i)) })))
	}
	for i := range 5 {
		applied(t, e, watched(w, fmt.Sprint("odd", i), row(at(100*365*24*time.Hour))))
		applied(t, e, watched(w, fmt.Sprint(i), row(at(time.Duration(i)*time.Second))))
	}
	if got := out.uids(); len(got) != 2 {
		t.Errorf("got %v, want the mass delete of the day, and that of the odd date", got)
	}
}
