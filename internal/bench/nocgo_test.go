//go:build !cgo || !unix

package bench

import (
	"fmt"
	"os"
	"testing"
)

// TestMain says what is missing where nothing can be measured.
func TestMain(m *testing.M) {
	fmt.Println("skipped: the benchmarks compare with DuckDB, which needs cgo, and ask the system for CPU time as Unix tells it")
	os.Exit(m.Run())
}
