package pipeline

import (
	"testing"
	"time"
)

func TestNameTime(t *testing.T) {
	for _, c := range []struct{ key, want string }{
		{"access/2026-03-02-08-34-57-0A1B2C3D4E5F6789", "2026-03-02T08:34:57Z"},
		{"p/111122223333/us-west-2/b/2026/03/02/2026-03-02-08-34-57-0A1B2C3D4E5F6789", "2026-03-02T08:34:57Z"},
		{"2020-01-01-00-00-00-copy/2026-03-02-08-34-57-AA", "2026-03-02T08:34:57Z"},
		{"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/111122223333_CloudTrail_eu-west-1_20260302T0835Z_aB3dE5gH7jK9mN1p.json.gz", "2026-03-02T08:35:00Z"},
		{"2026-03-02-99-00-00-x", "2026-03-02T00:00:00Z"},
		{"years/2026/03/02/all.log", "2026-03-02T00:00:00Z"},
		{"20261302T0835Z", ""},
		{"all.log", ""},
		{"", ""},
	} {
		at, ok := NameTime(c.key)
		got := ""
		if ok {
			got = at.Go().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.key, got, c.want)
		}
	}
}
