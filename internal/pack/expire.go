package pack

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// An object that is to go so soon is not packed: it could go meanwhile.
	leaving = 48 * time.Hour
	// A statement of Athena writes into 100 partitions at most (Amazon Athena User
	// Guide, "Service Quotas"): a plan is of one.
	mostExpired = 100
)

// old says whether what came at a time was kept for long enough at another.
func (p *Packer) old(came, now time.Time) bool {
	return p.c.Keep > 0 && now.Sub(came) >= p.c.Keep
}

// expire deletes the rows of plans that were kept for long enough: of one all at
// once, when the last of its objects is that old. The marks stay, for an object
// may come back (see sweep), and so do the notes. Rows are named by their plan, so
// a worker that comes late with it deletes nothing that is younger.
func (p *Packer) expire(ctx context.Context, table string, r *Report) []error {
	if p.c.Keep == 0 {
		return nil
	}
	plans, err := p.expired(ctx, table)
	if err != nil {
		return []error{err}
	}
	for chunk := range slices.Chunk(plans, mostExpired) {
		if err := p.c.Keeper.Expire(ctx, table, chunk); err != nil {
			return []error{fmt.Errorf("delete rows of %d plans: %w", len(chunk), err)}
		}
		for _, plan := range chunk {
			if _, err := p.write(ctx, noteName(plan, "expired"), p.c.Now().UTC()); err != nil {
				return []error{err}
			}
			r.Expired++
		}
	}
	return nil
}

// expired lists the plans of a table whose rows are to go now.
func (p *Packer) expired(ctx context.Context, table string) (plans []Plan, err error) {
	now := p.c.Now().UTC()
	days := map[string]int{} // plans that are not known to be through
	for o, err := range p.notes(ctx, table) {
		if err != nil {
			return nil, err
		}
		day, note := o[0], o[1]
		begun, err := time.Parse(time.DateOnly, day)
		if err != nil || !p.old(begun, now) {
			continue // no row comes before it happens
		}
		switch {
		case strings.HasSuffix(note, ".plan"):
			days[day]++
		case strings.HasSuffix(note, ".expired"), strings.HasSuffix(note, ".undone"):
			days[day]--
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if days[day] == 0 {
			continue
		}
		h, err := p.history(ctx, table, day)
		if err != nil {
			return nil, err
		}
		for _, s := range h.steps {
			if s.end != nil && s.end.Done && !s.expired && p.old(s.Newest, now) {
				plans = append(plans, s.Plan)
			}
		}
	}
	return plans, nil
}
