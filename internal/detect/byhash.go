package detect

// byHash finds groups by their hashes: a group stands at the first free place from
// its hash on, and at least half of the places are free. It is asked for each target
// that a record feeds, so that a key is written only for a group that is new.
// Nothing is taken out of it; it is filled anew.
type byHash struct {
	places []placed
	groups int
}

// placed is a group and its hash, which tells nearly all others from it without a
// look at the group itself.
type placed struct {
	hash  uint64
	group *group
}

const (
	fewPlaces  = 1 << 8
	manyPlaces = 1 << 14 // so many are not cleared for the next file
)

// clear takes out all groups.
func (b *byHash) clear() {
	b.groups = 0
	if n := len(b.places); n == 0 || n > manyPlaces {
		b.places = make([]placed, fewPlaces)
		return
	}
	clear(b.places)
}

// fill takes out all groups and puts these in. The next part of the file will have as
// many places to look at as this one.
func (b *byHash) fill(groups []*group) {
	clear(b.places)
	b.groups = 0
	for _, g := range groups {
		b.put(g)
	}
}

// put puts a group in that is not there yet.
func (b *byHash) put(g *group) {
	if b.groups++; 2*b.groups > len(b.places) {
		full := b.places
		b.places = make([]placed, 2*len(full))
		for _, p := range full {
			if p.group != nil {
				*b.free(p.hash) = p
			}
		}
	}
	*b.free(g.hash.place) = placed{g.hash.place, g}
}

// free is the first free place from a hash on.
func (b *byHash) free(hash uint64) *placed {
	mask := uint64(len(b.places) - 1)
	i := hash & mask
	for b.places[i].group != nil {
		i = (i + 1) & mask
	}
	return &b.places[i]
}
