package detect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// Limits keep a storm of incidents from becoming a storm of messages. A finding
// beyond them is still a row of the table findings; only its Alert is taken away,
// and one finding a level or rule and hour says that this was done. A limit of 0
// is none.
//
// Each level has places of its own, so that nobody can silence a grave alert by
// making many lesser ones, which is cheap; nor do those take any that are below
// the level from which a topic gets mail.
type Limits struct {
	PerFile   int // alerts of one level of one Apply
	PerRule   int // alerts of one rule in one hour of the clock
	PerMinute int // alerts of one level in one minute of the clock
	Grave     int // how many times as many there may be of levels high and critical; 0: once
	// Groups is how many groups of a rule one file adds to its counters: see
	// matter. It keeps a flood of requests from as many addresses from costing as
	// many calls of the state.
	Groups int
}

// DefaultLimits are for a state that costs money for each call, and for topics
// that people read: a mailbox that gets more than ten messages a second is taken
// off its topic, and together the levels may have seven.
func DefaultLimits() Limits {
	return Limits{PerFile: 25, PerRule: 20, PerMinute: 60, Grave: 2, Groups: 32}
}

// of is a limit for a level.
func (l Limits) of(limit int, level sigma.Level) int {
	if level >= sigma.High {
		return limit * max(1, l.Grave)
	}
	return limit
}

// LimitRule is the id of the rule that findings about limits are of.
const LimitRule = "sluice-alert-limit"

// budget is a number of alerts in a stretch of the clock.
type budget struct {
	name string // of a rule or a level
	slot int64
	size int
	each time.Duration
}

func (b budget) key() string {
	h := sha256.Sum256([]byte("sluice-limit-2\x00" + b.each.String() + "\x00" + b.name))
	return hex.EncodeToString(h[:16])
}

// crowd is what one finding about limits is about: alerts of a level, and of one
// rule or, with "", of all.
type crowd struct {
	level sigma.Level
	rule  string
}

// limit takes the alert away from findings that are too many, and adds the
// findings that say so.
func (r *run) limit(ctx context.Context, ms []message) ([]message, error) {
	alerts := inTurn(ms)
	if len(alerts) == 0 {
		return ms, nil
	}
	l := r.config.Limits
	over := map[crowd][]message{}
	var kept []message
	if l.PerFile > 0 {
		n := map[sigma.Level]int{}
		for _, m := range alerts {
			level := severity(m)
			if n[level]++; n[level] > l.of(l.PerFile, level) {
				over[crowd{level, ""}] = append(over[crowd{level, ""}], m)
			} else {
				kept = append(kept, m)
			}
		}
		alerts = kept
	}
	within := func(limit int, each time.Duration, name func(m message) string, rule func(m message) string) error {
		if limit <= 0 || len(alerts) == 0 {
			return nil
		}
		ok, err := r.spend(ctx, alerts, func(m message) budget {
			return budget{name(m), floorDiv(r.now.Unix(), int64(each/time.Second)), l.of(limit, severity(m)), each}
		})
		if err != nil {
			return err
		}
		var kept []message
		for i, m := range alerts {
			if ok[i] {
				kept = append(kept, m)
			} else {
				c := crowd{severity(m), rule(m)}
				over[c] = append(over[c], m)
			}
		}
		alerts = kept
		return nil
	}
	rule := func(m message) string { return m.Rule.ID }
	level := func(m message) string { return severity(m).String() }
	none := func(message) string { return "" }
	if err := within(l.PerRule, time.Hour, rule, rule); err != nil {
		return nil, err
	}
	if err := within(l.PerMinute, time.Minute, level, none); err != nil {
		return nil, err
	}
	if err := r.unheard(ctx, alerts, over); err != nil {
		return nil, err
	}
	more, err := r.summarise(ctx, over)
	return append(ms, more...), err
}

// inTurn are the alerts: the gravest first, and of a level each rule's first
// before any rule's second, so that no rule takes all places.
func inTurn(ms []message) []message {
	type turn struct {
		message
		n int // of its rule
	}
	var all []turn
	n := map[string]int{}
	for _, m := range ms {
		if m.Alert {
			all = append(all, turn{m, n[m.Rule.ID]})
			n[m.Rule.ID]++
		}
	}
	slices.SortStableFunc(all, func(a, b turn) int {
		return cmp.Or(cmp.Compare(severity(b.message), severity(a.message)), cmp.Compare(a.n, b.n))
	})
	alerts := make([]message, len(all))
	for i, t := range all {
		alerts[i] = t.message
	}
	return alerts
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

// summarise takes the alerts away and makes the findings that say so: one a
// level, or a level and rule, and hour.
func (r *run) summarise(ctx context.Context, over map[crowd][]message) ([]message, error) {
	var all []message
	var claims []Claim
	crowds := slices.SortedFunc(maps.Keys(over), func(a, b crowd) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(a.rule, b.rule))
	})
	for _, c := range crowds {
		ms := over[c]
		for _, m := range ms {
			m.Alert = false
			r.report.Limited++
		}
		m := r.summary(c, ms)
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

func (r *run) summary(c crowd, ms []message) message {
	hour := r.now.UTC().Truncate(time.Hour)
	first := ms[0].Finding
	level := c.level.String()
	title, group := "More incidents than alerts are sent for, level "+level, finding.Pair{Name: "limit", Value: "all rules"}
	if c.rule != "" {
		title, group = "More sources: "+first.Rule.Title, finding.Pair{Name: "rule", Value: c.rule}
	}
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: LimitRule, Title: title, Level: level,
			Description: "So many incidents of this level were found at once that alerts about further ones are held back until the next hour. Other levels are not concerned. Nothing is lost: every finding is a row of the table findings.",
			Response:    "Query the table findings for the last hour. If the incidents are known, exclude them with a filter or a longer list in the site file.",
			Type:        "Sluice/AlertLimit",
		},
		Account: r.config.Account, Region: r.config.Region,
		Group:  []finding.Pair{group, {Name: "level", Value: level}},
		Period: logs.TimeOf(hour), PeriodEnd: logs.TimeOf(hour.Add(time.Hour)),
		First: first.First, Last: first.Last, Created: r.now,
		Count: int64(len(ms)), Measure: "alerts held back", Value: int64(len(ms)), Threshold: 1,
		Alert: true, Sources: []string{r.o.Key},
	}
	f.UID = finding.UID(LimitRule, "", f.Group, f.Period)
	for _, m := range ms {
		f.First, f.Last = min(f.First, m.First), max(f.Last, m.Last)
	}
	return message{Finding: f, reached: 1, claim: Claim{
		UID: f.UID, Step: 1, Covers: []int64{1}, Owner: r.o.File,
		Until: r.now.Add(r.config.ClaimFor), Keep: 2 * time.Hour, Forget: logs.TimeOf(hour.Add(2 * time.Hour)),
	}}
}
