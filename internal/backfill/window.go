package backfill

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// Window is the time of delivery of the files that are wanted.
type Window struct {
	Since, Until logs.Time // from, and before; 0 is no limit
}

// The arguments of a job. Those that bound its window are for manifests that nobody
// could narrow, such as an inventory report of a whole bucket.
const (
	sinceArgument    = "since"
	untilArgument    = "until"
	findingsArgument = "findings"
	noFindings       = "none" // its only value
)

// wish is what the arguments of a job ask for.
type wish struct {
	Window
	rowsOnly bool
}

// wishOf reads the arguments of a job. One that is not known is an error: a
// misspelt limit must not become none.
func wishOf(arguments map[string]string) (w wish, err error) {
	var names []string
	for name := range arguments {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var at *logs.Time
		switch name {
		case sinceArgument:
			at = &w.Since
		case untilArgument:
			at = &w.Until
		case findingsArgument:
			if arguments[name] != noFindings {
				return wish{}, fmt.Errorf("argument %s of the job: %q is not %s", name, arguments[name], noFindings)
			}
			w.rowsOnly = true
			continue
		default:
			return wish{}, fmt.Errorf("argument %q of the job is none of %s, %s and %s", name, sinceArgument, untilArgument, findingsArgument)
		}
		t, err := moment(arguments[name])
		if err != nil {
			return wish{}, fmt.Errorf("argument %s of the job: %w", name, err)
		}
		*at = logs.TimeOf(t)
	}
	return w, nil
}

func moment(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a day such as 2019-03-02 nor a time such as 2019-03-02T08:30:00Z", s)
}

// Holds says whether a file is wanted, by when it was delivered. Its name tells
// that also of a file that was copied since, which its date does not.
func (w Window) Holds(key string, modified time.Time) bool {
	at := Delivered(key, modified)
	return (w.Since == 0 || at >= w.Since) && (w.Until == 0 || at < w.Until)
}

// Delivered is when AWS wrote a file: as its name tells, else its date.
func Delivered(key string, modified time.Time) logs.Time {
	if at, ok := pipeline.NameTime(key); ok {
		return at
	}
	return logs.TimeOf(modified)
}
