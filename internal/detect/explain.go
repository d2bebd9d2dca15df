package detect

import (
	"sluice/internal/detect/record"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// Explain says why a rule of the set matches a row, or not: a *s3access.Row or a
// *cloudtrail.Row. It is false for a row of another log than the rule's.
func (r *Rules) Explain(rule *sigma.Rule, row any) (sigma.Explanation, bool) {
	switch row := row.(type) {
	case *s3access.Row:
		if rule.Service == record.AccessService {
			a := new(record.Access)
			a.Set(row)
			return r.Set.Explain(rule, a), true
		}
	case *cloudtrail.Row:
		if rule.Service == record.TrailService {
			t := record.NewTrail(r.trail)
			t.Set(row)
			return r.Set.Explain(rule, t), true
		}
	}
	return sigma.Explanation{}, false
}
