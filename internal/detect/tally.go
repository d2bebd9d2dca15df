package detect

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/sigma"
)

// tally is what one file adds to one counter, and where to look afterwards.
type tally struct {
	target *target
	owner  string
	pairs  []finding.Pair
	key    string // the counter; "" where nothing is counted

	cells         []cell
	marks         []mark
	first, latest logs.Time
	count         int64
	samples       []sample
	others        []sample      // of earlier files
	firsts        []firstSample // of each series, where there are several
}

// tallyOf is the tally of a group's hits; nil when there is nothing to count. What a
// first_seen has seen on a day it need not see again on that day, and most of what
// comes is that: of it nothing is made.
func (r *run) tallyOf(g *group) *tally {
	t, cells, key := g.target, g.cells, ""
	if t.kind == sigma.FirstSeen {
		if r.old(g) {
			return nil
		}
		r.meet(g)
	}
	r.pairs = g.appendPairs(r.pairs[:0])
	if t.counted() || r.config.Every {
		sum := t.counterSum("counts", g.owner, r.pairs)
		if t.kind == sigma.FirstSeen {
			if cells = r.news(sum, cells); len(cells) == 0 {
				return nil
			}
		}
		key = hex.EncodeToString(sum[:])
	}
	return &tally{
		target: t, owner: g.owner, pairs: slices.Clone(r.pairs), key: key,
		cells: cells, marks: g.marks, first: g.first, latest: g.latest, count: g.count,
		samples: g.samples, firsts: g.firsts,
	}
}

func newTally(t *target, owner string, pairs []finding.Pair) *tally {
	return &tally{target: t, owner: owner, pairs: pairs, key: t.counter("counts", owner, pairs)}
}

// known is the part of the pairs that is the group of a first_seen, without the
// values that may be new in it.
func (y *tally) known() []finding.Pair { return y.pairs[:len(y.pairs)-y.target.values] }

// adds are the tally's contributions to the state.
func (y *tally) adds(file string, lateness time.Duration) []Add {
	t := y.target
	all := make([]Add, 0, y.slots())
	slot := func(key string, bin int64, once string) *Add {
		n := t.shape.slotOf(bin)
		if i := len(all) - 1; i >= 0 && all[i].Key == key && all[i].Slot == n && all[i].Once == once {
			return &all[i]
		}
		all = append(all, Add{Key: key, Rule: t.about.Called(), Slot: n, Once: once, Until: t.shape.until(n) + logs.Time(lateness.Milliseconds()),
			Keep: t.shape.timespan() + lateness})
		return &all[len(all)-1]
	}
	switch t.kind {
	case sigma.ValueCount:
		for _, v := range y.values() {
			a := slot(y.key, v.bin, "")
			a.Cap = int(t.least())
			a.Elements = v.elements
		}
	case sigma.Temporal, sigma.TemporalOrdered:
		for _, c := range y.cells {
			a := slot(y.key, c.bin, "")
			a.Elements = append(a.Elements, t.element(moment{c.bin, c.series}))
			y.keep(a, c)
		}
	case sigma.FirstSeen:
		for _, key := range []string{y.key, y.learning()} {
			for _, c := range y.cells {
				a := slot(key, c.bin, "")
				a.Keep = a.Keep + t.corr.Sluice.Learn + daySlot*24*time.Hour
				a.Until = t.shape.until(a.Slot) + logs.Time((lateness + t.corr.Sluice.Learn).Milliseconds())
				if e := dayElement(c.bin); !slices.Contains(a.Elements, e) {
					a.Elements = append(a.Elements, e)
				}
			}
		}
	default:
		for _, c := range y.cells {
			a := slot(y.key, c.bin, file)
			in := c.bin - t.shape.slotOf(c.bin)*t.shape.slot
			if n := len(a.Cells); n > 0 && a.Cells[n-1].Bin == in { // rules of one event_count
				a.Cells[n-1].N = add(a.Cells[n-1].N, c.n)
				a.Cells[n-1].V = add(a.Cells[n-1].V, c.v)
				continue
			}
			a.Cells = append(a.Cells, Cell{Bin: in, N: c.n, V: min(max(c.v, -maxValue), maxValue)})
		}
	}
	return all
}

// slots is about how many slots the tally adds to.
func (y *tally) slots() int {
	n, last := 0, int64(0)
	for i, c := range y.cells {
		if at := y.target.shape.slotOf(c.bin); i == 0 || at != last {
			n, last = n+1, at
		}
	}
	if y.target.kind == sigma.FirstSeen {
		return 2 * n
	}
	return n
}

