package s3access

import (
	"bytes"
	"slices"
)

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

// appendUsualKey appends the key behind a logged key in one pass, where that is
// the usual encoding of it: form encoding, a space being "+" where one pass was
// made and %20 where two were. Such a logged key can be made again from the key,
// and is not kept. Nearly every key is usual; false where one is not. The first
// plain bytes of it are known to stand for themselves.
func appendUsualKey(dst, logged []byte, plain, passes int) ([]byte, bool) {
	start := len(dst)
	dst = slices.Grow(dst, len(logged))
	key := dst[start : start+len(logged)] // a key is never longer than it was logged
	n := copy(key, logged[:plain])
	for i := plain; i < len(logged); {
		c := logged[i]
		switch {
		case classes[c]&plainKey != 0:
			i++
		case c == '+' && passes == 1:
			c = ' '
			i++
		case c == '%':
			i++
			if passes == 2 {
				if len(logged)-i < 4 || logged[i] != '2' || logged[i+1] != '5' {
					return dst[:start], false
				}
				i += 2
			}
			if len(logged)-i < 2 || classes[logged[i]]&classes[logged[i+1]]&upperHex == 0 {
				return dst[:start], false
			}
			c = byte(unhex(logged[i])<<4 | unhex(logged[i+1]))
			if classes[c]&plainKey != 0 || c == ' ' && passes == 1 {
				return dst[:start], false // needlessly encoded
			}
			i += 2
		default:
			return dst[:start], false
		}
		key[n] = c
		n++
	}
	return dst[:start+n], true
}

// appendKey appends the object key behind a logged key to dst. A pass that meets
// an escape that is none leaves the key as the passes before it gave it, so a key
// that was never encoded comes out as it is.
func appendKey(dst, logged []byte, passes int) []byte {
	start := len(dst)
	dst, ok := appendUnescaped(dst, logged)
	for passes--; ok && passes > 0; passes-- {
		// In place: what is written never overtakes what is read.
		key := dst[start:]
		if !wellEscaped(key) {
			break
		}
		dst, ok = appendUnescaped(dst[:start], key)
	}
	return dst
}

// appendUnescaped appends form-encoded text decoded ("+" is a space), or text
// with a broken escape as it is, and false.
func appendUnescaped(dst, text []byte) ([]byte, bool) {
	start, whole := len(dst), text
	for {
		i := special(text)
		dst = append(dst, text[:i]...)
		if i == len(text) {
			return dst, true
		}
		if text[i] == '+' {
			dst, text = append(dst, ' '), text[i+1:]
			continue
		}
		if i+2 >= len(text) || unhex(text[i+1]) < 0 || unhex(text[i+2]) < 0 {
			return append(dst[:start], whole...), false
		}
		dst, text = append(dst, byte(unhex(text[i+1])<<4|unhex(text[i+2]))), text[i+3:]
	}
}

// special returns where the next "%" or "+" is, or the end.
func special(b []byte) int {
	end := len(b)
	if i := bytes.IndexByte(b, '%'); i >= 0 {
		end = i
	}
	if i := bytes.IndexByte(b[:end], '+'); i >= 0 {
		return i
	}
	return end
}

func wellEscaped(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return true
		}
		if i+2 >= len(b) || unhex(b[i+1]) < 0 || unhex(b[i+2]) < 0 {
			return false
		}
		b = b[i+3:]
	}
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
