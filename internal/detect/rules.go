package detect

import (
	"fmt"

	"sluice/internal/detect/record"
	"sluice/internal/sigma"
)

// Options is what Load reads beside the shipped rules.
type Options struct {
	NoShipped bool           // only User's documents
	User      []sigma.Source // a user's documents: they replace shipped ones of the same id
	Site      sigma.Site
	SiteFile  string // what Problems call the file that Site is from
}

// Placeholders are the names that a site file need not have: they are empty
// lists until it does, and an empty list matches nothing.
func Placeholders() []string {
	return []string{
		"own_accounts", "partner_accounts", "public_buckets", "restricted_buckets", "approved_networks",
		"threat_networks", "sensitive_keys", "ignored_requesters",
	}
}

// Rules is a loaded set of rules, ready to watch and to count. It never changes;
// watchers and engines share it.
type Rules struct {
	Set *sigma.Set

	trail   *record.TrailSchema
	targets []*target
	feeds   [][]feed                   // by Rule.Index
	asked   map[string][]sigma.FieldID // by service: what groups are made of
	levels  int                        // correlations upon correlations: how many rounds it takes
}

// MaxDistinct is the largest threshold of a value_count: a counter holds that
// many values of a group at once.
const MaxDistinct = 10_000

// MaxOrdered is the largest number of rules of a temporal correlation: a counter
// holds when each of them matched.
const MaxOrdered = 16

// Load reads the shipped rules and a user's. A document that cannot be used is a
// Problem and leaves all others as they are; Rules is never nil.
func Load(o Options) (*Rules, []sigma.Problem) {
	var sources []sigma.Source
	if !o.NoShipped {
		sources = Catalogue()
	}
	for _, s := range o.User {
		s.Layer = max(1, s.Layer)
		sources = append(sources, s)
	}
	access, trail := record.AccessSchema(), record.NewTrailSchema(o.Site["own_accounts"])
	set, problems := sigma.Load(sources, sigma.Options{
		Schemas: []sigma.Schema{access, trail},
		Site:    o.Site, SiteFile: o.SiteFile,
		Known: Placeholders(),
	})
	for _, c := range set.Correlations {
		problems = append(problems, limitsOf(c)...)
	}
	r := &Rules{Set: set, trail: trail}
	r.aim(func(service, name string) (sigma.Field, bool) {
		if service == trail.Service() {
			return trail.Lookup(name)
		}
		return access.Lookup(name)
	})
	return r, problems
}

// limitsOf says why a correlation cannot be counted; nil when it can.
func limitsOf(c *sigma.Correlation) []sigma.Problem {
	problem := func(field, format string, args ...any) []sigma.Problem {
		return []sigma.Problem{{File: c.File, Line: c.Line, Rule: c.Called(), Field: field, Reason: fmt.Sprintf(format, args...)}}
	}
	if least := c.Condition.Least(); c.Type == sigma.ValueCount && least > MaxDistinct {
		return problem("condition", "at most %d distinct values can be counted, not %d: use event_count, or a query over the table", MaxDistinct, least)
	}
	if n := len(c.Rules); n > MaxOrdered && (c.Type == sigma.Temporal || c.Type == sigma.TemporalOrdered) {
		return problem("rules", "at most %d rules can follow each other, not %d", MaxOrdered, n)
	}
	if c.Type == sigma.EventCount && ofFindings(c) {
		if least := c.Condition.Least(); least > MaxDistinct {
			return problem("condition", "at most %d findings can be counted, not %d", MaxDistinct, least)
		}
		for _, ref := range c.Rules {
			if ref.Correlation == nil {
				return problem("rules", "%s is a rule, others are correlations: records and findings cannot be counted together", ref.Name)
			}
		}
	}
	for _, ref := range c.Rules {
		if ref.Correlation != nil && (c.Type == sigma.ValueSum || c.Type == sigma.ValueAvg) {
			return problem("rules", "%s is a correlation: findings can be counted, but they hold no numbers to add up", ref.Name)
		}
	}
	return nil
}
