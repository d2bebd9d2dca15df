package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// target is what hits are counted for: the incidents of one detection rule, or
// one correlation.
type target struct {
	index int // in Rules.targets
	about *sigma.About
	corr  *sigma.Correlation // nil for a detection rule
	kind  sigma.CorrelationType
	// findings says that an event_count counts findings of other correlations. A
	// finding that goes on is one, so they are counted as distinct values are: by
	// their uids, in every bin in which they crossed.
	findings bool
	shape    shape
	names    []string // of the group
	// values is how many of names, at the end, are the values of a first_seen.
	values  int
	service string
	tells   bool // gives findings; else it only feeds its parents
	level   int  // 0: counts records only; n: counts findings of level n-1, too
	parents []parent

	often         int    // series of a pattern that matches records; -1 for none
	meaning       []byte // see meaningOf
	shared, noted string // counters that groups have together, if the target packs
}

// parent is a correlation that is built on the findings of another one.
type parent struct {
	target            *target
	series            int
	group, valuesFrom []int // places in the names of the child
}

// feed is what one rule gives to one target.
type feed struct {
	target        *target
	series        int
	counts        counts // what the target's kind and patterned say, for each hit
	patterned     bool
	group, values []sigma.Field
	asked         []int // places in Rules.asked of what the group is made of: group, and the values of a first_seen
}

// counts is what of a hit is counted.
type counts uint8

const (
	hits     counts = iota
	sums            // of a value
	averages        // of a value
	values          // that differ
	news            // values that were not there before
)

// countsOf is what a target counts.
func (t *target) countsOf() counts {
	switch t.kind {
	case sigma.ValueSum:
		return sums
	case sigma.ValueAvg:
		return averages
	case sigma.ValueCount:
		return values
	case sigma.FirstSeen:
		return news
	}
	return hits
}

// defaultGroups say what makes two hits one incident where the rule does not.
var defaultGroups = map[string][]string{
	"s3_server_access": {"bucket_name", "requester", "remote_ip"},
	"cloudtrail":       {"requestParameters.bucketName", "userIdentity.arn", "sourceIPAddress"},
}

// least is the smallest value that crosses.
func (t *target) least() int64 {
	if t.corr == nil {
		return 1
	}
	switch t.kind {
	case sigma.Temporal, sigma.TemporalOrdered:
		n := t.corr.Condition.Least()
		if n <= 0 || n > int64(len(t.corr.Rules)) {
			n = int64(len(t.corr.Rules))
		}
		return n
	case sigma.FirstSeen:
		return 1
	}
	return max(1, t.corr.Condition.Least())
}

// updates says whether an incident that grows is told again. Those of which only
// the fact is known are not, nor are those that nobody is told about: their rows
// say how large they were when they were found.
func (t *target) updates() bool {
	switch t.kind {
	case "", sigma.EventCount, sigma.ValueSum:
		return t.about.Alerts()
	}
	return false
}

// counted says whether what is seen of the target needs a counter. What is told once
// a period and never again does not.
func (t *target) counted() bool { return t.corr != nil || t.updates() }

// patterned says whether it matters which of the rules matched when.
func (t *target) patterned() bool {
	return t.kind == sigma.Temporal || t.kind == sigma.TemporalOrdered
}

// correlation is the type that the document says; "" for a detection rule.
func (t *target) correlation() string {
	if t.corr == nil {
		return ""
	}
	return string(t.corr.Type)
}

// owned says whether the owner of the log is part of an incident's identity. A
// correlation over both logs has none: they name owners differently.
func (t *target) owned() bool { return t.service != "" }

// measure says in a finding what Value counts.
func (t *target) measure() string {
	if t.corr == nil {
		return "events"
	}
	if t.findings {
		return "findings"
	}
	fields := strings.Join(t.corr.Condition.Fields, ", ")
	switch t.kind {
	case sigma.ValueCount:
		return "distinct " + fields
	case sigma.ValueSum:
		return "sum of " + fields
	case sigma.ValueAvg:
		return "average of " + fields
	case sigma.Temporal, sigma.TemporalOrdered:
		return "rules"
	case sigma.FirstSeen:
		return "new " + fields
	}
	return "events"
}

// counter names a counter of the target in the state.
func (t *target) counter(what, owner string, group []finding.Pair) string {
	sum := t.counterSum(what, owner, group)
	return hex.EncodeToString(sum[:])
}

