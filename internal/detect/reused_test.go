package detect

import (
	"fmt"
	"testing"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

const reusedRules = `
title: Read
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0d01
name: read
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.GET.OBJECT}, condition: sel}
sluice: {group-by: [remote_ip]}
---
title: Put
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0d02
name: put
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.PUT.OBJECT}, condition: sel}
sluice: {group-by: [remote_ip]}
---
title: Keys
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0d03
status: test
level: low
correlation: {type: value_count, rules: [read], group-by: [remote_ip], timespan: 1h, condition: {field: key_name, gte: 100}}
---
title: Both
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0d04
status: test
level: low
correlation: {type: temporal, rules: [read, put], group-by: [remote_ip], timespan: 1h}
`

// What a part leaves is used by the next one: groups that were dropped, and the memory
// in which their samples lay. Nothing that is kept may change by that, whether it was
// seen in the part before or goes on for many; nor may what another file left.
func TestWhatIsDroppedIsUsedAgain(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "reused.yml", Text: []byte(reusedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	w := rules.Watch()
	const parts, steady, each = 6, "203.0.113.1", 3 * MaxGroups
	var before *Observed
	for file := range 3 {
		w.Begin(fmt.Sprint(file), "logs/a")
		fresh := 0
		for part := range parts {
			row := func(op, ip string) {
				n := w.records
				w.Row(&s3access.Row{
					RequestTime: logs.Time(n), LogLine: logs.Int64(n), Operation: logs.Text(op), BucketName: logs.Text("b"),
					RemoteIP: logs.Text(ip), KeyName: fmt.Append(nil, file, "/", ip, "/", op, "/", n),
				})
			}
			for i := range each {
				row("REST.GET.OBJECT", fmt.Sprintf("2001:db8:%d:%d::%d", file, part, i))
				if i == each/2 {
					row("REST.GET.OBJECT", steady)
				}
				if i == each/2 && part == 3 { // the other rule of a group that is whole by then
					row("REST.PUT.OBJECT", steady)
				}
			}
			spare := len(w.spare)
			w.endPart()
			fresh += max(0, len(w.spare)-spare)
		}
		if fresh == 0 || len(w.shelf.spare) == 0 {
			t.Fatalf("file %d: %d groups and %d pieces to use again: shows nothing", file, len(w.spare), len(w.shelf.spare))
		}
		o := w.End(true)
		sameSamples(t, o)
		if before != nil {
			sameSamples(t, before)
		}
		before = o
	}
}

// sameSamples tells whether all samples are of their groups and their file.
func sameSamples(t *testing.T, o *Observed) {
	t.Helper()
	checked := 0
	for _, g := range o.groups {
		ip := g.pairs()[0].Value
		check := func(s sample, op string) {
			t.Helper()
			checked++
			e, _ := s.read()
			if want := fmt.Sprint(o.File, "/", ip, "/", e.Operation, "/", e.LogLine); e.Key != want || e.RemoteIP != ip || op != "" && e.Operation != op {
				t.Fatalf("sample of %s of file %s: got %+v, want that of %q", ip, o.File, e, want)
			}
		}
		for _, s := range g.samples {
			check(s, "")
		}
		for _, f := range g.firsts {
			check(f.sample, [...]string{"REST.GET.OBJECT", "REST.PUT.OBJECT"}[f.series])
		}
		var n int64
		for _, c := range g.cells {
			n += c.n
		}
		if n != g.count || g.target.kind == sigma.ValueCount && int64(len(g.marks)) != g.count {
			t.Fatalf("%s: %d records in cells and %d marks, want %d", ip, n, len(g.marks), g.count)
		}
	}
	if checked < 3*MaxGroups {
		t.Fatalf("%d samples: too few to show anything", checked)
	}
}
