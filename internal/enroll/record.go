package enroll

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/internal/ledger"
)

// Record is what is remembered of a bucket that was enrolled.
type Record struct {
	Before *Logging  `json:"before"` // what it did before; nil is nothing
	Set    *Logging  `json:"set"`    // what enrolment made of it: what differs is somebody else's
	By     string    `json:"by"`     // who enrolled it: Stack or Hand
	At     time.Time `json:"at"`

	says string // as it is written, for the condition that it still is
}

// Who may enroll a bucket. Each gives back only what it took.
const (
	Stack = "stack"
	Hand  = "hand"
)

// Memory remembers what buckets did before, in the table of the stack that also
// has the ledger, next to it: in the partition e#, one record a bucket, which
// never expires. So the stack and a person at a terminal know of each other.
type Memory struct{ records ledger.Records }

// NewMemory returns the memory in a table of records.
func NewMemory(r ledger.Records) *Memory { return &Memory{r} }

const partition = "e#"

// All returns what is remembered, by bucket.
func (m *Memory) All(ctx context.Context) (map[string]Record, error) {
	all := map[string]Record{}
	for r, err := range m.records.List(ctx, partition, "") {
		if err != nil {
			return nil, fmt.Errorf("what buckets did before: %w", err)
		}
		var is Record
		if err := json.Unmarshal(r.Body, &is); err != nil {
			return nil, fmt.Errorf("what %s did before: %w", r.Sort, err)
		}
		is.says = r.Says
		all[r.Sort] = is
	}
	return all, nil
}

// remember writes a record, in place of the one it was planned from only.
func (m *Memory) remember(ctx context.Context, bucket string, was, is *Record) error {
	body, err := json.Marshal(is)
	if err != nil {
		return err
	}
	is.says = string(body)
	return m.swap(ctx, was, ledger.Record{Partition: partition, Sort: bucket, Says: is.says, Body: body})
}

// takeBack puts the record of before into the place of one that was remembered.
func (m *Memory) takeBack(ctx context.Context, bucket string, is Record, was *Record) error {
	if was == nil {
		return m.forget(ctx, bucket, is)
	}
	return m.remember(ctx, bucket, &is, was)
}

func (m *Memory) forget(ctx context.Context, bucket string, was Record) error {
	return m.swap(ctx, &was, ledger.Record{Partition: partition, Sort: bucket})
}

func (m *Memory) swap(ctx context.Context, was *Record, is ledger.Record) error {
	c := ledger.Change{Record: is}
	if was != nil {
		c.Was = was.says
	}
	now, err := m.records.Swap(ctx, []ledger.Change{c})
	if err != nil {
		return fmt.Errorf("remember what %s did before: %w", is.Sort, err)
	}
	if now[0].Says != is.Says {
		return fmt.Errorf("%s was enrolled or restored by somebody else meanwhile: try again", is.Sort)
	}
	return nil
}
