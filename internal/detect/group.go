package detect

import (
	"cmp"
	"encoding/binary"
	"slices"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// group is what a file holds of one group of one target.
type group struct {
	target  *target
	key     string // identity within the file
	owner   string
	pairs   []finding.Pair
	period  int64 // of a detection rule's incident
	part    int   // in which it began
	count   int64
	cells   []cell // by bin, then series
	last    int    // index of the cell that was hit last
	marks   []mark
	first   logs.Time
	latest  logs.Time
	samples []sample
	whole   int           // of samples: those that lie by themselves
	firsts  []firstSample // where there are several series

	// What most groups need no more of than this, so that a group is one piece of
	// memory.
	onePair   [3]finding.Pair
	oneCell   [1]cell
	oneSample [2]sample
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

// group finds or makes the group that a hit belongs to.
func (w *Watcher) group(f *feed, h *hit, bin int64) *group {
	t := f.target
	b := binary.AppendUvarint(w.buf[:0], uint64(t.index))
	var period int64
	if t.corr == nil {
		period = t.shape.periodOf(bin)
		b = binary.AppendVarint(b, period)
	}
	var owner logs.Text
	if t.owned() {
		owner = h.owner
	}
	b = binary.AppendUvarint(b, uint64(len(owner)))
	from := len(b)
	b = append(b, owner...)
	w.keys = w.keys[:0]
	for _, field := range f.group {
		b = w.value(b, h.record.Field(field.ID))
	}
	if t.kind == sigma.FirstSeen {
		for _, field := range f.values {
			b = w.value(b, h.record.Field(field.ID))
		}
	}
	w.buf = b
	if g := w.groups[string(b)]; g != nil {
		return g
	}
	g := &group{target: t, key: string(b), period: period, part: w.part}
	g.owner = g.key[from : from+len(owner)]
	g.pairs, g.cells, g.samples = g.onePair[:0], g.oneCell[:0], g.oneSample[:0]
	for i, k := range w.keys {
		g.pairs = append(g.pairs, finding.Pair{Name: t.names[i], Value: bounded(g.key[k.from:k.to]), Null: k.null})
	}
	w.groups[g.key] = g
	w.weight += len(g.key) + 512
	return g
}

// cell finds or makes a cell of the group. Rows come about in order of time, so
// it is nearly always the one that was hit last.
func (g *group) cell(bin int64, series int) *cell {
	if g.last < len(g.cells) {
		if c := &g.cells[g.last]; c.bin == bin && c.series == series {
			return c
		}
	}
	i, ok := slices.BinarySearchFunc(g.cells, cell{bin: bin, series: series}, compareCells)
	if !ok {
		g.cells = slices.Insert(g.cells, i, cell{bin: bin, series: series})
	}
	g.last = i
	return &g.cells[i]
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

// sample copies the record where the group has use for it. Of one record there is
// one copy, for however many groups.
func (w *Watcher) sample(g *group, series int, h *hit) {
	kept := func() sample {
		if h.sample == nil {
			w.shelf.scratch = h.write(w.shelf.scratch[:0])
			h.sample = w.shelf.put(w.shelf.scratch)
			w.weight += len(h.sample)
		}
		return h.sample
	}
	if g.target.patterned() && !slices.ContainsFunc(g.firsts, func(f firstSample) bool { return f.series == series }) {
		g.firsts = append(g.firsts, firstSample{series, kept()})
		w.weight += 32
	}
	if sampled(g.count) && len(g.samples) < finding.MaxEvidence {
		g.samples = append(g.samples, kept())
		w.weight += 24
	}
}

// endPart drops the least of the groups that began in the part: see rank.
func (w *Watcher) endPart() {
	began := map[*target][]*group{}
	for _, g := range w.groups {
		if g.part == w.part {
			began[g.target] = append(began[g.target], g)
		}
	}
	for _, gs := range began {
		if len(gs) <= MaxGroups {
			continue
		}
		rankAll(w.file, gs)
		for _, g := range gs[MaxGroups:] {
			delete(w.groups, g.key)
			for _, m := range g.marks {
				delete(w.marks, m)
			}
			w.dropped++
		}
	}
	w.tidy()
	w.part++
	w.inPart, w.weight = 0, 0
}

// tidy moves what is left of a part's samples together: those of groups that were
// dropped lie between them.
func (w *Watcher) tidy() {
	defer w.shelf.clear() // full shelves live as long as what lies on them
	if w.dropped == w.droppedBefore {
		return
	}
	w.droppedBefore = w.dropped
	w.shelf.clear()
	moved := map[*byte]sample{} // several groups share a copy
	move := func(s sample) sample {
		if m, ok := moved[&s[0]]; ok {
			return m
		}
		m := w.shelf.put(s)
		moved[&s[0]] = m
		return m
	}
	for _, g := range w.groups {
		for i := g.whole; i < len(g.samples); i++ {
			g.samples[i] = move(g.samples[i])
		}
		g.whole = len(g.samples)
		for i := range g.firsts {
			if g.part == w.part {
				g.firsts[i].sample = move(g.firsts[i].sample)
			}
		}
	}
}
