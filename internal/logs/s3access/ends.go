package s3access

import (
	"bytes"

	"sluice/internal/logs"
)

// end is how a line ends, from the signature version on: where its fields are,
// checked. A file holds few different ones (clients × TLS × endpoint × region), so
// that a look-up stands for cutting eight fields and for finding the bucket's region.
type end struct {
	f   [endFields]piece
	acl logs.Bool
	n   int // fields of the line
}

// piece is a part [a, e) of an end; the zero piece is absent.
type piece struct{ a, e uint16 }

const (
	endExtra  = numFields - fSigV // everything behind field 27
	endRegion = endExtra + 1      // of the bucket
	endFields = endRegion + 1
)

// of is the piece's text in the line whose end is b.
func (p piece) of(b []byte) logs.Text {
	if p.e == 0 {
		return nil
	}
	return b[p.a:p.e:p.e]
}

// end returns the end of a line, or nil: it is none, or too long to be remembered,
// or holds a secret.
func (p *parser) end(b []byte) *slot[end] {
	if len(b) == 0 || len(b) > memoText {
		return nil
	}
	s, known := p.ends.of(b)
	if !known && !cutEnd(s.text, &s.value) {
		s.forget()
		return nil
	}
	return s
}

// cutEnd is split.connection for an end by itself.
func cutEnd(b []byte, e *end) bool {
	var s split
	if b[0] == ' ' || bytes.IndexByte(b, '"') >= 0 || firstSecret(b) >= 0 || !s.connection(b, 0) {
		return false
	}
	*e = end{n: s.n}
	for i, f := range s.f[fSigV:] {
		e.f[i] = piece{uint16(f.a), uint16(f.e)}
	}
	e.f[endExtra] = piece{uint16(s.extra.a), uint16(s.extra.e)}
	e.acl = aclOf(b, s.f[fACL])
	if region := bucketRegion(text(b, s.f[fHost]), text(b, s.f[fAccessPoint])); region != nil {
		a := bytes.Index(b, region) // wherever it stands
		e.f[endRegion] = piece{uint16(a), uint16(a + len(region))}
	}
	return true
}
