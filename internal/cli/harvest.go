package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// tier says which findings a person asked for.
type tier struct {
	level sigma.Level // this and above; Unrated: those that alert
}

func (t tier) wants(f *finding.Finding) bool {
	if t.level == sigma.Unrated {
		return f.Alert
	}
	return levelOf(f) >= t.level
}

func levelOf(f *finding.Finding) sigma.Level {
	l, _ := sigma.ParseLevel(f.Rule.Level)
	return max(l, sigma.Informational)
}

// heldWhole is how many findings are held with all of their evidence, some 20 kB
// each. Whoever finds more than that looks at their number and at the first.
const heldWhole = 5000

// harvest is where an engine sends its findings to on a laptop. It keeps one a
// incident, as large as it became, and counts those that nobody asked for.
type harvest struct {
	tier  tier
	shown map[string]*finding.Finding // by uid
	other map[[16]byte]struct{}       // uids of those that are not shown
	found [sigma.Critical + 1]int64   // shown, by level
}

func newHarvest(t tier) *harvest {
	return &harvest{tier: t, shown: map[string]*finding.Finding{}, other: map[[16]byte]struct{}{}}
}

// Send keeps findings. It is called in the order of the files.
func (h *harvest) Send(_ context.Context, fs []*finding.Finding) error {
	for _, f := range fs {
		switch before := h.shown[f.UID]; {
		case !h.tier.wants(f):
			var id [16]byte // over years there are many
			if _, err := hex.Decode(id[:], []byte(f.UID)); err != nil {
				return fmt.Errorf("finding of rule %s: %w", f.Rule.ID, err)
			}
			h.other[id] = struct{}{}
		case before != nil:
			grow(before, f, len(h.shown) <= heldWhole)
		default:
			kept := *f
			kept.First = firstOf(f)
			if len(h.shown) >= heldWhole && len(kept.Evidence) > 1 {
				kept.Evidence = kept.Evidence[:1:1]
			}
			h.shown[f.UID] = &kept
			h.found[levelOf(f)]++
		}
	}
	return nil
}

// grow adds to a finding what was said later of the same incident, with its
// evidence or without.
func grow(f, later *finding.Finding, whole bool) {
	f.Step = max(f.Step, later.Step)
	if f.Rule.Correlation == "" {
		f.First = min(f.First, firstOf(later))
	}
	f.Last = max(f.Last, later.Last)
	f.Count, f.Value = max(f.Count, later.Count), max(f.Value, later.Value)
	if !whole {
		return
	}
	for _, e := range later.Evidence {
		if len(f.Evidence) < finding.MaxEvidence && !slices.Contains(f.Evidence, e) {
			f.Evidence = append(f.Evidence, e)
		}
	}
	for _, s := range later.Sources {
		if len(f.Sources) < finding.MaxSources && !slices.Contains(f.Sources, s) {
			f.Sources = append(f.Sources, s)
		}
	}
}

// firstOf is when a finding begins. An engine that counts over files knows the
// start of what is in other files to some minutes only. Every file with records of
// a rule on single records is told of, so that the earliest of them is exact; of a
// correlation it is only those from the crossing on.
func firstOf(f *finding.Finding) logs.Time {
	first := f.First
	if f.Rule.Correlation != "" || len(f.Evidence) == 0 {
		return first
	}
	seen := f.Evidence[0].Time
	for _, e := range f.Evidence {
		seen = min(seen, e.Time)
	}
	return max(first, seen)
}

// findings lists what was found, the gravest first, then by time.
func (h *harvest) findings() []*finding.Finding {
	all := make([]*finding.Finding, 0, len(h.shown))
	for _, f := range h.shown {
		all = append(all, f)
	}
	slices.SortFunc(all, compareFindings)
	return all
}

func compareFindings(a, b *finding.Finding) int {
	return cmp.Or(
		cmp.Compare(levelOf(b), levelOf(a)),
		cmp.Compare(a.First, b.First),
		cmp.Compare(a.Rule.Title, b.Rule.Title),
		cmp.Compare(a.UID, b.UID))
}
