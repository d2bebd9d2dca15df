//go:build cgo

package finding_test

import (
	"os"
	"strings"
	"testing"

	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
)

// TestMailQueriesRun: every statement that a mail shows is one that the lake's
// tables answer.
func TestMailQueriesRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/_sluice", 0o755); err != nil {
		t.Fatal(err)
	}
	access, err := query.TableOf(s3access.Format.Table)
	if err != nil {
		t.Fatal(err)
	}
	trail, err := query.TableOf(cloudtrail.Format.Table)
	if err != nil {
		t.Fatal(err)
	}
	lake, err := query.Open(t.Context(), dir, []query.Table{access, trail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lake.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, f := range samples() {
		_, body := f.Mail()
		parts := strings.Split(body, "<<'SQL'\n")
		if len(parts) < 2 {
			t.Errorf("%s: no statement", name)
		}
		for _, part := range parts[1:] {
			sql, _, _ := strings.Cut(part, "\nSQL\n")
			res, err := lake.Query(t.Context(), sql)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, sql)
				continue
			}
			for _, err := range res.Rows {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}
