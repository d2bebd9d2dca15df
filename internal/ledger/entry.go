package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"
	"unicode/utf8"
)

// part is a piece of a commit that fits into a record.
type part struct {
	Time    time.Time `json:"time,omitzero"` // in the first
	Files   []File    `json:"files,omitempty"`
	Objects []Object  `json:"objects,omitempty"`
}

// split puts a commit down in parts of at most limit bytes, or of one file.
func split(c Commit, limit int) ([][]byte, error) {
	var (
		parts [][]byte
		buf   bytes.Buffer
		now   = part{Time: c.Time}
		used  int
	)
	encode := json.NewEncoder(&buf)
	encode.SetEscapeHTML(false)
	size := func(v any) (int, error) {
		buf.Reset()
		err := encode.Encode(v)
		return buf.Len(), err
	}
	flush := func() error {
		if _, err := size(now); err != nil {
			return err
		}
		parts = append(parts, bytes.TrimSuffix(bytes.Clone(buf.Bytes()), []byte("\n")))
		now, used = part{}, 0
		return nil
	}
	room := func(v any) error {
		n, err := size(v)
		if err != nil {
			return err
		}
		if used > 0 && used+n > limit {
			err = flush()
		}
		used += n
		return err
	}
	for _, o := range c.Objects { // first: to finish a batch is to read them
		if err := room(o); err != nil {
			return nil, err
		}
		now.Objects = append(now.Objects, o)
	}
	for _, f := range c.Files {
		if utf8.ValidString(f.Bucket + f.Key + f.Version) {
			f.ID = "" // it is made of them; JSON would change what is not UTF-8
		}
		if err := room(f); err != nil {
			return nil, err
		}
		now.Files = append(now.Files, f)
	}
	return parts, flush()
}

// Entry returns what a batch committed.
func (s *RecordStore) Entry(ctx context.Context, id string) (Commit, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return Commit{}, err
	}
	if b.State != Committed && b.State != Finished {
		return Commit{}, errGone
	}
	c := Commit{Batch: id}
	n := 0
	for r, err := range s.records.List(ctx, "m#"+id, "") {
		if err != nil {
			return Commit{}, err
		}
		var p part
		if err := json.Unmarshal(r.Body, &p); err != nil {
			return Commit{}, fmt.Errorf("record %s of batch %s: %w", r.Sort, id, err)
		}
		if n == 0 {
			c.Time = p.Time
		}
		for _, f := range p.Files {
			if f.ID == "" {
				f.ID = f.object().ID()
			}
			c.Files = append(c.Files, f)
		}
		c.Objects = append(c.Objects, p.Objects...)
		n++
	}
	if n != b.Parts {
		return Commit{}, fmt.Errorf("batch %s: %d of %d parts of its commit are there", id, n, b.Parts)
	}
	return c, nil
}

// Claims lists every content of a file that is known.
func (s *RecordStore) Claims(ctx context.Context, bucket, key string) ([]Claim, error) {
	var claims []Claim
	for r, err := range s.records.List(ctx, filePartition(bucket, key), "") {
		if err != nil {
			return nil, err
		}
		c := Claim{Batch: r.Says}
		if err := json.Unmarshal(r.Body, &c.File); err != nil {
			return nil, fmt.Errorf("record of file %s: %w", r.Sort, err)
		}
		c.File.ID = r.Sort
		claims = append(claims, c)
	}
	return claims, nil
}

// oldest is before any batch: a ledger of records is younger.
var oldest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Since lists the batches begun from a time on, day after day.
func (s *RecordStore) Since(ctx context.Context, from, to time.Time) iter.Seq2[Batch, error] {
	if from.Before(oldest) {
		from = oldest
	}
	return func(yield func(Batch, error) bool) {
		first := hex.EncodeToString(timeOf(from))
		for day := from; dayPartition(day) <= dayPartition(to); day = day.AddDate(0, 0, 1) {
			for r, err := range s.records.List(ctx, dayPartition(day), first) {
				var b Batch
				if err == nil {
					b, err = batchOf(r)
				}
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}
