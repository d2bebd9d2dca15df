package s3access

import "bytes"

// redacted stands where a secret stood, in every column and in raw.
const redacted = "REDACTED"

// appendRedacted appends b to dst with the value of every query parameter that
// is a secret replaced. A presigned link in a log is a working link until it
// expires: the signature and the session token are the secrets of it.
//
// Parameter names are compared as S3 compares them after decoding, in any
// letter case, so %53ignature=… is found too; so is a link that is itself the
// parameter of another (…%3FX-Amz-Signature%3D…). It returns dst unchanged and
// false where b holds no secret.
func appendRedacted(dst, b []byte) ([]byte, bool) {
	if bytes.IndexByte(b, '=') < 0 && bytes.IndexByte(b, '%') < 0 {
		return dst, false
	}
	start := len(dst)
	done := 0
	for i := 0; i < len(b); {
		eq, n := equals(b, i)
		if n == 0 {
			break
		}
		i = eq + n
		if !isSecretName(b[done:eq]) {
			continue
		}
		end := i
		for end < len(b) && (classes[b[end]]&plainKey != 0 || !endsValue(b[end:], n > 1)) {
			end++
		}
		dst = append(append(dst, b[done:i]...), redacted...)
		done, i = end, end
	}
	if len(dst) == start {
		return dst, false
	}
	return append(dst, b[done:]...), true
}

// equals finds the next "=" at or behind i, escaped once, twice or not at all,
// and how long it is; 0 where none follows.
func equals(b []byte, i int) (at, n int) {
	at = bytes.IndexByte(b[i:], '=')
	end := len(b)
	if at >= 0 {
		at, n, end = at+i, 1, at+i
	}
	for p := i; ; p++ {
		j := bytes.IndexByte(b[p:end], '%')
		if j < 0 {
			return at, n
		}
		p += j
		switch rest := b[p:]; {
		case len(rest) < 3 || rest[1] != '2' && rest[1] != '3':
		case hasFold(rest, "%3d"):
			return p, len("%3d")
		case hasFold(rest, "%253d"):
			return p, len("%253d")
		}
	}
}

// endsValue tells whether a value ends where b begins; one behind an escaped "="
// ends at an escaped "&" too.
func endsValue(b []byte, escaped bool) bool {
	switch b[0] {
	case '&', ' ', '"', '#', '<', '>':
		return true
	case '%':
		return escaped && (hasFold(b, "%26") || hasFold(b, "%2526"))
	}
	return false
}

func hasFold(b []byte, lower string) bool {
	if len(b) < len(lower) {
		return false
	}
	for i := range len(lower) {
		if b[i] != lower[i] && b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// isSecretName tells whether text before a "=" ends in a parameter name whose
// value is a secret: Signature, X-Amz-Signature, X-Amz-Security-Token.
func isSecretName(b []byte) bool {
	// The names end in e/E or n/N, escaped or not; most parameters do not.
	if len(b) == 0 {
		return false
	}
	if c := b[len(b)-1] | 0x20; c != 'e' && c != 'n' && (len(b) < 3 || b[len(b)-3] != '%') {
		return false
	}
	return endsFold(b, "signature") || endsFold(b, "security-token")
}

// endsFold tells whether b, decoded, ends in the lower-case name.
func endsFold(b []byte, name string) bool {
	i := len(b)
	for n := len(name) - 1; n >= 0; n-- {
		if i == 0 {
			return false
		}
		c, used := b[i-1], 1
		if i >= 3 && b[i-3] == '%' && unhex(b[i-2]) >= 0 && unhex(b[i-1]) >= 0 {
			c, used = byte(unhex(b[i-2])<<4|unhex(b[i-1])), 3
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != name[n] {
			return false
		}
		i -= used
	}
	return true
}
