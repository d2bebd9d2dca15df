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
	two := func(i int) int64 { return int64(s[i]-'0')*10 + int64(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return logs.Time(((daysSince1970(year, month, day)*24+hour)*60+minute)*60_000 + second*1000 + milli), true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts the days of the Gregorian calendar, in years that begin
// in March so that the odd day comes last.
func daysSince1970(year, month, day int64) int64 {
	year += 400 // keeps January of the year 0 positive; 400 years are 146097 days
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468 - 146097
}
