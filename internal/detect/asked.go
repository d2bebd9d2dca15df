package detect

import (
	"hash/maphash"
	"math/bits"

	"sluice/internal/sigma"
)

// asked is a field that groups are made of, as the record at hand has it. Several
// targets ask for the same one, so it is looked up and hashed once a record.
type asked struct {
	id      sigma.FieldID
	place   *[]byte     // of the text, where the record has one
	again   *uint64     // and the number by which the record knows values again
	truth   *bool       // or of the truth
	told    *bool       // and whether it is there
	truths  [2]hash     // of false and of true
	known   []knownHash // by number
	record  int64       // for which it was looked up
	present bool
	hash    hash
	text    []byte
	read    bool   // text is that of the record
	scratch []byte // where values are written that are no text
}

// knownHash is what is kept of a value with a number.
type knownHash struct {
	number  uint64
	hash    hash
	present bool
}

const manyKnown = 512

// askedOf are the fields that a Watcher keeps at hand for the records of a log, all of
// which r becomes.
func (w *Watcher) askedOf(r sigma.Record, ids []sigma.FieldID) []asked {
	all := make([]asked, len(ids))
	placed, _ := r.(sigma.Placed)
	for i, id := range ids {
		all[i].id = id
		if placed != nil {
			p := placed.Place(id)
			if all[i].place, all[i].again = p.Text, p.Again; p.Again != nil {
				all[i].known = make([]knownHash, manyKnown)
			}
			if p.Flag != nil {
				all[i].truth, all[i].told = p.Flag, p.OK
				all[i].truths = [2]hash{w.hashOf([]byte("false")), w.hashOf([]byte("true"))}
			}
		}
	}
	return all
}

// hash is what a value or a group is known by: 128 bits, of two seeds.
type hash struct{ place, check uint64 }

// hashOf is that of a text. Seeds are drawn anew for each Watcher, and no hash is ever
// shown, so nobody can send requests whose groups have the same.
func (w *Watcher) hashOf(text []byte) hash {
	return hash{maphash.Bytes(w.seeds[0], text) | 1, maphash.Bytes(w.seeds[1], text)} // not that of an absent one
}

// field is one of the fields at hand.
func (w *Watcher) field(h *hit, at int) *asked {
	a := &h.asked[at]
	if a.record != w.seen {
		w.ask(h, a)
	}
	return a
}

// ask looks a field up. Of most that the record knows again, it looks at no text.
func (w *Watcher) ask(h *hit, a *asked) {
	a.record = w.seen
	if a.truth != nil {
		a.hash, a.present, a.read = hash{}, *a.told, false
		if a.present && *a.truth {
			a.hash = a.truths[1]
		} else if a.present {
			a.hash = a.truths[0]
		}
		return
	}
	var k *knownHash
	number := uint64(0)
	if a.again != nil && *a.again != 0 {
		number = *a.again
		if k = &a.known[number%manyKnown]; k.number == number {
			a.present, a.hash, a.read = k.present, k.hash, false
			return
		}
	}
	w.read(h, a)
	if a.hash = (hash{}); a.present {
		a.hash = w.hashOf(a.text)
	}
	if k != nil {
		*k = knownHash{number, a.hash, a.present}
	}
}

// read reads the field as text.
func (w *Watcher) read(h *hit, a *asked) {
	var v sigma.Value
	if a.place != nil {
		v = sigma.Value{Kind: sigma.Text, Present: *a.place != nil, Text: *a.place}
	} else {
		v = h.record.Field(a.id)
	}
	a.present, a.text, a.read = v.Present, v.Text, true
	if v.Present && v.Kind != sigma.Text && v.Kind != sigma.JSON {
		a.scratch = appendValue(a.scratch[:0], v)
		a.text = a.scratch
	}
}

// hash is that of a group.
func (w *Watcher) hash(f *feed, h *hit, period int64) hash {
	n := uint64(f.target.index)<<48 ^ uint64(period)
	sum := hash{mix(n, 0), mix(n, 1)}
	if f.target.owned() {
		sum = sum.and(w.ownerHash)
	}
	for _, at := range f.asked {
		sum = sum.and(w.field(h, at).hash)
	}
	return sum
}

func (h hash) and(o hash) hash { return hash{mix(h.place, o.place), mix(h.check, o.check)} }

// mix is a step of the hash wyhash: the halves of a product, one upon the other.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return high ^ low
}
