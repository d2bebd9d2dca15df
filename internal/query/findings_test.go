//go:build cgo

package query_test

import (
	"testing"
	"time"

	"sluice/internal/finding"
	"sluice/internal/query"
)

// TestFindingsQuery: an incident is shown once, as its last message has it,
// though every message is a row and one was written twice.
func TestFindingsQuery(t *testing.T) {
	dir := t.TempDir()
	message := func(rule, level string, step, count int64, last string) finding.Row {
		f := finding.Finding{
			Step: step, Rule: finding.Rule{ID: rule, Title: "Rule " + rule, Level: level, Service: "s3_server_access"},
			Bucket: "finance-reports", Period: at("2026-11-22 00:00:00"), PeriodEnd: at("2026-11-23 00:00:00"),
			First: at("2026-11-22 09:00:00"), Last: at(last), Created: time.Unix(0, 0),
			Count: count, Measure: "events", Value: count, Threshold: 1,
		}
		f.UID = finding.UID(rule, "", nil, f.Period)
		row, err := f.Row()
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	write(t, dir, finding.Table, batch(1), message("a", "high", 1, 3, "2026-11-22 09:00:05"), message("b", "low", 1, 1, "2026-11-22 12:00:00"))
	write(t, dir, finding.Table, batch(2), message("a", "high", 10, 30, "2026-11-22 10:00:00"), message("a", "high", 1, 3, "2026-11-22 09:00:05"))
	findings, err := query.TableOf(finding.Table)
	if err != nil {
		t.Fatal(err)
	}
	lake, err := query.Open(t.Context(), dir, []query.Table{findings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lake.Close(); err != nil {
			t.Error(err)
		}
	})
	q, err := query.Find("findings")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		params map[string]string
		want   []string
	}{
		{nil, []string{"low Rule b 1", "high Rule a 30"}},
		{map[string]string{"level": "high"}, []string{"high Rule a 30"}},
		{map[string]string{"from": "2026-11-23"}, nil},
	} {
		sql, err := q.Render(c.params)
		if err != nil {
			t.Fatal(err)
		}
		res, err := lake.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for row, err := range res.Rows {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row[0].Text+" "+row[1].Text+" "+row[3].Text)
		}
		if len(got) != len(c.want) {
			t.Fatalf("%v: got %q, want %q", c.params, got, c.want)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: got %q, want %q", c.params, got[i], c.want[i])
			}
		}
	}
}
