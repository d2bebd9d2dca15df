package detect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/internal/logs"
)

// Memory is a State for one process: a laptop's, or a test's. It forgets by event
// time, so that years of logs take no more of it than the windows that are open:
// see Passed.
type Memory struct {
	mu     sync.Mutex
	slots  map[slotKey]*memorySlot
	of     map[string][]int64 // slots of each counter, ascending
	claims map[string]*memoryClaim
	expire map[int64][]slotKey // by the hour from which nobody asks for them; a claim has no slot

	newest  [quorum]logs.Time // first records of the last files
	files   int
	passed  int64 // hour up to which is forgotten
	started bool
}

// quorum is how many files in a row must begin after a time before it counts as
// passed: one file with a wrong date must not make Memory forget all others.
const quorum = 16

type slotKey struct {
	key   string
	slot  int64
	claim bool
}

type memorySlot struct {
	done     map[string]struct{}
	cells    map[int64]Cell
	elements map[string]struct{}
	samples  map[int][]byte
}

type memoryClaim struct {
	told   map[int64]bool
	owners map[int64]Claim
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{
		slots:  map[slotKey]*memorySlot{},
		of:     map[string][]int64{},
		claims: map[string]*memoryClaim{},
		expire: map[int64][]slotKey{},
	}
}

// Live is how many slots and claims are remembered.
func (m *Memory) Live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.slots) + len(m.claims)
}

// Add is State's.
func (m *Memory) Add(ctx context.Context, adds []Add) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range adds {
		m.add(&adds[i])
	}
	return ctx.Err()
}

func (m *Memory) add(a *Add) {
	k := slotKey{key: a.Key, slot: a.Slot}
	s := m.slots[k]
	if s == nil {
		s = &memorySlot{done: map[string]struct{}{}, cells: map[int64]Cell{}, elements: map[string]struct{}{}, samples: map[int][]byte{}}
		m.slots[k] = s
		of := m.of[a.Key]
		at, _ := slices.BinarySearch(of, a.Slot)
		m.of[a.Key] = slices.Insert(of, at, a.Slot)
		m.forget(k, a.Until)
	}
	if a.Cap == 0 || len(s.elements) < a.Cap {
		for _, e := range a.Elements {
			s.elements[e] = struct{}{}
		}
	}
	for _, sample := range a.Samples {
		if _, ok := s.samples[sample.Series]; !ok {
			s.samples[sample.Series] = slices.Clone(sample.Text)
		}
	}
	if len(a.Cells) == 0 {
		return
	}
	if _, ok := s.done[a.Once]; ok {
		return
	}
	s.done[a.Once] = struct{}{}
	for _, c := range a.Cells {
		was := s.cells[c.Bin]
		s.cells[c.Bin] = Cell{Bin: c.Bin, N: add(was.N, c.N), V: was.V + c.V}
	}
}

// Read is State's.
func (m *Memory) Read(ctx context.Context, spans []Span) ([][]Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([][]Slot, len(spans))
	for i, span := range spans {
		of := m.of[span.Key]
		from, _ := slices.BinarySearch(of, span.From)
		for _, n := range of[from:] {
			if n > span.To {
				break
			}
			all[i] = append(all[i], m.slots[slotKey{key: span.Key, slot: n}].read(n))
		}
	}
	return all, ctx.Err()
}

func (s *memorySlot) read(n int64) Slot {
	slot := Slot{Slot: n, Elements: slices.Sorted(maps.Keys(s.elements))}
	for _, c := range s.cells {
		slot.Cells = append(slot.Cells, c)
	}
	slices.SortFunc(slot.Cells, func(a, b Cell) int { return cmp.Compare(a.Bin, b.Bin) })
	for _, series := range slices.Sorted(maps.Keys(s.samples)) {
		slot.Samples = append(slot.Samples, Sample{series, s.samples[series]})
	}
	return slot
}

// Claim is State's.
func (m *Memory) Claim(ctx context.Context, now time.Time, claims []Claim) ([]Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	grants := make([]Grant, len(claims))
	for i, c := range claims {
		grants[i] = m.claim(c).claim(now, c)
	}
	return grants, ctx.Err()
}

func (m *Memory) claim(c Claim) *memoryClaim {
	k := m.claims[c.UID]
	if k == nil {
		k = &memoryClaim{told: map[int64]bool{}, owners: map[int64]Claim{}}
		m.claims[c.UID] = k
		m.forget(slotKey{key: c.UID, claim: true}, c.Forget)
	}
	return k
}

func (k *memoryClaim) claim(now time.Time, c Claim) Grant {
	if k.told[c.Step] {
		return Told
	}
	if was, ok := k.owners[c.Step]; ok && was.Owner != c.Owner && now.Before(was.Until) {
		return Held
	}
	k.owners[c.Step] = c
	return Granted
}

// Sent is State's.
func (m *Memory) Sent(ctx context.Context, claims []Claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claims {
		k := m.claim(c)
		for _, step := range c.Covers {
			k.told[step] = true
		}
	}
	return ctx.Err()
}

// Passed says when the first record of a file was made. What nobody asks for
// once that time has come is forgotten, if the files before it were no earlier.
func (m *Memory) Passed(first time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.newest[m.files%quorum] = logs.TimeOf(first)
	m.files++
	if m.files < quorum {
		return
	}
	now := hourOf(slices.Min(m.newest[:]))
	if m.started && now <= m.passed {
		return
	}
	m.started, m.passed = true, now
	for hour, keys := range m.expire {
		if hour >= now {
			continue
		}
		for _, k := range keys {
			m.drop(k)
		}
		delete(m.expire, hour)
	}
}

func (m *Memory) drop(k slotKey) {
	if k.claim {
		delete(m.claims, k.key)
		return
	}
	delete(m.slots, k)
	of := m.of[k.key]
	if at, ok := slices.BinarySearch(of, k.slot); ok {
		of = slices.Delete(of, at, at+1)
	}
	if len(of) == 0 {
		delete(m.of, k.key)
	} else {
		m.of[k.key] = of
	}
}

func (m *Memory) forget(k slotKey, until logs.Time) {
	hour := hourOf(until) + 1
	m.expire[hour] = append(m.expire[hour], k)
}

func hourOf(t logs.Time) int64 { return floorDiv(int64(t), 3600*1000) }
