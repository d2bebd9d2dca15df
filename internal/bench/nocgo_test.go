//go:build !cgo || !unix

package bench

import "testing"

// BenchmarkConvert says what is missing where it cannot measure.
func BenchmarkConvert(b *testing.B) {
	b.Skip("the benchmarks compare with DuckDB, which needs cgo, and ask the system for CPU time as Unix tells it")
}
