package cloudtrail

import "unicode/utf8"

// maxUsual is how long a record may be to be read in one pass: twice what
// CloudTrail writes, and shorter than what the scanner refuses for its nodes.
const maxUsual = 512 << 10

// quick finds the values of records that look like those that AWS writes: without
// space between tokens, without escapes in names, without a member of the record
// that has no column, without secrets. It does not read the names that have a
// column, it compares them with the one that came next in the record before; and
// it does not go through objects that it has seen.
//
// It says nothing about any other record: scanner and parser read those, and they
// are what FuzzRead holds against jsontext and FuzzUsual against this. Finding
// values this way takes half as long, a fifth of a conversion.
type quick struct {
	scan      scanner // of values; its nodes are those of values that have a column
	record    shape
	resource  shape
	resources [][len(resourceNames)]int32 // places in the elements of resources
}

// bind makes the shapes of a record, whose values go to p.
func (q *quick) bind(p *parser) {
	at := &p.at
	identity := newShape(identityNames[:], at.identity[:])
	session := newShape(sessionNames[:], at.session[:])
	issuer := newShape(issuerNames[:], at.issuer[:])
	attributes := newShape(attributeNames[:], at.attributes[:])
	parameters := newShape(parameterNames[:], at.parameters[:])
	additional := newShape(additionalNames[:], at.additional[:])
	tls := newShape(tlsNames[:], at.tls[:])
	session.inside[0], session.inside[1] = &issuer, &attributes
	identity.inside[6] = &session
	// Callers differ in the name of a role's session or in the key that signed, and
	// endpoints in cipher and host, behind the protocol.
	row := &p.row
	identity.memo = &memo{words: [...]int{40, 48, 56, 64}, again: &row.Caller, slots: make([]remembered, 2048)}
	tls.memo = &memo{words: [...]int{40, 48, 92, 104}, again: &row.Connection, slots: make([]remembered, 256)}

	q.record = newShape(topNames[:], at.top[:])
	q.record.inside[userIdentity] = &identity
	q.record.inside[requestParameters] = &parameters
	q.record.inside[additionalEventData] = &additional
	q.record.inside[tlsDetails] = &tls
	q.record.inside[resources] = &q.resource
	q.resource = newShape(resourceNames[:], make([]int32, len(resourceNames)))
}

// usual makes a row of the record that b begins with and returns its length. It
// is not ok where the record is not usual or goes on behind b.
func (p *parser) usual(q *quick, b []byte) (n int, ok bool) {
	if q.record.at == nil {
		q.bind(p)
	}
	if len(b) == 0 || b[0] != '{' {
		return 0, false
	}
	b = b[:min(len(b), maxUsual)]
	q.scan = scanner{b: b, nodes: append(q.scan.nodes[:0], node{}), depth: -1} // node 0 is none
	q.resources = q.resources[:0]
	p.start(nil, nil)
	n = q.object(&q.record, 0, 0)
	if n < 0 || q.scan.secret || q.scan.surrogate {
		return 0, false
	}
	p.nodes, p.rec = q.scan.nodes, b[:n:n]
	if q.scan.high&tops != 0 && !utf8.Valid(p.rec) {
		return 0, false
	}
	secrets := pairsIn(p.rec)
	if _, _, pair := secrets.next(); pair {
		return 0, false
	}
	p.record()
	for i := range q.resources {
		p.resource(&q.resources[i])
	}
	if len(p.unknown) > 0 { // a value of another type than its column
		return 0, false
	}
	p.inside()
	return n, p.bad == nil
}

