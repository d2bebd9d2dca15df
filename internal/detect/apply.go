package detect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// run is one Apply.
type run struct {
	*Engine
	o        *Observed
	now      time.Time
	levels   []map[string]*tally // by level, by counter: rules first, then what is built on them
	messages []message
	pairs    []finding.Pair // room for those of one group
	days     []string       // what need not be added again once all is told
	met      []string       // and what is not even to be named again
	report   Report
}

func (r *run) apply(ctx context.Context) error {
	if at, ok := r.passed(); ok {
		r.state.Passed(at.Go())
	}
	r.levels = make([]map[string]*tally, r.rules.levels)
	for i := range r.levels {
		r.levels[i] = map[string]*tally{}
	}
	for _, g := range r.matter() {
		y := r.tallyOf(g)
		if y == nil {
			continue
		}
		if !y.target.counted() && !r.config.Every {
			r.crossed(y, y.alone(), nil)
			continue
		}
		if r.config.Every && y.target.gathers() {
			y.others = r.gathered.take(y.key, y.samples)
		}
		r.levels[g.target.level][periodKey(y, g)] = y
	}
	for _, tallies := range r.levels {
		if err := r.count(ctx, tallies); err != nil {
			return err
		}
	}
	if err := r.tell(ctx); err != nil {
		return err
	}
	for _, k := range r.days {
		r.seen.set(k, 1)
	}
	for _, k := range r.met {
		r.Engine.met.set(k, 1)
	}
	return nil
}

// old says whether all days of a first_seen's group are known to be in the state by
// what its Watcher knew it by. To name its counter takes longer than all else that is
// done for a group of a small file, of which most are old.
func (r *run) old(g *group) bool {
	for _, c := range g.cells {
		if k := daySum(g.sum(), c.bin); !r.Engine.met.knows(k[:]) {
			return false
		}
	}
	return true
}

// meet remembers that once all is told.
func (r *run) meet(g *group) {
	for _, c := range g.cells {
		k := daySum(g.sum(), c.bin)
		r.met = append(r.met, string(k[:]))
	}
}

// news are the cells of a first_seen whose day is not known to be in the state.
func (r *run) news(counter [16]byte, cells []cell) []cell {
	var fresh []cell
	for _, c := range cells {
		k := daySum(counter, c.bin)
		if r.seen.knows(k[:]) {
			continue
		}
		r.days = append(r.days, string(k[:]))
		fresh = append(fresh, c)
	}
	return fresh
}

// daySum is a day of a counter in what is seen, where it is like nothing else: other
// keys there are text.
func daySum(counter [16]byte, day int64) (k [25]byte) {
	copy(k[1:], counter[:])
	binary.BigEndian.PutUint64(k[17:], uint64(day))
	return k
}

func dayKey(key string, day int64) string { return key + "#" + strconv.FormatInt(day, 10) }

// once leaves out what is added already: many values of a first_seen are new to
// one group on one day.
func (r *run) once(adds []Add) []Add {
	kept := adds[:0]
	have := map[string]bool{}
	for _, a := range adds {
		if a.Cap == 0 && len(a.Elements) == 1 && len(a.Samples) == 0 {
			k := dayKey(a.Key, a.Slot) + "#" + a.Elements[0]
			if have[k] || r.seen.step(k) > 0 {
				continue
			}
			have[k] = true
			r.days = append(r.days, k)
		}
		kept = append(kept, a)
	}
	return kept
}

// periodKey tells the incidents of one group in two periods apart: they are two
// slots of one counter.
func periodKey(y *tally, g *group) string {
	return y.key + "#" + strconv.FormatInt(g.period, 10)
}

// count adds the tallies of one level and looks for crossings. What crosses is
// counted by the next level.
func (r *run) count(ctx context.Context, tallies map[string]*tally) error {
	if len(tallies) == 0 {
		return nil
	}
	keys := sorted(tallies)
	parts, spans := make([][]Add, 0, len(keys)), make([]Span, 0, len(keys)) // of adds
	until := make([]int, len(keys))                                         // of each tally: where its spans end
	p, in := newParcel(r), make([]*packed, len(keys))
	for i, k := range keys {
		y := tallies[k]
		if r.config.Pack > 0 && y.target.packs() {
			in[i] = p.take(y)
			parts = append(parts, in[i].own)
			continue
		}
		mine := y.adds(r.o.File, r.config.Lateness)
		if len(mine) > 0 { // else nothing has changed
			parts = append(parts, mine)
			spans = append(spans, y.spans()...)
		}
		until[i] = len(spans)
	}
	sets := make([]Add, 0, len(p.order))
	for _, a := range p.order {
		sets = append(sets, *a)
	}
	adds := slices.Concat(append(parts, sets)...)
	shared := p.reads()
	read, err := r.ask(ctx, r.once(adds), slices.Concat(spans, shared))
	if err != nil {
		return err
	}
	p.learn(shared, read[len(spans):])

	var late []Add
	var rest []Span
	after := make([]int, len(keys))
	for i, y := range in {
		if y != nil {
			adds, spans := p.rest(y)
			late, rest = append(late, adds...), append(rest, spans...)
			after[i] = len(rest)
		}
	}
	more, err := r.ask(ctx, late, rest)
	if err != nil {
		return err
	}
	from, next := 0, 0
	for i, k := range keys {
		y, slots := tallies[k], [][]Slot(nil)
		if in[i] != nil {
			slots = p.slots(in[i], more[next:after[i]])
			next = after[i]
		} else {
			slots = read[from:until[i]]
			from = until[i]
		}
		for _, c := range y.cross(slots) {
			r.crossed(y, c, slices.Concat(slots...))
		}
	}
	return nil
}

