package detect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

// own loads one rule whose hits are the YAML given.
func own(t *testing.T, hits string) *sigma.About {
	t.Helper()
	rules, problems := detect.Load(detect.Options{NoShipped: true, User: []sigma.Source{{Name: "own.yml", Text: fmt.Appendf(nil,
		"title: T\nname: own\nlogsource: {product: aws, service: s3_server_access}\ndetection: {sel: {http_status: 200}, condition: sel}\nsluice:\n  hits: %s\n", hits)}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return &rules.Set.Rules[0].About
}

func TestExamplesAreRead(t *testing.T) {
	examples, err := detect.Examples(own(t, "[one, [two, {record: three, count: 4, every: 500ms, after: 8d}]]"))
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) != 2 || !examples[1].Hit || examples[1].Number != 2 || examples[1].Line != 6 {
		t.Fatalf("got %+v", examples)
	}
	want := []detect.Step{{Record: "two", Count: 1, Every: time.Second, After: time.Second},
		{Record: "three", Count: 4, Every: 500 * time.Millisecond, After: 8 * 24 * time.Hour}}
	for i, s := range examples[1].Steps {
		if s != want[i] {
			t.Errorf("step %d: got %+v, want %+v", i, s, want[i])
		}
	}
}

func TestExamplesThatAreNone(t *testing.T) {
	for hits, want := range map[string]string{
		"[[{count: 3}]]":               "record is missing",
		"[[{record: a, cuont: 3}]]":    "want record, count, every or after",
		"[[{record: a, count: 0}]]":    "want 1 to",
		"[[{record: a, count: many}]]": "invalid syntax",
		"[[{record: a, every: fast}]]": "not a span",
		"[[{record: a, every: -1s}]]":  "not a span",
		"[[{record: a, after: xd}]]":   "not a number of days",
		"[[[a]]]":                      "want a record",
		"[[]]":                         "no records",
		"[[{record: a, count: 60000}, {record: b, count: 60000}]]":      "more than 100000 records",
		"[[{record: " + strings.Repeat("a", 2000) + ", count: 60000}]]": "64 MiB",
	} {
		_, err := detect.Examples(own(t, hits))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "own: example 1 of sluice.hits") {
			t.Errorf("hits %.60s: error %v, want %q", hits, err, want)
		}
	}
}

// A correlation is tried with nothing beside it but what it is built on, so what
// fires is it.
func TestTryTellsACorrelationThatDoesNotDoWhatItSays(t *testing.T) {
	var base sigma.Source
	for _, s := range detect.Catalogue() {
		if s.Name == "rules/access_denied.yml" {
			base = s
		}
	}
	record := strings.Replace(firstExample(t, "access_denied"), "02/Mar/2026:10:15:00 +0000", "{time}", 1)
	for _, c := range []struct {
		count int
		key   string
		ok    bool
	}{{5, "hits", true}, {4, "hits", false}, {4, "misses", true}, {5, "misses", false}} {
		doc := fmt.Sprintf("title: T\nname: own\nid: 3a0f6b5e-1c2d-4e3f-8a9b-0c1d2e3f4a5b\nlevel: low\ncorrelation:\n  type: event_count\n  rules: [access_denied]\n  group-by: [bucket_name]\n"+
			"  timespan: 1m\n  condition: {gte: 5}\nsluice:\n  %s:\n    - - {count: %d, every: 5s, record: '%s'}\n", c.key, c.count, record)
		verdicts, problems := detect.Try(t.Context(), detect.Options{NoShipped: true, User: []sigma.Source{base, {Name: "own.yml", Text: []byte(doc)}}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		found := false
		for _, v := range verdicts {
			if v.About.Name == "own" {
				found = true
				if v.OK() != c.ok || v.Err != nil {
					t.Errorf("%d records as %s: ok %v, error %v", c.count, c.key, v.OK(), v.Err)
				}
			}
		}
		if !found {
			t.Errorf("%d records as %s: no verdict", c.count, c.key)
		}
	}
}
