//go:build !cgo

package cli

import "testing"

// TestQueryWithoutCgo holds that the commands that need cgo say so, and
// that what of query needs none works.
func TestQueryWithoutCgo(t *testing.T) {
	t.Chdir(t.TempDir())
	code, _, errs := sluice(t, "", "query", "SELECT 1")
	if code != exitError {
		t.Errorf("exit code %d", code)
	}
	wants(t, "stderr", errs, "install a C compiler", "CGO_ENABLED=1")
	code, _, errs = sluice(t, "", "report")
	if code != exitError {
		t.Errorf("report: exit code %d", code)
	}
	wants(t, "stderr of report", errs, "install a C compiler")
	if code, out, _ := sluice(t, "", "query", "daily", "--sql"); code != 0 {
		t.Errorf("--sql: exit code %d\n%s", code, out)
	}
}
