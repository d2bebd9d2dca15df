package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// show writes what was found for a person: findings, then the account.
func (s *scan) show(rows int, full bool) error {
	out := s.a.stdout
	if all := s.sides[0].harvest.findings(); len(all) > 0 {
		shown := all[:atMost(rows, len(all))]
		var b strings.Builder
		b.WriteString(findingsList(out, shown))
		more(&b, len(all)-len(shown))
		if full {
			writeMails(&b, out, shown)
		}
		if _, err := fmt.Fprint(out, b.String()); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(out, "Nothing was found."); err != nil {
		return err
	}
	return s.account()
}

// atMost is how many of n are shown; 0 rows is all.
func atMost(rows, n int) int {
	if rows <= 0 {
		return n
	}
	return min(rows, n)
}

// more says how many are not in the table.
func more(b *strings.Builder, n int) {
	if n > 0 {
		fmt.Fprintf(b, " and %s more; --rows 0 shows all\n", amount.Grouped(int64(n)))
	}
}

// account says what was read, and how much was found in it.
func (s *scan) account() error {
	var b strings.Builder
	out, r := s.a.stdout, &s.report
	b.WriteString("\n")
	r.list(&b, out.red("Failed: not scanned"), byReason(r.Failures))
	g := grid{headless: true, columns: []gridColumn{{}, {right: true}, {}}}
	rate := ""
	if r.Lines > 0 && r.Seconds > 0 {
		rate = amount.Grouped(int64(float64(r.Lines)/r.Seconds)) + " a second"
	}
	g.add("files", amount.Grouped(r.Files+s.outside), "")
	g.add("  scanned", amount.Grouped(r.Converted), "")
	g.add("  skipped", amount.Grouped(r.Skipped), "no log records in them")
	g.add("  failed", amount.Grouped(r.Failed), "")
	if s.outside > 0 {
		g.add("  too old", amount.Grouped(s.outside), "left unread because of --since")
	}
	g.add("lines", amount.Grouped(r.Lines), rate)
	g.add("  rejected", amount.Grouped(r.Rejected), "fit no row, and are not judged")
	side := s.sides[0]
	g.add("findings", amount.Grouped(int64(len(side.harvest.shown))), side.harvest.byLevel())
	if n := len(side.harvest.other); n > 0 {
		g.add("  not shown", amount.Grouped(int64(n)), s.tier.why())
	}
	if side.dropped > 0 {
		g.add(out.red("  dropped"), out.red(amount.Grouped(side.dropped)), "groups of one file beyond what is counted of a rule")
	}
	if n := len(s.problems); n > 0 {
		g.add(out.red("rule problems"), out.red(amount.Grouped(int64(n))), "sluice rules lint DIR tells them")
	}
	g.add("seconds", fmt.Sprintf("%.1f", r.Seconds), "")
	b.WriteString(g.render())
	_, err := fmt.Fprint(out, b.String())
	return err
}

// byLevel says how many there are of each level.
func (h *harvest) byLevel() string {
	var parts []string
	for l := sigma.Critical; l > sigma.Unrated; l-- {
		if n := h.found[l]; n > 0 {
			parts = append(parts, amount.Grouped(n)+" "+l.String())
		}
	}
	return strings.Join(parts, ", ")
}

// why is why findings are not shown.
func (t tier) why() string {
	if t.level == sigma.Unrated {
		return "they do not alert; --min-level informational shows all"
	}
	return "below " + t.level.String()
}

// writeOCSF writes findings as documents, one a line.
func writeOCSF(s screen, fs []*finding.Finding) error {
	for _, f := range fs {
		doc, err := f.OCSF()
		if err != nil {
			return fmt.Errorf("finding %s: %w", f.UID, err)
		}
		if _, err := fmt.Fprintln(s, escapeJSON(string(doc))); err != nil {
			return err
		}
	}
	return nil
}

// change is a finding that one set of rules makes and not the other. A scan by
// one set changes nothing to something.
type change struct {
	Sign    string // + or -
	Finding *finding.Finding
}

// changes are the findings that the first side has and the second has not, and
// the other way round.
func (s *scan) changes() []change {
	var list []change
	add := func(sign string, mine, theirs map[string]*finding.Finding) {
		for uid, f := range mine {
			if theirs[uid] == nil {
				list = append(list, change{sign, f})
			}
		}
	}
	now, before := s.sides[0].harvest.shown, map[string]*finding.Finding(nil)
	if len(s.sides) > 1 {
		before = s.sides[1].harvest.shown
	}
	add("+", now, before)
	add("-", before, now)
	slices.SortFunc(list, func(a, b change) int {
		return cmp.Or(compareFindings(a.Finding, b.Finding), cmp.Compare(a.Sign, b.Sign))
	})
	return list
}

// showChanges writes what another set of rules changes.
func (s *scan) showChanges(asJSON bool, rows int, full bool) error {
	list, out := s.changes(), s.a.stdout
	if asJSON {
		return writeChanges(out, list)
	}
	var b strings.Builder
	var fs []*finding.Finding
	for _, c := range list[:atMost(rows, len(list))] {
		fs = append(fs, c.Finding)
	}
	g := findingsGrid(out, fs)
	g.columns = slices.Insert(g.columns, 0, gridColumn{whole: true})
	for i := range fs {
		g.rows[i] = slices.Insert(g.rows[i], 0, list[i].Sign)
	}
	if len(list) == 0 {
		b.WriteString("Both sets of rules find the same.\n")
	} else {
		b.WriteString(g.fitted(out))
		more(&b, len(list)-len(fs))
	}
	same := len(s.sides[0].harvest.shown)
	for _, c := range list {
		if c.Sign == "+" {
			same--
		}
	}
	fmt.Fprintf(&b, "\n%s in both\n", amount.Of(int64(same), "finding"))
	if full {
		writeMails(&b, out, fs)
	}
	if _, err := fmt.Fprint(out, b.String()); err != nil {
		return err
	}
	return s.account()
}

func writeChanges(out screen, list []change) error {
	for _, c := range list {
		doc, err := c.Finding.OCSF()
		if err != nil {
			return fmt.Errorf("finding %s: %w", c.Finding.UID, err)
		}
		if err := writeLine(out, changed{c.Sign, doc}); err != nil {
			return err
		}
	}
	return nil
}

// changed is a change for scripts.
type changed struct {
	Change  string          `json:"change"`
	Finding json.RawMessage `json:"finding"`
}

// writeLine writes a JSON document in a line of its own.
func writeLine(s screen, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s, escapeJSON(string(b)))
	return err
}

// writeMails writes each finding as the mail that a subscriber gets.
func writeMails(b *strings.Builder, s screen, fs []*finding.Finding) {
	for _, f := range fs {
		subject, body := f.Mail()
		fmt.Fprintf(b, "\n%s\n\n", s.bold(clean.Line(subject)))
		for line := range strings.Lines(strings.TrimRight(body, "\n")) {
			b.WriteString(clean.Line(strings.TrimRight(line, "\n")) + "\n")
		}
	}
}
