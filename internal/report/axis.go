package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// day is how many rows a table has of a day, and when the first and the last of
// them happened, in seconds since 1970.
type day struct {
	source, dt  string
	n           int64
	first, last int64
}

// axis is the time that charts and the filter show, cut into equal bins.
type axis struct {
	Start int64 `json:"start"` // seconds since 1970, a multiple of the step
	Step  int64 `json:"step"`  // seconds
	Bins  int64 `json:"bins"`
}

// maxBins is how many bins an axis has at most: what is drawn in a bar a bin is
// still seen on a phone, and three months have a bar a day.
const maxBins = 93

// steps are the lengths of bins that people count in, in seconds. Weeks begin on
// Mondays, as day 4 of 1970 does.
var steps = []int64{60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 28 * 86400, 91 * 86400, 364 * 86400}

const monday = 4 * 86400

// axisOf is the axis from the first to the last moment.
func axisOf(first, last int64) axis {
	for _, step := range steps {
		if a := cut(first, last, step); a.Bins <= maxBins {
			return a
		}
	}
	return cut(first, last, ((last-first)/(maxBins-1)/86400+1)*86400)
}

func cut(first, last, step int64) axis {
	origin := int64(0)
	if step >= 7*86400 {
		origin = monday
	}
	down := func(at int64) int64 {
		n := (at - origin) / step
		if (at-origin)%step < 0 {
			n--
		}
		return origin + n*step
	}
	start := down(first)
	return axis{Start: start, Step: step, Bins: (down(last)-start)/step + 1}
}

// label is what a bin is called: when it begins.
func (a axis) label(bin int64) string {
	layout := "2006-01-02 15:04"
	if a.Step >= 86400 {
		layout = time.DateOnly
	}
	return time.Unix(a.Start+bin*a.Step, 0).UTC().Format(layout)
}

// unit is what a bin is: "hour".
func (a axis) unit() string {
	switch a.Step {
	case 60:
		return "minute"
	case 3600:
		return "hour"
	case 86400:
		return "day"
	case 7 * 86400:
		return "week"
	}
	if a.Step < 3600 {
		return fmt.Sprintf("%d minutes", a.Step/60)
	}
	if a.Step < 86400 {
		return fmt.Sprintf("%d hours", a.Step/3600)
	}
	if a.Step%(7*86400) == 0 {
		return fmt.Sprintf("%d weeks", a.Step/(7*86400))
	}
	return fmt.Sprintf("%d days", a.Step/86400)
}

// within stands before the label of a bin in a sentence.
func (a axis) within() string {
	if a.Step == 86400 {
		return "on"
	}
	return "in the " + a.unit() + " from"
}

// Stray days lie farther than apart from all that follow, or go before, and all
// of them together hold at most one row in strayPart. An axis that reached to a
// single old line would show nothing of the rest.
const (
	apart     = 30 * 86400
	strayPart = 50
)

// span is the time that days are about, in seconds, and what lies far beside it.
type span struct {
	first, last int64
	strayDays   int
	strayRows   int64
}

// spanOf tells what at least one day is about. The days may be of several tables.
func spanOf(days []day) span {
	days = slices.SortedFunc(slices.Values(days), func(a, b day) int { return cmp.Compare(a.first, b.first) })
	var total, before, after int64
	for _, d := range days {
		total += d.n
	}
	lo, hi := 0, len(days)
	for i, rows := 0, int64(0); i+1 < len(days); i++ {
		if rows += days[i].n; rows*strayPart > total {
			break
		}
		if days[i+1].first-days[i].last > apart {
			lo, before = i+1, rows
		}
	}
	for i, rows := len(days)-1, before; i > lo; i-- {
		if rows += days[i].n; rows*strayPart > total {
			break
		}
		if days[i].first-days[i-1].last > apart {
			hi, after = i, rows-before
		}
	}
	s := span{first: days[lo].first, last: days[lo].last, strayRows: before + after}
	for _, d := range days[lo:hi] {
		s.last = max(s.last, d.last)
	}
	stray := map[string]bool{}
	for _, d := range slices.Concat(days[:lo], days[hi:]) {
		stray[d.dt] = true
	}
	s.strayDays = len(stray)
	return s
}
