package detect

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"sluice/internal/detect/record"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// A file is cut into parts of PartRecords records. Of the groups of a rule that
// begin in a part, the MaxGroups with the most hits are kept: whoever sends
// requests can make as many groups as records, and what is kept of a file must
// not grow with what he likes. A part that fills partBytes ends early.
const (
	PartRecords = 65_536
	MaxGroups   = 200
	partBytes   = 16 << 20
)

// Watcher matches the rows of one file after the other and groups the hits. Make
// one a worker.
type Watcher struct {
	rules         *Rules
	access, trail *sigma.Matcher
	accessRecord  record.Access
	trailRecord   *record.Trail

	file, key string
	groups    map[string]*group
	marks     map[mark]struct{} // values that a group has counted in a bin
	buf       []byte
	keys      []keyRange
	part      int
	inPart    int64 // records
	weight    int   // bytes that the groups of this part take

	records, matched, dropped int64
}

// group is what a file holds of one group of one target.
type group struct {
	target   *target
	key      string // identity within the file
	owner    string
	pairs    []finding.Pair
	period   int64 // of a detection rule's incident
	part     int   // in which it began
	count    int64
	cells    []cell // by bin, then series
	last     int    // index of the cell that was hit last
	marks    []mark
	first    logs.Time
	latest   logs.Time
	at       place
	evidence []finding.Evidence
	samples  map[int]finding.Evidence // the first hit of each series, where there are several
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

// keyRange is where a value of the group stands in the group's key.
type keyRange struct {
	from, to int
	null     bool
}

// Watch returns a new Watcher.
func (r *Rules) Watch() *Watcher {
	return &Watcher{
		rules:       r,
		access:      r.Set.Matcher(record.AccessService),
		trail:       r.Set.Matcher(record.TrailService),
		trailRecord: record.NewTrail(r.trail),
		groups:      map[string]*group{},
		marks:       map[mark]struct{}{},
	}
}

// Begin starts a file. The id tells its content apart from that of all other
// files; the key is what people call it.
func (w *Watcher) Begin(id, key string) {
	w.file, w.key = id, key
	clear(w.groups)
	clear(w.marks)
	w.part, w.inPart, w.weight = 0, 0, 0
	w.records, w.matched, w.dropped = 0, 0, 0
}

// Row takes a row of the file: a *s3access.Row or a *cloudtrail.Row. Others are
// left alone. Nothing of the row is kept.
func (w *Watcher) Row(row any) {
	switch r := row.(type) {
	case *s3access.Row:
		w.accessRecord.Set(r)
		if hits := w.access.Match(&w.accessRecord); len(hits) > 0 {
			h := hit{record: &w.accessRecord, time: r.RequestTime, owner: r.BucketOwnerID, access: r}
			w.hits(hits, &h)
		}
	case *cloudtrail.Row:
		w.trailRecord.Set(r)
		if hits := w.trail.Match(w.trailRecord); len(hits) > 0 {
			h := hit{record: w.trailRecord, time: r.EventTime, owner: r.RecipientAccountID, trail: r}
			w.hits(hits, &h)
		}
	default:
		return
	}
	w.records++
	w.inPart++
	if w.inPart >= PartRecords || w.weight >= partBytes {
		w.endPart()
	}
}

// hit is a record that rules matched.
type hit struct {
	record sigma.Record
	time   logs.Time
	owner  logs.Text
	access *s3access.Row // one of the two
	trail  *cloudtrail.Row
}

func (h *hit) evidence() finding.Evidence {
	if h.access != nil {
		return accessEvidence(h.access)
	}
	return trailEvidence(h.trail)
}

func (h *hit) place() place {
	if h.access != nil {
		return accessPlace(h.access)
	}
	return trailPlace(h.trail)
}

func (w *Watcher) hits(rules []int32, h *hit) {
	w.matched++
	for _, rule := range rules {
		for i := range w.rules.feeds[rule] {
			w.feed(&w.rules.feeds[rule][i], h)
		}
	}
}

// feed counts a hit for one target.
func (w *Watcher) feed(f *feed, h *hit) {
	t := f.target
	var n, v int64 = 1, 0
	var value [8]byte
	switch t.kind {
	case sigma.ValueSum, sigma.ValueAvg:
		ok := false
		if v, ok = number(h.record.Field(f.values[0].ID)); !ok {
			return
		}
		if t.kind == sigma.ValueSum {
			v = max(0, v) // what takes away could make untrue what was told
		}
	case sigma.ValueCount:
		ok := false
		if value, ok = w.digest(f.values, h.record); !ok {
			return
		}
	case sigma.FirstSeen:
		for _, field := range f.values {
			if !h.record.Field(field.ID).Present {
				return
			}
		}
	}
	bin := t.shape.binOf(h.time)
	g := w.group(f, h, bin)
	if g.count == 0 {
		g.first, g.latest = h.time, h.time
	}
	g.count++
	g.first, g.latest = min(g.first, h.time), max(g.latest, h.time)
	c := g.cell(bin, f.series)
	c.n = add(c.n, n)
	c.v = add(c.v, v)
	if t.kind == sigma.ValueCount {
		w.mark(g, c, mark{g, bin, value})
	}
	w.sample(g, f.series, h)
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
func (w *Watcher) sample(g *group, series int, h *hit) {
	if several := g.target.kind == sigma.Temporal || g.target.kind == sigma.TemporalOrdered; several {
		if _, ok := g.samples[series]; !ok {
			if g.samples == nil {
				g.samples = map[int]finding.Evidence{}
			}
			e := h.evidence()
			w.weight += sizeOf(&e)
			g.samples[series] = e
		}
	}
	if !sampled(g.count) || len(g.evidence) >= finding.MaxEvidence {
		return
	}
	e := h.evidence()
	w.weight += sizeOf(&e)
	g.evidence = append(g.evidence, e)
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
	g := &group{target: t, key: string(b), owner: string(owner), period: period, part: w.part, at: h.place()}
	g.pairs = make([]finding.Pair, len(w.keys))
	for i, k := range w.keys {
		g.pairs[i] = finding.Pair{Name: t.names[i], Value: bounded(g.key[k.from:k.to]), Null: k.null}
	}
	w.groups[g.key] = g
	w.weight += len(g.key) + 512
	return g
}

// value appends a value of the group to a key, and notes where it stands.
func (w *Watcher) value(b []byte, v sigma.Value) []byte {
	if !v.Present {
		w.keys = append(w.keys, keyRange{null: true})
		return append(b, 0)
	}
	b, from := appendSized(b, v)
	w.keys = append(w.keys, keyRange{from: from, to: len(b)})
	return b
}

// appendSized writes a value behind its length, so that no two lists of values
// read alike, and says where it begins.
func appendSized(b []byte, v sigma.Value) ([]byte, int) {
	b = append(b, 1, 0, 0, 0, 0)
	from := len(b)
	b = appendValue(b, v)
	binary.BigEndian.PutUint32(b[from-4:], uint32(len(b)-from))
	return b, from
}

// appendValue writes a value as text.
func appendValue(b []byte, v sigma.Value) []byte {
	switch v.Kind {
	case sigma.Int:
		return strconv.AppendInt(b, v.Num, 10)
	case sigma.Bool:
		return strconv.AppendBool(b, v.Num != 0)
	case sigma.Time:
		return logs.Time(v.Num).Go().AppendFormat(b, "2006-01-02T15:04:05.999Z07:00")
	}
	return append(b, v.Text...)
}

// bounded is a value of the group as it is kept: one that is too long is told
// from others by its hash.
func bounded(s string) string {
	if len(s) <= maxText {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return s[:maxText] + "#" + strconv.FormatUint(binary.BigEndian.Uint64(h[:8]), 16)
}

// number is a value as a whole number, where it is one.
func number(v sigma.Value) (int64, bool) {
	if !v.Present {
		return 0, false
	}
	if v.Kind == sigma.Int {
		return v.Num, true
	}
	if v.Kind != sigma.Text && v.Kind != sigma.JSON || len(v.Text) > 24 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(v.Text)), 10, 64)
	return n, err == nil
}

// digest is a hash of the values that are counted, absent when all of them are.
func (w *Watcher) digest(fields []sigma.Field, r sigma.Record) (sum [8]byte, ok bool) {
	b := w.buf[:0]
	for _, field := range fields {
		v := r.Field(field.ID)
		if !v.Present {
			b = append(b, 0)
			continue
		}
		ok = true
		b, _ = appendSized(b, v)
	}
	w.buf = b
	h := sha256.Sum256(b)
	return [8]byte(h[:8]), ok
}

// digestPairs is digest for values that a finding holds.
func digestPairs(pairs []finding.Pair, at []int) (sum [8]byte, ok bool) {
	var b []byte
	for _, i := range at {
		p := pairs[i]
		if p.Null {
			b = append(b, 0)
			continue
		}
		ok = true
		b, _ = appendSized(b, sigma.Value{Kind: sigma.Text, Present: true, Text: []byte(p.Value)})
	}
	h := sha256.Sum256(b)
	return [8]byte(h[:8]), ok
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

// endPart drops the smallest groups that began in the part.
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
		slices.SortFunc(gs, func(a, b *group) int {
			return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.key, b.key))
		})
		for _, g := range gs[MaxGroups:] {
			delete(w.groups, g.key)
			for _, m := range g.marks {
				delete(w.marks, m)
			}
			w.dropped++
		}
	}
	w.part++
	w.inPart, w.weight = 0, 0
}

// End ends the file and returns what was seen. It is nil when no rule matched,
// and when the file was not read as a whole: then it will come again.
func (w *Watcher) End(whole bool) *Observed {
	if !whole || len(w.groups) == 0 {
		return nil
	}
	w.endPart()
	o := &Observed{
		File: w.file, Key: w.key, rules: w.rules,
		Records: w.records, Matched: w.matched, Dropped: w.dropped,
		groups: make([]*group, 0, len(w.groups)),
	}
	for _, g := range w.groups {
		o.groups = append(o.groups, g)
	}
	o.First = o.groups[0].first
	for _, g := range o.groups {
		o.First = min(o.First, g.first)
	}
	slices.SortFunc(o.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.target.index, b.target.index), cmp.Compare(a.key, b.key))
	})
	return o
}

// Observed is what a Watcher saw in one file. It is applied by an Engine of the
// same Rules, as often as it takes; it never changes.
type Observed struct {
	File, Key string // as given to Begin
	Records   int64
	Matched   int64     // records that any rule matched
	First     logs.Time // when the first of them was made
	Dropped   int64     // groups beyond MaxGroups of one rule and part

	rules  *Rules
	groups []*group
}
