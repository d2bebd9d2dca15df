package detect

import "sort"

// endPart drops the least of the groups that began in the part, see rank, and of
// those of all parts, should they have become too large together.
func (w *Watcher) endPart() {
	for _, gs := range byTarget(w.began) {
		if len(gs) > MaxGroups {
			heaviest(w.file, gs, MaxGroups)
			w.drop(gs[MaxGroups:])
			gs = gs[:MaxGroups]
		}
		w.kept = append(w.kept, gs...)
	}
	w.began = w.began[:0]
	again := w.shrink()
	if w.dropped != w.droppedBefore {
		w.groups.fill(w.kept)
	}
	w.tidy(again)
	w.part++
	w.inPart, w.weight = 0, 0
}

func byTarget(groups []*group) map[*target][]*group {
	of := map[*target][]*group{}
	for _, g := range groups {
		of[g.target] = append(of[g.target], g)
	}
	return of
}

func (w *Watcher) drop(groups []*group) {
	w.dropped += int64(len(groups))
	for _, g := range groups {
		for _, m := range g.marks {
			delete(w.marks, m)
		}
		if len(w.spare) < manyPlaces {
			*g = group{}
			w.spare = append(w.spare, g)
		}
	}
}

// shrink halves what is kept of the file once it takes more than room: targets with
// many groups keep fewer, all the same number of them. So a flood, of which each
// address is a group, makes room for others, and a few groups of long histories for
// none. It says whether it did.
func (w *Watcher) shrink() bool {
	all, longest := 0, 0
	for _, g := range w.kept {
		all += g.bytes()
	}
	if all <= w.room {
		return false
	}
	of := byTarget(w.kept)
	var takes [][]int // of each target: bytes of its first group, of the first two, …
	for _, gs := range of {
		rankAll(w.file, gs)
		take, n := make([]int, len(gs)), 0
		for i, g := range gs {
			n += g.bytes()
			take[i] = n
		}
		takes, longest = append(takes, take), max(longest, len(gs))
	}
	each := sort.Search(longest, func(n int) bool { return taken(takes, n+1) > w.room/2 })
	w.kept = w.kept[:0]
	for _, gs := range of {
		n := min(each, len(gs))
		w.drop(gs[n:])
		w.kept = append(w.kept, gs[:n]...)
	}
	clear(w.kept[len(w.kept):cap(w.kept)]) // for the garbage collector
	return true
}

// taken is how many bytes the first n groups of every target take.
func taken(takes [][]int, n int) (bytes int) {
	for _, take := range takes {
		bytes += take[min(n, len(take))-1]
	}
	return bytes
}

// bytes is about how much memory the group takes. Samples that it shares with other
// groups count for each.
func (g *group) bytes() int {
	n := 512 + len(g.key) + 64*len(g.marks) + 32*len(g.cells) + 24*len(g.samples) + 32*len(g.firsts)
	for _, s := range g.samples {
		n += len(s)
	}
	for _, f := range g.firsts {
		n += len(f.sample)
	}
	return n
}

// tidy moves what is left of a part's samples together: those of groups that were
// dropped lie between them, and the next part writes over them. All of the file's move
// where groups of other parts were dropped as well.
func (w *Watcher) tidy(all bool) {
	pieces := w.shelf.pieces
	w.shelf.clear()
	if w.dropped == w.droppedBefore {
		return
	}
	w.droppedBefore = w.dropped
	moved := map[*byte]sample{} // several groups share a copy
	move := func(s sample) sample {
		if m, ok := moved[&s[0]]; ok {
			return m
		}
		m := w.shelf.put(s)
		moved[&s[0]] = m
		return m
	}
	for _, g := range w.kept {
		if all {
			g.whole, g.wholeFirsts = 0, 0
		}
		for i := g.whole; i < len(g.samples); i++ {
			g.samples[i] = move(g.samples[i])
		}
		for i := g.wholeFirsts; i < len(g.firsts); i++ {
			g.firsts[i].sample = move(g.firsts[i].sample)
		}
		g.whole, g.wholeFirsts = len(g.samples), len(g.firsts)
	}
	w.shelf.clear() // full shelves live as long as what lies on them
	w.shelf.reuse(pieces)
}
