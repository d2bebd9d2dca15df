package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// blind are the rules behind an alert that a forged line does not reach, with the
// reason why that is right or has no remedy. ambiguous_line tells of the line
// itself, whatever it hides.
var blind = map[string]string{
	"access_denied":          "refused is what a forged line pretends not to be; counted as refused, it would make a burst and then, as a read, the success after it",
	"anonymous_refused":      "a forged read counts as anonymous_read, which is graver",
	"authentication_failure": "the error code is the only thing that tells it",
	"large_object_read":      "of bytes that nobody knows there is no sum; mass_download_objects counts the objects",
	"object_served":          "the first stranger in a bucket is told once; a forged request that was refused must not use that up",
	"offensive_tool":         "the User-Agent is the requester's own: who can forge it can leave it out",
	"presigned_use":          "the key of the link stands in the request line only",
}

// TestForgedLinesDoNotHide: a requester who writes quotes into his request makes
// the columns behind it NULL. What a rule behind an alert finds in a line, it
// finds in the same line with a forged request too.
func TestForgedLinesDoNotHide(t *testing.T) {
	rules, problems := detect.Load(detect.Options{Site: detect.ExampleSite()})
	for _, p := range problems {
		t.Error(p)
	}
	w := rules.Watch()
	seen := map[string]bool{}
	for _, rule := range behindAlerts(rules) {
		if rule.Service != "s3_server_access" {
			continue
		}
		found := false
		for _, e := range must(detect.Examples(&rule.About)) {
			line := e.Steps[0].Record
			row := lineOf(t, forged(line))
			if !e.Hit || row == nil || !row.Ambiguous() || row.HTTPStatus.OK {
				continue
			}
			found = found || slices.Contains(w.Matches(row), rule)
		}
		if _, known := blind[rule.Name]; known {
			seen[rule.Name] = true
			if found {
				t.Errorf("%s finds forged lines, and is said not to", rule.Name)
			}
		} else if !found {
			t.Errorf("%s finds none of its hits when their request is forged", rule.Name)
		}
	}
	for name := range blind {
		if !seen[name] {
			t.Errorf("%s is no rule behind an alert", name)
		}
	}
}

// TestForgedLinesAreOneMessage: whoever sends forged requests from many addresses
// makes no more messages than from one.
func TestForgedLinesAreOneMessage(t *testing.T) {
	rules := shipped(t)
	line := forged(firstExample(t, "anonymous_refused"))
	if strings.Count(line, " 192.0.2.10 ") != 1 {
		t.Fatal("the example has no address to change")
	}
	for _, address := range []string{"198.51.100.%d", "2001:db8:1:2::%d", "2001:db8:1:%d::1"} {
		w := rules.Watch()
		w.Begin("file", "logs/file")
		for i := range 110 {
			w.Row(lineOf(t, strings.Replace(line, "192.0.2.10", fmt.Sprintf(address, i+1), 1)))
		}
		alerts, _ := incidents(t, rules, apply(t, rules, []*detect.Observed{w.End(true)}, 1))
		if len(alerts) != 1 || !strings.HasPrefix(alerts[0], "ambiguous_line in example-reports of ") {
			t.Errorf("%s: %q", address, alerts)
		}
	}
}

func must(examples []detect.Example, err error) []detect.Example {
	if err != nil {
		panic(err)
	}
	return examples
}

// behindAlerts are the rules that alert, and those that correlations which alert
// are built on.
func behindAlerts(rules *detect.Rules) []*sigma.Rule {
	var all []*sigma.Rule
	add := func(r *sigma.Rule) {
		if r != nil && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	var below func(c *sigma.Correlation)
	below = func(c *sigma.Correlation) {
		for _, ref := range c.Rules {
			add(ref.Rule)
			if ref.Correlation != nil {
				below(ref.Correlation)
			}
		}
	}
	for _, r := range rules.Set.Rules {
		if r.Alerts() && r.Standalone {
			add(r)
		}
	}
	for _, c := range rules.Set.Correlations {
		if c.Alerts() {
			below(c)
		}
	}
	return all
}

// forged puts an answer of its own into the request line.
func forged(line string) string {
	return strings.Replace(line, ` HTTP/1.1" `, `?x=" 403 AccessDenied 1 1 1 1 "-" "x HTTP/1.1" `, 1)
}

func lineOf(t *testing.T, line string) *s3access.Row {
	t.Helper()
	for row, err := range s3access.Format.NewReader().Read(&logs.Input{Key: "logs/forged"}, strings.NewReader(line+"\n")) {
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	return nil
}