// binValues are the values that were seen in a bin, as elements of its set.
type binValues struct {
	bin      int64
	elements []string // ascending
}

// values are the marks of the tally by their bins, which are its slots.
func (y *tally) values() []binValues {
	marks := slices.Clone(y.marks)
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.bin, b.bin), slices.Compare(a.value[:], b.value[:]))
	})
	all := make([]binValues, 0, len(y.cells))
	elements := make([]string, 0, len(marks))
	for _, m := range marks {
		if n := len(all); n == 0 || all[n-1].bin != m.bin {
			all = append(all, binValues{bin: m.bin, elements: elements[len(elements):]})
		}
		elements = append(elements, string(m.value[:]))
		last := &all[len(all)-1]
		last.elements = last.elements[:len(last.elements)+1]
	}
	for i := range all {
		all[i].elements = slices.Clip(all[i].elements)
	}
	return all
}

// maxValue bounds what one bin of one file adds to a sum, so that no sum of files
// runs over: eight petabytes.
const maxValue = 1 << 53

// maxSample bounds a sample, so that a slot with those of all series is an item.
const maxSample = 4 << 10

// keep adds the sample of a series to a slot: whoever completes the pattern
// later shows what began it.
func (y *tally) keep(a *Add, c cell) {
	i := slices.IndexFunc(y.firsts, func(f firstSample) bool { return f.series == c.series })
	if i < 0 || y.target.shape.binOf(y.firsts[i].sample.time()) != c.bin {
		return
	}
	e, _ := y.firsts[i].sample.read()
	for _, s := range []*string{&e.Key, &e.UserAgent, &e.RequestURI, &e.Requester, &e.LogKey, &e.Bucket, &e.RemoteIP, &e.RequestID, &e.Operation, &e.Account, &e.ErrorCode, &e.TLSVersion} {
		*s = (*s)[:min(len(*s), 256)]
	}
	if text, err := json.Marshal(&e); err == nil && len(text) <= maxSample {
		a.Samples = append(a.Samples, Sample{c.series, text})
	}
}

// learning names the counter of the days on which the group of a first_seen was
// seen at all.
func (y *tally) learning() string { return y.target.counter("learn", y.owner, y.known()) }

// bins are those that the tally adds to, in order.
func (y *tally) bins() []int64 {
	all := make([]int64, 0, len(y.cells))
	for _, c := range y.cells {
		if n := len(all); n == 0 || all[n-1] != c.bin {
			all = append(all, c.bin)
		}
	}
	slices.Sort(all) // those of what came from other rules
	return slices.Compact(all)
}

// spans are all slots of every window that the tally can have changed.
func (y *tally) spans() []Span {
	t, bins := y.target, y.bins()
	s := t.shape
	if len(bins) == 0 {
		return nil
	}
	span := func(key string, from, to int64) Span {
		return Span{Key: key, Rule: t.about.Called(), From: s.slotOf(from), To: s.slotOf(to)}
	}
	from, to := bins[0], bins[len(bins)-1]
	switch t.kind {
	case "":
		return []Span{span(y.key, from, to)}
	case sigma.FirstSeen:
		return []Span{
			span(y.key, from-s.window, to),
			span(y.learning(), from-s.window-t.learn(), to),
		}
	}
	var all []Span
	for i, bin := range bins {
		if i > 0 && bin-bins[i-1] <= 2*s.window+2*s.slot {
			all[len(all)-1].To = s.slotOf(bin + s.window - 1)
			continue
		}
		all = append(all, span(y.key, bin-s.window+1, bin+s.window-1))
	}
	return all
}

// cross finds the crossings in what the spans hold.
func (y *tally) cross(read [][]Slot) []crossing {
	t := y.target
	if t.kind == sigma.FirstSeen {
		return t.firstSeen(y.bins(), days(read[0]), days(read[1]))
	}
	var all []crossing
	for _, slots := range read {
		for _, c := range t.crossings(slots) {
			if n := len(all); n > 0 && all[n-1].period == c.period { // two stretches of one period
				if c.value > all[n-1].value {
					c.ends = append(all[n-1].ends, c.ends...)
					all[n-1] = c
				} else {
					all[n-1].ends = append(all[n-1].ends, c.ends...)
				}
				continue
			}
			all = append(all, c)
		}
	}
	return all
}

// alone is the crossing of a tally that needs no counter.
func (y *tally) alone() crossing {
	s := y.target.shape
	from, to := s.binOf(y.first), s.binOf(y.latest)
	return crossing{period: s.periodOf(from), value: y.count, n: y.count, first: from, last: to}
}
