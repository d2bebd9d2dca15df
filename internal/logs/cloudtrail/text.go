package cloudtrail

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// hexDigit returns what the digit stands for, or -1.
func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// allHex reports whether b is hex digits only.
func allHex(b []byte) bool {
	for _, c := range b {
		if hexDigit(c) < 0 {
			return false
		}
	}
	return true
}

// hex4 reads the four hex digits that b begins with; they were checked.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		r = r<<4 | rune(hexDigit(c))
	}
	return r
}

// wholeNumber reads a JSON number that is whole, however it is written: old
// records say 353.0 and 1.2345678E7 where new ones say 353 and 12345678. It
// never rounds: what is not whole or does not fit is not ok.
func wholeNumber(s []byte) (v int64, ok bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	mantissa, exponent := s, 0
	for i, c := range s {
		if c|0x20 == 'e' {
			if mantissa = s[:i]; !smallExponent(s[i+1:], &exponent) {
				return 0, false
			}
			break
		}
	}
	digits, point := 0, -1 // digits read; of them before the point
	for _, c := range mantissa {
		if c == '.' && point < 0 {
			point = digits
			continue
		}
		if !isDigit(c) {
			return 0, false
		}
		digits++
	}
	if digits == 0 {
		return 0, false
	}
	if point < 0 {
		point = digits
	}
	point += exponent // digits of the whole part; what is missing behind is zeros
	k := 0
	for _, c := range mantissa {
		if c == '.' {
			continue
		}
		if k++; k > point {
			if c != '0' {
				return 0, false
			}
		} else if v, ok = shift(v, int64(c-'0')); !ok {
			return 0, false
		}
	}
	for ; k < point; k++ {
		if v, ok = shift(v, 0); !ok {
			return 0, false
		}
		if v == 0 {
			break // zero times any power of ten
		}
	}
	if negative {
		v = -v
	}
	return v, true
}

// shift appends one decimal digit to v, as long as it fits.
func shift(v, digit int64) (int64, bool) {
	const most = 1<<63 - 1
	if v > (most-digit)/10 {
		return 0, false
	}
	return v*10 + digit, true
}

// smallExponent reads an exponent of up to three digits: no count needs more.
func smallExponent(s []byte, to *int) bool {
	sign := 1
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 3 {
		return false
	}
	n := 0
	for _, c := range s {
		if !isDigit(c) {
			return false
		}
		n = n*10 + int(c-'0')
	}
	*to = sign * n
	return true
}
