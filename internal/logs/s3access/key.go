package s3access

import "bytes"

// keyPasses is how often S3 encoded the key of an operation. Requests are
// encoded twice; the keys of batch deletes and of S3's own operations
// (lifecycle) once. The lines themselves do not say which.
//
// LogFormat is silent on it since 2023; the counts are from delivered logs.
func keyPasses(operation []byte) int {
	if bytes.HasPrefix(operation, []byte("BATCH.")) || bytes.HasPrefix(operation, []byte("S3.")) {
		return 1
	}
	return 2
}

// appendKey appends the object key behind a logged key to dst. A pass that meets
// an escape that is none stops there: the key is then what the passes before it
// gave, so a key that was never encoded comes out as it is.
func appendKey(dst, logged []byte, passes int) []byte {
	start := len(dst)
	dst = append(dst, logged...)
	for ; passes > 0; passes-- {
		key := dst[start:]
		if !wellEscaped(key) {
			return dst
		}
		dst = dst[:start+unescape(key)]
	}
	return dst
}

func wellEscaped(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' {
			if i+2 >= len(b) || unhex(b[i+1]) < 0 || unhex(b[i+2]) < 0 {
				return false
			}
			i += 2
		}
	}
	return true
}

// unescape decodes form encoding in place ("+" is a space) and returns the new length.
func unescape(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '%':
			b[n] = byte(unhex(b[i+1])<<4 | unhex(b[i+2]))
			i += 2
		case '+':
			b[n] = ' '
		default:
			b[n] = c
		}
		n++
	}
	return n
}

func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case (c|0x20)-'a' < 6:
		return int(c|0x20-'a') + 10
	}
	return -1
}