// ask adds, and reads what there is then.
func (r *run) ask(ctx context.Context, adds []Add, spans []Span) ([][]Slot, error) {
	if len(adds) > 0 {
		if err := r.state.Add(ctx, adds); err != nil {
			return nil, err
		}
		r.report.Written += int64(len(adds))
	}
	if len(spans) == 0 {
		return nil, nil
	}
	return r.state.Read(ctx, spans)
}

// crossed takes note of a crossing: it is told, and counted by what is built on it.
func (r *run) crossed(y *tally, c crossing, slots []Slot) {
	t := y.target
	for _, p := range t.parents {
		r.pass(y, c, p)
	}
	if !t.tells || t.about.Level < r.config.MinLevel {
		return
	}
	reached := int64(1)
	if t.updates() {
		reached = stepOf(c.value, t.least())
	}
	uid := y.uid(c)
	if !r.config.Every && r.told.step(uid) >= reached {
		return
	}
	f := r.finding(y, c, slots)
	r.messages = append(r.messages, message{Finding: f, reached: reached, updates: t.updates(), claim: Claim{
		UID: uid, Owner: r.o.File,
		Until:  r.now.Add(r.config.ClaimFor),
		Keep:   time.Duration(t.shape.period)*time.Second + t.shape.timespan() + r.config.Lateness,
		Forget: f.PeriodEnd + t.shape.start(t.shape.window) + logs.Time(r.config.Lateness.Milliseconds()),
	}})
}

// pass gives a crossing to a correlation that is built on it. The crossing
// happened in every bin in which a window ended that fulfilled the condition:
// that is known without knowing which file came first.
func (r *run) pass(y *tally, c crossing, p parent) {
	t := p.target
	owner := ""
	if t.owned() {
		owner = y.owner
	}
	from := p.group
	if t.kind == sigma.FirstSeen {
		from = slices.Concat(p.group, p.valuesFrom)
	}
	pairs := make([]finding.Pair, len(from))
	for i, at := range from {
		pairs[i] = finding.Pair{Name: t.names[i], Value: y.pairs[at].Value, Null: y.pairs[at].Null}
		if pairs[i].Null && i >= len(p.group) {
			return // no value is not a new value
		}
	}
	up := newTally(t, owner, pairs)
	key := up.key + "#0"
	if known := r.levels[t.level][key]; known != nil {
		up = known
	} else {
		r.levels[t.level][key] = up
	}
	up.take(y, c, p)
}

// take counts the crossing of a child.
func (y *tally) take(child *tally, c crossing, p parent) {
	t := y.target
	if c.ends == nil {
		c.ends = []int64{c.last}
	}
	y.samples = append(slices.Clip(y.samples), child.samples...)
	y.others = append(slices.Clip(y.others), child.others...)
	y.cells = slices.Clone(y.cells) // they are the file's
	for _, end := range c.ends {
		at := child.target.shape.start(end)
		bin := t.shape.binOf(at)
		switch t.kind {
		case sigma.ValueCount:
			m, ok := digestPairs(child.pairs, p.valuesFrom)
			if t.findings {
				h := sha256.Sum256([]byte(child.uid(c)))
				m, ok = [8]byte(h[:8]), true
			}
			if ok {
				y.marks = append(slices.Clip(y.marks), mark{bin: bin, value: m})
				y.cells = append(y.cells, cell{bin: bin})
			}
		default:
			y.cells = append(y.cells, cell{bin: bin, series: p.series, n: 1})
		}
		has := slices.ContainsFunc(y.firsts, func(f firstSample) bool { return f.series == p.series })
		if len(child.samples) > 0 && !has {
			y.firsts = append(slices.Clip(y.firsts), firstSample{p.series, child.samples[0]})
		}
	}
	slices.SortFunc(y.cells, compareCells)
	y.cells = slices.CompactFunc(y.cells, func(a, b cell) bool { return compareCells(a, b) == 0 })
}
