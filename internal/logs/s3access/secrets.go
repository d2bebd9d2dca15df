package s3access

import (
	"bytes"

	"sluice/internal/link"
)

// redacted stands where a secret stood, in every column and in raw.
const redacted = "REDACTED"

// appendRedacted appends b to dst with the value of every query parameter that
// is a secret replaced. A presigned link in a log is a working link until it
// expires: the signature and the session token are the secrets of it.
//
// Parameter names are compared as S3 compares them after decoding, in any
// letter case, so %53ignature=… is found too; so is a link that is itself the
// parameter of another (…%3FX-Amz-Signature%3D…), see package link. It returns dst
// unchanged and false where b holds no secret.
func appendRedacted(dst, b []byte) ([]byte, bool) {
	first := firstSecret(b)
	if first < 0 {
		return dst, false
	}
	return appendRedactedFrom(dst, b, first)
}

// appendRedactedFrom is appendRedacted for a text whose first i bytes hold no "="
// behind the name of a secret.
func appendRedactedFrom(dst, b []byte, i int) ([]byte, bool) {
	start := len(dst)
	done := 0
	bare := -1 // the next "=" that is not escaped, or the end; searched once for all escaped ones before it
	for i < len(b) {
		if bare < i {
			if bare = bytes.IndexByte(b[i:], '='); bare < 0 {
				bare = len(b)
			} else {
				bare += i
			}
		}
		eq, n := escapedEqualIn(b, i, bare)
		if n == 0 {
			if eq, n = bare, 1; eq == len(b) {
				break
			}
		}
		i = eq + n
		if !link.NamesSecret(b[done:eq]) {
			continue
		}
		stop := valueEnd
		if n > 1 {
			stop |= percent
		}
		end := i
		for end < len(b) && (classes[b[end]]&stop == 0 || b[end] == '%' && !link.And(b[end:])) {
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

// firstSecret returns a place before which no "=", escaped or not, stands behind the
// name of a secret; -1 where none stands anywhere. That is nearly always, and takes
// two searches of most texts. A fuzz test holds it to the loop above.
func firstSecret(b []byte) int {
	for i := 0; ; i++ {
		j := bytes.IndexByte(b[i:], '=')
		if j < 0 {
			break
		}
		if i += j; link.NamesSecret(b[:i]) {
			if p := bytes.IndexByte(b[:i], '%'); p >= 0 {
				return p
			}
			return i
		}
	}
	for i := 0; ; i++ {
		j := bytes.IndexByte(b[i:], '%')
		if j < 0 {
			return -1
		}
		if i += j; link.Equals(b[i:]) > 0 && link.NamesSecret(b[:i]) {
			return i
		}
	}
}

// escapedEqualIn finds the first "=" between i and end that is escaped, and how long
// it is; 0 where none is.
func escapedEqualIn(b []byte, i, end int) (at, n int) {
	for ; i < end; i++ {
		j := bytes.IndexByte(b[i:end], '%')
		if j < 0 {
			break
		}
		i += j
		if n = link.Equals(b[i:]); n > 0 {
			return i, n
		}
	}
	return 0, 0
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
