package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

const cutRules = `
title: Read
name: read
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f01
status: test
level: informational
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: [GET, PUT]}, condition: sel}
---
title: Put
name: put
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f02
status: test
level: informational
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: PUT}, condition: sel}
---
title: Sum
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f03
status: test
level: high
correlation: {type: value_sum, rules: [read], group-by: [bucket_name, remote_ip], timespan: 1h, condition: {field: bytes_sent_size, gte: 1000000}}
---
title: Average
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f04
status: test
level: high
correlation: {type: value_avg, rules: [read], group-by: [bucket_name, remote_ip], timespan: 1h, condition: {field: bytes_sent_size, gte: 1000000}}
---
title: Distinct
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f05
status: test
level: high
correlation: {type: value_count, rules: [read], group-by: [bucket_name, remote_ip], timespan: 1h, condition: {field: key_name, gte: 20}}
---
title: Both
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f06
status: test
level: high
correlation: {type: temporal, rules: [read, put], group-by: [bucket_name, remote_ip], timespan: 1h}
---
title: New
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0f07
status: test
level: high
correlation: {type: first_seen, rules: [put], group-by: [bucket_name], timespan: 60d, condition: {field: remote_ip}}
sluice: {learn: 7d}
`

// A crowd that only has more hits does not hide who did more of what a rule
// measures.
func TestTheCutKeepsWhatIsMeasured(t *testing.T) {
	rules := load(t, cutRules)
	for _, crowd := range []int{50, detect.MaxGroups + 100} {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
		var rows []*s3access.Row
		for i := range crowd {
			for range 40 {
				rows = append(rows, row(at(0), op("GET"), sized(10), key("index.html"), from(fmt.Sprintf("198.51.%d.%d", i/200, i%200))))
			}
		}
		for i := range 21 { // fewer than each of the crowd, whatever is counted
			rows = append(rows, row(at(time.Minute), op([]string{"GET", "PUT"}[i%2]), sized(1<<30), key(fmt.Sprint("ledger", i)), from("203.0.113.9")))
		}
		applied(t, e, watched(rules.Watch(), "a", rows...))
		var got []string
		for _, f := range out.all {
			if f.Alert && f.Group[1].Value == "203.0.113.9" {
				got = append(got, f.Rule.Title)
			}
		}
		slices.Sort(got)
		if want := []string{"Average", "Both", "Distinct", "Sum"}; !slices.Equal(got, want) {
			t.Errorf("a crowd of %d: got %v, want %v", crowd, got, want)
		}
	}
}

// What is new has the fewest hits: beyond the cut each value has the same chance
// in each file, whatever the others do.
func TestTheCutGivesWhatIsNewItsChance(t *testing.T) {
	rules := load(t, cutRules)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for day := range 9 {
		for file := range 4 {
			var rows []*s3access.Row
			for i := range detect.MaxGroups + 100 {
				for range 2 {
					rows = append(rows, row(at(time.Duration(day)*24*time.Hour), op("PUT"), from(fmt.Sprintf("198.51.%d.%d", i/200, i%200))))
				}
			}
			if day == 8 {
				rows = append(rows, row(at(time.Duration(day)*24*time.Hour), op("PUT"), from("203.0.113.9")))
			}
			applied(t, e, watched(w, fmt.Sprint(day, file), rows...))
		}
	}
	var got []string
	for _, f := range out.all {
		if f.Rule.Title == "New" {
			got = append(got, f.Group[1].Value)
		}
	}
	if !slices.Equal(got, []string{"203.0.113.9"}) {
		t.Errorf("got %v as new, want the one address that is", got)
	}
}

// The same file gives the same choice, another file another one.
func TestTheCutIsTheSameForTheSameFile(t *testing.T) {
	rules := load(t, cutRules)
	choice := func(id string) []string {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
		var rows []*s3access.Row
		for i := range 2 * detect.MaxGroups {
			rows = append(rows, row(at(0), op("GET"), sized(2_000_000), from(fmt.Sprintf("2001:db8::%x", i))))
		}
		applied(t, e, watched(rules.Watch(), id, rows...))
		var all []string
		for _, f := range out.all {
			if f.Rule.Title == "Sum" {
				all = append(all, f.Group[1].Value)
			}
		}
		slices.Sort(all)
		return all
	}
	a := choice("a")
	if len(a) != detect.MaxGroups || !slices.Equal(a, choice("a")) {
		t.Errorf("got %d groups, want the same %d each time", len(a), detect.MaxGroups)
	}
	if slices.Equal(a, choice("b")) {
		t.Error("two files gave one choice: whoever knows it can hide from it")
	}
}

