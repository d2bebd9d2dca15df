package coverage

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/logs"
)

// verdict is what is found of one bucket.
type verdict struct {
	status Status
	why    string // "" where the status says all
	habit  Habit
	hours  int64 // since the last line, or since it logs here
	until  int64 // hours that are usual; 0 without a habit
	known  Known
}

// judge finds the status of a bucket. hours are those with lines of it, receives
// says of log buckets who logs to them.
func (l *Look) judge(b Bucket, old Known, was bool, hours []int64, receives map[string]string) verdict {
	v := verdict{known: Known{Bucket: b.Name, Target: b.Target, Looked: l.Now}}
	switch {
	case l.Keeps[b.Name] != "":
		v.status, v.why = Exempt, l.Keeps[b.Name]
	case b.Region != "" && b.Region != l.Region:
		v.status, v.why = OtherRegion, "S3 delivers access logs within a Region only: it takes a stack there"
	case b.Fault != "":
		v.status, v.why = Unknown, b.Fault
	case b.Target == "" && receives[b.Name] != "":
		v.status, v.why = Exempt, "it receives the access logs of "+receives[b.Name]+": each delivery of those would be a line of its own"
	case b.Target == "":
		v.status = Off
	case !slices.Contains(l.Converted, b.Target):
		v.status, v.why = Elsewhere, "its logs go to "+b.Target+", which is not converted here"
	default:
		l.listen(&v, b, old, hours)
	}
	v.known.Status = v.status
	if v.status == Unknown && was {
		// What cannot be read has not changed: the next look compares with what
		// was there before.
		v.known = old
		v.known.Bucket = b.Name
	}
	return v
}

// listen tells silence from quiet in a bucket that logs to here.
func (l *Look) listen(v *verdict, b Bucket, old Known, hours []int64) {
	switch {
	case old.Status.here() && old.Target == b.Target:
		v.known.Since = old.Since
	case old.Status == Off || old.Status == Elsewhere || old.Status.here():
		v.known.Since = l.Now // switched on, or over, since the look before
	}
	v.habit = habitOf(hours)
	v.known.Last = old.Last
	if v.habit.Last > 0 && timeOf(v.habit.Last).After(old.Last) {
		v.known.Last = timeOf(v.habit.Last)
	}
	if v.known.Last.IsZero() {
		v.status, v.why = Waiting, "no line of it has been converted yet: nobody used it, or S3 could not deliver"
		return
	}
	v.status = Logging
	from := v.known.Last
	if v.known.Since.After(from) { // it cannot have been silent for longer than it logs
		from = v.known.Since
	}
	v.hours = max(0, hourOf(l.Now)-hourOf(from)-1)
	if old.Status == Silent && !v.known.Last.After(old.Last) {
		// What was its habit is forgotten in time, and no reason to call it used.
		v.habit.Days, v.habit.Gap = old.Days, old.Gap
	}
	until, ok := v.habit.Until(l.Silence)
	if !ok {
		return
	}
	if v.until = until; v.hours <= until {
		return
	}
	v.status = Silent
	v.known.Days, v.known.Gap = v.habit.Days, v.habit.Gap
	v.why = fmt.Sprintf("no line for %d hours; its longest gap in 30 days was %d hours", v.hours, v.habit.Gap)
}

// row is what the table says of a bucket.
func (l *Look) row(b Bucket, old Known, was, compared bool, v verdict) Row {
	r := Row{
		CheckedTime: logs.TimeOf(l.Now), Account: text(l.Account), Region: text(b.Region), BucketName: text(b.Name),
		Status: text(string(v.status)), Detail: text(v.why), LogBucket: text(b.Target), LogPrefix: text(b.Prefix),
	}
	if compared {
		r.IsNew = logs.SomeBool(!was)
	}
	if was {
		r.StatusBefore = text(string(old.Status))
	}
	if !v.status.here() {
		return r
	}
	if v.status != Waiting {
		r.SilentHours = logs.SomeInt(v.hours)
		r.ActiveDays, r.LongestGapHours = logs.SomeInt(int64(v.habit.Days)), logs.SomeInt(v.habit.Gap)
	}
	if v.until > 0 {
		r.UsualHours = logs.SomeInt(v.until)
	}
	return r
}

func text(s string) logs.Text {
	if s == "" {
		return nil
	}
	return logs.Text(s)
}

// day is the start of the UTC day of a time.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
