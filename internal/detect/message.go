package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// message is a finding that may have to be told, and the claim to it.
type message struct {
	*finding.Finding
	reached int64 // step that the value has reached
	updates bool
	begun   bool // its first message is told, or this file tells it
	claim   Claim
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// uid is the identity of a crossing.
func (y *tally) uid(c crossing) string {
	return finding.UID(y.target.about.ID, y.owner, y.pairs, y.target.shape.periodStart(c.period))
}

// finding says what a crossing is, as far as this file and the counter know.
func (r *run) finding(y *tally, c crossing, slots []Slot) *finding.Finding {
	t := y.target
	var at place
	if len(y.samples) > 0 {
		_, at = y.samples[0].read()
	}
	f := &finding.Finding{
		UID: y.uid(c), Step: 1,
		Rule:    t.rule(),
		Owner:   y.owner,
		Account: cmp.Or(at.account, r.config.Account),
		Region:  cmp.Or(at.region, r.config.Region),
		Bucket:  at.bucket,
		Group:   y.pairs,
		Period:  t.shape.periodStart(c.period), PeriodEnd: t.shape.periodStart(c.period + 1),
		Created: r.now,
		Count:   c.n, Measure: t.measure(), Value: c.value, AtLeast: c.capped, Threshold: t.least(),
		Alert:   t.about.Alerts(),
		Sources: []string{r.o.Key},
	}
	if t.kind == sigma.ValueAvg {
		f.Threshold = t.corr.Condition.Threshold
	}
	y.when(f, c)
	y.show(f, c, slots)
	if oldest := r.config.AlertMaxAge; oldest > 0 && f.Last < logs.TimeOf(r.now.Add(-oldest)) {
		f.Alert = false
	}
	return f
}

// when says when the first and the last record counted were made: to the
// millisecond where they stand in this file, else to the bin.
func (y *tally) when(f *finding.Finding, c crossing) {
	s := y.target.shape
	f.First, f.Last = s.start(c.first), s.start(c.last)
	if y.count == 0 {
		return
	}
	if s.binOf(y.first) == c.first {
		f.First = y.first
	}
	switch bin := s.binOf(y.latest); {
	case bin == c.last:
		f.Last = y.latest
	case bin > c.last:
		f.Last = max(f.First, s.start(c.last+1)-1000)
	}
	f.Last = max(f.First, f.Last)
}

// fewSamples are too few to judge by: then records of the same group from before
// and after the window are shown as well.
const fewSamples = 5

// show gives a finding its evidence: records of this file that fall into the
// window, and what other files kept for a pattern of several rules.
func (y *tally) show(f *finding.Finding, c crossing, slots []Slot) {
	s := y.target.shape
	from, to := s.start(c.first), s.start(c.last+1)
	within := func(e finding.Evidence) bool { return e.Time >= from && e.Time < to }
	var before []finding.Evidence // or after: of the group, but not of the window
	for _, s := range y.samples {
		if e, _ := s.read(); within(e) {
			f.Evidence = append(f.Evidence, e)
		} else {
			before = append(before, e)
		}
	}
	if lack := fewSamples - len(f.Evidence); lack > 0 {
		f.Evidence = append(f.Evidence, before[:min(lack, len(before))]...)
	}
	have := map[evidenceID]bool{}
	for _, e := range f.Evidence {
		have[idOf(e)] = true
	}
	other := func(e finding.Evidence) {
		if !within(e) || have[idOf(e)] {
			return
		}
		have[idOf(e)] = true
		f.Evidence = append(f.Evidence, e)
		if e.LogKey != "" && !slices.Contains(f.Sources, e.LogKey) {
			f.Sources = append(f.Sources, e.LogKey)
		}
	}
	for _, s := range y.others {
		e, _ := s.read()
		other(e)
	}
	for _, slot := range slots {
		for _, sample := range slot.Samples {
			var e finding.Evidence
			if json.Unmarshal(sample.Text, &e) == nil {
				other(e)
			}
		}
	}
	slices.SortStableFunc(f.Evidence, func(a, b finding.Evidence) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.LogKey, b.LogKey), cmp.Compare(a.LogLine, b.LogLine))
	})
	f.Evidence = f.Evidence[:min(len(f.Evidence), finding.MaxEvidence)]
	f.Sources = f.Sources[:min(len(f.Sources), finding.MaxSources)]
}

type evidenceID struct {
	key  string
	line int64
	time logs.Time
}

func idOf(e finding.Evidence) evidenceID {
	return evidenceID{e.LogKey[:min(len(e.LogKey), 256)], e.LogLine, e.Time}
}

// rule says in a finding what made it.
func (t *target) rule() finding.Rule {
	a := t.about
	text := sha256.Sum256([]byte(a.Text))
	level := a.Level
	if level == sigma.Unrated {
		level = sigma.Informational
	}
	return finding.Rule{
		ID: a.ID, Title: a.Title, Description: a.Description,
		Level: level.String(), Type: a.Sluice.Type, Response: a.Sluice.Response,
		Version: hex.EncodeToString(text[:4]),
		Service: t.service, Correlation: t.correlation(),
		Tags: a.Tags, FalsePositives: a.FalsePositives,
	}
}
