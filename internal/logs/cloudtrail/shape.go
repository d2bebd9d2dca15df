package cloudtrail

import (
	"bytes"
	"encoding/binary"

	"sluice/internal/logs"
)

// shape is the members that quick looks for in an object.
type shape struct {
	names  []string // as they stand there: "type":
	at     []int32  // nodes of their values in the record being read, 0 for none
	inside []*shape // what is looked for in their values; nil for nothing
	next   []uint8  // the name that came behind each one the last time; [0] is the first name
	memo   *memo    // of objects whose text repeats; nil where it does not
}

func newShape(names []string, at []int32) shape {
	s := shape{at: at, inside: make([]*shape, len(names)), next: make([]uint8, len(names)+1)}
	for i, name := range names {
		s.names = append(s.names, `"`+name+`":`)
		s.next[i] = uint8(i)
	}
	return s
}

// find returns which name stands at i, -1 for none of them. last is the name
// before it, from 1, or 0 at the start of the object.
func (s *shape) find(b []byte, i, last int) int {
	guess := int(s.next[last])
	if stands(b, i, s.names[guess]) {
		return guess
	}
	for k, name := range s.names {
		if stands(b, i, name) {
			s.next[last] = uint8(k)
			return k
		}
	}
	return -1
}

func stands(b []byte, i int, name string) bool {
	return len(b)-i >= len(name) && string(b[i:i+len(name)]) == name
}

// maxMemo is how many bytes an object may have that is remembered.
const maxMemo = 2 << 10

// memo remembers objects by their text: the same callers and the same endpoints
// are in most records of a file. An object has two places, so that of two that come
// in turns one need not take the place of the other.
type memo struct {
	words [4]int       // where the bytes are, eight each, by which objects differ
	again **logs.Again // of the row that has such an object
	slots []remembered // a power of two
	turn  int          // which of two places is given up next
}

// remembered is an object: where the values in it are.
type remembered struct {
	text  []byte
	nodes []node // of the object itself first, as if it stood at 0
	found []found
	again logs.Again // of rows with this text
}

// found is a value that has a place.
type found struct {
	at   *int32
	node int32 // counted from the object's own
}

// find returns where the object that b begins with is remembered. Where it is not
// known, the place is another's, for it to learn, or nil: b is too short.
func (m *memo) find(b []byte) (r *remembered, known bool) {
	if len(b) < m.words[len(m.words)-1]+8 {
		return nil, false
	}
	h := uint64(0)
	for _, at := range m.words {
		h = (h ^ binary.LittleEndian.Uint64(b[at:])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	i := int(h) & (len(m.slots) - 1)
	for _, i := range [...]int{i, i ^ 1} {
		if r := &m.slots[i]; r.is(b) {
			return r, true
		}
	}
	m.turn ^= 1
	return &m.slots[i&^1|m.turn], false
}

// is reports whether b begins with the object. An object ends where it ends,
// whatever follows.
func (r *remembered) is(b []byte) bool {
	return len(r.text) > 0 && bytes.HasPrefix(b, r.text)
}

// recall adds the object's nodes where it stands at i, and says in places where
// they are.
func (r *remembered) recall(nodes []node, i int32) []node {
	n := int32(len(nodes))
	for _, nd := range r.nodes {
		nd.start, nd.end, nd.next = nd.start+i, nd.end+i, nd.next+n
		nodes = append(nodes, nd)
	}
	for _, f := range r.found {
		*f.at = n + f.node
	}
	return nodes
}

// learn remembers the object of these nodes, which stands at i. Its own node is
// the n-th of the record.
func (r *remembered) learn(text []byte, nodes []node, sh *shape, i, n int32) {
	r.text, r.again = append(r.text[:0], text...), logs.Again{}
	r.nodes, r.found = r.nodes[:0], r.found[:0]
	for _, nd := range nodes {
		nd.start, nd.end, nd.next = nd.start-i, nd.end-i, nd.next-n
		r.nodes = append(r.nodes, nd)
	}
	r.find(sh, n)
}

func (r *remembered) find(sh *shape, n int32) {
	for k, node := range sh.at {
		if node == 0 {
			continue
		}
		r.found = append(r.found, found{&sh.at[k], node - n})
		if sh.inside[k] != nil {
			r.find(sh.inside[k], n)
		}
	}
}
