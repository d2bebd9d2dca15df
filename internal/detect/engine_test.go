package detect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// sent is an Outlet that keeps what it is given.
type sent struct{ all []*finding.Finding }

func (s *sent) Send(_ context.Context, fs []*finding.Finding) error {
	s.all = append(s.all, fs...)
	return nil
}

// list is what was sent, one a line.
func (s *sent) list() string {
	var b strings.Builder
	for _, f := range s.all {
		fmt.Fprintf(&b, "%s step=%d count=%d value=%d alert=%v", f.Rule.Title, f.Step, f.Count, f.Value, f.Alert)
		for _, p := range f.Group {
			if p.Null {
				fmt.Fprintf(&b, " %s=null", p.Name)
			} else {
				fmt.Fprintf(&b, " %s=%s", p.Name, p.Value)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func load(t testing.TB, docs string) *detect.Rules {
	t.Helper()
	rules, problems := loadUser(docs)
	for _, p := range problems {
		t.Fatal(p)
	}
	return rules
}

// at is a time of the test's day, which begins at midnight UTC.
func at(d time.Duration) logs.Time {
	return logs.TimeOf(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC).Add(d))
}

// row is a request; change makes it another.
func row(t logs.Time, change ...func(*s3access.Row)) *s3access.Row {
	r := &s3access.Row{
		BucketOwnerID: logs.Text("79a5aa11"), BucketName: logs.Text("amber-files"), RequestTime: t,
		RemoteIP: logs.Text("192.0.2.10"), Requester: logs.Text("arn:aws:iam::111122223333:user/wren"),
		RequesterName: logs.Text("wren"), RequestID: logs.Text("R1"), Operation: logs.Text("REST.DELETE.OBJECT"),
		KeyName: logs.Text("a/b"), HTTPStatus: logs.SomeInt(204), ParseStatus: logs.Text("clean"),
		LogKey: logs.Text("logs/1"), LogLine: 1,
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func key(k string) func(*s3access.Row)   { return func(r *s3access.Row) { r.KeyName = logs.Text(k) } }
func from(ip string) func(*s3access.Row) { return func(r *s3access.Row) { r.RemoteIP = logs.Text(ip) } }
func op(o string) func(*s3access.Row)    { return func(r *s3access.Row) { r.Operation = logs.Text(o) } }
func sized(n int64) func(*s3access.Row) {
	return func(r *s3access.Row) { r.BytesSentSize = logs.SomeInt(n) }
}

// watched is one file of rows.
func watched(w *detect.Watcher, id string, rows ...*s3access.Row) *detect.Observed {
	w.Begin(id, "logs/"+id)
	for _, r := range rows {
		w.Row(r)
	}
	return w.End(true)
}

const deletes = `
title: Object deleted
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a01
name: deleted
status: test
level: %s
logsource: {product: aws, service: s3_server_access}
detection:
  sel: {operation: REST.DELETE.OBJECT}
  condition: sel
`

const massDelete = `---
title: Mass delete
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a02
name: mass_delete
status: test
level: high
correlation:
  type: event_count
  rules: [deleted]
  group-by: [bucket_name, requester_name]
  timespan: 10m
  condition: {gte: 5}
`

func TestAnIncidentIsToldOnceAndWhenItGrows(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for i := range 12 {
		o := watched(w, fmt.Sprint(i), row(at(time.Duration(i)*time.Minute)))
		for range 2 { // every file twice
			if _, err := e.Apply(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := "Object deleted step=1 count=1 value=1 alert=true bucket_name=amber-files requester=arn:aws:iam::111122223333:user/wren remote_ip=192.0.2.10\n" +
		"Object deleted step=10 count=10 value=10 alert=true bucket_name=amber-files requester=arn:aws:iam::111122223333:user/wren remote_ip=192.0.2.10\n"
	if got := out.list(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestEventsAreCountedOverFiles(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for i := range 5 {
		if got := out.list(); got != "" {
			t.Fatalf("after %d events: got %s", i, got)
		}
		if _, err := e.Apply(t.Context(), watched(w, fmt.Sprint(i), row(at(time.Duration(i)*time.Minute)))); err != nil {
			t.Fatal(err)
		}
	}
	want := "Mass delete step=1 count=5 value=5 alert=true bucket_name=amber-files requester_name=wren\n"
	if got := out.list(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// loadUser loads documents that may have problems.
// While the first message is another file's to tell, a later one is no reason to
// forget it: that file comes again.
func TestTheFirstMessageIsToldThoughALaterOneWas(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	state, out := detect.NewMemory(), &sent{}
	config := detect.Config{Now: func() time.Time { return at(0).Go() }}
	e := detect.NewEngine(rules, state, out, config)
	w := rules.Watch()
	first := watched(w, "a", row(at(0)))
	if _, err := detect.NewEngine(rules, state, failing{}, config).Apply(t.Context(), first); err == nil {
		t.Fatal("the outlet does not fail")
	}
	var more []*s3access.Row
	for range 10 {
		more = append(more, row(at(time.Second)))
	}
	applied(t, e, watched(w, "b", more...))
	applied(t, e, first)
	var steps []int64
	for _, f := range out.all {
		steps = append(steps, f.Step)
	}
	if !slices.Equal(steps, []int64{10, 1}) {
		t.Errorf("got steps %v, want 10, then 1", steps)
	}
}

func loadUser(docs string) (*detect.Rules, []sigma.Problem) {
	return detect.Load(detect.Options{NoShipped: true, User: []sigma.Source{{Name: "test.yml", Text: []byte(docs)}}})
}
