// Package link says what in a link is a secret, for everybody who keeps texts that
// links stand in. A link may be the parameter of another one, and that of a third: each
// time it is escaped once more, and whoever wrote it chose how often. So the signs and
// names are told here however often they are escaped: %3D, %253D, %25253D.
package link

// Equals returns how long the escaped "=" is that b begins with, or 0. b begins with a
// "%".
func Equals(b []byte) int {
	if len(b) < 3 || b[1] != '3' && b[2] != '5' { // of most escapes
		return 0
	}
	return escaped(b, "3d")
}

// And reports whether b, which begins with a "%", begins with an escaped "&": where a
// parameter ends whose "=" is escaped, too.
func And(b []byte) bool { return escaped(b, "26") > 0 }

// escaped returns how long the escape of two digits, in lower case, is that b begins
// with: a "%", a "25" for each time that was escaped again, and the digits.
func escaped(b []byte, digits string) int {
	i := 1
	for i+2 < len(b) && b[i] == '2' && b[i+1] == '5' {
		i += 2
	}
	if i+2 <= len(b) && b[i] == digits[0] && digit(b[i+1]) == digit(digits[1]) {
		return i + 2
	}
	return 0
}

// NamesSecret reports whether a text, which stands before an "=", ends in the name of a
// parameter that makes a link work: Signature and X-Amz-Signature, X-Amz-Security-Token,
// and X-Amz-S3session-Token of directory buckets.
func NamesSecret(b []byte) bool {
	n := len(b)
	if n < len("signature") {
		return false
	}
	// The last two bytes are "re" or "en", or the end of an escaped one. Those of most
	// parameters are not.
	switch uint16(b[n-2]|0x20)<<8 | uint16(b[n-1]|0x20) {
	case 'r'<<8 | 'e', '2'<<8 | 'e', '6'<<8 | '5', '4'<<8 | '5': // re, %72e, %65, %45
		return endsIn(b, "signature")
	case 'e'<<8 | 'n', '5'<<8 | 'n', '6'<<8 | 'e', '4'<<8 | 'e': // en, %65n, %6e, %4e
		return endsIn(b, "security-token") || endsIn(b, "session-token") || endsIn(b, "sessiontoken")
	}
	return false
}

// endsIn reports whether b, its escapes undone, ends in a word. lower is in lower case.
func endsIn(b []byte, lower string) bool {
	for n := len(lower) - 1; n >= 0; n-- {
		if len(b) == 0 {
			return false
		}
		c, used := last(b)
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[n] {
			return false
		}
		b = b[:len(b)-used]
	}
	return true
}

// last is the last byte that b says, and how many bytes it takes to say it.
func last(b []byte) (c byte, used int) {
	i := len(b) - 3
	if i < 0 {
		return b[len(b)-1], 1
	}
	high, low := digit(b[i+1]), digit(b[i+2])
	if high < 0 || low < 0 {
		return b[len(b)-1], 1
	}
	for i >= 2 && b[i] == '5' && b[i-1] == '2' {
		i -= 2
	}
	if b[i] != '%' {
		return b[len(b)-1], 1
	}
	return byte(high<<4 | low), len(b) - i
}

// digit is what a hexadecimal digit stands for, or -1.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
