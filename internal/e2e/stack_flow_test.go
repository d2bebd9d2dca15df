//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/detect"
	"sluice/internal/finding/findingtest"
	"sluice/internal/generate"
)

// quietRule is a rule of the site that finds nothing: the function has to read
// it nevertheless.
const quietRule = `title: Nobody has this bucket
id: 4e0c1f52-7d3b-4c8a-9f16-2b5d8e7a9c31
status: stable
description: A bucket that no log names.
logsource: {product: aws, service: s3_server_access}
detection:
  read: {bucket_name: example-of-nobody}
  condition: read
level: high
`

// oldLogs makes the tables show what generated files hold from years ago, and
// oldAlerts tells people of it.
const (
	oldLogs   = "ProjectionStart=2006-01-01"
	oldAlerts = "AlertMaxAgeDays=0"
)

// TestStack: what is put into the log bucket is in the tables, row by row; what
// a person must hear of arrives, each once; and the role allows what is done,
// and nothing else.
func TestStack(t *testing.T) {
	t.Parallel()
	s := deploy(t, "AlertEmail=alerts@example.com", "BatchSize=100", oldLogs, oldAlerts)
	documents, mails := s.documents(), s.mails()
	s.put(s.Resources["LakeBucket"].ID, "rules/quiet.yml", []byte(quietRule))
	dir, truth := generated(t, generate.Options{Seed: 11, Lines: 4000, Events: 400, LinesPerFile: 400, Scenarios: []string{"all"}})
	keys := keysIn(t, dir)
	s.deliver(dir, keys...)
	s.drain()
	l := s.open()
	t.Run("rows", func(t *testing.T) { l.t = t; testRows(t, l, truth) })
	t.Run("saved", func(t *testing.T) { l.t = t; testSaved(t, s, l) })
	t.Run("log", func(t *testing.T) { testLog(t, s, truth, len(keys)) })
	t.Run("findings", func(t *testing.T) { l.t = t; testFindings(t, l, truth, documents(), mails()) })
	t.Run("status", func(t *testing.T) { l.t = t; testStatus(t, s, l, keys) })
	t.Run("sweep", func(t *testing.T) { testSweep(t, s, dir, keys) })
	t.Run("role", func(t *testing.T) { testRole(t, s, dir, keys[0]) })
	t.Run("denied", func(t *testing.T) { testDenied(t, s, keys[0]) })
	calls := map[string]int{}
	for _, c := range s.proxy.Calls() {
		calls[c.Action]++
	}
	t.Logf("calls %v", calls)
	t.Logf("%d files in %d invocations, %d objects in the lake, %d calls", len(keys), s.invocations, len(l.objects), len(s.proxy.Calls()))
}

// testRows holds the tables against what was generated.
func testRows(t *testing.T, l *lake, truth *generate.Truth) {
	same := func(name string, got, want any) {
		t.Helper()
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
	byDay := func(table string) map[string]int64 {
		return l.counts(fmt.Sprintf("SELECT dt, count(*) FROM %s GROUP BY dt", table))
	}
	same("rows of s3_access_logs", byDay("s3_access_logs"), truth.Access.RowsByDay)
	same("rows of cloudtrail_events", byDay("cloudtrail_events"), truth.CloudTrail.RowsByDay)
	same("rows of rejected", byDay("rejected"), truth.RejectedByDay)
	for table, when := range map[string]string{"s3_access_logs": "request_time", "cloudtrail_events": "event_time", "rejected": "event_time", "findings": "period"} {
		same("rows of "+table+" in a partition of another day",
			l.counts("SELECT 'rows', count(*) FROM " + table + " WHERE strftime(" + when + ", '%Y-%m-%d') <> dt")["rows"], int64(0))
	}
	const clean = " FROM s3_access_logs WHERE parse_status = 'clean'"
	c := truth.Clean
	same("operations", l.counts("SELECT operation, count(*)"+clean+" GROUP BY ALL"), c.Operations)
	same("statuses", l.counts("SELECT coalesce(CAST(http_status AS VARCHAR), 'null'), count(*)"+clean+" GROUP BY ALL"), c.Statuses)
	got := l.query("SELECT count(*), count(*) FILTER (requester IS NULL), CAST(sum(bytes_sent_size) AS BIGINT)," +
		" count(*) FILTER (bytes_sent_size IS NULL), CAST(sum(object_size) AS BIGINT)" + clean)
	same("totals", got, [][]string{{fmt.Sprint(c.Rows), fmt.Sprint(c.Anonymous), fmt.Sprint(c.BytesSent), fmt.Sprint(c.BytesSentNull), fmt.Sprint(c.ObjectSize)}})
	same("ambiguous", l.counts("SELECT 'rows', count(*) FROM s3_access_logs WHERE parse_status = 'ambiguous'")["rows"], truth.Access.Ambiguous)
	for _, table := range []string{"s3_access_logs", "cloudtrail_events", "rejected"} {
		same("lines of "+table+" that came twice",
			l.query("SELECT log_key, log_line FROM "+table+" GROUP BY ALL HAVING count(*) > 1 LIMIT 3"), [][]string(nil))
	}
}

// testLog holds what the function says about each file against the truth.
func testLog(t *testing.T, s *stack, truth *generate.Truth, files int) {
	type line struct {
		Level, Msg, Outcome   string
		Lines, Rows, Rejected int64
		Unaccounted           *int64
	}
	var sum line
	outcomes := map[string]int{}
	for text := range strings.Lines(s.output()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("printed %q: %v", text, err)
		}
		if l.Level == "ERROR" || l.Level == "WARN" {
			t.Errorf("printed %s", text)
		}
		if l.Unaccounted != nil && *l.Unaccounted != 0 {
			t.Errorf("unaccounted: %s", text)
		}
		if l.Msg != "file" {
			continue
		}
		outcomes[l.Outcome]++
		sum.Lines, sum.Rows, sum.Rejected = sum.Lines+l.Lines, sum.Rows+l.Rows, sum.Rejected+l.Rejected
	}
	want := line{
		Lines: truth.Access.Lines + truth.CloudTrail.Lines, Rows: truth.Access.Rows + truth.CloudTrail.Rows,
		Rejected: truth.Access.Rejected + truth.CloudTrail.Rejected,
	}
	if sum != want || sum.Lines != sum.Rows+sum.Rejected {
		t.Errorf("logged %+v, want %+v", sum, want)
	}
	if d := cmp.Diff(outcomes, map[string]int{"converted": files - int(truth.Skipped), "skipped": int(truth.Skipped)}); d != "" {
		t.Errorf("files by outcome (-got +want):\n%s", d)
	}
}

// testFindings: every planted incident is told once, nothing else is, and table,
// documents and mails agree.
func testFindings(t *testing.T, l *lake, truth *generate.Truth, documents []document, mails []mail) {
	rules, problems := detect.Load(detect.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	names := map[string]string{}
	for _, r := range rules.Set.Rules {
		names[r.ID] = r.Name
	}
	for _, c := range rules.Set.Correlations {
		names[c.ID] = c.Name
	}
	var got, want, messages, mailed []string
	incidents := map[string]bool{}
	for _, r := range l.query("SELECT DISTINCT message_uid, finding_uid, rule_id, coalesce(bucket_name, ''), group_values, severity_id FROM findings WHERE alert ORDER BY ALL") {
		messages = append(messages, r[0])
		if r[5] >= "3" {
			mailed = append(mailed, r[1])
		}
		if incidents[r[1]] {
			continue
		}
		incidents[r[1]] = true
		var pairs []struct{ Name, Value string }
		if err := json.Unmarshal([]byte(r[4]), &pairs); err != nil {
			t.Fatalf("group %s: %v", r[4], err)
		}
		group := map[string]string{}
		for _, p := range pairs {
			group[p.Name] = p.Value
		}
		got = append(got, fmt.Sprint(names[r[2]], " in ", r[3], " of ", group))
	}
	for _, s := range truth.Scenarios {
		for _, e := range s.Findings {
			want = append(want, fmt.Sprint(e.Rule, " in ", e.Bucket, " of ", e.Group))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(got, want); d != "" || len(want) == 0 {
		t.Errorf("%d incidents for a person (-got +planted):\n%s", len(got), d)
	}
	arrived := map[string]bool{}
	for _, d := range documents {
		findingtest.Check(t, d.text)
		if arrived[d.Metadata.UID] {
			t.Errorf("document %s came twice", d.Metadata.UID)
		}
		arrived[d.Metadata.UID] = true
	}
	slices.Sort(messages)
	if d := cmp.Diff(slices.Sorted(maps.Keys(arrived)), messages); d != "" {
		t.Errorf("documents (-got +in the table):\n%s", d)
	}
	if len(mails) != len(mailed) {
		t.Errorf("%d mails, %d in the table", len(mails), len(mailed))
	}
	for _, m := range mails {
		if !slices.ContainsFunc(mailed, func(uid string) bool { return strings.Contains(m.Message, uid) }) {
			t.Errorf("mail %q names no finding of the table", m.Subject)
		}
	}
}
