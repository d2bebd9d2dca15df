//go:build cgo && unix

package e2e

import (
	"strings"
	"testing"

	"sluice/internal/testaws"
)

// TestPackingIsOff: where nobody asked for packing, the function lets the stack be
// deployed, does nothing, may do nothing, and never lets packed rows be hidden.
// With an engine to pack with it is run by make trino-pack.
func TestPackingIsOff(t *testing.T) {
	t.Parallel()
	s := deploy(t)
	for name, r := range s.Resources {
		if strings.Contains(name, "Live") || strings.Contains(r.ID, "_packed") || name == "PackWorkGroup" || name == "PackingAlarm" {
			t.Errorf("%s is there", name)
		}
	}
	m := &maintainer{packer: &packer{stack: s, bucket: s.Resources["LakeBucket"].ID}, proxy: testaws.NewProxy(t, s.URL, s.Account), athena: &athena{URL: "http://127.0.0.1:1"}}
	var err error
	if m.program, err = compile(t.TempDir(), "maintain", "functions/maintain"); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Create", "Update"} {
		if a := m.deployed(kind); a.Status != "SUCCESS" || a.PhysicalResourceId != "stack/Packing" {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	m.start()
	if a := m.function.Invoke([]byte(`{"source":"aws.events"}`), m.limit); a.Failed || a.Dead || !strings.Contains(m.function.Ended(), "packing is off") {
		t.Errorf("a run: %+v\n%s", a, m.function.Output())
	}
	s.put(m.bucket, "packed/notes/s3_access_logs/dt=2026-11-01/000000.plan", []byte("{}"))
	if a := m.deployed("Update"); a.Status != "FAILED" || !strings.Contains(a.Reason, "36500") || !strings.Contains(a.Reason, "s3_access_logs/dt=2026-11-01") {
		t.Errorf("days are packed: %+v", a)
	}
	if a := m.deployed("Delete"); a.Status != "SUCCESS" {
		t.Errorf("the stack goes: %+v", a)
	}
	s.granted(t, "MaintainRole", m.proxy.Calls(), unseenByLook) // the same two of the log
}
