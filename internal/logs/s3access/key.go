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

// isUsual tells whether logged is the usual encoding of key: form encoding, a
// space being "+" where one pass was made and %20 where two were. Such a logged
// key can be made again from the key, and is not kept.
func isUsual(logged, key []byte, passes int) bool {
	const hex = "0123456789ABCDEF"
	i := 0
	next := func(c byte) bool { i++; return i <= len(logged) && logged[i-1] == c }
	for _, c := range key {
		switch {
		case classes[c]&plainKey != 0:
			if !next(c) {
				return false
			}
		case c == ' ' && passes == 1:
			if !next('+') {
				return false
			}
		default:
			if !next('%') || passes == 2 && !(next('2') && next('5')) || !next(hex[c>>4]) || !next(hex[c&15]) {
				return false
			}
		}
	}
	return i == len(logged)
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
