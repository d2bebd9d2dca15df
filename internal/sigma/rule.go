package sigma

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Level is how much a match matters. The zero Level is that of a rule that does
// not say; it counts as informational.
type Level uint8

// The levels of Sigma. From Medium on, a person should hear of it.
const (
	Unrated Level = iota
	Informational
	Low
	Medium
	High
	Critical
)

var levelNames = [...]string{"unrated", "informational", "low", "medium", "high", "critical"}

// String is the level as rules spell it.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// ParseLevel reads a level as rules spell it.
func ParseLevel(name string) (Level, bool) {
	for l := Informational; l <= Critical; l++ {
		if levelNames[l] == name {
			return l, true
		}
	}
	return Unrated, false
}

// About is what a document says about itself.
type About struct {
	ID             string // id; the name where there is none
	Name           string // how correlations and filters refer to the document
	Title          string
	Description    string
	Status         string
	Author         string
	Date           string
	Modified       string
	Level          Level
	Tags           []string // such as attack.t1530
	References     []string
	FalsePositives []string
	File           string // Source.Name
	Line           int    // of the document in the file, from 1
	Layer          int    // Source.Layer
	Text           string // the document as written
	Sluice         Extension
}

// Alerts tells whether a finding of the document is for a person, and not only
// for the table of findings.
func (a *About) Alerts() bool {
	if a.Sluice.Alert != nil {
		return *a.Sluice.Alert
	}
	return a.Level >= Medium
}

// Called is the shortest name that says which document is meant.
func (a *About) Called() string {
	for _, s := range []string{a.Name, a.ID, a.Title} {
		if s != "" {
			return s
		}
	}
	return "document without a name"
}

// Extension is the mapping `sluice:` of a document: what Sigma leaves open.
type Extension struct {
	Alert    *bool         // nil: by level
	GroupBy  []string      // detections: what makes two hits one incident; nil: the service's default
	Period   time.Duration // detections: one finding per rule, group and period; divides a day
	Requires []string      // placeholders without which the rule is idle
	Type     string        // finding type, such as Impact:S3/MassDelete
	Response string        // what to do, plain text
	Learn    time.Duration // first_seen: how long a group is only watched
	Hits     *yaml.Node    // records or runs on which the rule must match; nil: none
	Misses   *yaml.Node    // and on which it must not
}

// Rule is a detection document.
type Rule struct {
	About
	Index   int // in Set.Rules; -1 when idle
	Service string
	// Group names the fields of Sluice.GroupBy, GroupFields says where they are;
	// both are nil when the document has no group-by.
	Group       []string
	GroupFields []Field
	// Standalone is false for a rule that only serves correlations, none of
	// which says generate: true.
	Standalone bool
	Filters    []*Filter // site filters that were merged into the condition

	tree *node
}

// CorrelationType is how the events of a correlation are counted.
type CorrelationType string

// The types of correlations. FirstSeen is not of Sigma: it is our extension.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
	FirstSeen       CorrelationType = "first_seen"
)

// Condition is what a count, sum or average must reach: at least Threshold, or
// more than Threshold where Above is set. Conditions that only hold while few
// events are seen (lt, lte, eq, neq) do not exist here: they would be true until
// the rest of the log arrives.
type Condition struct {
	Fields    []string // fields whose values are counted, summed or new; value_count takes several
	Above     bool
	Threshold int64 // temporal: how many of the rules must match, all by default
}

// Least is the smallest whole number that fulfils the condition.
func (c Condition) Least() int64 {
	if c.Above {
		return c.Threshold + 1
	}
	return c.Threshold
}

// Ref is a document that a correlation is built on: a rule or another
// correlation.
type Ref struct {
	Name        string // as written: a name or an id
	Rule        *Rule  // or
	Correlation *Correlation
	// For a Rule: the fields of its records that GroupBy and Condition.Fields
	// mean, in their order.
	Group, Values []Field
	// For a Correlation: where in its own GroupBy they are.
	GroupFrom, ValuesFrom []int
}

// Correlation is a correlation document, checked and resolved.
type Correlation struct {
	About
	Index      int // in Set.Correlations; -1 when idle
	Type       CorrelationType
	Rules      []Ref
	GroupBy    []string
	Aliases    map[string]map[string]string // alias, rule name, field
	Timespan   time.Duration
	Condition  Condition
	Generate   bool   // the rules below give findings of their own, too
	Standalone bool   // as of Rule
	Service    string // that of all rules below; "" when they differ
}

// Filter is a filter document: a condition that is joined by "and" to that of
// other rules, so that a site can exclude what it knows without copying them.
type Filter struct {
	About
	Service string
	Rules   []string // names or ids; empty: every rule of the service
}

// Idle is a document that is in order and does nothing.
type Idle struct {
	About       *About
	Rule        *Rule        // one of the three
	Correlation *Correlation //
	Filter      *Filter      //
	Reason      string
}

// Problem is why a document, or a part of it, cannot be used.
type Problem struct {
	File   string // Source.Name
	Line   int    // from 1; 0 when the whole file is meant
	Rule   string // name, id or title of the document, as far as it could be read
	Field  string // field or key, as written
	Reason string // what is wrong and what would be right
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	for _, s := range []string{p.Rule, p.Field, p.Reason} {
		if s != "" {
			b.WriteString(": ")
			b.WriteString(s)
		}
	}
	return b.String()
}
