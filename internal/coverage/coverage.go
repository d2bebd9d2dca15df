// Package coverage compares the buckets of an account with what is known of
// their access logs: which do not log, which log to somewhere else, which log
// and have fallen silent, which are new. It looks once a day; a look is one row
// for each bucket, and a finding where logging that was on is on no more.
//
// What it knows comes from two sides: the settings of the buckets, as AWS has
// them now, and the hours in which lines of a bucket were converted, which the
// function notes as they come.
package coverage

import (
	"cmp"
	"slices"
	"time"
)

// Bucket is a bucket of the account and where it sends its access logs.
type Bucket struct {
	Name, Region string
	// Target and Prefix are where its logs go; Target is "" where it does not log.
	Target, Prefix string
	// Fault says why its settings could not be read; then nothing else is known.
	Fault string
	// Denied says that somebody forbids to read them, and no accident.
	Denied bool
}

// Status is what a look found of a bucket.
type Status string

// What a bucket can be. Only silence and the loss of logging call for a person.
const (
	Logging     Status = "logging"      // to a bucket that is converted, and lines come
	Waiting     Status = "waiting"      // to a bucket that is converted, and no line has come yet
	Silent      Status = "silent"       // lines came, and for longer than usual none do
	Elsewhere   Status = "elsewhere"    // to a bucket that is not converted here
	Off         Status = "off"          // it does not log
	Exempt      Status = "exempt"       // it must not log: it holds logs, or what is made of them
	OtherRegion Status = "other_region" // S3 delivers logs within a Region only: another stack's
	Unknown     Status = "unknown"      // its settings could not be read
)

// Statuses lists them in the order in which a person should read them.
var Statuses = []Status{Silent, Off, Elsewhere, Unknown, Waiting, Logging, OtherRegion, Exempt}

// Here says that the logs of a bucket were to arrive in this stack.
func (k Known) Here() bool { return k.Status.here() }

// here says that the logs of a bucket are to arrive in this stack.
func (s Status) here() bool { return s == Logging || s == Waiting || s == Silent }

// Sighting says in which hours of a day lines of a bucket were written, as far as
// they have been delivered. Sightings of a bucket and day add up.
type Sighting struct {
	Bucket string
	Day    int32  // UTC, since 1970-01-01
	Hours  uint32 // bit 0 is the hour from midnight
}

// Known is what the look before left of a bucket.
type Known struct {
	Bucket string    `json:"-"`
	Status Status    `json:"status"`
	Target string    `json:"target,omitempty"`
	Looked time.Time `json:"looked"`         // when the look was
	Since  time.Time `json:"since,omitzero"` // look that found it switched on; zero where it was on before
	Last   time.Time `json:"last,omitzero"`  // start of the last hour with lines, of those since
	Gap    int64     `json:"gap,omitempty"`  // where silent: hours, as of Habit
	Days   int       `json:"days,omitempty"` // where silent: as of Habit
}

// Look is everything that one look at an account goes by.
type Look struct {
	Now             time.Time
	Account, Region string
	// Converted are the buckets whose files become rows.
	Converted []string
	// Keeps says of buckets why they must not log, by name.
	Keeps map[string]string
	// Silence is from how long on a bucket can be silent at all.
	Silence time.Duration

	Buckets   []Bucket
	Sightings []Sighting // of at least Memory before now
	Before    []Known
}

// Report is what a look found, by bucket.
type Report struct {
	Rows   []Row
	Known  []Known // for the next look
	lost   []change
	hidden []change
	silent []change
	since  time.Time // the look before, the zero time at the first
}

// change is a bucket of which a person should hear.
type change struct {
	row    *Row
	before Known
	now    Known
}

// Take judges every bucket. It is pure: the same look gives the same report.
func (l *Look) Take() *Report {
	buckets := slices.Clone(l.Buckets)
	slices.SortFunc(buckets, func(a, b Bucket) int { return cmp.Compare(a.Name, b.Name) })
	before := make(map[string]Known, len(l.Before))
	r := &Report{Rows: make([]Row, 0, len(buckets))}
	for _, k := range l.Before {
		before[k.Bucket] = k
		if k.Looked.After(r.since) {
			r.since = k.Looked
		}
	}
	hours := byBucket(l.Sightings)
	receives := map[string]string{} // log bucket → one that logs to it
	for _, b := range buckets {
		if b.Target != "" && receives[b.Target] == "" {
			receives[b.Target] = b.Name
		}
	}
	for _, b := range buckets {
		old, was := before[b.Name]
		v := l.judge(b, old, was, hours[b.Name], receives)
		r.Rows = append(r.Rows, l.row(b, old, was, len(before) > 0, v))
		r.Known = append(r.Known, v.known)
		c := change{&r.Rows[len(r.Rows)-1], old, v.known}
		switch {
		case was && old.Status.here() && (v.status == Off || v.status == Elsewhere):
			r.lost = append(r.lost, c)
		case was && old.Status.here() && v.status == Unknown && b.Denied:
			r.hidden = append(r.hidden, c)
		case v.status == Silent && old.Status != Silent:
			r.silent = append(r.silent, c)
		}
	}
	return r
}

// Count is how many buckets have a status.
func (r *Report) Count(s Status) (n int64) {
	for i := range r.Rows {
		if Status(r.Rows[i].Status) == s {
			n++
		}
	}
	return n
}
