package sigma

import (
	"math"
	"strconv"
)

// number is a whole number where it can be, so that large ones compare exactly.
type number struct {
	whole bool
	i     int64
	f     float64
}

func wholeNumber(i int64) number { return number{whole: true, i: i, f: float64(i)} }

// compare is -1, 0 or 1, or 2 when a or b is no number.
func (a number) compare(b number) int {
	switch {
	case a.whole && b.whole && a.i < b.i, (!a.whole || !b.whole) && a.f < b.f:
		return -1
	case a.whole && b.whole && a.i > b.i, (!a.whole || !b.whole) && a.f > b.f:
		return 1
	case math.IsNaN(a.f) || math.IsNaN(b.f):
		return 2
	}
	return 0
}

func (c compare) holds(order int) bool {
	switch c {
	case less:
		return order == -1
	case lessEqual:
		return order == -1 || order == 0
	case greater:
		return order == 1
	case greaterEqual:
		return order == 1 || order == 0
	}
	return order == 0
}

// parseNumber reads a decimal number: digits, a fraction, an exponent. It only
// allocates for numbers of a size that logs do not hold.
func parseNumber(s []byte) (number, bool) {
	i, neg := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, neg = 1, true
	}
	var mantissa uint64
	digits, scale := 0, 0 // digits read; of them behind the point
	point, exact := false, true
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point && digits > 0 {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if mantissa > (math.MaxUint64-9)/10 {
			exact = false
			continue
		}
		mantissa = mantissa*10 + uint64(c-'0')
		if point {
			scale++
		}
	}
	if digits == 0 || s[i-1] == '.' {
		return number{}, false
	}
	if i < len(s) || !exact {
		return parseLong(s)
	}
	for scale > 0 && mantissa%10 == 0 {
		mantissa, scale = mantissa/10, scale-1
	}
	if scale == 0 && mantissa <= math.MaxInt64 {
		if neg {
			return wholeNumber(-int64(mantissa)), true
		}
		return wholeNumber(int64(mantissa)), true
	}
	if mantissa < 1<<53 && scale < len(tens) { // both exact: one rounding, as it should be
		f := float64(mantissa) / tens[scale]
		if neg {
			f = -f
		}
		return number{f: f}, true
	}
	return parseLong(s)
}

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func parseLong(s []byte) (number, bool) {
	if len(s) > 400 {
		return number{}, false
	}
	for _, c := range s { // no names, no hexadecimal digits, no underscores
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return number{}, false
		}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.IsInf(f, 0) {
		return number{}, false
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return wholeNumber(int64(f)), true
	}
	return number{f: f}, true
}
