// Package amount writes numbers for people, everywhere in the same way: in mails,
// on the report page, on a terminal.
package amount

import (
	"fmt"
	"strconv"
)

// Grouped writes n with its digits in threes: 1,234,567.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Bytes writes a number of bytes with one decimal and the unit that it takes, in
// powers of 1000 as AWS bills them: 999 B, 1.0 kB, 12.3 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n), 0
	for v >= 999.95 {
		v /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", v, " kMGTPE"[unit])
}

// Of writes a number with its noun: 1 file, 1,200 files.
func Of(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Grouped(n) + " " + noun
}
