package record

import (
	"strings"

	"sluice/internal/jsontext"
	"sluice/internal/sigma"
)

// Limits of the paths that rules may name: each costs a slot in every record.
const (
	maxPaths  = 4096
	maxLength = 512 // bytes of a path
	maxNested = 8   // arrays in arrays that a path looks through
)

// tree is the paths that rules name below one JSON column. A column is read once
// a record, whatever the number of paths, and only if a rule asks.
type tree struct {
	kids map[string]*tree
	slot int // of the value found here; -1: none
}

func newTree() *tree { return &tree{slot: -1} }

// add makes room for a path and returns its slot, which is slot unless the path
// had one already. Of a name that has dots, only the last one of a path is found.
func (t *tree) add(path string, slot int) int {
	ends := []string{path}
	n := t
	for {
		first, rest, more := strings.Cut(path, ".")
		n = n.kid(first)
		if !more {
			break
		}
		path = rest
		ends = append(ends, path)
	}
	if n.slot >= 0 {
		return n.slot
	}
	n.slot = slot
	n = t
	for i, end := range ends[:len(ends)-1] {
		if i > 0 {
			first, _, _ := strings.Cut(ends[i-1], ".")
			n = n.kid(first)
		}
		if k := n.kid(end); k.slot < 0 {
			k.slot = slot
		}
	}
	return slot
}

func (t *tree) kid(name string) *tree {
	if t.kids == nil {
		t.kids = map[string]*tree{}
	}
	k := t.kids[name]
	if k == nil {
		k = newTree()
		t.kids[name] = k
	}
	return k
}

// found is what a path led to in one record: the value, and more of them where
// the path goes through an array or a name stands twice.
type found struct {
	first []byte
	more  int32 // index of the next one in paths.more, from 1; 0: none
	last  int32
}

// paths holds what the paths of a schema lead to in one record.
type paths struct {
	slots   []found
	more    []next
	scratch []byte
	names   []byte
}

type next struct {
	value []byte
	next  int32
}

// reset forgets the record.
func (p *paths) reset() {
	const most = 1 << 20 // one giant record must not keep its memory for ever
	if cap(p.scratch) > most {
		p.scratch = nil
	}
	if cap(p.more) > most/32 {
		p.more = nil
	}
	p.scratch, p.more = p.scratch[:0], p.more[:0]
}

// read fills the slots of t from the JSON text v.
func (p *paths) read(t *tree, v []byte, nested int) {
	for l := in(v); l.next(); {
		if !l.members {
			if c := l.value[0]; c == '{' || c == '[' && nested < maxNested {
				p.read(t, l.value, nested+1)
			}
			continue
		}
		k := t.kids[string(p.plain(l.name))]
		if k == nil {
			continue
		}
		if k.slot >= 0 && l.value[0] != 'n' { // null is absent
			p.put(k.slot, l.value)
		}
		if k.kids != nil {
			p.read(k, l.value, 0)
		}
	}
}

// plain returns a name as it reads; it is valid until the next one.
func (p *paths) plain(name []byte) []byte {
	for _, c := range name {
		if c == '\\' {
			p.names = jsontext.Unescape(p.names[:0], name)
			return p.names
		}
	}
	return name
}

func (p *paths) put(slot int, v []byte) {
	s := &p.slots[slot]
	if s.first == nil {
		s.first = v
		return
	}
	p.more = append(p.more, next{value: v})
	at := int32(len(p.more))
	if s.more == 0 {
		s.more = at
	} else {
		p.more[s.last-1].next = at
	}
	s.last = at
}

// value returns what is in a slot: one value as it is, several as an array of
// all of them, in which the elements of arrays stand for themselves.
func (p *paths) value(slot int) sigma.Value {
	s := &p.slots[slot]
	if s.more == 0 {
		return p.scalar(s.first)
	}
	from := len(p.scratch)
	p.scratch = append(p.scratch, '[')
	p.splice(s.first)
	for at := s.more; at != 0; at = p.more[at-1].next {
		p.splice(p.more[at-1].value)
	}
	if len(p.scratch) > from+1 { // a comma to be replaced
		p.scratch = p.scratch[:len(p.scratch)-1]
	}
	p.scratch = append(p.scratch, ']')
	return sigma.Value{Kind: sigma.JSON, Present: true, Text: p.scratch[from:len(p.scratch):len(p.scratch)]}
}

// splice appends v, or what is in it if it is an array, each with a comma.
func (p *paths) splice(v []byte) {
	if v[0] != '[' {
		p.scratch = append(append(p.scratch, v...), ',')
		return
	}
	for l := in(v); l.next(); {
		p.scratch = append(append(p.scratch, l.value...), ',')
	}
}

// scalar returns a JSON value as rules see it.
func (p *paths) scalar(v []byte) sigma.Value {
	if len(v) == 0 {
		return sigma.Value{}
	}
	switch c := v[0]; {
	case c == '"':
		return sigma.Value{Kind: sigma.Text, Present: true, Text: p.text(within(v))}
	case c == 't' || c == 'f':
		return truth(c == 't')
	case c == 'n':
		return sigma.Value{}
	case c == '{' || c == '[':
	default:
		if n, ok := wholeNumber(v); ok {
			return sigma.Value{Kind: sigma.Int, Present: true, Num: n}
		}
	}
	return sigma.Value{Kind: sigma.JSON, Present: true, Text: v}
}

// text returns what a string says; s is what stands between its quotes.
func (p *paths) text(s []byte) []byte {
	for _, c := range s {
		if c == '\\' {
			from := len(p.scratch)
			p.scratch = jsontext.Unescape(p.scratch, s)
			return p.scratch[from:len(p.scratch):len(p.scratch)]
		}
	}
	return s
}
