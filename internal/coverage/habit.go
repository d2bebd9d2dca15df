package coverage

import (
	"math/bits"
	"slices"
	"time"
)

const (
	// window is how far back a habit is looked for, from the last line on.
	window = 30 * 24
	// Memory is how long sightings are of use: as long as a habit that is old by
	// as much as silence can last before it is told.
	Memory = 2 * window * time.Hour
	// regular is on how many days of the window lines must have come.
	regular = 10
	// patience is how many times its longest gap a bucket may be quiet.
	patience = 5
)

// Habit is how often lines of a bucket come.
//
// A bucket logs when somebody uses it, so nothing can be told from silence as
// such: only from silence that is long for this bucket. If its gaps come in no
// particular order, the next one is the longest yet with a chance of one in as
// many as there were, however they are distributed; so neither a fixed number of
// hours nor the longest gap will do. Five times the longest gap of a month does:
// nights and weekends are in it, and a bucket that was used on fewer than ten
// days has no habit that it could break. TestHabitsOfManyBuckets measures both
// what is cried and what is missed.
type Habit struct {
	Last int64 // hour of the last line, since 1970-01-01; 0 for none
	Days int   // of the window with lines
	Gap  int64 // longest of the window, in hours from one hour with lines to the next
}

// habitOf looks at hours with lines, in ascending order.
func habitOf(hours []int64) Habit {
	if len(hours) == 0 {
		return Habit{}
	}
	h := Habit{Last: hours[len(hours)-1]}
	day := int64(-1)
	for i, at := range hours {
		if at <= h.Last-window {
			continue
		}
		if at/24 != day {
			day = at / 24
			h.Days++
		}
		if i > 0 && hours[i-1] > h.Last-window {
			h.Gap = max(h.Gap, at-hours[i-1])
		}
	}
	return h
}

// Until is how many hours without a line are still usual; false without a habit.
func (h Habit) Until(silence time.Duration) (int64, bool) {
	if h.Days < regular {
		return 0, false
	}
	return max(int64(silence/time.Hour), patience*h.Gap), true
}

// byBucket gives the hours with lines of each bucket in ascending order.
func byBucket(all []Sighting) map[string][]int64 {
	hours := map[string][]int64{}
	for _, s := range all {
		for set := s.Hours & (1<<24 - 1); set != 0; set &= set - 1 {
			hours[s.Bucket] = append(hours[s.Bucket], int64(s.Day)*24+int64(bits.TrailingZeros32(set)))
		}
	}
	for b := range hours {
		slices.Sort(hours[b])
		hours[b] = slices.Compact(hours[b])
	}
	return hours
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

func timeOf(hour int64) time.Time { return time.Unix(hour*3600, 0).UTC() }
