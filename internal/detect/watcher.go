package detect

import (
	"cmp"
	"hash/maphash"
	"slices"

	"sluice/internal/detect/record"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// A file is cut into parts of PartRecords records. Of the groups of a rule that
// begin in a part, the MaxGroups that weigh most are kept, see rank: whoever sends
// requests can make as many groups as records, and what is kept of a file must
// not grow with what he likes. A part that fills partBytes ends early. What is kept
// of all parts is halved when it takes more than fileBytes, which no file does that
// S3 or CloudTrail deliver: it is for those that somebody has put together.
const (
	PartRecords = 65_536
	MaxGroups   = 200
	partBytes   = 16 << 20
	fileBytes   = 128 << 20
)

// Watcher matches the rows of one file after the other and groups the hits. Make
// one a worker.
type Watcher struct {
	rules         *Rules
	access, trail *sigma.Matcher
	accessRecord  record.Access
	trailRecord   *record.Trail

	file, key string
	delivered logs.Time
	groups    byHash
	kept      []*group // of parts that ended
	began     []*group // in this part
	spare     []*group // that were dropped, for the next ones
	owner     string   // as groups have it; "" where none of it was made
	ownerText []byte   // of the last hit
	ownerHash hash
	marks     map[mark]struct{} // values that a group has counted in a bin
	buf       []byte
	seeds     [2]maphash.Seed
	seen      int64 // records that any rule matched, of all files
	bins      []lastBin
	ofAccess  []asked
	ofTrail   []asked
	part      int
	inPart    int64 // records
	weight    int   // bytes that the groups of this part take
	room      int   // bytes that those of all parts may take

	shelf shelf

	records, matched, dropped int64
	droppedBefore             int64 // as the last part ended
}

// Watch returns a new Watcher.
func (r *Rules) Watch() *Watcher {
	w := &Watcher{
		rules:       r,
		access:      r.Set.Matcher(record.AccessService),
		trail:       r.Set.Matcher(record.TrailService),
		trailRecord: record.NewTrail(r.trail),
		seeds:       [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		room:        fileBytes,
		bins:        make([]lastBin, len(r.targets)),
		marks:       map[mark]struct{}{},
	}
	w.ofAccess = w.askedOf(&w.accessRecord, r.asked[record.AccessService])
	w.ofTrail = w.askedOf(w.trailRecord, r.asked[record.TrailService])
	w.ownerHash = w.hashOf(w.ownerText)
	w.groups.clear()
	return w
}

// Begin starts a file. The id tells its content apart from that of all other
// files; the key is what people call it.
func (w *Watcher) Begin(id, key string) {
	w.file, w.key, w.delivered = id, key, 0
	w.groups.clear()
	clear(w.marks)
	clear(w.kept)
	clear(w.began)
	w.kept, w.began, w.owner = w.kept[:0], w.began[:0], ""
	w.part, w.inPart, w.weight = 0, 0, 0
	w.records, w.matched, w.dropped, w.droppedBefore = 0, 0, 0, 0
	w.shelf.clear()
}

// Delivered says when the file was delivered, as its name or its store tells.
// Records dated later do not make a state forget what was before them.
func (w *Watcher) Delivered(at logs.Time) { w.delivered = at }

// Row takes a row of the file: a *s3access.Row or a *cloudtrail.Row. Others are
// left alone. Nothing of the row is kept.
func (w *Watcher) Row(row any) {
	switch r := row.(type) {
	case *s3access.Row:
		w.accessRecord.Set(r)
		if hits := w.access.Match(&w.accessRecord); len(hits) > 0 {
			h := hit{record: &w.accessRecord, time: r.RequestTime, owner: r.BucketOwnerID, asked: w.ofAccess, access: r}
			w.hits(hits, &h)
		}
	case *cloudtrail.Row:
		w.trailRecord.Set(r)
		if hits := w.trail.Match(w.trailRecord); len(hits) > 0 {
			h := hit{record: w.trailRecord, time: r.EventTime, owner: r.RecipientAccountID, asked: w.ofTrail, trail: r}
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
	asked  []asked
	access *s3access.Row // one of the two
	trail  *cloudtrail.Row
	sample sample // of it, once a group wanted one
}

// write appends the hit's sample.
func (h *hit) write(b []byte) []byte {
	if h.access != nil {
		return accessSample(b, h.access)
	}
	return trailSample(b, h.trail)
}

func (w *Watcher) hits(rules []int32, h *hit) {
	w.matched++
	w.turnTo(h)
	for _, rule := range rules {
		for i := range w.rules.feeds[rule] {
			w.feed(&w.rules.feeds[rule][i], h)
		}
	}
}

// turnTo forgets what was known of the hit before, but for its owner: most files have
// one.
func (w *Watcher) turnTo(h *hit) {
	w.seen++
	if string(h.owner) != string(w.ownerText) {
		w.owner, w.ownerText = "", append(w.ownerText[:0], h.owner...)
		w.ownerHash = w.hashOf(w.ownerText)
	}
}

// feed counts a hit for one target.
func (w *Watcher) feed(f *feed, h *hit) {
	t := f.target
	var n, v int64 = 1, 0
	var value [8]byte
	switch f.counts {
	case sums, averages:
		ok := false
		if v, ok = number(h.record.Field(f.values[0].ID)); !ok {
			return
		}
		if f.counts == sums {
			v = max(0, v) // what takes away could make untrue what was told
		}
	case values:
		ok := false
		if value, ok = w.digest(f.values, h.record); !ok {
			return
		}
	case news:
		for _, at := range f.asked[len(f.group):] {
			if !w.field(h, at).present {
				return
			}
		}
	}
	bin, period := w.bin(t, h.time)
	g := w.group(f, h, period)
	if g.count == 0 {
		g.first, g.latest = h.time, h.time
	}
	g.count++
	g.first, g.latest = min(g.first, h.time), max(g.latest, h.time)
	if f.counts != news || g.hit == nil || g.bin != bin { // of what is new, only the days count
		c := g.cell(bin, f.series)
		c.n = add(c.n, n)
		c.v = add(c.v, v)
		if f.counts == values {
			w.mark(g, c, mark{g, bin, value})
		}
	}
	w.sample(g, f, h)
}

// lastBin is the bin of a target that was hit last, and nearly always the next one,
// too: to know that takes no division.
type lastBin struct {
	from, to    logs.Time
	bin, period int64
}

// bin is the bin of a time, and of a detection rule the period.
func (w *Watcher) bin(t *target, at logs.Time) (bin, period int64) {
	last := &w.bins[t.index]
	if at < last.from || at >= last.to {
		last.bin = t.shape.binOf(at)
		last.from, last.to = t.shape.start(last.bin), t.shape.start(last.bin+1)
		if t.corr == nil {
			last.period = t.shape.periodOf(last.bin)
		}
	}
	return last.bin, last.period
}

// End ends the file and returns what was seen. It is nil when no rule matched,
// and when the file was not read as a whole: then it will come again.
func (w *Watcher) End(whole bool) *Observed {
	if !whole || w.groups.groups == 0 {
		return nil
	}
	w.endPart()
	o := &Observed{
		File: w.file, Key: w.key, Delivered: w.delivered, rules: w.rules,
		Records: w.records, Matched: w.matched, Dropped: w.dropped,
		groups: slices.Clone(w.kept),
	}
	o.First, o.Last = o.groups[0].first, o.groups[0].latest
	for _, g := range o.groups {
		o.First, o.Last = min(o.First, g.first), max(o.Last, g.latest)
	}
	slices.SortFunc(o.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.target.index, b.target.index), cmp.Compare(a.key, b.key))
	})
	return o
}

// Observed is what a Watcher saw in one file. It is applied by an Engine of the
// same Rules, as often as it takes; it never changes.
type Observed struct {
	File, Key string    // as given to Begin
	Delivered logs.Time // 0: unknown
	Records   int64
	Matched   int64     // records that any rule matched
	First     logs.Time // when the first of them was made
	Last      logs.Time // and the last
	Dropped   int64     // groups beyond MaxGroups of one rule and part

	rules  *Rules
	groups []*group
}
