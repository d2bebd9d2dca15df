package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"sluice/internal/sigma"
)

// rank says which groups of a target are kept when a file has too many: those
// that are nearest to their threshold. Equals are drawn by lot. The lot is of the
// file and the group, so that the same file gives the same choice, and nobody who
// sends requests can choose it, for S3 names the file.
type rank struct {
	weight int64
	lot    uint64
}

func (g *group) rank(file string) rank {
	var room [512]byte // of a file as many groups are ranked as it has
	b := append(append(room[:0], file...), 0)
	h := sha256.Sum256(append(b, g.key...))
	return rank{g.weight(), binary.BigEndian.Uint64(h[:])}
}

// weight is how much of what the target measures the file has of the group. Of a
// pattern that is how many of its rules matched, and then how often. What is new
// to a first_seen has the fewest hits of all, so hits are no measure: all weigh
// the same.
func (g *group) weight() int64 {
	var n, v int64
	for _, c := range g.cells {
		n, v = add(n, c.n), add(v, c.v)
	}
	switch g.target.kind {
	case sigma.ValueSum:
		return v
	case sigma.ValueAvg:
		return floorDiv(v, n)
	case sigma.ValueCount:
		return int64(len(g.marks))
	case sigma.Temporal, sigma.TemporalOrdered:
		return int64(len(g.firsts))<<40 + min(g.count, 1<<40-1)
	case sigma.FirstSeen:
		return 0
	}
	return g.count
}

// rankAll sorts groups of one target, those to be kept first.
func rankAll(file string, groups []*group) {
	type ranked struct {
		rank
		*group
	}
	all := make([]ranked, len(groups))
	for i, g := range groups {
		all[i] = ranked{g.rank(file), g}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.rank.weight, a.rank.weight), cmp.Compare(b.lot, a.lot), cmp.Compare(a.key, b.key))
	})
	for i := range all {
		groups[i] = all[i].group
	}
}

// heaviest puts the n groups first that rankAll would, in any order. Lots are drawn
// only among those of which weight does not decide.
func heaviest(file string, groups []*group, n int) {
	weights := make([]int64, len(groups))
	for i, g := range groups {
		weights[i] = g.weight()
	}
	sorted := slices.Clone(weights)
	slices.Sort(sorted)
	limit := sorted[len(sorted)-n]
	var heavier, equal, lighter []*group
	for i, g := range groups {
		switch {
		case weights[i] > limit:
			heavier = append(heavier, g)
		case weights[i] == limit:
			equal = append(equal, g)
		default:
			lighter = append(lighter, g)
		}
	}
	if len(heavier)+len(equal) > n {
		rankAll(file, equal)
	}
	copy(groups, slices.Concat(heavier, equal, lighter))
}

// share is the part of a threshold from which a group is counted whatever other
// groups there are.
const share = 8

// matter are the groups of the file that are counted. Of those that one rule
// counts against a threshold, only the Limits.Groups largest are, and those that
// have an eighth of the threshold in this file alone. So a flood of requests from
// as many addresses costs no more than the few, and what is missed is an incident
// that comes in files in most of which it has less than that, while in the same
// file as many others each did the same at least as often.
func (r *run) matter() []*group {
	n := r.config.Limits.Groups
	if n <= 0 {
		return r.o.groups
	}
	var all []*group
	for groups := r.o.groups; len(groups) > 0; {
		t := groups[0].target
		end := 1
		for end < len(groups) && groups[end].target == t {
			end++
		}
		all = append(all, t.matter(r.o.File, n, groups[:end])...)
		groups = groups[end:]
	}
	r.report.GroupsDropped += int64(len(r.o.groups) - len(all))
	return all
}

func (t *target) matter(file string, n int, groups []*group) []*group {
	switch t.kind {
	case sigma.EventCount, sigma.ValueSum, sigma.ValueCount:
	default:
		return groups // each may be a finding by itself
	}
	if len(groups) <= n {
		return groups
	}
	enough, near := (t.least()+share-1)/share, 0
	for _, g := range groups {
		if g.weight() >= enough {
			near++
		}
	}
	groups = slices.Clone(groups) // the file may be applied again
	n = max(n, near)
	heaviest(file, groups, n)
	return groups[:n]
}
