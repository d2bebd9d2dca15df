package ingest

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/coverage"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

const (
	// maxSightings is how many buckets and days wait to be noted, and how many are
	// remembered as noted. A batch of a large account holds some hundreds.
	maxSightings = 10_000
	noteTime     = 5 * time.Second
)

// bucketDay is a bucket on a UTC day.
type bucketDay struct {
	bucket string
	day    int32
}

// sightings notes in which hours lines of a bucket were written, for the daily
// look at who logs: see internal/coverage. The hours are all that it keeps. They
// are few, a set of them can be written again, and each process writes each hour
// of a bucket once, however many files it comes in.
//
// It is a pipeline.Watch that hands on to another.
type sightings struct {
	next pipeline.Watch // nil for none
	to   coverage.Noter
	log  *slog.Logger
	now  func() time.Time

	file    map[bucketDay]uint32 // of the file being read
	pending map[bucketDay]uint32 // read whole, and not noted
	noted   map[bucketDay]uint32 // by this process

	at    bucketDay // of the row before, and its hours
	hours uint32
	first int32 // earliest day of use
}

func newSightings(next pipeline.Watch, to coverage.Noter, log *slog.Logger, now func() time.Time) *sightings {
	if now == nil {
		now = time.Now
	}
	return &sightings{
		next: next, to: to, log: log, now: now,
		file: map[bucketDay]uint32{}, pending: map[bucketDay]uint32{}, noted: map[bucketDay]uint32{},
	}
}

// Begin is pipeline.Watch's.
func (s *sightings) Begin(o pipeline.Object) {
	clear(s.file)
	s.at, s.hours = bucketDay{}, 0
	// A backfill brings years that no look asks for.
	s.first = int32(s.now().Add(-coverage.Memory).Unix() / 86400)
	if s.next != nil {
		s.next.Begin(o)
	}
}

// Row is pipeline.Watch's.
func (s *sightings) Row(row any) {
	if r, ok := row.(*s3access.Row); ok {
		day := r.RequestTime.Day()
		if day != s.at.day || string(r.BucketName) != s.at.bucket {
			s.keep()
			s.at, s.hours = bucketDay{string(r.BucketName), day}, 0
		}
		s.hours |= 1 << (int64(r.RequestTime) / 3_600_000 % 24)
	}
	if s.next != nil {
		s.next.Row(row)
	}
}

// keep adds the run of rows that has ended to those of the file.
func (s *sightings) keep() {
	if s.hours != 0 && s.at.bucket != "" && s.at.day >= s.first && len(s.file) < maxSightings {
		s.file[s.at] |= s.hours
	}
}

// End is pipeline.Watch's. A line that was read has been delivered, whatever
// becomes of its batch; but a file that breaks comes again.
func (s *sightings) End(f pipeline.File) {
	s.keep()
	if f.Outcome == pipeline.Converted {
		for b, hours := range s.file {
			if hours &^= s.noted[b]; hours != 0 && len(s.pending) < maxSightings {
				s.pending[b] |= hours
			}
		}
	}
	if s.next != nil {
		s.next.End(f)
	}
}

// note writes what is pending. What it cannot write waits for the next batch: a
// look is a day away, and no file need be read again for it.
func (s *sightings) note(ctx context.Context) {
	if len(s.pending) == 0 {
		return
	}
	all := make([]coverage.Sighting, 0, len(s.pending))
	for b, hours := range s.pending {
		all = append(all, coverage.Sighting{Bucket: b.bucket, Day: b.day, Hours: hours})
	}
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	if err := s.to.Note(ctx, all); err != nil {
		s.log.Error("hours of buckets not noted, will be tried again", "error", shown(err))
		return
	}
	if len(s.noted)+len(s.pending) > maxSightings {
		clear(s.noted)
	}
	for b, hours := range s.pending {
		s.noted[b] |= hours
	}
	clear(s.pending)
}
