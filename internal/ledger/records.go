package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"sluice/internal/pipeline"
)

// Records is what a RecordStore needs of a database: small records in
// partitions, each swapped by itself. Answers are of what was swapped last,
// whoever did it. DynamoDB is one, with conditional writes and consistent reads.
type Records interface {
	// Swap makes each change whose record still says Was, or is already what
	// the change would make of it. It returns each record as it is then, a zero
	// one where there is none. After an error any of them may be made.
	Swap(ctx context.Context, changes []Change) ([]Record, error)
	// Get returns a record, a zero one where there is none.
	Get(ctx context.Context, partition, sort string) (Record, error)
	// List yields the records of a partition from a sort key on, in their order.
	List(ctx context.Context, partition, from string) iter.Seq2[Record, error]
}

// Record is one record: Says is what conditions are about, Body is JSON.
type Record struct {
	Partition, Sort string
	Says            string // "" is no record
	Body            []byte
	Expires         time.Time // may be gone any time after; zero: never
}

// Change is a record to write if the one before says Was, "" being none. It
// removes the record where the new one says nothing.
type Change struct {
	Record
	Was string
}

const (
	// swapped at once; a claim is made of so many at a time.
	perSwap = 100
	// How long a batch that was not committed can still be looked at.
	undecided = 7 * 24 * time.Hour
	// of JSON in one record; DynamoDB takes 400 KB with all that is around it
	perPart = 256 << 10
	// of a batch: the ids of those that it leaves are in one record
	maxFiles = 8192
)

// RecordStore is a Store whose memory is in Records:
//
//	f#<hash of bucket and key>  <file id>   says the batch that asked for it last
//	b#<day begun>               <batch id>  says the state of the batch
//	m#<batch id>                <part>      what it committed, in parts
//
// A batch id begins with the time, so that the batches of a day are together and
// in order, and the day is known from the id.
//
// What was committed is remembered for ever. A file can come again at any time,
// years later by a backfill, and its rows may still be there: no time after which
// it may be forgotten would keep them from coming twice.
type RecordStore struct {
	records Records
	random  io.Reader
}

// NewRecordStore returns a store. Ids of batches are made with random.
func NewRecordStore(r Records, random io.Reader) *RecordStore {
	return &RecordStore{records: r, random: random}
}

// Name returns an id that no batch had or will have. The objects of one that was
// given up can so never be taken for those of the next, whatever both hold.
func (s *RecordStore) Name(files []pipeline.Object, now time.Time) (string, error) {
	if len(files) > maxFiles {
		return "", fmt.Errorf("%d files, at most %d can be one batch", len(files), maxFiles)
	}
	var id [16]byte
	copy(id[:], timeOf(now))
	if _, err := io.ReadFull(s.random, id[6:]); err != nil {
		return "", fmt.Errorf("draw a number: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

// timeOf is how a batch id begins: milliseconds since 1970, in 6 bytes.
func timeOf(t time.Time) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(0, t.UnixMilli())))
	return b[2:]
}

// begun is the time in a batch id.
func begun(id string) (time.Time, bool) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) != 16 {
		return time.Time{}, false
	}
	ms := binary.BigEndian.Uint64(b) >> 16
	return time.UnixMilli(int64(ms)).UTC(), true
}

func dayPartition(t time.Time) string { return "b#" + t.UTC().Format(time.DateOnly) }

// batchRecord is where a batch is. An id that is none is nowhere.
func batchRecord(id string) Record {
	t, _ := begun(id)
	return Record{Partition: dayPartition(t), Sort: id}
}

func fileRecord(o pipeline.Object) Record {
	return Record{Partition: filePartition(o.Bucket, o.Key), Sort: o.ID()}
}

func filePartition(bucket, key string) string {
	n := nameOf(bucket, key)
	return "f#" + hex.EncodeToString(n[:])
}

// nameOf is a file's name without what tells its contents apart, in little memory:
// a lake may know of a million.
func nameOf(bucket, key string) (n name) {
	sum := sha256.Sum256([]byte(bucket + "\x00" + key))
	copy(n[:], sum[:])
	return n
}

type name [16]byte

// Open makes a batch known.
func (s *RecordStore) Open(ctx context.Context, b Batch) error {
	r := batchRecord(b.ID)
	r.Says, r.Expires = string(Live), b.Until.Add(undecided)
	got, err := s.write(ctx, r, "", b)
	if err == nil && got.Says != r.Says {
		err = fmt.Errorf("a batch of this id is there, %s", got.Says)
	}
	return err
}

