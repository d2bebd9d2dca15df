//go:build cgo && unix

package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// figure is a line of the table.
type figure struct {
	what   string
	sluice string
	other  string // the same of the yardstick
	name   string // of the yardstick
	ratio  string
	goal   string // "" where none is set
	met    bool
}

// table collects figures; a benchmark that runs again replaces its own.
type table struct {
	about []string // how and where it was measured
	lines []figure
}

var figures table

func (t *table) note(format string, a ...any) {
	if s := fmt.Sprintf(format, a...); !slices.Contains(t.about, s) {
		t.about = append(t.about, s)
	}
}

func (t *table) add(f figure) {
	if i := slices.IndexFunc(t.lines, func(g figure) bool { return g.what == f.what && g.name == f.name }); i >= 0 {
		t.lines[i] = f
		return
	}
	t.lines = append(t.lines, f)
}

// write writes the table, aligned: names to the left, numbers to the right.
func (t *table) write(w io.Writer) {
	if len(t.lines) == 0 {
		return
	}
	rows := [][]string{{"", "sluice", "beside it", "", "ratio", "goal", ""}}
	for _, f := range t.lines {
		verdict := ""
		if f.goal != "" {
			verdict = map[bool]string{true: "met", false: "NOT met"}[f.met]
		}
		rows = append(rows, []string{f.what, f.sluice, f.other, f.name, f.ratio, f.goal, verdict})
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(w, "\n%s/%s, %d CPUs, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, s := range t.about {
		fmt.Fprintln(w, s)
	}
	fmt.Fprintln(w)
	for _, r := range rows {
		var b strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 1 || i == 2 || i == 4 {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	fmt.Fprintln(w)
}

// whole writes n with commas.
func whole(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func decimals(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }

const mib = 1 << 20
