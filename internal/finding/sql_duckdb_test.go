//go:build cgo

package finding_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sluice/internal/finding"
	"sluice/internal/logs"
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
	all := samples()
	for i, f := range grouped() {
		all[fmt.Sprint("grouped ", i)] = f
	}
	for name, f := range all {
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

// grouped are findings whose groups are worked out of columns.
func grouped() []*finding.Finding {
	var all []*finding.Finding
	for _, p := range []finding.Pair{{Value: "arn:aws:sts::111122223333:assumed-role/web"}, {Value: "444455556666"}, {Null: true}} {
		for _, service := range []string{"s3_server_access", "cloudtrail", ""} {
			p.Name = "derived.principal"
			at := logs.Time(1_795_335_330_000)
			all = append(all, &finding.Finding{
				Step: 1, Rule: finding.Rule{ID: "r", Title: "T", Level: "high", Service: service}, First: at, Last: at, Count: 1, Value: 1, Threshold: 1, Measure: "events",
				Group: []finding.Pair{p, {Name: "derived.remote_net", Value: "192.0.2.1"}, {Name: "derived.source_net", Value: "2001:db8::/64"}},
			})
		}
	}
	return all
}
