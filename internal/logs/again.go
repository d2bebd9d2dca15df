package logs

// Again is a reader's word that some values of a row are those of a row before, so
// that who keeps rows need not look at them to know them again. Every two rows that
// carry the same Again have equal values in the columns that are tagged with its
// field; a row without one may have any.
//
// Whoever keeps rows leaves in it where he has the values. The zero Again was not seen
// by anybody; a reader that gives one to other values makes it zero first. It is for
// the goroutine that reads.
type Again struct {
	in *Keeper
	at uint32
}

// Keeper is one who keeps the values of rows, until he forgets them: from then on he
// is another one.
type Keeper struct{ _ bool } // of one byte, so that no two are at one place

// Kept returns where k has the values, if it was k who kept them last.
func (a *Again) Kept(k *Keeper) (at uint32, ok bool) { return a.at, a.in == k }

// Keep remembers that k has the values at a place.
func (a *Again) Keep(k *Keeper, at uint32) { a.in, a.at = k, at }
