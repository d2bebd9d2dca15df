package s3access

// Shapes of single fields. They are as wide as what S3 has been seen to write,
// and no wider: a split is legal only where every field has its shape, and each
// needless width would make honest lines look forged.

func isStatus(b []byte) bool {
	if len(b) == 1 {
		return b[0] == '-'
	}
	return len(b) == 3 && isDigit(b[0]) && isDigit(b[1]) && isDigit(b[2])
}

// numberAt reads the number at i, "-" or up to 18 digits, which int64 always holds,
// and returns its value and end; -1 where none stands.
func numberAt(b []byte, i int) (v int64, end int) {
	e := i
	if b[e] == '-' {
		e++
	} else {
		for e < len(b) && isDigit(b[e]) {
			v = v*10 + int64(b[e]-'0')
			e++
		}
		if e == i || e > i+18 {
			return 0, -1
		}
	}
	if e < len(b) && b[e] != ' ' {
		return 0, -1
	}
	return v, e
}

// isErrorCode takes "-" and codes like NoSuchKey; the longest known has 46 letters.
func isErrorCode(b []byte) bool {
	if len(b) == 1 && b[0] == '-' {
		return true
	}
	if len(b) == 0 || len(b) > 64 || !isLetter(b[0]) {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && c != '.' && c != '_' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

// minHostID is the shortest host id seen (64 characters) and longer than every
// version id (32): it keeps a host id from passing for a version id when a
// split is shifted by one field.
const minHostID = 64

func isTail(f int, b []byte) bool {
	if len(b) == 1 && b[0] == '-' {
		return true
	}
	switch f {
	case fVersion:
		return len(b) < minHostID && !isPrincipalID(b)
	case fHost: // a client may leave it out, and no host is named like a protocol
		return !isTLS(b)
	case fSigV:
		return len(b) > 4 && len(b) < 10 && string(b[:4]) == "SigV"
	case fCipher:
		return len(b) > 2 && only(b, upper|digit|dotDash)
	case fAuth:
		return only(b, letter)
	case fTLS:
		return isTLS(b)
	case fAccessPoint:
		return len(b) > 4 && string(b[:4]) == "arn:"
	case fACL:
		return string(b) == "Yes" || string(b) == "No"
	case fRegion:
		return isLetter(b[0]) && only(b, lower|digit|dotDash)
	}
	return false
}

func isTLS(b []byte) bool {
	return len(b) > 4 && (equalFold3(b, "tls") || equalFold3(b, "ssl")) && b[3]|0x20 == 'v' && only(b[4:], digit|dotDash)
}

func equalFold3(b []byte, lower string) bool {
	return b[0]|0x20 == lower[0] && b[1]|0x20 == lower[1] && b[2]|0x20 == lower[2]
}

// isPrincipalID takes an IAM unique id such as AIDAEXAMPLEEXAMPLE123
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
func isPrincipalID(b []byte) bool {
	if len(b) < 16 || len(b) > 32 || b[0] != 'A' || !only(b, upper|digit) {
		return false
	}
	switch string(b[:4]) {
	case "AIDA", "AROA", "AGPA", "AIPA", "AKIA", "ASIA":
		return true
	}
	return false
}

// class is a set of kinds of bytes.
type class uint16

const (
	digit class = 1 << iota
	upper
	lower
	hexDigit
	dotDash   // "." "_" "-"
	slashStar // "/" "*"
	valueEnd  // what the value of a query parameter ends at
	percent   // "%"
	upperHex  // a hexadecimal digit, letters in capitals
	letter    = upper | lower
	plainKey  = letter | digit | dotDash | slashStar // what the encoding of a key leaves as it is
)

// classes has the kinds of every byte: one load a byte where comparisons took four.
var classes = func() (t [256]class) {
	for c := range 256 {
		b := byte(c)
		switch {
		case isDigit(b):
			t[c] = digit | hexDigit
		case isUpper(b):
			t[c] = upper
		case isLetter(b):
			t[c] = lower
		case b == '.' || b == '_' || b == '-':
			t[c] = dotDash
		case b == '/' || b == '*':
			t[c] = slashStar
		case b == '&' || b == ' ' || b == '"' || b == '#' || b == '<' || b == '>':
			t[c] = valueEnd
		case b == '%':
			t[c] = percent
		}
		if (b|0x20)-'a' < 6 {
			t[c] |= hexDigit
		}
		if isDigit(b) || b-'A' < 6 {
			t[c] |= upperHex
		}
	}
	return t
}()

// only tells whether b is not empty and holds bytes of these kinds only.
func only(b []byte, kinds class) bool { return len(b) > 0 && run(b, kinds) == len(b) }

// run counts the bytes of these kinds that b begins with.
func run(b []byte, kinds class) int {
	for i, c := range b {
		if classes[c]&kinds == 0 {
			return i
		}
	}
	return len(b)
}

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isUpper(c byte) bool  { return c-'A' < 26 }
func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }
