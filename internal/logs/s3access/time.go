package s3access

import (
	"encoding/binary"

	"sluice/internal/logs"
)

// clock reads request times. Lines of one file share most of their minutes, so
// it keeps the last: 5 ns instead of 21 a line (BenchmarkClock).
type clock struct {
	key  [17]byte // "02/Jan/2006:15:04" of the minute
	base int64    // its first second; 0 before the first line
}

// parse reads "02/Jan/2006:15:04:05 +0000", every part of it checked, and
// returns seconds since 1970-01-01 UTC.
func (c *clock) parse(b []byte) (int64, bool) {
	if len(b) != 26 {
		return 0, false
	}
	if c.base != 0 && string(b[:17]) == string(c.key[:]) && b[17] == ':' && b[20] == ' ' &&
		b[21] == '+' && binary.LittleEndian.Uint32(b[22:]) == 0x30303030 {
		if s, ok := two(b, 18); ok && s < 60 {
			return c.base + int64(s), true
		}
	}
	t, ok := parseTime(b)
	if ok && string(b[21:]) == "+0000" {
		copy(c.key[:], b)
		s, _ := two(b, 18)
		c.base = t - int64(s)
	}
	return t, ok
}

func parseTime(b []byte) (int64, bool) {
	if b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return 0, false
	}
	day, ok1 := two(b, 0)
	month := monthOf(b[3:6])
	century, ok2 := two(b, 7)
	year, ok3 := two(b, 9)
	hour, ok4 := two(b, 12)
	min, ok5 := two(b, 15)
	sec, ok6 := two(b, 18)
	zh, ok7 := two(b, 22)
	zm, ok8 := two(b, 24)
	year += century * 100
	days, ok := logs.Days(year, month, day)
	if !(ok && ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7 && ok8) || year < 1970 ||
		hour > 23 || min > 59 || sec > 59 || zh > 14 || zm > 59 || b[21] != '+' && b[21] != '-' {
		return 0, false
	}
	zone := int64(zh*3600 + zm*60)
	if b[21] == '-' {
		zone = -zone
	}
	return days*86400 + int64(hour*3600+min*60+sec) - zone, true
}

func two(b []byte, i int) (int, bool) {
	return int(b[i]-'0')*10 + int(b[i+1]-'0'), isDigit(b[i]) && isDigit(b[i+1])
}

func monthOf(b []byte) int {
	switch string(b) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}
