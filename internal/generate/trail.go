package generate

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// trail writes CloudTrail records into files as CloudTrail delivers them.
type trail struct {
	w       *world
	d       *dice
	folder  *folder
	tally   *tally
	records []byte // of the file at hand, with commas
	count   int
	broken  int // of count
	limit   int
	newest  int64
	zip     *gzip.Writer
	out     bytes.Buffer

	lastKey, lastHash string
	delivered         int64
}

// add puts one record of second at into the file at hand.
func (t *trail) add(record []byte, at int64) error {
	if t.count > 0 {
		t.records = append(t.records, ',')
	} else {
		t.limit = t.d.between(300, 2000)
	}
	t.records = append(t.records, record...)
	t.count++
	t.newest = max(t.newest, at)
	if t.count >= t.limit {
		return t.flush()
	}
	return nil
}

// flush delivers the file at hand, if it holds anything.
func (t *trail) flush() error {
	if t.count == 0 {
		return nil
	}
	t.delivered = t.newest + int64(t.d.between(120, 900))
	when := time.Unix(t.delivered, 0).UTC()
	key := "AWSLogs/" + t.w.account + "/CloudTrail/" + t.w.region + when.Format("/2006/01/02/") +
		t.w.account + "_CloudTrail_" + t.w.region + when.Format("_20060102T1504Z_") + string(t.d.text(nil, 16, base64s[:62])) + ".json.gz"
	t.lastKey = key
	for range t.broken { // their own time cannot be read: they are dated by the delivery
		t.tally.trail.Lines++
		t.tally.trail.Rejected++
		t.tally.rejectDays.add(t.delivered)
	}
	err := t.deliver(key, `{"Records":[`, t.records, `]}`)
	t.tally.trail.Files++
	t.tally.trail.Bytes += int64(t.out.Len())
	t.records, t.count, t.broken, t.newest = t.records[:0], 0, 0, 0
	return err
}

// digest delivers the digest file that CloudTrail puts beside its logs: not a
// log, to be skipped.
func (t *trail) digest() error {
	if t.lastKey == "" {
		return nil
	}
	lastKey, lastHash := t.lastKey, t.lastHash
	t.delivered += 3600
	when := time.Unix(t.delivered, 0).UTC()
	body := member(nil, `"awsAccountId":`, t.w.account)
	body = member(body, `,"digestStartTime":`, when.Add(-time.Hour).Format(time.RFC3339))
	body = member(body, `,"digestEndTime":`, when.Format(time.RFC3339))
	body = append(body, `,"digestS3Bucket":"harbor-logs","digestPublicKeyFingerprint":"`...)
	body = t.d.text(body, 32, hexLow)
	body = append(body, `","digestSignatureAlgorithm":"SHA256withRSA","logFiles":[{"s3Bucket":"harbor-logs",`...)
	body = member(body, `"s3Object":`, lastKey)
	body = member(body, `,"hashValue":`, lastHash)
	body = append(body, `,"hashAlgorithm":"SHA-256"}]`...)
	t.tally.skipped++
	return t.deliver("AWSLogs/"+t.w.account+"/CloudTrail-Digest/"+t.w.region+when.Format("/2006/01/02/")+
		t.w.account+"_CloudTrail-Digest_"+t.w.region+"_harbor-trail_"+t.w.region+when.Format("_20060102T150405Z")+".json.gz",
		"{", body, "}")
}

func (t *trail) deliver(key, head string, body []byte, tail string) error {
	t.out.Reset()
	if t.zip == nil {
		z, err := gzip.NewWriterLevel(&t.out, gzip.BestSpeed)
		if err != nil {
			return fmt.Errorf("generate %s: %w", key, err)
		}
		t.zip = z
	}
	t.zip.Reset(&t.out)
	for _, part := range [...][]byte{[]byte(head), body, []byte(tail)} {
		if _, err := t.zip.Write(part); err != nil {
			return fmt.Errorf("generate %s: %w", key, err)
		}
	}
	if err := t.zip.Close(); err != nil {
		return fmt.Errorf("generate %s: %w", key, err)
	}
	sum := sha256.Sum256(t.out.Bytes())
	t.lastHash = hex.EncodeToString(sum[:])
	f, err := t.folder.create(key, t.delivered)
	if err != nil {
		return err
	}
	f.Write(t.out.Bytes())
	return f.close()
}

// event writes q as an ordinary CloudTrail record.
func (r *run) event(q *request) error {
	r.events0++
	r.rec = q.record(r.rec[:0], r.w, r.trail.d, "")
	r.tally.record(q.at)
	return r.trail.add(r.rec, q.at)
}

// trailHour writes what CloudTrail still owes for the hour that begins at, and
// delivers it.
func (r *run) trailHour(at int64) error {
	for len(r.events) > 0 && (r.events[0].at < at+3600 || at+3600 >= r.end) {
		if err := r.trail.add(r.events[0].text, r.events[0].at); err != nil {
			return err
		}
		r.events = r.events[1:]
	}
	d := r.trail.d
	for r.events0 < r.eventDue {
		then := at + int64(d.below(3600))
		s := r.w.sessions[r.w.active.draw(d)]
		if r.managed*10 > r.events0 { // data events of buckets that keep no access logs
			q := r.unlogged(then, s)
			if err := r.event(q); err != nil {
				return err
			}
			continue
		}
		r.events0++
		r.managed++
		r.rec = r.w.management(r.rec[:0], d, s, then)
		if r.broken > 0 {
			r.broken--
			r.trail.broken++
			r.tally.special["broken-record-time"]++
			stamp := time.Unix(then, 0).UTC().Format(time.RFC3339)
			r.rec = bytes.Replace(r.rec, []byte(stamp), []byte("2026-02-30T25:00:00Z"), 1)
		} else {
			r.tally.record(then)
		}
		if err := r.trail.add(r.rec, then); err != nil {
			return err
		}
	}
	return errors.Join(r.trail.flush(), r.report())
}

// unlogged draws a request to a bucket without access logging.
func (r *run) unlogged(at int64, s *session) *request {
	t := &traffic{w: r.w, d: r.trail.d}
	t.r.at = at
	t.get(&bucket{name: "harbor-scratch", host: "harbor-scratch.s3." + r.w.region + ".amazonaws.com", style: 6}, s)
	return &t.r
}
