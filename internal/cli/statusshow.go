package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/logs"
)

// shownFiles is how many files of a batch are shown, shownObjects how many objects.
const (
	shownFiles   = 100
	shownObjects = 20
)

// write writes the answer for a person.
func (s *statusAnswer) write(to screen) error {
	var b strings.Builder
	switch {
	case s.whole:
		s.writeBatch(to, &b)
	case len(s.Batches) > 0:
		b.WriteString(batchesTable(to, s.Batches))
	default:
		for i, f := range s.Files {
			if i > 0 {
				b.WriteString("\n")
			}
			f.write(&b)
		}
	}
	_, err := fmt.Fprint(to, b.String())
	return err
}

// write tells of one file, a line for each thing that is known.
func (f *fileFate) write(b *strings.Builder) {
	g := grid{headless: true, columns: []gridColumn{{}, {}}}
	add := func(name, text string) {
		if text != "" {
			g.add(name, clean.Line(text))
		}
	}
	add("file", f.File)
	add("content", f.Version)
	add("outcome", f.Outcome)
	add("because", f.Reason)
	add("batch", f.Batch)
	switch {
	case f.Time == nil:
	case f.Outcome == "converting":
		add("until", shortTime(*f.Time)+" at the latest")
	default:
		add("when", shortTime(*f.Time))
	}
	if n := f.Counts; n != nil {
		add("table", n.Format)
		add("lines", amount.Grouped(n.Lines))
		add("  rows", amount.Grouped(n.Rows))
		add("  rejected", rejectedText(n.Rejected, n.Reasons))
		add("ambiguous", amount.Grouped(n.Ambiguous))
		if n.Findings != nil {
			add("findings", amount.Grouped(*n.Findings))
		}
	} else if f.Outcome == "converted" {
		add("lines", "not put down by the version of sluice that converted it")
	}
	for i, o := range f.Objects[:min(shownObjects, len(f.Objects))] {
		g.add([]string{"where", ""}[min(i, 1)], clean.Line(o))
	}
	if more := len(f.Objects) - shownObjects; more > 0 {
		g.add("", fmt.Sprintf("and %s (--json lists all)", amount.Of(int64(more), "more object")))
	}
	for i, p := range f.Packed[:min(shownObjects, len(f.Packed))] {
		g.add([]string{"packed", ""}[min(i, 1)], clean.Line(p.text()))
	}
	b.WriteString(g.render())
}

// rejectedText is a number of rejects with their reasons, most first.
func rejectedText(n int64, reasons map[logs.Reason]int64) string {
	text := amount.Grouped(n)
	order := slices.SortedFunc(maps.Keys(reasons), func(x, y logs.Reason) int {
		return cmp.Or(cmp.Compare(reasons[y], reasons[x]), cmp.Compare(x, y))
	})
	var parts []string
	for _, r := range order {
		parts = append(parts, amount.Grouped(reasons[r])+" "+string(r))
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func (s *statusAnswer) writeBatch(to screen, b *strings.Builder) {
	b.WriteString(batchesTable(to, s.Batches))
	if len(s.Files) > 0 {
		g := grid{columns: []gridColumn{{name: "file"}, {name: "outcome"}, {name: "table", whole: true}, {name: "lines", right: true, whole: true},
			{name: "rows", right: true, whole: true}, {name: "rejected", right: true, whole: true}, {name: "ambiguous", right: true, whole: true},
			{name: "findings", right: true, whole: true}}}
		for _, f := range s.Files[:min(shownFiles, len(s.Files))] {
			g.add(f.cells()...)
		}
		fmt.Fprintf(b, "\n%s\n%s", to.bold("Files"), g.fitted(to))
		if more := len(s.Files) - shownFiles; more > 0 {
			fmt.Fprintf(b, " and %s (--json lists all)\n", amount.Of(int64(more), "more file"))
		}
	}
	if len(s.Objects) > 0 {
		g := grid{columns: []gridColumn{{name: "object"}, {name: "rows", right: true, whole: true}, {name: "size", right: true, whole: true}}}
		for _, o := range s.Objects[:min(shownObjects, len(s.Objects))] {
			g.add(clean.Line(o.Name), amount.Grouped(o.Rows), amount.Bytes(o.Bytes))
		}
		fmt.Fprintf(b, "\n%s\n%s", to.bold("Objects"), g.fitted(to))
		if more := len(s.Objects) - shownObjects; more > 0 {
			fmt.Fprintf(b, " and %s (--json lists all)\n", amount.Of(int64(more), "more object"))
		}
	}
}

func (f *fileFate) cells() []string {
	cells := []string{clean.Line(near(f.File)), clean.Line(f.Outcome), "", "", "", "", "", ""}
	if f.Reason != "" {
		cells[1] += ": " + clean.Line(f.Reason)
	}
	if n := f.Counts; n != nil {
		copy(cells[2:], []string{clean.Line(n.Format), amount.Grouped(n.Lines), amount.Grouped(n.Rows), amount.Grouped(n.Rejected), amount.Grouped(n.Ambiguous)})
		if n.Findings != nil {
			cells[7] = amount.Grouped(*n.Findings)
		}
	}
	return cells
}

// batchesTable is a table of batches: one line each, or two where the screen is
// narrow.
func batchesTable(to screen, batches []batchFate) string {
	g := &grid{columns: []gridColumn{{name: "when (UTC)", whole: true}, {name: "state"}, {name: "files", right: true}, {name: "skipped", right: true},
		{name: "failed", right: true}, {name: "lines", right: true}, {name: "rows", right: true}, {name: "rejected", right: true},
		{name: "objects", right: true}, {name: "batch", whole: true}}}
	for _, b := range batches {
		t := b.Totals
		g.add(b.at().UTC().Format("2006-01-02 15:04"), clean.Line(b.State), amount.Grouped(t.Files), amount.Grouped(t.Skipped), amount.Grouped(t.Failed),
			amount.Grouped(t.Lines), amount.Grouped(t.Rows), amount.Grouped(t.Rejected), amount.Grouped(t.Objects), clean.Line(b.ID))
	}
	if widths := g.widths(); to.terminal && g.total(widths, slices.Max(widths)) > to.width {
		return g.folded(to)
	}
	return g.render()
}

func shortTime(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }
