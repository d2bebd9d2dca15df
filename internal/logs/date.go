package logs

// Days counts the days from 1970-01-01 to a date of the years 0 to 9999; false
// for a date that is none: one that rolled over into the next month would put a
// row where nobody looks for it.
func Days(year, month, day int) (int64, bool) {
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	// Years are taken to begin in March, so that the leap day comes last and a
	// month's first day is a linear function of the month.
	year += 400 // keeps January of the year 0 positive; 400 years are 146097 days
	if month <= 2 {
		year--
		month += 12
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1
	const epoch = 719468 + 146097 // the same sum for 1970-01-01
	return int64(days - epoch), true
}

func daysIn(year, month int) int {
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
