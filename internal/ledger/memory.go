package ledger

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Memory is Records that are gone with the process: for tests, and to show what
// a database has to do.
type Memory struct {
	mu      sync.Mutex
	records map[[2]string]Record
}

// NewMemory returns empty Records.
func NewMemory() *Memory { return &Memory{records: map[[2]string]Record{}} }

// Swap makes the changes whose condition holds.
func (m *Memory) Swap(_ context.Context, changes []Change) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := make([]Record, len(changes))
	for i, c := range changes {
		at := [2]string{c.Partition, c.Sort}
		if m.records[at].Says == c.Was {
			if c.Says == "" {
				delete(m.records, at)
			} else {
				m.records[at] = c.Record
			}
		}
		now[i] = m.records[at]
	}
	return now, nil
}

// Get returns a record.
func (m *Memory) Get(_ context.Context, partition, sort string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[[2]string{partition, sort}], nil
}

// List yields the records of a partition as they are when it is called.
func (m *Memory) List(_ context.Context, partition, from string) iter.Seq2[Record, error] {
	m.mu.Lock()
	var found []Record
	for at, r := range m.records {
		if at[0] == partition && at[1] >= from {
			found = append(found, r)
		}
	}
	m.mu.Unlock()
	slices.SortFunc(found, func(a, b Record) int { return strings.Compare(a.Sort, b.Sort) })
	return func(yield func(Record, error) bool) {
		for _, r := range found {
			if !yield(r, nil) {
				return
			}
		}
	}
}
