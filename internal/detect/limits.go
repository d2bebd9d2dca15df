package detect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// Limits keep a storm of incidents from becoming a storm of messages. A finding
// beyond them is still a row of the table findings; only its Alert is taken away,
// and one finding an hour says that this was done. A limit of 0 is none.
type Limits struct {
	PerFile   int // alerts of one Apply
	PerRule   int // alerts of one rule in one hour of the clock
	PerMinute int // alerts of all rules in one minute of the clock
}

// DefaultLimits are for topics that people read: a mailbox that gets more than
// ten messages a second is taken off its topic.
func DefaultLimits() Limits { return Limits{PerFile: 25, PerRule: 20, PerMinute: 60} }

// LimitRule is the id of the rule that findings about limits are of.
const LimitRule = "sluice-alert-limit"

// budget is a number of alerts in a stretch of the clock.
type budget struct {
	name string // "" for all rules
	slot int64
	size int
	each time.Duration
}

func (b budget) key() string {
	h := sha256.Sum256([]byte("sluice-limit-1\x00" + b.each.String() + "\x00" + b.name))
	return hex.EncodeToString(h[:16])
}

// limit takes the alert away from findings that are too many, the least severe
// first, and adds the findings that say so.
func (r *run) limit(ctx context.Context, ms []message) ([]message, error) {
	var alerts []message
	for _, m := range ms {
		if m.Alert {
			alerts = append(alerts, m)
		}
	}
	if len(alerts) == 0 {
		return ms, nil
	}
	slices.SortStableFunc(alerts, func(a, b message) int {
		return cmp.Compare(severity(b), severity(a))
	})
	l := r.config.Limits
	over := map[string][]message{} // by rule; "" for what concerns all rules
	if l.PerFile > 0 && len(alerts) > l.PerFile {
		over[""] = append(over[""], alerts[l.PerFile:]...)
		alerts = alerts[:l.PerFile]
	}
	within := func(size int, each time.Duration, name func(m message) string, under func(m message) string) error {
		if size <= 0 || len(alerts) == 0 {
			return nil
		}
		ok, err := r.spend(ctx, alerts, func(m message) budget {
			return budget{name(m), floorDiv(r.now.Unix(), int64(each/time.Second)), size, each}
		})
		if err != nil {
			return err
		}
		var kept []message
		for i, m := range alerts {
			if ok[i] {
				kept = append(kept, m)
			} else {
				over[under(m)] = append(over[under(m)], m)
			}
		}
		alerts = kept
		return nil
	}
	rule := func(m message) string { return m.Rule.ID }
	all := func(message) string { return "" }
	if err := within(l.PerRule, time.Hour, rule, rule); err != nil {
		return nil, err
	}
	if err := within(l.PerMinute, time.Minute, all, all); err != nil {
		return nil, err
	}
	more, err := r.summarise(ctx, over)
	return append(ms, more...), err
}

func severity(m message) sigma.Level {
	l, _ := sigma.ParseLevel(m.Rule.Level)
	return l
}

// spend takes one place of its budget for each message. Who has a place keeps it
// when he asks again.
func (r *run) spend(ctx context.Context, ms []message, of func(m message) budget) ([]bool, error) {
	adds := make([]Add, len(ms))
	spans := make([]Span, len(ms))
	for i, m := range ms {
		b := of(m)
		id := sha256.Sum256([]byte(m.MessageUID()))
		adds[i] = Add{Key: b.key(), Rule: LimitRule, Slot: b.slot, Elements: []string{string(id[:8])}, Cap: b.size,
			Until: logs.TimeOf(r.now.Add(b.each)), Keep: 2 * b.each}
		spans[i] = Span{Key: b.key(), Rule: LimitRule, From: b.slot, To: b.slot}
	}
	if err := r.state.Add(ctx, adds); err != nil {
		return nil, err
	}
	read, err := r.state.Read(ctx, spans)
	if err != nil {
		return nil, err
	}
	ok := make([]bool, len(ms))
	for i, slots := range read {
		for _, s := range slots {
			ok[i] = ok[i] || slices.Contains(s.Elements, adds[i].Elements[0])
		}
	}
	return ok, nil
}

// summarise takes the alerts away and makes the findings that say so: one a rule
// and hour, and one an hour for limits over all rules.
func (r *run) summarise(ctx context.Context, over map[string][]message) ([]message, error) {
	var all []message
	var claims []Claim
	for _, rule := range sorted(over) {
		ms := over[rule]
		for _, m := range ms {
			m.Alert = false
			r.report.Limited++
		}
		m := r.summary(rule, ms)
		all = append(all, m)
		claims = append(claims, m.claim)
	}
	if len(all) == 0 {
		return nil, nil
	}
	grants, err := r.state.Claim(ctx, r.now, claims)
	if err != nil {
		return nil, err
	}
	var granted []message
	for i, g := range grants {
		if g == Granted {
			granted = append(granted, all[i])
		}
	}
	return granted, nil
}

func (r *run) summary(rule string, ms []message) message {
	hour := r.now.UTC().Truncate(time.Hour)
	first := ms[0].Finding
	title, group := "More incidents than alerts are sent for", []finding.Pair{{Name: "limit", Value: "all rules"}}
	if rule != "" {
		title, group = "More sources: "+first.Rule.Title, []finding.Pair{{Name: "rule", Value: rule}}
	}
	f := &finding.Finding{
		UID:  finding.UID(LimitRule, "", group, logs.TimeOf(hour)),
		Step: 1,
		Rule: finding.Rule{
			ID: LimitRule, Title: title, Level: severity(ms[0]).String(),
			Description: "So many incidents were found at once that alerts are held back until the next hour. Nothing is lost: every finding is a row of the table findings.",
			Response:    "Query the table findings for the last hour. If the incidents are known, exclude them with a filter or a longer list in the site file.",
			Type:        "Sluice/AlertLimit",
		},
		Account: r.config.Account, Region: r.config.Region,
		Group:  group,
		Period: logs.TimeOf(hour), PeriodEnd: logs.TimeOf(hour.Add(time.Hour)),
		First: first.First, Last: first.Last, Created: r.now,
		Count: int64(len(ms)), Measure: "alerts held back", Value: int64(len(ms)), Threshold: 1,
		Alert: true, Sources: []string{r.o.Key},
	}
	for _, m := range ms {
		f.First, f.Last = min(f.First, m.First), max(f.Last, m.Last)
	}
	return message{Finding: f, reached: 1, claim: Claim{
		UID: f.UID, Step: 1, Covers: []int64{1}, Owner: r.o.File,
		Until: r.now.Add(r.config.ClaimFor), Keep: 2 * time.Hour, Forget: logs.TimeOf(hour.Add(2 * time.Hour)),
	}}
}
