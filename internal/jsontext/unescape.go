// Package jsontext reads what JSON strings say, for everybody who looks at JSON
// without taking it apart: two readings of one escape would be two values of one
// field, and whoever sends requests could choose between them.
package jsontext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends what a string says (RFC 8259, section 7). s is what stands between
// its quotes. Half a surrogate pair is U+FFFD, as encoding/json has it. What no JSON
// may hold is kept as it is: an escape that there is not without its backslash, \u
// without four digits, and a backslash at the end.
func Unescape(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
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
			r, n := character(s)
			if n == 0 {
				dst = append(dst, '\\', 'u')
				continue
			}
			dst, s = utf8.AppendRune(dst, r), s[n:]
		default: // quote, backslash, slash
			dst = append(dst, c)
		}
	}
}

// character reads what stands behind a \u, with the other half of a pair, and how many
// bytes that is: none where it is not four digits.
func character(s []byte) (r rune, n int) {
	r = fourHex(s)
	switch {
	case r < 0:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 4
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if r = utf16.DecodeRune(r, fourHex(s[6:])); r != utf8.RuneError {
			return r, 10
		}
	}
	return utf8.RuneError, 4
}

// fourHex is the number that s begins with, or -1.
func fourHex(s []byte) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}
