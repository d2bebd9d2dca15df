package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs/s3access"
)

// noise are rules of one level on one operation, and a critical one on another.
func noise(rules int, level string) string {
	var b strings.Builder
	for i := range rules {
		fmt.Fprintf(&b, `
title: Noise %d
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0d%02d
status: test
level: %s
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: NOISE}, condition: sel}
sluice: {group-by: [bucket_name, remote_ip]}
---`, i, i, level)
	}
	return b.String() + `
title: Grave
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0e01
status: test
level: critical
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: GRAVE}, condition: sel}
sluice: {group-by: [bucket_name]}
`
}

// Whoever makes many lesser alerts silences no graver one: not that of another
// rule, nor the message that says that graver ones were held back.
func TestNoiseSilencesNothingGraver(t *testing.T) {
	for _, level := range []string{"medium", "high"} {
		for _, count := range []int{3, 4, 20} {
			rules := load(t, noise(count, level))
			out := &sent{}
			now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
			e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: detect.DefaultLimits(), Now: func() time.Time { return now }})
			w := rules.Watch()
			limited := int64(0)
			for file := range 16 {
				var rows []*s3access.Row
				for i := range 8 {
					rows = append(rows, row(at(0), op("NOISE"), from(fmt.Sprintf("203.0.113.%d", file*8+i))))
				}
				limited += applied(t, e, watched(w, fmt.Sprint("noise", file), rows...)).Limited
			}
			if limited == 0 {
				t.Fatalf("%d rules of level %s: nothing was held back: nothing is tested", count, level)
			}
			before := len(out.all)
			applied(t, e, watched(w, "grave", row(at(time.Hour), op("GRAVE"))))
			if after := out.all[before:]; len(after) != 1 || after[0].Rule.Title != "Grave" || !after[0].Alert {
				t.Errorf("%d rules of level %s: got %d findings after the noise, want the grave one, as an alert", count, level, len(after))
			}
			// Now the grave ones are too many, too; that is said although it was said of the others.
			before = len(out.all)
			for file := range 8 {
				var rows []*s3access.Row
				for i := range 20 {
					rows = append(rows, row(at(time.Hour), op("GRAVE"), func(r *s3access.Row) { r.BucketName = []byte(fmt.Sprint("b", file*20+i)) }))
				}
				applied(t, e, watched(w, fmt.Sprint("graves", file), rows...))
			}
			about := slices.ContainsFunc(out.all[before:], func(f *finding.Finding) bool {
				return f.Rule.ID == detect.LimitRule && f.Rule.Level == "critical" && f.Alert
			})
			if !about {
				t.Errorf("%d rules of level %s: nobody says that critical alerts were held back", count, level)
			}
		}
	}
}

// One rule with many groups does not take the places of the others of its level.
func TestRulesTakeTurns(t *testing.T) {
	docs := noise(1, "critical")
	rules := load(t, docs)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: detect.Limits{PerFile: 5}})
	rows := []*s3access.Row{row(at(0), op("GRAVE"))}
	for i := range 50 {
		rows = append(rows, row(at(0), op("NOISE"), from(fmt.Sprintf("203.0.113.%d", i))))
	}
	applied(t, e, watched(rules.Watch(), "a", rows...))
	for _, f := range out.all {
		if f.Rule.Title == "Grave" && !f.Alert {
			t.Error("the one incident of a rule gave way to fifty of another")
		}
	}
}

// An incident that was held back when it began is told as news when it grows, and
// as an update after that.
func TestAHeldBackIncidentIsToldAsNews(t *testing.T) {
	rules := load(t, noise(1, "high"))
	out := &sent{}
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: detect.Limits{PerRule: 1}, Now: func() time.Time { return now }})
	w := rules.Watch()
	hits := func(name, ip string, n int) {
		t.Helper()
		var rows []*s3access.Row
		for range n {
			rows = append(rows, row(at(0), op("NOISE"), from(ip)))
		}
		applied(t, e, watched(w, name, rows...))
		now = now.Add(time.Hour)
	}
	var rows []*s3access.Row
	for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
		rows = append(rows, row(at(0), op("NOISE"), from(ip)))
	}
	applied(t, e, watched(w, "first", rows...))
	now = now.Add(time.Hour)
	var heard, held string
	for _, f := range out.all {
		switch ip := f.Group[1].Value; {
		case f.Rule.ID == detect.LimitRule:
		case f.Alert:
			heard = ip
		default:
			held = ip
		}
	}
	if heard == "" || held == "" {
		t.Fatalf("got %s, want one alert and one held back", out.list())
	}
	for i, c := range []struct {
		ip      string
		n       int
		step    int64
		unheard bool
	}{
		{heard, 20, 10, false}, {held, 20, 10, true}, {heard, 200, 100, false}, {held, 200, 100, false},
	} {
		hits(fmt.Sprint("more", i), c.ip, c.n)
		f := out.all[len(out.all)-1]
		if f.Group[1].Value != c.ip || f.Step != c.step || f.Unheard != c.unheard || !f.Alert {
			t.Errorf("%+v: got step %d of %v, unheard %v, alert %v", c, f.Step, f.Group, f.Unheard, f.Alert)
		}
	}
}
