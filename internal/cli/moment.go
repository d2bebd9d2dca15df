package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// span is a stretch of event time, without its end.
type span struct{ from, to logs.Time }

// always is all of time.
var always = span{math.MinInt64, math.MaxInt64}

func (s span) holds(t logs.Time) bool { return t >= s.from && t < s.to }

// late is how long after a record its file may be delivered for --since to leave
// whole files unread by their names; S3 and CloudTrail need hours at most. It
// also allows for names that tell no more than a day.
const late = logs.Time(48 * time.Hour / time.Millisecond)

// mayHold tells whether a file can hold records of the span. A file is delivered
// after what it holds happened; how long after has no bound, so that only the
// start of the span leaves files out.
func (s span) mayHold(o pipeline.Object) bool {
	if s.from == always.from {
		return true
	}
	at, ok := pipeline.NameTime(o.Key)
	return !ok || at >= s.from-late
}

// spanOf reads --since and --until. A day stands for all of it, and what happened
// at the very moment of either is within.
func spanOf(since, until string) (span, error) {
	s := always
	if since != "" {
		from, _, err := moment("--since", since)
		if err != nil {
			return s, err
		}
		s.from = from
	}
	if until != "" {
		from, to, err := moment("--until", until)
		if err != nil {
			return s, err
		}
		if s.to = from + 1; to > from {
			s.to = to
		}
	}
	if s.from >= s.to {
		return s, usage(fmt.Errorf("--until %s is before --since %s", until, since))
	}
	return s, nil
}

// moment reads a point in time, or a day with its end. Without a zone it is UTC,
// as everything in the logs.
func moment(flag, text string) (from, to logs.Time, err error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return logs.TimeOf(day), logs.TimeOf(day.AddDate(0, 0, 1)), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return logs.TimeOf(t), logs.TimeOf(t), nil
		}
	}
	return 0, 0, usage(fmt.Errorf("%s %q is neither a day such as 2026-03-02 nor a time such as 2026-03-02T08:30:00Z", flag, text))
}

// inTime brings files into the order in which they were delivered, as their
// names tell it, else their dates: what happened together is then read together,
// and windows over time need not be kept for long.
func inTime(files []pipeline.Object) []pipeline.Object {
	type dated struct {
		at logs.Time
		o  pipeline.Object
	}
	list := make([]dated, len(files))
	for i, o := range files {
		at, ok := pipeline.NameTime(o.Key)
		if !ok && !o.Modified.IsZero() {
			at = logs.TimeOf(o.Modified)
		}
		list[i] = dated{at, o}
	}
	slices.SortFunc(list, func(a, b dated) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.o.Bucket, b.o.Bucket), cmp.Compare(a.o.Key, b.o.Key), cmp.Compare(a.o.Version, b.o.Version))
	})
	sorted := make([]pipeline.Object, len(list))
	for i, d := range list {
		sorted[i] = d.o
	}
	return sorted
}