// object reads the object at i, whose members are those of sh, and returns what
// follows it; -1 where it is not usual, as the others do.
func (q *quick) object(sh *shape, i, depth int) int {
	b := q.scan.b
	if i++; i < len(b) && b[i] == '}' {
		return i + 1
	}
	for last := 0; ; i++ {
		if k := sh.find(b, i, last); k >= 0 {
			if sh.at[k] != 0 {
				return -1 // twice
			}
			sh.at[k] = int32(len(q.scan.nodes))
			i = q.value(sh.inside[k], i+len(sh.names[k]), depth+1)
			last = k + 1
		} else if depth == 0 {
			return -1 // it goes to extra, and others may have its name
		} else {
			i = q.other(i, depth+1)
		}
		if i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case ',':
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// other goes over a member that has no column.
func (q *quick) other(i, depth int) int {
	b := q.scan.b
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	end := q.scan.plain(i + 1)
	if end+2 >= len(b) || b[end] != '"' || b[end+1] != ':' || isSecret(b[i+1:end], false) {
		return -1
	}
	return q.skip(end+2, depth)
}

// skip goes over a value.
func (q *quick) skip(i, depth int) int {
	end, err := q.scan.value(i, depth)
	if err != nil {
		return -1
	}
	return end
}

// value adds the node of the value at i, of which sh says what is looked for in it.
func (q *quick) value(sh *shape, i, depth int) int {
	b, s := q.scan.b, &q.scan
	if i >= len(b) {
		return -1
	}
	n := len(s.nodes)
	k := kind(b[i])
	s.nodes = append(s.nodes, node{kind: k, start: int32(i), next: int32(n + 1)})
	end := -1
	switch {
	case k == text:
		if end = s.plain(i+1) + 1; end > len(b) || b[end-1] != '"' {
			escapes := s.escapes
			end = q.skip(i, depth)
			s.nodes[n].escaped = s.escapes != escapes
		}
	case k == object && sh != nil && sh != &q.resource:
		return q.known(sh, i, depth)
	case k == array && sh == &q.resource:
		end = q.elements(i, depth)
	case k == array:
		end = q.wrapped(i, depth)
	default:
		if k == '-' || isDigit(byte(k)) {
			s.nodes[n].kind = number
		}
		end = q.skip(i, depth)
	}
	s.nodes[n].end = int32(end)
	return end
}

// known reads the object whose node is the last one, at i, from memory where it
// can.
func (q *quick) known(sh *shape, i, depth int) int {
	s := &q.scan
	n := len(s.nodes) - 1
	var place *remembered
	if sh.memo != nil {
		var known bool
		if place, known = sh.memo.find(s.b[i:]); known {
			s.nodes = place.recall(s.nodes[:n], int32(i))
			*sh.memo.again = &place.again
			return i + len(place.text)
		}
	}
	end := q.object(sh, i, depth)
	s.nodes[n].end = int32(end)
	if place != nil && end > 0 && end-i <= maxMemo && s.high&tops == 0 && !s.surrogate && !s.secret {
		place.learn(s.b[i:end], s.nodes[n:], sh, int32(i), int32(n))
		*sh.memo.again = &place.again
	}
	return end
}

// elements reads the array of resources.
func (q *quick) elements(i, depth int) int {
	b := q.scan.b
	if i++; i < len(b) && b[i] == ']' {
		return i + 1
	}
	for ; ; i++ {
		if i >= len(b) || b[i] != '{' {
			return -1
		}
		clear(q.resource.at)
		if i = q.object(&q.resource, i, depth+1); i < 0 || i >= len(b) {
			return -1
		}
		q.resources = append(q.resources, [len(resourceNames)]int32(q.resource.at))
		switch b[i] {
		case ',':
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

// wrapped reads an array. What one has for its only value has a node too, for
// parser.only.
func (q *quick) wrapped(i, depth int) int {
	s := &q.scan
	n := len(s.nodes) - 1
	end := q.skip(i, depth)
	if end < 0 {
		return -1
	}
	switch s.b[i+1] {
	case ']', '[', '{': // none, or one that parser.only does not take
		return end
	}
	switch inner := q.value(nil, i+1, depth+1); {
	case inner == end-1:
		s.nodes[n].next = int32(n + 2)
	case inner < 0 || s.b[inner] != ',': // space around it
		return -1
	default:
		s.nodes = s.nodes[:n+1]
	}
	return end
}
