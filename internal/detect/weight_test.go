package detect

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

const weighedRules = `
title: Read
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0b01
name: read
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.GET.OBJECT}, condition: sel}
---
title: Distinct
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0b02
status: test
level: low
correlation: {type: value_count, rules: [read], group-by: [bucket_name], timespan: 1h, condition: {field: key_name, gte: 5000}}
---
title: Of each agent
id: 6f0b4a53-2c1e-4f0a-9a51-5f1f6b1c0b03
status: test
level: low
correlation: {type: event_count, rules: [read], group-by: [user_agent], timespan: 1h, condition: {gte: 5000}}
`

// What a part holds weighs at least what it takes, whatever it is that there is much
// of: groups, long values of them, values that are counted, or evidence.
func TestAPartWeighsWhatItTakes(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "weighed.yml", Text: []byte(weighedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	long := strings.Repeat("l", maxText)
	for name, of := range map[string]func(r *s3access.Row, i int){
		"groups":      func(r *s3access.Row, i int) { r.UserAgent = fmt.Append(nil, i) },
		"long values": func(r *s3access.Row, i int) { r.UserAgent = fmt.Append(nil, i, strings.Repeat(long, 8)) },
		"values":      func(r *s3access.Row, i int) { r.KeyName = fmt.Append(nil, i) },
		"evidence": func(r *s3access.Row, i int) {
			r.RequestURI, r.Requester, r.ErrorCode, r.RequestID, r.LogKey = logs.Text(long), logs.Text(long), logs.Text(long), logs.Text(long), logs.Text(long)
			r.UserAgent = fmt.Append(nil, i)
		},
	} {
		w := rules.Watch()
		w.Begin("a", "logs/a")
		for i := range 3000 {
			r := &s3access.Row{Operation: logs.Text("REST.GET.OBJECT"), BucketName: logs.Text("b"), KeyName: logs.Text("k")}
			of(r, i)
			before := w.part
			if w.Row(r); w.part != before {
				break
			}
			takes := 0
			if i%500 == 499 {
				samples := map[*byte]bool{}
				for _, g := range w.began {
					takes += int(unsafe.Sizeof(*g)) + len(g.key) + int(unsafe.Sizeof(mark{}))*2*len(g.marks)
					for _, s := range g.samples {
						if !samples[&s[0]] {
							takes += len(s)
						}
						samples[&s[0]] = true
					}
				}
			}
			if w.weight < takes {
				t.Fatalf("%s: after %d records a part weighs %d and takes %d", name, i+1, w.weight, takes)
			}
		}
	}
}

// What a file leaves in memory is not its successor's.
func TestAFileBeginsWithNothing(t *testing.T) {
	rules, problems := Load(Options{NoShipped: true, User: []sigma.Source{{Name: "weighed.yml", Text: []byte(weighedRules)}}})
	for _, p := range problems {
		t.Fatal(p)
	}
	w := rules.Watch()
	for range 2 {
		w.Begin("a", "logs/a")
		if n := len(w.marks) + len(w.kept) + len(w.began) + w.groups.groups + w.weight + w.part; n > 0 || w.owner != "" {
			t.Errorf("%d marks, %d groups, weight %d, part %d", len(w.marks), w.groups.groups, w.weight, w.part)
		}
		for i := range 500 {
			w.Row(&s3access.Row{Operation: logs.Text("REST.GET.OBJECT"), BucketOwnerID: logs.Text("o"), BucketName: logs.Text("b"), KeyName: fmt.Append(nil, i)})
		}
		if len(w.marks) != 500 {
			t.Fatalf("%d marks, want 500", len(w.marks))
		}
	}
}
