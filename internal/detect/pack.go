package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// Most groups are seen once or twice and never again, and a counter for each of
// them would be most of what counting costs. So the groups of all rules with
// windows of one shape share sets: a stretch of event time is one set, and its
// elements begin with the name of their group. A file adds to it once and reads
// it once.
//
// A set that holds Config.Pack elements takes no more. What it did not take goes
// to the group's own counter, and so does what a file has much of; then the name
// of the group alone is an element. Who sees the name, or a full set, looks at
// the group's own counter, too. Sets only grow, and everyone reads after he has
// written; so of two files one always sees the other.
//
// Of a pattern in which one rule matches records and all others are correlations,
// the records are many and the others few. What the one matched is noted file by
// file, and read only by a file with one of the others. Those leave the name of
// their group in the set, and a file with records alone looks there whether any
// of its groups waits for them.

// DefaultPack is how many elements a set of several groups takes. A write to
// DynamoDB costs as much as all that the set holds.
const DefaultPack = 400

// SharedSets stands for the rule of what is counted for groups of several rules.
const SharedSets = "(shared sets)"

const (
	grain    = 3        // bins of values in one set: the records of a file are of several
	nameSize = 8        // bytes of a group's name in a set
	ownShare = 8        // values of a group in one bin of one file that go to its own counter
	noteSize = 48 << 10 // of notes in one item
)

// packs says whether the groups of the target share sets.
func (t *target) packs() bool {
	return t.kind == sigma.ValueCount && t.level == 0 || t.often >= 0
}

// oftenOf is the series of a pattern that matches records while all others are
// correlations; -1 when there is none.
func (t *target) oftenOf() int {
	if !t.patterned() || t.least() < 2 {
		return -1
	}
	often := -1
	for series, ref := range t.corr.Rules {
		if ref.Correlation != nil {
			continue
		}
		if often >= 0 {
			return -1
		}
		often = series
	}
	return often
}

// setOf is the slot of the shared set for a slot of the target's own counters, and
// where in it that is.
func (t *target) setOf(slot int64) (set int64, in byte) {
	if t.kind != sigma.ValueCount {
		return slot, 0
	}
	set = floorDiv(slot, grain)
	return set, byte(slot - set*grain)
}

// lastOf is the last slot of the target's own counters in a set.
func (t *target) lastOf(set int64) int64 {
	if t.kind != sigma.ValueCount {
		return set
	}
	return set*grain + grain - 1
}

// shared names what all groups of windows of one shape have together.
func (s shape) shared(what string) string {
	b := []byte("sluice-shared-1\x00" + what)
	for _, n := range []int64{s.bin, s.window, s.slot} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// slotAt is a slot of a counter.
type slotAt struct {
	key  string
	slot int64
}

func (s slotAt) full() string { return "full#" + s.key + "#" + strconv.FormatInt(s.slot, 10) }

// parcel is what a file adds to shared sets, and what it finds there.
type parcel struct {
	*run
	sets  map[slotAt]*Add
	notes map[slotAt]*Add
	order []*Add
	looks map[string][]*packed // by shared set
	found map[string][]Slot    // of shared sets, ascending
	last  slotAt               // that something was put into
	full  bool                 // that one, as was known before this file
}

// packed is a tally whose group shares a set.
type packed struct {
	*tally
	name  string // of the group
	often []cell
	own   []Add       // to the group's own counter
	marks []binValues // values that were put into a set
	spans []Span

	found []packedValue // that the shared sets have of the group within spans, ascending
	more  bool          // there may be more in the group's own counter
}

// packedValue is a value of a group in a slot of its own counter.
type packedValue struct {
	slot  int64
	value string
}

func comparePacked(a, b packedValue) int {
	return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.value, b.value))
}

func newParcel(r *run) *parcel {
	return &parcel{run: r, sets: map[slotAt]*Add{}, notes: map[slotAt]*Add{}, looks: map[string][]*packed{}, found: map[string][]Slot{}}
}

// add begins a contribution to something shared.
func (p *parcel) add(of map[slotAt]*Add, t *target, at slotAt) *Add {
	a := of[at]
	if a == nil {
		a = &Add{Key: at.key, Rule: SharedSets, Slot: at.slot, Once: p.o.File,
			Until: t.shape.until(t.lastOf(at.slot)) + logs.Time(p.config.Lateness.Milliseconds()), Keep: t.shape.timespan() + p.config.Lateness}
		of[at] = a
		p.order = append(p.order, a)
	}
	return a
}

// put adds an element to a shared set, unless that is full or becomes full by
// what the file adds.
func (p *parcel) put(y *packed, slot int64, element string) bool {
	set, _ := y.target.setOf(slot)
	at := slotAt{y.target.shared, set}
	if at != p.last {
		p.last, p.full = at, p.seen.step(at.full()) > 0
	}
	if p.full {
		return false
	}
	a := p.add(p.sets, y.target, at)
	a.Cap = p.config.Pack
	if len(a.Elements) >= a.Cap {
		return false
	}
	a.Elements = append(a.Elements, element)
	return true
}

// take plans where a tally goes.
func (p *parcel) take(tally *tally) *packed {
	t := tally.target
	y := &packed{tally: tally, spans: tally.spans()}
	b, _ := hex.DecodeString(y.key[:2*nameSize]) // keys are hexadecimal
	y.name = string(b)
	if t.kind == sigma.ValueCount {
		p.takeValues(y)
	} else {
		p.takePattern(y)
	}
	p.looks[t.shared] = append(p.looks[t.shared], y)
	return y
}

// begin is how values of a slot begin in a set.
func (y *packed) begin(slot int64) string {
	_, in := y.target.setOf(slot)
	return y.name + string([]byte{in})
}

func (p *parcel) takeValues(y *packed) {
	values := y.values() // one a slot
	apart := make([]int64, 0, len(values))
	for _, v := range values {
		own := len(v.elements) >= ownShare
		if own {
			p.put(y, v.bin, y.name)
		} else {
			for _, e := range v.elements {
				own = !p.put(y, v.bin, y.begin(v.bin)+e) || own
			}
		}
		if own {
			apart = append(apart, v.bin)
		} else {
			y.marks = append(y.marks, v)
		}
	}
	if len(apart) > 0 {
		y.own = p.of(y, apart)
	}
}

// of are the tally's contributions to some slots, in ascending order, of its own counter.
func (p *parcel) of(y *packed, slots []int64) []Add {
	return slices.DeleteFunc(y.adds(p.o.File, p.config.Lateness), func(a Add) bool {
		_, is := slices.BinarySearch(slots, a.Slot)
		return !is
	})
}

func (p *parcel) takePattern(y *packed) {
	t := y.target
	seldom := *y.tally
	seldom.cells = nil
	var last slotAt
	for _, c := range y.cells {
		if c.series == t.often {
			continue
		}
		seldom.cells = append(seldom.cells, c)
		if at := (slotAt{t.shared, t.shape.slotOf(c.bin)}); at != last || len(seldom.cells) == 1 {
			p.put(y, at.slot, y.name)
			last = at
		}
	}
	if y.often = y.cells; len(seldom.cells) > 0 {
		y.often = slices.DeleteFunc(slices.Clone(y.cells), func(c cell) bool { return c.series != t.often })
	}
	if len(seldom.cells) > 0 {
		y.own = seldom.adds(p.o.File, p.config.Lateness)
	}
	for slot, cells := range bySlot(t, y.often) {
		p.note(y, slot, cells)
	}
}
