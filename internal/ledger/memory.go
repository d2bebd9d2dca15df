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
	records map[string]map[string]Record // by partition, by sort key
}

// NewMemory returns empty Records.
func NewMemory() *Memory { return &Memory{records: map[string]map[string]Record{}} }

// Swap makes the changes whose condition holds.
func (m *Memory) Swap(_ context.Context, changes []Change) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := make([]Record, len(changes))
	for i, c := range changes {
		p := m.records[c.Partition]
		if p[c.Sort].Says == c.Was {
			switch {
			case c.Says == "":
				delete(p, c.Sort)
			case p == nil:
				m.records[c.Partition] = map[string]Record{c.Sort: c.Record}
			default:
				p[c.Sort] = c.Record
			}
		}
		now[i] = m.records[c.Partition][c.Sort]
	}
	return now, nil
}

// Get returns a record.
func (m *Memory) Get(_ context.Context, partition, sort string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[partition][sort], nil
}

// List yields the records of a partition as they are when it is called.
func (m *Memory) List(_ context.Context, partition, from string) iter.Seq2[Record, error] {
	m.mu.Lock()
	var found []Record
	for sort, r := range m.records[partition] {
		if sort >= from {
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
