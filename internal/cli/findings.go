package cli

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/clean"
	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// findingsGrid is the table of findings: one line each.
func findingsGrid(s screen, fs []*finding.Finding) *grid {
	g := &grid{columns: []gridColumn{
		{name: "first seen (UTC)", whole: true}, {name: "level", whole: true}, {name: "finding"},
		{name: "bucket"}, {name: "who"}, {name: "how much", right: true, whole: true},
	}}
	for _, f := range fs {
		g.add(findingCells(s, f)...)
	}
	return g
}

// findingsList is the table of findings as it fits the screen: with cut cells as
// long as titles can be told apart, else with two lines each, else as lists.
func findingsList(s screen, fs []*finding.Finding) string {
	const (
		told   = 20 // columns that a cut title takes: many begin with the same words
		narrow = 60 // where two lines hold no more than lists
	)
	g := findingsGrid(s, fs)
	if !s.terminal || s.width < narrow || g.total(g.widths(), told) <= s.width {
		return g.fitted(s)
	}
	levels := width(g.columns[1].name)
	for _, r := range g.rows {
		levels = max(levels, width(r[1]))
	}
	var b strings.Builder
	entry := func(level, title, first, bucket, who, amount string) {
		left := s.width - 3 - levels
		fmt.Fprintf(&b, " %s%s  %s\n%s", level, strings.Repeat(" ", levels-width(level)), cut(title, left), strings.Repeat(" ", levels+1))
		left -= width(first) + width(amount) + 6
		bucket = cut(bucket, max(left/2, left-width(who)))
		who = cut(who, left-width(bucket))
		for _, cell := range []string{first, bucket, who, amount} {
			if cell != "" {
				b.WriteString("  " + cell)
			}
		}
		b.WriteString("\n")
	}
	entry(g.columns[1].name, g.columns[2].name, g.columns[0].name, g.columns[3].name, g.columns[4].name, g.columns[5].name)
	b.WriteString(strings.Repeat("─", s.width) + "\n")
	for _, r := range g.rows {
		entry(r[1], r[2], r[0], r[3], r[4], r[5])
	}
	return b.String()
}

func findingCells(s screen, f *finding.Finding) []string {
	return []string{
		f.First.Go().Format(time.DateTime),
		s.level(levelOf(f)),
		clean.Line(f.Rule.Title),
		clean.Line(f.Bucket),
		clean.Line(who(f)),
		finding.Amount(f.Measure, f.Value, f.AtLeast),
	}
}

// level colours a level as much as it matters.
func (s screen) level(l sigma.Level) string {
	switch l {
	case sigma.Critical:
		return s.paint(1, s.red(l.String()))
	case sigma.High:
		return s.red(l.String())
	case sigma.Medium:
		return s.paint(33, l.String())
	}
	return l.String()
}

// callers and addresses are the names under which rules group by who did it.
var (
	callers   = []string{"derived.principal", "requester_name", "requester", "userIdentity.arn", "userIdentity.userName", "userIdentity.principalId", "userIdentity.accountId", "requester_account", "presign_access_key_id", "presign_credential"}
	addresses = []string{"derived.remote_net", "derived.source_net", "remote_ip", "sourceIPAddress"}
)

// who is what a finding says of who did it, short enough for a cell.
func who(f *finding.Finding) string {
	var parts []string
	if name, ok := groupValue(f, callers); ok {
		parts = append(parts, name)
	}
	if ip, ok := groupValue(f, addresses); ok && ip != "" {
		parts = append(parts, ip)
	}
	return strings.Join(parts, " ")
}

// groupValue is the first of the named values that a finding is grouped by.
func groupValue(f *finding.Finding, names []string) (string, bool) {
	for _, name := range names {
		for _, p := range f.Group {
			if p.Name != name {
				continue
			}
			if p.Null {
				return map[bool]string{true: "anonymous"}[name == "requester" || name == "requester_name" || name == "userIdentity.arn" || name == "derived.principal"], true
			}
			return caller(p.Value), true
		}
	}
	return "", false
}

// caller shortens what is long and says little: an ARN to its end, a canonical id
// to its start.
func caller(s string) string {
	switch {
	case strings.HasPrefix(s, "arn:"):
		if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && parts[5] != "" {
			if _, name, ok := strings.Cut(parts[5], "/"); ok {
				return name
			}
			return parts[5]
		}
	case len(s) == 64:
		return s[:12] + "…"
	}
	return s
}
