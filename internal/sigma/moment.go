package sigma

import (
	"fmt"
	"time"
)

// parseMoment reads a time as logs and rules write it: 2026-03-03T00:17:42Z,
// with a fraction or another zone, or a day. It does not allocate unless the
// text only looks like a time.
func parseMoment(s []byte) (ms int64, ok bool) {
	if len(s) < 10 || len(s) > 40 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	if len(s) == 10 {
		var full [20]byte
		copy(full[:], s)
		copy(full[10:], "T00:00:00Z")
		return parseMoment(full[:])
	}
	for i, c := range s {
		if (c < '0' || c > '9') && c != '-' && c != ':' && c != '.' && c != '+' && !(c == 'T' && i == 10) && !(c == 'Z' && i == len(s)-1) {
			return 0, false
		}
	}
	var t time.Time
	if err := t.UnmarshalText(s); err != nil {
		return 0, false
	}
	return t.UnixMilli(), true
}

// appendMoment writes a time as text patterns see it: UTC, with milliseconds
// where there are any.
func appendMoment(dst []byte, ms int64) []byte {
	layout := "2006-01-02T15:04:05Z"
	if ms%1000 != 0 {
		layout = "2006-01-02T15:04:05.000Z"
	}
	return time.UnixMilli(ms).UTC().AppendFormat(dst, layout)
}

// partRange says which numbers a part of a time can be.
func partRange(unit string) (low, high int64) {
	switch unit {
	case "minute":
		return 0, 59
	case "hour":
		return 0, 23
	case "day":
		return 1, 31
	case "week":
		return 1, 53 // ISO 8601; the specification's 52 forgets long years
	case "month":
		return 1, 12
	}
	return 1970, 9999
}

// partOf takes a part out of a time, in UTC.
func partOf(ms int64, unit string) int64 {
	t := time.UnixMilli(ms).UTC()
	switch unit {
	case "minute":
		return int64(t.Minute())
	case "hour":
		return int64(t.Hour())
	case "day":
		return int64(t.Day())
	case "week":
		_, w := t.ISOWeek()
		return int64(w)
	case "month":
		return int64(t.Month())
	}
	return int64(t.Year())
}

// span of time as documents write it.
func parseTimespan(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	bad := fmt.Errorf("%q is no time span such as 30s, 10m, 1h, 7d or 2w", brief(s))
	if len(s) < 2 || len(s) > 10 {
		return 0, bad
	}
	unit := s[len(s)-1]
	if unit == 'M' || unit == 'y' {
		return 0, fmt.Errorf("%q: months and years differ in length; write days, such as 30d", s)
	}
	n := int64(0)
	for _, c := range s[:len(s)-1] {
		if c < '0' || c > '9' {
			return 0, bad
		}
		n = n*10 + int64(c-'0')
	}
	d := units[unit]
	const most = 400 * 24 * time.Hour
	switch {
	case d == 0 || n == 0:
		return 0, bad
	case n > int64(most/d):
		return 0, fmt.Errorf("%q is longer than 400d", s)
	}
	return time.Duration(n) * d, nil
}
