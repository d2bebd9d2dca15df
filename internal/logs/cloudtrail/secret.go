package cloudtrail

import (
	"bytes"

	"sluice/internal/jsontext"
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

// secretPair finds the next Signature=… or …Security-Token=… in JSON text, as in
// a link that someone passed on as a parameter, and returns where its value
// stands. Such pairs are redacted wherever they stand, in a key too.
func secretPair(b []byte, from int) (start, end int, ok bool) {
	for {
		i, n := equals(b, from)
		if i < 0 {
			return 0, 0, false
		}
		from = i + n
		if hasSuffixFold(b[:i], "signature") || hasSuffixFold(b[:i], "security-token") || hasSuffixFold(b[:i], "sessiontoken") {
			if end := pairEnd(b, from); end > from {
				return from, end, true
			}
		}
	}
}

// equals returns where the next equals sign is, plain or escaped, and how long.
func equals(b []byte, from int) (i, n int) {
	i, n = bytes.IndexByte(b[from:], '='), 1
	// A backslash before it, which is rare, may begin an escaped one.
	before := b[from:]
	if i >= 0 {
		before = before[:i]
	}
	for k := 0; ; k++ {
		next := bytes.IndexByte(before[k:], '\\')
		if next < 0 {
			break
		}
		k += next
		if len(before) >= k+6 && foldEqual(before[k+1:k+6], "u003d") {
			return from + k, 6
		}
		k++ // what the backslash escapes is no backslash of its own
		if k >= len(before) {
			break
		}
	}
	if i < 0 {
		return -1, 0
	}
	return from + i, n
}

func hasSuffixFold(b []byte, lower string) bool {
	return len(b) >= len(lower) && foldEqual(b[len(b)-len(lower):], lower)
}

// pairEnd returns where the value ends that starts at i: at what ends a
// parameter, a word or the string.
func pairEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c <= ' ' || bytes.IndexByte([]byte("&\"'<>,;)#"), c) >= 0:
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
	for from := 0; ; {
		start, end, ok := secretPair(b, from)
		if !ok {
			break
		}
		out = append(append(out, b[done:start]...), redacted...)
		done, from = end, end
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