// Claim puts files under a batch.
func (s *RecordStore) Claim(ctx context.Context, batch string, files []pipeline.Object, from map[string]string) ([]string, error) {
	holders := make([]string, 0, len(files))
	for len(files) > 0 {
		n := min(perSwap, len(files))
		changes := make([]Change, n)
		for i, f := range files[:n] {
			r := fileRecord(f)
			r.Says = batch
			file := fileOf(f)
			file.ID = "" // it is the key already
			var err error
			if r.Body, err = json.Marshal(file); err != nil {
				return nil, err
			}
			changes[i] = Change{r, from[f.ID()]}
		}
		got, err := s.records.Swap(ctx, changes)
		if err != nil {
			return nil, err
		}
		for _, r := range got {
			holders = append(holders, r.Says)
		}
		files = files[n:]
	}
	return holders, nil
}

// Batch returns a batch as it is.
func (s *RecordStore) Batch(ctx context.Context, id string) (Batch, error) {
	at := batchRecord(id)
	r, err := s.records.Get(ctx, at.Partition, at.Sort)
	if err != nil {
		return Batch{}, err
	}
	return batchOf(r)
}

func batchOf(r Record) (Batch, error) {
	if r.Says == "" {
		return Batch{}, errGone
	}
	b := Batch{ID: r.Sort, State: State(r.Says)}
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return Batch{}, fmt.Errorf("record of batch %s: %w", r.Sort, err)
	}
	return b, nil
}

// Commit writes what the batch is, then decides it. Parts without a decision
// are read by nobody.
func (s *RecordStore) Commit(ctx context.Context, b Batch, c Commit) (State, error) {
	parts, err := split(c, perPart)
	if err != nil {
		return "", err
	}
	b.Parts = len(parts)
	for i, body := range parts {
		r := Record{Partition: "m#" + b.ID, Sort: partName(i), Says: b.ID, Body: body}
		if _, err := s.records.Swap(ctx, []Change{{r, ""}}); err != nil {
			return "", fmt.Errorf("write part %d of %d: %w", i+1, len(parts), err)
		}
	}
	r := batchRecord(b.ID)
	r.Says = string(Committed)
	got, err := s.write(ctx, r, string(Live), b)
	return decided(got), err
}

func partName(i int) string { return fmt.Sprintf("%04d", i) }

// decided is the state of a batch that is not open any more; one that is gone
// cannot be committed.
func decided(r Record) State {
	if r.Says == "" {
		return Aborted
	}
	return State(r.Says)
}

// Abort decides a batch the other way.
func (s *RecordStore) Abort(ctx context.Context, id string) (State, error) {
	b, err := s.Batch(ctx, id)
	if errors.Is(err, errGone) {
		return Aborted, nil
	}
	if err != nil || b.State != Live {
		return b.State, err
	}
	r := batchRecord(id)
	r.Says, r.Expires = string(Aborted), b.Until.Add(undecided)
	got, err := s.write(ctx, r, string(Live), b)
	return decided(got), err
}

// Finish notes that a committed batch is in place.
func (s *RecordStore) Finish(ctx context.Context, id string) error {
	b, err := s.Batch(ctx, id)
	if err != nil || b.State == Finished {
		return err
	}
	r := batchRecord(id)
	r.Says = string(Finished)
	got, err := s.write(ctx, r, string(Committed), b)
	if err == nil && got.Says != string(Finished) {
		err = fmt.Errorf("batch %s is %s", id, got.Says)
	}
	return err
}

// Forget removes claims that count for nothing. The record of the batch stays
// until it expires: it is what refuses a commit that is still on its way.
func (s *RecordStore) Forget(ctx context.Context, id string, files []pipeline.Object) error {
	for len(files) > 0 {
		n := min(perSwap, len(files))
		changes := make([]Change, n)
		for i, f := range files[:n] {
			changes[i] = Change{fileRecord(f), id}
		}
		if _, err := s.records.Swap(ctx, changes); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

func (s *RecordStore) write(ctx context.Context, r Record, was string, b Batch) (Record, error) {
	var err error
	if r.Body, err = json.Marshal(b); err != nil {
		return Record{}, err
	}
	got, err := s.records.Swap(ctx, []Change{{r, was}})
	if err != nil {
		return Record{}, err
	}
	return got[0], nil
}
