package detect

import (
	"context"
	"time"

	"sluice/internal/finding"
)

// claimFor is how long whoever is about to tell a finding keeps others from it.
const claimFor = 2 * time.Minute

// TellOnce tells a finding that no rule made, such as one about a file of rules
// or about a bucket, unless it was told before: by its identity, whoever comes
// how often. Keep is for how long that is remembered. Owner is who tells; what he
// began and did not finish he may begin again at once, others after a while.
func TellOnce(ctx context.Context, s State, out Outlet, f *finding.Finding, owner string, now time.Time, keep time.Duration) error {
	claim := []Claim{{
		UID: f.UID, Step: f.Step, Covers: []int64{f.Step}, Owner: owner,
		Until: now.Add(claimFor), Keep: keep, Forget: f.PeriodEnd,
	}}
	grants, err := s.Claim(ctx, now, claim)
	if err != nil {
		return err
	}
	if len(grants) != 1 || grants[0] != Granted {
		return nil
	}
	if err := out.Send(ctx, []*finding.Finding{f}); err != nil {
		return err
	}
	return s.Sent(ctx, claim)
}
