package detect

import (
	"time"

	"sluice/internal/logs"
	"sluice/internal/sigma"
)

const daySeconds = 24 * 60 * 60

// shape is how a counter cuts event time. Bins are numbered from 1970 on, so that
// where they begin does not depend on what came first.
//
// A window is as many bins as fit into the timespan, so it never counts together
// what lies further apart than that; and what lies closer together than the
// timespan less two bins is always in one window, wherever the bins begin.
type shape struct {
	bin    int64 // seconds
	window int64 // bins
	slot   int64 // bins that are kept together: half a window, so that three slots hold any window
	period int64 // seconds: one finding a group and period
}

// How fine a timespan is cut. For counts a 64th is kept for each bin of each
// group; for distinct values each bin holds a set, so there are few; of rules
// that follow each other only the fact is kept, so their order can be exact up to
// a timespan of 4,096 seconds.
const (
	countBins    = 64
	valueBins    = 12
	orderBins    = 4096
	incidentBins = 60 // divides each period into whole seconds
	daySlot      = 64 // days kept together by first_seen
)

func shapeOf(kind sigma.CorrelationType, timespan, period time.Duration) shape {
	s := max(1, int64(timespan/time.Second))
	p := int64(period / time.Second)
	if p <= 0 {
		p = daySeconds
	}
	switch kind {
	case "":
		return shape{bin: p / incidentBins, window: incidentBins, slot: incidentBins, period: p}
	case sigma.ValueCount:
		bin := max(1, s/valueBins)
		return shape{bin: bin, window: s / bin, slot: 1, period: p}
	case sigma.Temporal, sigma.TemporalOrdered:
		bin := (s + orderBins - 1) / orderBins
		return halves(bin, s/bin, p)
	case sigma.FirstSeen:
		return shape{bin: daySeconds, window: (s + daySeconds - 1) / daySeconds, slot: daySlot, period: daySeconds}
	default:
		bin := max(1, s/countBins)
		return halves(bin, s/bin, p)
	}
}

func halves(bin, window, period int64) shape {
	return shape{bin: bin, window: window, slot: max(1, window/2), period: period}
}

// binOf is the bin that holds t.
func (s shape) binOf(t logs.Time) int64 { return floorDiv(int64(t), 1000*s.bin) }

// start is when a bin begins.
func (s shape) start(bin int64) logs.Time { return logs.Time(bin * s.bin * 1000) }

// slotOf is the slot that holds a bin.
func (s shape) slotOf(bin int64) int64 { return floorDiv(bin, s.slot) }

// periodOf is the period in which a bin begins.
func (s shape) periodOf(bin int64) int64 { return floorDiv(bin*s.bin, s.period) }

func (s shape) periodStart(period int64) logs.Time { return logs.Time(period * s.period * 1000) }

// until is the event time from which no window needs a slot any more.
func (s shape) until(slot int64) logs.Time {
	return s.start((slot+1)*s.slot + s.window)
}

// timespan is the time of one window.
func (s shape) timespan() time.Duration {
	return time.Duration(s.bin*s.window) * time.Second
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// steps are the multiples of a threshold at which an incident is told (again).
var steps = [...]int64{1, 10, 100, 1000}

// stepOf is the highest step that a value has reached.
func stepOf(value, threshold int64) int64 {
	at := int64(1)
	for _, s := range steps {
		if threshold > 0 && value/s >= threshold {
			at = s
		}
	}
	return at
}

// covered are the steps that a message makes unnecessary: told at one, it says
// how much there was up to another.
func covered(told, reached int64) []int64 {
	var all []int64
	for _, s := range steps {
		if s == told || s > 1 && s <= reached {
			all = append(all, s)
		}
	}
	return all
}

// add is a + b, held at the largest number instead of running over.
func add(a, b int64) int64 {
	if c := a + b; c >= a || b < 0 {
		return c
	}
	return 1<<63 - 1
}
