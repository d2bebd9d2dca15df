package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"sluice/internal/enroll"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

const (
	// skew is by how much the clocks of S3 and of this machine may differ.
	skew = 5 * time.Minute
	// maxLine is more than S3 writes into a line.
	maxLine = 1 << 20
)

// line is the line of the probe, read as the function reads it.
type line struct {
	file pipeline.Object
	day  string // of the row's partition
	id   string // S3's of the request
	n    int    // how often the file has it: S3 delivers a line twice now and then
}

// delivered waits for the line, and then follows it.
func (r *run) delivered(ctx context.Context) (bool, error) {
	var found *line
	err := r.wait(ctx, "for S3 to deliver", func() (done bool, err error) {
		found, err = r.find(ctx)
		return found != nil, err
	})
	const step = "delivery"
	again := "sluice verify " + r.Bucket + " --probe " + string(r.Probe) + " looks again"
	switch {
	case errors.Is(err, errWaiting):
		return r.say(step, Waiting, again, "not yet, %s after the request; S3 takes some hours as a rule, and after a change of settings longer", r.Now().Sub(r.Probe.Sent()).Round(time.Minute))
	case err != nil:
		return false, err
	}
	if _, err := r.say(step, OK, "", "s3://%s/%s, delivered %s, holds the line of the request", found.file.Bucket, found.file.Key, stamp(found.file.Modified)); err != nil {
		return false, err
	}
	batch, err := r.converted(ctx, found, again)
	if batch == nil || err != nil {
		return false, err
	}
	return r.row(ctx, found, batch)
}

// errWaiting is the end of patience.
var errWaiting = errors.New("not yet")

// wait looks until it is done, time is up or somebody interrupts.
func (r *run) wait(ctx context.Context, what string, look func() (bool, error)) error {
	began := r.Now()
	for {
		done, err := look()
		switch {
		case ctx.Err() != nil:
			return errWaiting
		case err != nil:
			return err
		case done:
			return nil
		case !r.Now().Add(r.Every).Before(r.until):
			return errWaiting
		}
		if r.Looked != nil {
			r.Looked(what, r.Now().Sub(began), len(r.seen))
		}
		if err := r.Wait(ctx, r.Every); err != nil {
			return errWaiting
		}
	}
}

// find looks for the line in the files that have come since.
func (r *run) find(ctx context.Context) (*line, error) {
	for _, prefix := range r.prefixes() {
		for o, err := range r.Files.List(ctx, r.logging.Target, prefix) {
			if err != nil {
				return nil, err
			}
			id := o.ID()
			if r.seen[id] || o.Modified.Before(r.Probe.Sent().Add(-skew)) {
				continue
			}
			found, err := r.read(ctx, o)
			if err != nil || found != nil {
				return found, err
			}
			r.seen[id] = true
		}
	}
	return nil, nil
}

// prefixes are where S3 puts files with the line, by the key format of the bucket
// (S3 User Guide, "Logging requests with server access logging"): by the day of
// the request, or by those of a delivery.
func (r *run) prefixes() []string {
	first, last := r.Probe.Sent(), r.Now()
	before, form := r.below(), "2006-01-02"
	if r.logging.Format != enroll.Simple {
		form = "2006/01/02/"
	}
	if r.logging.Format == enroll.ByEventTime {
		last = first.Add(skew) // a request just before midnight
	}
	var all []string
	for day := first.Add(-skew).Truncate(24 * time.Hour); !day.After(last); day = day.AddDate(0, 0, 1) {
		all = append(all, before+day.Format(form))
	}
	return all
}

// below is how the keys of all files of the bucket begin.
func (r *run) below() string {
	if r.logging.Format == enroll.Simple {
		return r.logging.Prefix
	}
	return r.logging.Prefix + r.Account + "/" + r.Region + "/" + r.Bucket + "/"
}

// read looks for the line in one file. What only quotes the key, in a Referer for
// instance, is not it.
func (r *run) read(ctx context.Context, o pipeline.Object) (*line, error) {
	body, err := r.Files.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	key := []byte(r.Probe.Key())
	var found *line
	lines := bufio.NewReaderSize(body, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if bytes.Contains(text, key) {
			if row := parse(text); row != nil && string(row.KeyName) == string(key) && string(row.BucketName) == r.Bucket {
				if found == nil {
					found = &line{file: o, day: row.RequestTime.Go().Format(time.DateOnly), id: string(row.RequestID)}
				}
				found.n++
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // no line of S3's
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		}
	}
}

func parse(text []byte) *s3access.Row {
	for row, err := range s3access.Format.NewReader().Read(&logs.Input{}, bytes.NewReader(text)) {
		if err != nil {
			return nil
		}
		return row
	}
	return nil
}
