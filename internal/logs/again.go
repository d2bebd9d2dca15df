package logs

// Again is a reader's word that some values of a row are those of a row before, so
// that who keeps rows need not look at them to know them again. Every two rows that
// carry the same Again have equal values in the columns that are tagged with its
// field; a row without one may have any. A copy that is kept longer than the row is
// valid must have none.
//
// Whoever keeps rows leaves in it where he has the values. The zero Again was not seen
// by anybody; a reader that gives one to other values makes it zero first. It is for
// the goroutine that reads.
type Again struct {
	by [2]struct { // table, and rules
		in *Keeper
		at uint32
	}
}

// Keeper is one who keeps the values of rows, until he forgets them: from then on he
// is another one. The zero Keeper is a table's.
type Keeper struct {
	Rules bool // has what rules make of values: a row goes to both
}

func (k *Keeper) who() int {
	if k.Rules {
		return 1
	}
	return 0
}

// Kept returns where k has the values, if it was k who kept them last, of its kind.
func (a *Again) Kept(k *Keeper) (at uint32, ok bool) {
	by := &a.by[k.who()]
	return by.at, by.in == k
}

// Keep remembers that k has the values at a place.
func (a *Again) Keep(k *Keeper, at uint32) {
	by := &a.by[k.who()]
	by.in, by.at = k, at
}
