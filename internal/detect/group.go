package detect

import (
	"cmp"
	"encoding/binary"
	"slices"

	"sluice/internal/finding"
	"sluice/internal/logs"
)

// group is what a file holds of one group of one target. What each hit of it reads
// and writes stands first and together: it is memory that a hit waits for.
type group struct {
	hash   hash
	count  int64
	first  logs.Time
	latest logs.Time
	hit    *cell // the last one; nil before
	bin    int64 // its own
	target *target

	one    [1]cell
	begun  uint64 // series of which firsts has one, a bit each
	cells  []cell // by bin, then series
	period int64  // of a detection rule's incident
	part   int    // in which it began
	owner  string // of the log, "" where the target has none
	values string // end of the key
	key    string // identity within the file

	marks   []mark
	samples []sample
	firsts  []firstSample // where there are several series
	// Of samples and of firsts, those that lie by themselves.
	whole, wholeFirsts int

	// What most groups need no more of than this, so that a group is one piece of
	// memory.
	oneSample [2]sample
}

// sum is the group's hash in bytes. No other group has it, whoever watched.
func (g *group) sum() (sum [16]byte) {
	binary.BigEndian.PutUint64(sum[:], g.hash.place)
	binary.BigEndian.PutUint64(sum[8:], g.hash.check)
	return sum
}

// pairs are the values of the group by their names.
func (g *group) pairs() []finding.Pair {
	return g.appendPairs(make([]finding.Pair, 0, len(g.target.names)))
}

// appendPairs appends pairs. Most groups are dropped or counted without them, so they
// are read out of the key.
func (g *group) appendPairs(pairs []finding.Pair) []finding.Pair {
	for key, i := g.values, 0; key != ""; i++ {
		p := finding.Pair{Name: g.target.names[i]}
		value, rest, ok := cutSized(key)
		if ok {
			p.Value = bounded(value)
		}
		p.Null, key = !ok, rest
		pairs = append(pairs, p)
	}
	return pairs
}

// firstSample is the first hit of a series.
type firstSample struct {
	series int
	sample sample
}

// cell counts the hits of one rule in one bin.
type cell struct {
	bin    int64
	series int
	n, v   int64
}

// mark is a value that was seen in a bin.
type mark struct {
	group *group
	bin   int64
	value [8]byte // of its hash
}

// group finds or makes the group that a hit belongs to. It is known by 128 bits of
// hashes alone, as its counter in a State is: to compare values as well would wait for
// one piece of memory more, of each group that a record feeds.
func (w *Watcher) group(f *feed, h *hit, period int64) *group {
	hash := w.hash(f, h, period)
	mask := uint64(len(w.groups.places) - 1)
	for i := hash.place & mask; ; i = (i + 1) & mask {
		p := &w.groups.places[i]
		if p.group == nil {
			break
		}
		if p.hash == hash.place && p.group.hash == hash {
			return p.group
		}
	}
	key, owner, values := w.writeKey(f, h, period)
	g := w.newGroup()
	g.target, g.key, g.period, g.hash, g.part = f.target, string(key), period, hash, w.part
	g.owner, g.values = g.key[owner:values], g.key[values:]
	g.cells, g.samples = g.one[:0], g.oneSample[:0]
	if g.owner != "" {
		if w.owner == "" {
			w.owner = g.owner
		}
		g.owner = w.owner // one text for all
	}
	w.groups.put(g)
	w.began = append(w.began, g)
	w.weight += len(g.key) + 512
	return g
}

// newGroup is an empty group: one that was dropped, where there is one.
func (w *Watcher) newGroup() *group {
	n := len(w.spare)
	if n == 0 {
		return new(group)
	}
	g := w.spare[n-1]
	w.spare = w.spare[:n-1]
	return g
}

// cell finds or makes a cell of the group. Rows come about in order of time, so
// it is nearly always the one that was hit last.
func (g *group) cell(bin int64, series int) *cell {
	if c := g.hit; c != nil && g.bin == bin && c.series == series {
		return c
	}
	return g.otherCell(bin, series)
}

func (g *group) otherCell(bin int64, series int) *cell {
	want := cell{bin: bin, series: series}
	i, ok := len(g.cells), false
	if i > 0 && compareCells(g.cells[i-1], want) >= 0 { // else it is later than all, as most are
		i, ok = slices.BinarySearchFunc(g.cells, want, compareCells)
	}
	if !ok {
		g.cells = slices.Insert(g.cells, i, want)
	}
	g.hit, g.bin = &g.cells[i], bin
	return g.hit
}

func compareCells(a, b cell) int {
	return cmp.Or(cmp.Compare(a.bin, b.bin), cmp.Compare(a.series, b.series))
}

// mark counts a value once a bin, and no more values than it takes to cross.
func (w *Watcher) mark(g *group, c *cell, m mark) {
	if _, ok := w.marks[m]; ok || c.v >= g.target.least() {
		return
	}
	w.marks[m] = struct{}{}
	g.marks = append(g.marks, m)
	c.v++
	w.weight += 64
}

// sample copies the record where the group has use for it.
func (w *Watcher) sample(g *group, f *feed, h *hit) {
	if f.patterned && g.begun&(1<<f.series) == 0 { // there are at most MaxOrdered
		g.begun |= 1 << f.series
		g.firsts = append(g.firsts, firstSample{f.series, w.copied(h)})
		w.weight += 32
	}
	if sampled(g.count) && len(g.samples) < finding.MaxEvidence {
		g.samples = append(g.samples, w.copied(h))
		w.weight += 24
	}
}

// copied is a copy of the record. Of one record there is one, for however many groups.
func (w *Watcher) copied(h *hit) sample {
	if h.sample == nil {
		w.shelf.scratch = h.write(w.shelf.scratch[:0])
		h.sample = w.shelf.put(w.shelf.scratch)
		w.weight += len(h.sample)
	}
	return h.sample
}
