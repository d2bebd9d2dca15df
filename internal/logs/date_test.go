package logs

import (
	"testing"
	"time"
)

func TestDays(t *testing.T) {
	for year := 0; year < 10_000; year++ {
		for month := 0; month < 14; month++ {
			for _, day := range []int{0, 1, 28, 29, 30, 31, 32} {
				want := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
				real := want.Year() == year && int(want.Month()) == month && want.Day() == day
				got, ok := Days(year, month, day)
				if ok != real || ok && got != want.Unix()/86400 {
					t.Fatalf("%d-%d-%d: day %d, %v, want %d, %v", year, month, day, got, ok, want.Unix()/86400, real)
				}
			}
		}
	}
}
