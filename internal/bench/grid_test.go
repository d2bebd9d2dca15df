//go:build cgo && unix

package bench

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// grid is a table of its own, for what has more than a ratio to say. Its first column
// is text, the others are numbers.
type grid struct {
	about string
	head  []string
	rows  [][]string
}

// grids are printed behind the figures.
var grids []*grid

// newGrid adds a grid, in place of one about the same.
func newGrid(about string, head ...string) *grid {
	g := &grid{about: about, head: head}
	for i, old := range grids {
		if old.about == about {
			grids[i] = g
			return g
		}
	}
	grids = append(grids, g)
	return g
}

func (g *grid) row(cells ...string) { g.rows = append(g.rows, cells) }

// write writes the grid, aligned.
func (g *grid) write(w io.Writer) {
	rows := append([][]string{g.head}, g.rows...)
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(w, "%s\n\n", g.about)
	for _, r := range rows {
		var b strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	fmt.Fprintln(w)
}

func writeGrids(w io.Writer) {
	for _, g := range grids {
		g.write(w)
	}
}
