package record

import "strconv"

// wholeNumber reads a JSON number that is whole, also where it is written 353.0
// or 1.5E3. It never rounds: what is not whole or has too many digits is not ok.
func wholeNumber(s []byte) (int64, bool) {
	const most = 1e17
	i, v, digits, behind := 0, int64(0), 0, 0 // behind the point
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		i++
	}
	for point := false; i < len(s) && (isDigit(s[i]) || s[i] == '.' && !point); i++ {
		if s[i] == '.' {
			point = true
			continue
		}
		if v >= most {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
		digits++
		if point {
			behind++
		}
	}
	if digits == 0 {
		return 0, false
	}
	power := 0
	if i < len(s) && s[i]|0x20 == 'e' && len(s)-i <= 5 {
		var err error
		if power, err = strconv.Atoi(string(s[i+1:])); err != nil {
			return 0, false
		}
		i = len(s)
	}
	if i < len(s) {
		return 0, false
	}
	for power -= behind; power != 0 && v != 0; {
		switch {
		case power > 0 && v < most:
			v, power = v*10, power-1
		case power < 0 && v%10 == 0:
			v, power = v/10, power+1
		default:
			return 0, false
		}
	}
	if negative {
		v = -v
	}
	return v, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
