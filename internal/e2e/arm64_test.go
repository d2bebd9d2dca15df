//go:build cgo && unix

package e2e

import (
	"os/exec"
	"testing"

	"sluice/internal/generate"
)

// TestArm64: the function as it is deployed, for the processor it is deployed
// to, turns files into rows.
func TestArm64(t *testing.T) {
	t.Parallel()
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("qemu-aarch64-static is not installed (Debian: qemu-user-static)")
	}
	arm, err := compile(t.TempDir(), "bootstrap", "functions/ingest", "GOOS=linux", "GOARCH=arm64")
	if err != nil {
		t.Fatal(err)
	}
	dir, truth := generated(t, generate.Options{Seed: 3, Lines: 200, Events: 20})
	s := deploy(t, oldLogs)
	s.command = []string{wrapper(t, qemu, arm)}
	s.deliver(dir, keysIn(t, dir)...)
	s.drain()
	testRows(t, s.open(), truth)
}
