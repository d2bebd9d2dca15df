package amount_test

import (
	"math"
	"testing"

	"sluice/internal/amount"
)

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", -1: "-1", -999: "-999", -1000: "-1,000", 1_234_567: "1,234,567",
		math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := amount.Grouped(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 12_340_000_000: "12.3 GB",
		math.MaxInt64: "9.2 EB", -5: "-5 B",
	} {
		if got := amount.Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	for n, want := range map[int64]string{0: "0 files", 1: "1 file", -1: "-1 files", 1200: "1,200 files"} {
		if got := amount.Of(n, "file"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
