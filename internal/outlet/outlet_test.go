package outlet

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/awsio"
	"sluice/internal/finding"
	"sluice/internal/sigma"
	"sluice/internal/table"
)

// topics is a publisher that notes the ids of messages by topic.
type topics struct {
	got    map[string][]string
	bodies []awsio.Message
	refuse string           // the id of a message
	fail   map[string]error // by topic
}

func (s *topics) Publish(_ context.Context, topic string, msgs []awsio.Message) (refused []awsio.Refusal, err error) {
	if s.got == nil {
		s.got = map[string][]string{}
	}
	for _, m := range msgs {
		if m.ID == s.refuse {
			refused = append(refused, awsio.Refusal{ID: m.ID, Why: "too\nlong"})
			continue
		}
		s.got[topic] = append(s.got[topic], m.ID)
		s.bodies = append(s.bodies, m)
	}
	return refused, s.fail[topic]
}

func found(uid, level string, alert bool) *finding.Finding {
	return &finding.Finding{
		UID: strings.Repeat("0", 31) + uid, Step: 1, Alert: alert, Bucket: "example-photos", Threshold: 1, Count: 1, Measure: "events",
		Rule:   finding.Rule{ID: "5c3c6f0e-0000-4000-8000-000000000001", Title: "Objects deleted", Level: level, Type: "Impact:S3/Delete"},
		Period: 1795305600000, PeriodEnd: 1795392000000, First: 1795310000000, Last: 1795310000000,
	}
}

func id(uid string) string { return strings.Repeat("0", 31) + uid + "-1" }

// shelf notes what it is given, unless it fails.
type shelf struct {
	fail  error
	names []string
	rows  []int64
}

func (s *shelf) Write(_ context.Context, staged []table.Object) error {
	if s.fail != nil {
		return s.fail
	}
	for _, o := range staged {
		s.names, s.rows = append(s.names, o.Name), append(s.rows, o.Rows)
	}
	return nil
}

type rig struct {
	*Outlet
	lake *shelf
	sns  *topics
	log  bytes.Buffer
}

func newRig(t *testing.T, c Config) *rig {
	t.Helper()
	r := &rig{lake: &shelf{}, sns: &topics{}}
	c.Shelf, c.Topics, c.Stage, c.Log = r.lake, r.sns, t.TempDir(), slog.New(slog.NewJSONHandler(&r.log, nil))
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.Outlet = o
	return r
}

var allTopics = Config{Findings: "json", Alerts: "mail", Chat: "chat", Level: sigma.Medium}

func TestOutletSends(t *testing.T) {
	fs := []*finding.Finding{found("a", "high", true), found("b", "medium", false), found("c", "low", true), found("d", "medium", true)}
	for _, c := range []struct {
		name   string
		config Config
		want   map[string][]string
	}{
		{"all topics", allTopics, map[string][]string{"json": {id("a"), id("c"), id("d")}, "mail": {id("a"), id("d")}, "chat": {id("a"), id("d")}}},
		{"fewer mails", Config{Findings: "json", Alerts: "mail", Level: sigma.High},
			map[string][]string{"json": {id("a"), id("c"), id("d")}, "mail": {id("a")}}},
		{"no topic", Config{Level: sigma.Medium}, nil},
	} {
		r := newRig(t, c.config)
		if err := r.Send(t.Context(), fs); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(r.sns.got, c.want); diff != "" {
			t.Errorf("%s: messages (-got +want):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(r.lake.rows, []int64{4}); diff != "" {
			t.Errorf("%s: rows (-got +want):\n%s", c.name, diff)
		}
		if n := r.Refusals(); n != 0 {
			t.Errorf("%s: %d refused", c.name, n)
		}
	}
}

func TestOutletSendsNothing(t *testing.T) {
	r := newRig(t, allTopics)
	if err := r.Send(t.Context(), nil); err != nil || r.lake.names != nil || r.sns.got != nil {
		t.Errorf("error %v, objects %q, messages %v", err, r.lake.names, r.sns.got)
	}
}

// The same findings again are the same object, in whatever order; the rows come
// before the messages, and one that breaks stops neither.
func TestOutletAgain(t *testing.T) {
	r := newRig(t, allTopics)
	a, b := found("a", "high", true), found("b", "high", true)

	r.lake.fail = errors.New("denied")
	if err := r.Send(t.Context(), []*finding.Finding{a, b}); err == nil || r.sns.got != nil {
		t.Errorf("rows not written: error %v, messages %v", err, r.sns.got)
	}
	r.lake.fail = nil
	r.sns.fail = map[string]error{"json": errors.New("throttled")}
	if err := r.Send(t.Context(), []*finding.Finding{b, a}); err == nil || !strings.Contains(err.Error(), "throttled") {
		t.Errorf("topic fails: error %v", err)
	}
	if len(r.sns.got["mail"]) != 2 || len(r.sns.got["chat"]) != 2 {
		t.Errorf("one topic fails, the others got %v", r.sns.got)
	}
	r.sns.fail = nil
	if err := r.Send(t.Context(), []*finding.Finding{a, b}); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := r.Send(t.Context(), []*finding.Finding{a}); err != nil {
		t.Errorf("one of them: %v", err)
	}
	if n := r.lake.names; len(n) != 3 || n[0] != n[1] || n[1] == n[2] {
		t.Errorf("objects %q, want the same twice, then another", n)
	}
}

// What SNS will never take is said and counted, and does not come again.
func TestOutletRefused(t *testing.T) {
	r := newRig(t, allTopics)
	r.sns.refuse = id("a")
	if err := r.Send(t.Context(), []*finding.Finding{found("a", "high", true), found("b", "high", true)}); err != nil {
		t.Fatal(err)
	}
	if refused := r.Refusals(); refused != 3 || len(r.sns.got["mail"]) != 1 {
		t.Errorf("%d refused, others got %v", refused, r.sns.got)
	}
	if got := r.log.String(); !strings.Contains(got, `"level":"ERROR"`) || !strings.Contains(got, id("a")) || strings.Contains(got, `too\nlong`) {
		t.Errorf("logged %s", got)
	}
}

func TestOutletLeavesNothingOnTheStage(t *testing.T) {
	stage := t.TempDir()
	o, err := New(Config{Shelf: &shelf{}, Topics: &topics{}, Stage: stage, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Send(t.Context(), []*finding.Finding{found("a", "high", true)}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(stage); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}
