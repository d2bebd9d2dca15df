package cloudtrail

import (
	"bytes"

	"sluice/internal/jsontext"
	"sluice/internal/link"
)

// redacted stands where a secret stood.
const redacted = "REDACTED"

// isSecret reports whether the value of a member of this name is a live
// credential: the signature of a presigned link, or a session token. name is
// what stands between the quotes.
func isSecret(name []byte, escaped bool) bool {
	if escaped {
		name = jsontext.Unescape(nil, name)
	}
	switch len(name) {
	case len("Signature"):
		return foldEqual(name, "signature")
	case len("sessionToken"):
		return foldEqual(name, "sessiontoken")
	case len("X-Amz-Signature"):
		return foldEqual(name, "x-amz-signature")
	case len("X-Amz-Security-Token"):
		return foldEqual(name, "x-amz-security-token")
	case len("X-Amz-S3session-Token"):
		return foldEqual(name, "x-amz-s3session-token")
	}
	return false
}

// foldEqual compares ASCII; lower is in lower case and as long as b.
func foldEqual(b []byte, lower string) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// pairs finds, one after the other, each Signature=… and …Security-Token=… in JSON
// text, as in a link that someone passed on as a parameter. Such pairs are redacted
// wherever they stand, in a key too, and in a link that is itself the parameter of
// another (…%3FX-Amz-Signature%3D…), see package link.
type pairs struct {
	b  []byte
	at int // nothing before it is looked at again
	// The next of each byte that an equals sign may begin with, at or behind at, or
	// len(b): each is searched for once, however many there are of the others.
	plain, slash, percent int
}

func pairsIn(b []byte) pairs { return pairs{b: b, plain: -1, slash: -1, percent: -1} }

// next returns where the value of the next pair stands.
func (p *pairs) next() (start, end int, ok bool) {
	for {
		i, n := p.sign()
		if i < 0 {
			return 0, 0, false
		}
		p.at = i + n
		if link.NamesSecret(p.b[:i]) {
			if end := pairEnd(p.b, p.at, p.b[i] == '%'); end > p.at {
				start, p.at = p.at, end
				return start, end, true
			}
		}
	}
}

// sign returns where the next equals sign is and how long: as it is, escaped for JSON,
// or for a link.
func (p *pairs) sign() (i, n int) {
	for b := p.b; ; {
		p.plain = ahead(b, p.plain, p.at, '=')
		p.slash = ahead(b, p.slash, p.at, '\\')
		p.percent = ahead(b, p.percent, p.at, '%')
		i := min(p.plain, p.slash, p.percent)
		switch {
		case i == len(b):
			return -1, 0
		case i == p.plain:
			return i, 1
		case i == p.slash:
			if hasPrefixFold(b[i+1:], "u003d") {
				return i, len(`\u003d`)
			}
			p.at = min(i+2, len(b)) // what the backslash escapes is no backslash of its own
		default:
			if n := link.Equals(b[i:]); n > 0 {
				return i, n
			}
			p.at = i + 1
		}
	}
}

// ahead is where the next c is from at on, or len(b); last is where it was before.
func ahead(b []byte, last, at int, c byte) int {
	if last >= at {
		return last
	}
	if i := bytes.IndexByte(b[at:], c); i >= 0 {
		return at + i
	}
	return len(b)
}

func hasPrefixFold(b []byte, lower string) bool {
	return len(b) >= len(lower) && foldEqual(b[:len(lower)], lower)
}

// pairEnd returns where the value ends that starts at i: at what ends a parameter, a
// word or the string; behind an escaped equals sign at an escaped ampersand, too.
func pairEnd(b []byte, i int, escaped bool) int {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c <= ' ' || bytes.IndexByte([]byte("&\"'<>,;)#"), c) >= 0:
			return i
		case c == '%' && escaped && link.And(b[i:]):
			return i
		case c == '\\' && i+1 < len(b):
			if c = b[i+1]; c == '"' || c == 'n' || c == 'r' || c == 't' || c == 'f' || c == 'b' {
				return i
			}
			if len(b) >= i+6 && foldEqual(b[i+1:i+6], "u0026") {
				return i
			}
			i++
		}
	}
	return i
}

// redact returns JSON text with every secret replaced. members says that b has
// members to redact; s is used to find them.
func redact(s *scanner, b []byte, members bool) ([]byte, error) {
	if members {
		// The byte behind the value lets a number at its end be told as ended.
		if _, err := s.scan(append(b[:len(b):len(b)], ' '), maxDepth); err != nil {
			return nil, err
		}
		b = redactMembers(s.nodes, b)
	}
	var out []byte
	done := 0
	secrets := pairsIn(b)
	for {
		start, end, ok := secrets.next()
		if !ok {
			break
		}
		out = append(append(out, b[done:start]...), redacted...)
		done = end
	}
	return append(out, b[done:]...), nil
}

func redactMembers(nodes []node, b []byte) []byte {
	var out []byte
	done := int32(0)
	redactIn := func(n node) {
		if n.kind != null && n.start >= done {
			out = append(append(out, b[done:n.start]...), '"')
			out = append(append(out, redacted...), '"')
			done = n.end
		}
	}
	for i := 0; i < len(nodes); i++ {
		n := nodes[i]
		if n.kind != object || n.start < done {
			continue
		}
		for k := int32(i) + 1; k < n.next; k = nodes[k+1].next {
			name := nodes[k]
			if isSecret(b[name.start+1:name.end-1], name.escaped) {
				redactIn(nodes[k+1])
			}
		}
	}
	return append(out, b[done:]...)
}