// counterSum is the name of a counter before it is written out. What changes the
// meaning of its slots is part of the name, so that an edited rule begins anew instead
// of reading what another wrote. A file of a hundred lines asks for some two hundred.
func (t *target) counterSum(what, owner string, group []finding.Pair) (sum [16]byte) {
	var room [512]byte
	b := putText(room[:0], "sluice-counter-1")
	b = putText(b, what)
	b = append(b, t.meaning...)
	b = putText(b, owner)
	for _, p := range group {
		b = putText(b, p.Name)
		if p.Null {
			b = putNumber(b, -1)
		} else {
			b = putText(b, p.Value)
		}
	}
	h := sha256.Sum256(b)
	return [16]byte(h[:])
}

// meaningOf is what counters of the target have in their names, whoever they are of.
func (t *target) meaningOf() []byte {
	b := putText(nil, t.about.ID)
	b = putText(b, string(t.kind))
	for _, n := range []int64{t.shape.bin, t.shape.window, t.shape.slot, int64(t.values)} {
		b = putNumber(b, n)
	}
	if t.kind == sigma.ValueCount {
		b = putNumber(b, t.least()) // the sets are no larger
	}
	if t.corr != nil {
		for _, f := range t.corr.Condition.Fields {
			b = putText(b, f)
		}
		b = putNumber(b, int64(len(t.corr.Rules)))
	}
	return b
}

func putText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func putNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

// aim makes the targets of a set and says which rule feeds which.
func (r *Rules) aim(lookup func(service, name string) (sigma.Field, bool)) {
	r.feeds = make([][]feed, len(r.Set.Rules))
	r.asked = map[string][]sigma.FieldID{}
	for _, rule := range r.Set.Rules {
		if !rule.Standalone {
			continue
		}
		names, fields := rule.Group, rule.GroupFields
		if names == nil {
			for _, name := range defaultGroups[rule.Service] {
				if f, ok := lookup(rule.Service, name); ok {
					names, fields = append(names, name), append(fields, f)
				}
			}
		}
		t := r.target(&rule.About, nil, names, rule.Service, true)
		r.feed(rule, feed{target: t, group: fields})
	}
	of := map[*sigma.Correlation]*target{}
	for _, c := range r.Set.Correlations {
		if limitsOf(c) != nil {
			continue
		}
		names := c.GroupBy
		if c.Type == sigma.FirstSeen {
			names = slices.Concat(names, c.Condition.Fields)
		}
		t := r.target(&c.About, c, names, c.Service, c.Standalone)
		of[c] = t
		for series, ref := range c.Rules {
			switch {
			case ref.Rule != nil && ref.Rule.Index >= 0:
				r.feed(ref.Rule, feed{target: t, series: series, group: ref.Group, values: ref.Values})
			case ref.Correlation != nil && of[ref.Correlation] != nil:
				child := of[ref.Correlation]
				child.parents = append(child.parents, parent{t, series, ref.GroupFrom, ref.ValuesFrom})
				t.level = max(t.level, child.level+1)
			}
		}
	}
	for _, t := range r.targets {
		if t.often = t.oftenOf(); t.packs() {
			t.shared, t.noted = t.shape.shared("sets"), t.shape.shared("notes")
		}
		r.levels = max(r.levels, t.level+1)
	}
}

// feed notes what a rule gives to a target, and what has to be asked of its records
// for that.
func (r *Rules) feed(rule *sigma.Rule, f feed) {
	f.counts, f.patterned = f.target.countsOf(), f.target.patterned()
	fields := f.group
	if f.target.kind == sigma.FirstSeen {
		fields = slices.Concat(f.group, f.values)
	}
	all := r.asked[rule.Service]
	for _, field := range fields {
		at := slices.Index(all, field.ID)
		if at < 0 {
			at = len(all)
			all = append(all, field.ID)
		}
		f.asked = append(f.asked, at)
	}
	r.asked[rule.Service] = all
	r.feeds[rule.Index] = append(r.feeds[rule.Index], f)
}

// ofFindings says whether a correlation is built on others.
func ofFindings(c *sigma.Correlation) bool {
	return slices.ContainsFunc(c.Rules, func(ref sigma.Ref) bool { return ref.Correlation != nil })
}

func (r *Rules) target(about *sigma.About, c *sigma.Correlation, names []string, service string, tells bool) *target {
	t := &target{index: len(r.targets), about: about, corr: c, names: names, service: service, tells: tells}
	var timespan time.Duration
	if c != nil {
		t.kind, timespan = c.Type, c.Timespan
		switch {
		case c.Type == sigma.FirstSeen:
			t.values = len(c.Condition.Fields)
		case c.Type == sigma.EventCount && ofFindings(c):
			t.kind, t.findings = sigma.ValueCount, true
		}
	}
	t.shape = shapeOf(t.kind, timespan, about.Sluice.Period)
	t.meaning = t.meaningOf()
	r.targets = append(r.targets, t)
	return t
}
