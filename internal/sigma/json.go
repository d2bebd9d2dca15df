package sigma

import (
	"unicode/utf16"
	"unicode/utf8"
)

// elements walks the scalars and objects in an array, and in arrays in it. It
// trusts nothing: text that is no JSON ends the walk.
type elements struct {
	rest []byte
	at   []byte
}

// next goes to the next element.
func (e *elements) next() bool {
	for len(e.rest) > 0 {
		switch c := e.rest[0]; c {
		case '[', ']', ',', ' ', '\t', '\r', '\n': // arrays in arrays are laid flat
			e.rest = e.rest[1:]
			continue
		}
		n := valueLen(e.rest)
		if n == 0 {
			break
		}
		e.at, e.rest = e.rest[:n], e.rest[n:]
		return true
	}
	e.rest = nil
	return false
}

func (e *elements) value() Value { return Value{Kind: JSON, Present: true, Text: e.at} }

// valueLen is how long the string, the object or the word is that s begins with.
func valueLen(s []byte) int {
	switch s[0] {
	case '"':
		return stringLen(s)
	case '{':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			case '"':
				n := stringLen(s[i:])
				if n == 0 {
					return 0
				}
				i += n - 1
			}
		}
		return 0
	}
	i := 0
	for i < len(s) && s[i] != ',' && s[i] != ']' && s[i] != '}' && s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n' {
		i++
	}
	return i
}

func stringLen(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// unescape appends what a JSON string says. A half surrogate is U+FFFD.
func unescape(dst, s []byte) []byte {
	s = s[1:]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			break
		}
		if c != '\\' || i+1 == len(s) {
			dst = append(dst, c)
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := fourHex(s[i+1:])
			if r < 0 {
				dst = append(dst, '\\', 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					low = fourHex(s[i+3:])
				}
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					r, i = full, i+6
				} else {
					r = utf8.RuneError
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // " \ /
			dst = append(dst, s[i])
		}
	}
	return dst
}

func fourHex(s []byte) rune {
	if len(s) < 4 {
		return -1
	}
	r := rune(0)
	for _, c := range s[:4] {
		d := hexDigit(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}
