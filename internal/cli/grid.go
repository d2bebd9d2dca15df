package cli

import (
	"regexp"
	"strings"

	"github.com/rivo/uniseg"
)

// grid is a table of clean cells for a person.
type grid struct {
	columns  []gridColumn
	headless bool
	rows     [][]string
}

type gridColumn struct {
	name  string
	right bool // numbers
	whole bool // never cut: numbers and times mean something else when cut
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// render aligns the cells. Widths are those of a screen: wide characters take two
// columns, accents none.
func (g *grid) render() string {
	widths := g.widths()
	between := " │ "
	if g.headless {
		between = "  "
	}
	var b strings.Builder
	line := func(cells []string) {
		var l strings.Builder
		for i, c := range cells {
			if i > 0 {
				l.WriteString(between)
			}
			pad := strings.Repeat(" ", widths[i]-width(c))
			if g.columns[i].right {
				l.WriteString(pad + c)
			} else {
				l.WriteString(c + pad)
			}
		}
		b.WriteString(" " + strings.TrimRight(l.String(), " ") + "\n")
	}
	if !g.headless {
		names, rules := make([]string, len(widths)), make([]string, len(widths))
		for i, c := range g.columns {
			names[i], rules[i] = c.name, strings.Repeat("─", widths[i])
		}
		line(names)
		b.WriteString("─" + strings.Join(rules, "─┼─") + "─\n")
	}
	for _, r := range g.rows {
		line(r)
	}
	return b.String()
}

func (g *grid) widths() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = width(c.name)
		for _, r := range g.rows {
			widths[i] = max(widths[i], width(r[i]))
		}
	}
	return widths
}

// width is how many columns of a screen s takes. Colours take none.
func width(s string) int { return uniseg.StringWidth(colour.ReplaceAllString(s, "")) }

var colour = regexp.MustCompile("\x1b\\[[0-9]+m")

// cut snips what is longer than limit columns.
func cut(cell string, limit int) string {
	if width(cell) > limit {
		return snip(cell, limit)
	}
	return cell
}

// snip cuts a clean cell to limit columns: sentences at their end, paths, keys
// and ARNs, whose end tells most, in the middle.
func snip(s string, limit int) string {
	var parts []string
	var widths []int
	for g := uniseg.NewGraphemes(s); g.Next(); {
		parts, widths = append(parts, g.Str()), append(widths, g.Width())
	}
	tail := 0
	if !strings.Contains(s, " ") {
		tail = (limit - 1) / 2
	}
	from, to := 0, len(parts)
	for used := 0; from < to && used+widths[from] <= limit-1-tail; from++ {
		used += widths[from]
	}
	for used := 0; to > from && used+widths[to-1] <= tail; to-- {
		used += widths[to-1]
	}
	return strings.Join(parts[:from], "") + "…" + strings.Join(parts[to:], "")
}

const (
	gap     = 3  // columns of a screen between two cells
	minimum = 12 // a cut cell that is narrower says nothing
)

// fit cuts cells so that the grid is no wider than the screen. It says false where
// that would leave too little of them.
func (g *grid) fit(screen int) bool {
	widths := g.widths()
	limit := 0
	for _, w := range widths {
		limit = max(limit, w)
	}
	for ; g.total(widths, limit) > screen; limit-- {
		if limit <= minimum {
			return false
		}
	}
	for i, c := range g.columns {
		if c.whole || widths[i] <= limit {
			continue
		}
		if width(c.name) > limit {
			g.columns[i].name = snip(c.name, limit)
		}
		for _, r := range g.rows {
			if width(r[i]) > limit {
				r[i] = snip(r[i], limit)
			}
		}
	}
	return true
}

// folded is the grid for a narrow screen: what the last column says stands on a line
// of its own below the others. Where those do not fit either, rows are lists.
func (g *grid) folded(s screen) string {
	last := len(g.columns) - 1
	upper := grid{columns: g.columns[:last]}
	for _, r := range g.rows {
		upper.add(r[:last]...)
	}
	if upper.total(upper.widths(), minimum) > s.width {
		return g.lists(s)
	}
	lines := strings.SplitAfter(upper.render(), "\n")
	var b strings.Builder
	b.WriteString(lines[0] + "   " + cut(g.columns[last].name, s.width-3) + "\n" + lines[1])
	for i, r := range g.rows {
		b.WriteString(lines[i+2] + "   " + cut(r[last], s.width-3) + "\n")
	}
	return b.String()
}

func (g *grid) total(widths []int, limit int) int {
	sum := gap * len(widths)
	for i, w := range widths {
		if g.columns[i].whole {
			sum += w
		} else {
			sum += min(w, limit)
		}
	}
	return sum
}