// A flood of requests from as many addresses costs a bounded number of writes, and
// hides nobody who does more than its members.
func TestAFloodCostsLittle(t *testing.T) {
	rules, problems := detect.Load(detect.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const lines, bound = 1000, 100
	for _, c := range []struct {
		name   string
		status int64
		code   string
	}{
		{"missing", 404, "NoSuchKey"}, {"no such credentials", 403, "InvalidAccessKeyId"}, {"denied", 403, "AccessDenied"},
	} {
		flood := func(limits detect.Limits, more ...*s3access.Row) (detect.Report, []*finding.Finding) {
			out := &sent{}
			e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: limits})
			var rows []*s3access.Row
			for i := range lines {
				rows = append(rows, anonymous(c.status, c.code, i, fmt.Sprintf("2001:db8:%x::1", i+1)))
			}
			return applied(t, e, watched(rules.Watch(), "a", append(rows, more...)...)), out.all
		}
		free, _ := flood(detect.Limits{})
		bounded, _ := flood(detect.DefaultLimits())
		if free.Written < 200 {
			t.Fatalf("%s: %d writes without limits: nothing is tested", c.name, free.Written)
		}
		if bounded.Written > bound {
			t.Errorf("%s: %d lines from as many addresses cost %d writes, want at most %d", c.name, lines, bounded.Written, bound)
		}
		t.Logf("%s: %d lines: %d writes, %d without limits", c.name, lines, bounded.Written, free.Written)

		var one []*s3access.Row
		for i := range 300 {
			one = append(one, anonymous(c.status, c.code, i, "192.0.2.77"))
		}
		_, found := flood(detect.DefaultLimits(), one...)
		if !slices.ContainsFunc(found, func(f *finding.Finding) bool {
			return slices.ContainsFunc(f.Group, func(p finding.Pair) bool { return p.Value == "192.0.2.77" })
		}) {
			t.Errorf("%s: the flood hides who asked 300 times", c.name)
		}
	}
}

// anonymous is a request without credentials that failed.
func anonymous(status int64, code string, n int, ip string) *s3access.Row {
	return row(at(0), op("REST.GET.OBJECT"), key(fmt.Sprint("k", n)), from(ip), func(r *s3access.Row) {
		r.Requester, r.RequesterName, r.RequesterType = nil, logs.Text("anonymous"), logs.Text("anonymous")
		r.Authenticated = logs.SomeBool(false)
		r.HTTPStatus, r.ErrorCode = logs.SomeInt(status), logs.Text(code)
	})
}

// Who does an eighth of what a rule asks for in each file is counted however many do
// more; who does one less is not.
func TestAnEighthIsCounted(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+strings.ReplaceAll(strings.Replace(massDelete, "[bucket_name, requester_name]", "[remote_ip]", 1), "gte: 5", "gte: 80"))
	for _, c := range []struct {
		each int
		want []string
	}{{10, []string{"203.0.113.9"}}, {9, nil}} {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Limits: detect.Limits{Groups: 2}})
		w := rules.Watch()
		for file := range 10 {
			var rows []*s3access.Row
			for i := range 4 { // others, in each file others
				for range 20 {
					rows = append(rows, row(at(0), from(fmt.Sprintf("198.51.%d.%d", file, i))))
				}
			}
			for range c.each {
				rows = append(rows, row(at(0), from("203.0.113.9")))
			}
			applied(t, e, watched(w, fmt.Sprint(file), rows...))
		}
		var got []string
		for _, f := range out.all {
			if f.Rule.Title == "Mass delete" && f.Step == 1 {
				got = append(got, f.Group[0].Value)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d in each file: told of %v, want %v", c.each, got, c.want)
		}
	}
}
