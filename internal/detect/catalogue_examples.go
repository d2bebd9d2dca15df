package detect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sluice/internal/sigma"
)

// ExampleSite is the site that the examples of the shipped rules are written
// for. It is not what runs: there, a placeholder is empty until a site fills it.
func ExampleSite() sigma.Site {
	return sigma.Site{
		"own_accounts":       {"111122223333"},
		"partner_accounts":   {"777788889999"},
		"public_buckets":     {"open-data"},
		"approved_networks":  {"192.0.2.0/24", "10.0.0.0/8"},
		"threat_networks":    {"203.0.113.0/24"},
		"sensitive_keys":     {"*payroll*"},
		"ignored_requesters": {"arn:aws:sts::111122223333:assumed-role/sluice-*"},
	}
}

// Example is one of a rule's own examples (sluice.hits, sluice.misses): raw
// records on which the rule must match, or must not. It is the rule's test and,
// for a reader, its plainest description.
type Example struct {
	Hit    bool
	Number int // among the hits, or among the misses, from 1
	Line   int // of the rule's document
	Steps  []Step
}

// Step is one raw record, or Count copies of it, Every apart, the first After
// the record before it. In each copy {time} stands for its time, in the form of
// its log, and {i} for its number from 1.
type Step struct {
	Record string
	Count  int
	Every  time.Duration
	After  time.Duration
}

// A run of examples is held in memory, and whoever writes a rule says how long
// it is.
const (
	maxExampleRecords = 100_000
	maxExampleBytes   = 64 << 20
)

// exampleStart is the time of the first record of an example: any will do that
// leaves room in its day and its hour.
var exampleStart = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// Examples reads the examples of a document: hits first.
func Examples(about *sigma.About) ([]Example, error) {
	var all []Example
	for _, list := range []struct {
		node *yaml.Node
		hit  bool
		name string
	}{{about.Sluice.Hits, true, "hits"}, {about.Sluice.Misses, false, "misses"}} {
		if list.node == nil {
			continue
		}
		for i, n := range list.node.Content {
			steps, err := readRun(n)
			if err != nil {
				return nil, fmt.Errorf("%s: example %d of sluice.%s: %w", about.Called(), i+1, list.name, err)
			}
			all = append(all, Example{Hit: list.hit, Number: i + 1, Line: n.Line, Steps: steps})
		}
	}
	return all, nil
}

// readRun reads a record, or a list of steps.
func readRun(n *yaml.Node) ([]Step, error) {
	if n.Kind != yaml.SequenceNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n}}
	}
	var steps []Step
	records, size := 0, 0
	for _, m := range n.Content {
		s, err := readStep(m)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		records += s.Count
		size += s.Count * (len(s.Record) + len("[02/Mar/2026:10:00:00 +0000]"))
		if records > maxExampleRecords || size > maxExampleBytes {
			return nil, fmt.Errorf("more than %d records, or %d MiB", maxExampleRecords, maxExampleBytes>>20)
		}
	}
	if records == 0 {
		return nil, fmt.Errorf("no records")
	}
	return steps, nil
}

func readStep(n *yaml.Node) (Step, error) {
	s := Step{Count: 1, Every: time.Second, After: time.Second}
	if n.Kind == yaml.ScalarNode {
		s.Record = n.Value
		return s, nil
	}
	if n.Kind != yaml.MappingNode {
		return s, fmt.Errorf("line %d: want a record, or record, count, every and after", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1].Value
		var err error
		switch key {
		case "record":
			s.Record = value
		case "count":
			s.Count, err = strconv.Atoi(value)
			if err == nil && (s.Count < 1 || s.Count > maxExampleRecords) {
				err = fmt.Errorf("want 1 to %d", maxExampleRecords)
			}
		case "every":
			s.Every, err = exampleSpan(value)
		case "after":
			s.After, err = exampleSpan(value)
		default:
			err = fmt.Errorf("want record, count, every or after")
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %s: %w", n.Content[i].Line, key, err)
		}
	}
	if s.Record == "" {
		return s, fmt.Errorf("line %d: record is missing", n.Line)
	}
	return s, nil
}

// exampleSpan reads a duration as Go writes it, and days.
func exampleSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 3660 {
			return 0, fmt.Errorf("%q is not a number of days", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 3660*24*time.Hour {
		return 0, fmt.Errorf("%q is not a span such as 200ms, 10s, 5m, 2h or 8d", text)
	}
	return d, nil
}

// texts writes the records out: lines of access logs, and CloudTrail records.
func (e *Example) texts() (lines, records []string) {
	at := exampleStart
	for i, s := range e.Steps {
		if i > 0 {
			at = at.Add(s.After)
		}
		for n := range s.Count {
			if n > 0 {
				at = at.Add(s.Every)
			}
			trail := strings.HasPrefix(s.Record, "{")
			form := "02/Jan/2006:15:04:05 -0700"
			if trail {
				form = "2006-01-02T15:04:05Z"
			}
			text := strings.NewReplacer("{time}", at.Format(form), "{i}", strconv.Itoa(n+1)).Replace(s.Record)
			if trail {
				records = append(records, text)
			} else {
				lines = append(lines, text)
			}
		}
	}
	return lines, records
}
