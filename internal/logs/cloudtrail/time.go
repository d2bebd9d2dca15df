package cloudtrail

import "sluice/internal/logs"

// parseTime reads an RFC 3339 time in UTC, such as 2026-11-22T08:15:30Z, with a
// fraction of a second or without, and checks every field of it: a time that
// rolls over into the next day would put a row where nobody looks for it.
func parseTime(s []byte) (logs.Time, bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	if len(s) < len(shape)+1 || s[len(s)-1] != 'Z' {
		return 0, false
	}
	for i := range len(shape) {
		if shape[i] == 'd' && !isDigit(s[i]) || shape[i] != 'd' && s[i] != shape[i] {
			return 0, false
		}
	}
	milli := int64(0)
	if f := s[len(shape) : len(s)-1]; len(f) > 0 {
		if f[0] != '.' || len(f) == 1 || skipDigits(f, 1) != len(f) {
			return 0, false
		}
		for i := 1; i <= 3; i++ {
			milli *= 10
			if i < len(f) {
				milli += int64(f[i] - '0')
			}
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	hour, minute, second := two(11), two(14), two(17)
	days, ok := logs.Days(two(0)*100+two(2), two(5), two(8))
	if !ok || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return logs.Time(days*86_400_000 + int64((hour*60+minute)*60+second)*1000 + milli), true
}
