package awsio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/testaws"
)

const topic = "arn:aws:sns:eu-central-1:111122223333:findings"

func startSNS(t *testing.T) (*SNS, *testaws.SNS) {
	t.Helper()
	testaws.NewS3(t).Setenv(t) // credentials and Region
	fake := testaws.NewSNS(t)
	fake.Setenv(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSNS(cfg)
	s.pause = time.Microsecond
	return s, fake
}

// numbered are n messages whose bodies begin with their number.
func numbered(n, size int) []Message {
	all := make([]Message, n)
	for i := range all {
		all[i] = Message{ID: fmt.Sprintf("uid-%d", i), Body: fmt.Sprintf("<%d>", i) + strings.Repeat("x", size)}
	}
	return all
}

func TestPublishCarriesEverything(t *testing.T) {
	s, fake := startSNS(t)
	_, err := s.Publish(t.Context(), topic, []Message{
		{ID: "a", Subject: "[HIGH] Deleted - b", Body: "line 1\nline 2 é & < = +", Attributes: []Attribute{
			{"severity", "String", "High"}, {"severity_id", "Number", "4"}, {"techniques", "String.Array", `["T1485"]`}}},
		{ID: "b", Body: "{}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []testaws.Message{
		{Subject: "[HIGH] Deleted - b", Body: "line 1\nline 2 é & < = +", Attributes: map[string]string{
			"severity": "String High", "severity_id": "Number 4", "techniques": `String.Array ["T1485"]`}},
		{Body: "{}", Attributes: map[string]string{}},
	}
	if diff := cmp.Diff(fake.Messages(topic), want); diff != "" {
		t.Errorf("received (-got +want):\n%s", diff)
	}
}

func TestPublishKeepsLimits(t *testing.T) {
	s, fake := startSNS(t)
	for _, c := range []struct {
		name    string
		msgs    []Message
		calls   int
		arrive  int
		refused []string
	}{
		{"none", nil, 0, 0, nil},
		{"ten", numbered(10, 10), 1, 10, nil},
		{"eleven", numbered(11, 10), 2, 11, nil},
		{"two do not fit", numbered(3, 200_000), 3, 3, nil},
		{"exactly full", []Message{{ID: "a", Body: strings.Repeat("x", 262144-13),
			Attributes: []Attribute{{"name", "String", "val"}}}}, 1, 1, nil},
		{"too large between others", slices.Concat(numbered(2, 10), []Message{{ID: "large", Body: strings.Repeat("x", 262145)}}, numbered(2, 10)),
			1, 4, []string{"large"}},
		{"no body", []Message{{ID: "empty"}, {ID: "a", Body: "x"}}, 1, 1, []string{"empty"}},
		{"a value that SNS refuses", []Message{{ID: "bad", Body: "x", Attributes: []Attribute{{"bucket", "String", ""}}}, {ID: "a", Body: "x"}},
			1, 1, []string{"bad"}},
	} {
		got, err := s.Publish(t.Context(), topic, c.msgs)
		var refused []string
		for _, r := range got {
			refused = append(refused, r.ID)
		}
		if diff := cmp.Diff(refused, c.refused); diff != "" || err != nil {
			t.Errorf("%s: error %v, refused (-got +want):\n%s", c.name, err, diff)
		}
		if calls, got := fake.Calls(), fake.Messages(topic); calls != c.calls || len(got) != c.arrive {
			t.Errorf("%s: %d messages in %d calls, want %d in %d", c.name, len(got), calls, c.arrive, c.calls)
		}
	}
}

// What SNS did not take is tried again, and only that.
func TestPublishPartialFailure(t *testing.T) {
	for _, c := range []struct {
		name  string
		fail  int
		calls int
		err   []string
	}{
		{"in the end it goes", 4, 5, nil},
		{"it never goes", 99, 5, []string{"1 of 3 messages", "message uid-1: InternalError: try again"}},
	} {
		s, fake := startSNS(t)
		fake.FailMessage("<1>", c.fail)
		refused, err := s.Publish(t.Context(), topic, numbered(3, 10))
		if (err == nil) != (c.err == nil) || refused != nil {
			t.Errorf("%s: refused %v, error %v", c.name, refused, err)
		}
		for _, want := range c.err {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q, want %q in it", c.name, err, want)
			}
		}
		seen := map[string]int{}
		for _, m := range fake.Messages(topic) {
			seen[m.Body[:3]]++
		}
		want := map[string]int{"<0>": 1, "<1>": 1, "<2>": 1}
		if c.err != nil {
			delete(want, "<1>")
		}
		if diff := cmp.Diff(seen, want); diff != "" || fake.Calls() != c.calls {
			t.Errorf("%s: arrived (-got +want):\n%s", c.name, diff)
		}
	}
}

func TestPublishCallFails(t *testing.T) {
	s, fake := startSNS(t)
	fake.Fail(testaws.SlowDown, testaws.LostResponse)
	if _, err := s.Publish(t.Context(), topic, numbered(1, 10)); err != nil {
		t.Errorf("throttled, then without an answer: %v", err)
	}
	if got := fake.Messages(topic); len(got) != 2 {
		t.Errorf("%d messages, want the one and its copy: nobody knew that it had arrived", len(got))
	}

	// One call is denied; the other messages are tried nevertheless.
	fake.Fail(testaws.Denied)
	_, err := s.Publish(t.Context(), topic, numbered(12, 10))
	if err == nil || !strings.Contains(err.Error(), "10 of 12 messages") || !strings.Contains(err.Error(), "AuthorizationError") {
		t.Errorf("got error %v", err)
	}
	if got := fake.Messages(topic); len(got) != 2 {
		t.Errorf("%d messages, want those of the second call", len(got))
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Publish(ctx, topic, numbered(1, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: got error %v", err)
	}
}
