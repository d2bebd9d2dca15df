package detect

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/logs"
)

// Memory is a State for one process: a laptop's, or a test's. It forgets by event
// time, so that years of logs take no more of it than the windows that are open:
// see Passed.
type Memory struct {
	mu       sync.Mutex
	seed     maphash.Seed
	counters map[string][]*memorySlot // ascending
	claims   map[string]*memoryClaim
	expire   map[int64][]expiring // by the hour from which nobody asks for them

	newest  [quorum]logs.Time // times of the last files
	files   int
	passed  int64 // hour up to which is forgotten
	started bool
}

// quorum is how many files in a row must come after a time before it counts as
// passed: one file with a wrong date must not make Memory forget all others.
const quorum = 16

// expiring is a slot or a claim.
type expiring struct {
	key  string
	slot *memorySlot // nil: a claim
}

// memorySlot is what is in a slot. Of a long day there are millions, most of them
// of one cell: so it is lists, not maps, and small.
type memorySlot struct {
	slot  int64
	one   [1]memoryCell
	cells []memoryCell // by bin
	done  []uint64     // hashes of who added to them, ascending
	more  *memorySets
}

type memoryCell struct {
	bin, n, v int64
}

type memorySets struct {
	elements []string // ascending
	samples  []Sample // by series
	apart    map[string]bool
}

type memoryClaim struct {
	told   map[int64]bool
	owners map[int64]Claim
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{
		seed:     maphash.MakeSeed(),
		counters: map[string][]*memorySlot{},
		claims:   map[string]*memoryClaim{},
		expire:   map[int64][]expiring{},
	}
}

// Live is how many slots and claims are remembered.
func (m *Memory) Live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.claims)
	for _, slots := range m.counters {
		n += len(slots)
	}
	return n
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
	slots := m.counters[a.Key]
	at, ok := slices.BinarySearchFunc(slots, a.Slot, compareSlots)
	if !ok {
		s := &memorySlot{slot: a.Slot}
		m.counters[a.Key] = slices.Insert(slots, at, s)
		m.forget(expiring{a.Key, s}, a.Until)
		s.add(a, m.seed)
		return
	}
	slots[at].add(a, m.seed)
}

func compareSlots(s *memorySlot, slot int64) int { return cmp.Compare(s.slot, slot) }

func (s *memorySlot) add(a *Add, seed maphash.Seed) {
	if len(a.Elements)+len(a.Samples) > 0 {
		s.unite(a)
	}
	if len(a.Cells) == 0 {
		return
	}
	once := maphash.String(seed, a.Once)
	at, ok := slices.BinarySearch(s.done, once)
	if ok {
		return
	}
	s.done = slices.Insert(s.done, at, once)
	if s.cells == nil {
		s.cells = s.one[:0]
	}
	for _, c := range a.Cells {
		at, ok := slices.BinarySearchFunc(s.cells, c.Bin, func(c memoryCell, bin int64) int { return cmp.Compare(c.bin, bin) })
		if !ok {
			s.cells = slices.Insert(s.cells, at, memoryCell{bin: c.Bin})
		}
		s.cells[at].n = add(s.cells[at].n, c.N)
		s.cells[at].v += c.V
	}
}

// unite adds to the sets of a slot.
func (s *memorySlot) unite(a *Add) {
	if s.more == nil {
		s.more = &memorySets{}
	}
	m := s.more
	if a.Apart {
		if m.apart[a.Once] {
			return
		}
		if m.apart == nil {
			m.apart = map[string]bool{}
		}
		m.apart[a.Once] = true
		for _, x := range a.Samples {
			m.samples = append(m.samples, Sample{x.Series, slices.Clone(x.Text)})
		}
		return
	}
	if a.Cap == 0 || len(m.elements) < a.Cap {
		for _, e := range a.Elements {
			if at, ok := slices.BinarySearch(m.elements, e); !ok {
				m.elements = slices.Insert(m.elements, at, strings.Clone(e))
			}
		}
	}
	for _, x := range a.Samples {
		at, ok := slices.BinarySearchFunc(m.samples, x.Series, func(x Sample, series int) int { return cmp.Compare(x.Series, series) })
		if !ok {
			m.samples = slices.Insert(m.samples, at, Sample{x.Series, slices.Clone(x.Text)})
		}
	}
}

// Read is State's.
func (m *Memory) Read(ctx context.Context, spans []Span) ([][]Slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([][]Slot, len(spans))
	for i, span := range spans {
		slots := m.counters[span.Key]
		from, _ := slices.BinarySearchFunc(slots, span.From, compareSlots)
		for _, s := range slots[from:] {
			if s.slot > span.To {
				break
			}
			all[i] = append(all[i], s.read(span.Begins))
		}
	}
	return all, ctx.Err()
}

func (s *memorySlot) read(begins []string) Slot {
	slot := Slot{Slot: s.slot}
	if len(s.cells) > 0 {
		slot.Cells = make([]Cell, len(s.cells))
		for i, c := range s.cells {
			slot.Cells[i] = Cell{Bin: c.bin, N: c.n, V: c.v}
		}
	}
	if s.more == nil {
		return slot
	}
	slot.Size, slot.Samples = len(s.more.elements), slices.Clone(s.more.samples)
	if begins == nil {
		slot.Elements = slices.Clone(s.more.elements)
		return slot
	}
	slot.Elements = beginning(s.more.elements, begins)
	return slot
}

// beginning are the elements that begin in one of some ways; both are in ascending
// order. Of the two it searches the longer one: a file of many groups asks for
// thousands of names in sets of a few.
func beginning(elements, begins []string) []string {
	var all []string
	if len(begins) > len(elements) {
		for _, e := range elements {
			// What an element begins with is not after it, and nothing else is between.
			at, same := slices.BinarySearch(begins, e)
			if same || at > 0 && strings.HasPrefix(e, begins[at-1]) {
				all = append(all, e)
			}
		}
		return all
	}
	for _, b := range begins {
		at, _ := slices.BinarySearch(elements, b)
		for ; at < len(elements) && strings.HasPrefix(elements[at], b); at++ {
			all = append(all, elements[at])
		}
	}
	return all
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
		m.forget(expiring{key: c.UID}, c.Forget)
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

// Passed says what time has come by a file. What nobody asks for once that time has
// come is forgotten, if the files before it were no earlier.
func (m *Memory) Passed(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.newest[m.files%quorum] = logs.TimeOf(at)
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
		for _, x := range keys {
			m.drop(x)
		}
		delete(m.expire, hour)
	}
}

func (m *Memory) drop(x expiring) {
	if x.slot == nil {
		delete(m.claims, x.key)
		return
	}
	slots := m.counters[x.key]
	if at, ok := slices.BinarySearchFunc(slots, x.slot.slot, compareSlots); ok {
		slots = slices.Delete(slots, at, at+1)
	}
	if len(slots) == 0 {
		delete(m.counters, x.key)
	} else {
		m.counters[x.key] = slots
	}
}

func (m *Memory) forget(x expiring, until logs.Time) {
	hour := hourOf(until) + 1
	m.expire[hour] = append(m.expire[hour], x)
}

func hourOf(t logs.Time) int64 { return floorDiv(int64(t), 3600*1000) }
