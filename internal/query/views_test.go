//go:build cgo

package query_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/finding"
	"sluice/internal/query"
)

// TestDistinct: the view has the columns of the table, and each line once.
func TestDistinct(t *testing.T) {
	lake, _ := smallLake(t)
	columns := func(name string) []string {
		rows, err := ask(t.Context(), lake, "SELECT column_name, column_type FROM (DESCRIBE "+name+")")
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	table := columns("s3_access_logs")
	want := slices.Insert(slices.Clone(table), len(table)-1, "copies|BIGINT")
	if d := cmp.Diff(want, columns("s3_access_logs_distinct")); d != "" {
		t.Errorf("-table, with copies +view:\n%s", d)
	}
	for sql, want := range map[string][]string{
		"SELECT count(*), sum(copies), max(copies) FROM s3_access_logs_distinct":                                           {"20|21|2"},
		"SELECT operation, key_name, copies FROM s3_access_logs_distinct WHERE request_id = '00000000000000CC' ORDER BY 1": {"REST.COPY.OBJECT|copy/q1.pdf|1", "REST.COPY.OBJECT_GET|reports/q1.pdf|1"},
		"SELECT count(*) FROM s3_access_logs_distinct WHERE request_id = '00000000000000BB'":                               {"3"},
	} {
		if got, err := ask(t.Context(), lake, sql); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", sql, got, err, want)
		}
	}
}

// TestRequests: every line once, with the record of its request; every record
// that has no line once, however many accounts or deliveries brought it.
func TestRequests(t *testing.T) {
	lake, _ := smallLake(t)
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT seen_by, count(*) FROM s3_requests GROUP BY 1 ORDER BY 1", []string{"access log|15", "both|6", "cloudtrail|2"}},
		{"SELECT request_id, operation, key_name, event_name, event_id, user_identity_arn FROM s3_requests WHERE seen_by = 'both' ORDER BY request_time, log_line", []string{
			"0000000000000001|REST.GET.OBJECT|reports/q1.pdf|GetObject|e-1|" + ann,
			"00000000000000BB|REST.POST.MULTI_OBJECT_DELETE|∅|DeleteObjects|e-2|" + bob,
			"00000000000000BB|BATCH.DELETE.OBJECT|tmp/a|DeleteObject|e-3|" + bob,
			"00000000000000BB|BATCH.DELETE.OBJECT|tmp/b|DeleteObjects|e-2|" + bob,
			"00000000000000CC|REST.COPY.OBJECT|copy/q1.pdf|CopyObject|e-4|" + ann,
			"00000000000000CC|REST.COPY.OBJECT_GET|reports/q1.pdf|CopyObject|e-4|" + ann,
		}},
		{"SELECT request_id, operation, key_name, event_name, event_id, log_line FROM s3_requests WHERE seen_by = 'cloudtrail' ORDER BY 1", []string{
			"00000000000000DD|∅|unlogged.pdf|GetObject|e-5|5",
			"00000000000000EE|∅|∅|PutBucketPolicy|e-7|7",
		}},
		{"SELECT who, count(*) FROM s3_requests WHERE remote_ip = '203.0.113.9' GROUP BY 1", []string{"anonymous|3"}},
		{"SELECT finding_uid, event_count, finding_dt, dt, key_name, seen_by FROM finding_requests ORDER BY log_line", []string{
			"f-1|20|2026-11-20|2026-11-20|∅|both", "f-1|20|2026-11-20|2026-11-20|tmp/a|both", "f-1|20|2026-11-20|2026-11-20|tmp/b|both",
		}},
	} {
		got, err := ask(t.Context(), lake, c.sql)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s\n got %q, %v\nwant %q", c.sql, got, err, c.want)
		}
	}
}

// TestRequestsIncomplete: where lines of a batch delete were lost, the records
// that no line explains stay.
func TestRequestsIncomplete(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	put(t, in, "2026-11-20-16-00-00-0123456789ABCDEF",
		line{at: "2026-11-20 12:05:00", bucket: "ledger", ip: "192.0.2.2", who: bob, id: "00000000000000BB", op: "BATCH.DELETE.OBJECT", key: "tmp/a", status: "204"}.String()+"\n")
	put(t, in, "AWSLogs/111122223333/CloudTrail/us-west-2/2026/11/20/111122223333_CloudTrail_us-west-2_20261120T1430Z_AbCdEfGhIjKlMnOp.json",
		`{"Records":[`+strings.Join([]string{
			record("e-2", "2026-11-20T12:05:00Z", "DeleteObjects", bobIdentity, "00000000000000BB", `{"bucketName":"ledger","delete":""}`, wrote),
			record("e-3", "2026-11-20T12:05:00Z", "DeleteObject", bobIdentity, "00000000000000BB", `{"bucketName":"ledger","key":"tmp/a"}`, wrote),
			record("e-4", "2026-11-20T12:05:00Z", "DeleteObject", bobIdentity, "00000000000000BB", `{"bucketName":"ledger","key":"tmp/b"}`, wrote),
		}, ",")+`]}`)
	sluice(t, "convert", in, "-o", out)
	got, err := ask(t.Context(), lakeOf(t, out), "SELECT seen_by, operation, key_name, event_id FROM s3_requests ORDER BY event_id")
	want := []string{"cloudtrail|∅|∅|e-2", "both|BATCH.DELETE.OBJECT|tmp/a|e-3", "cloudtrail|∅|tmp/b|e-4"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestFindingRequests: a caller is found under each of the names that rules have
// for one, and not under another's.
func TestFindingRequests(t *testing.T) {
	names := map[string]string{
		bob:                                      "3",
		strings.TrimSuffix(bob, "/bob"):          "3",
		"arn:aws:iam::111122223333:role/cleaner": "3",
		"111122223333":                           "3",
		strings.TrimSuffix(bob, "er/bob"):        "0",
		ann:                                      "0",
	}
	var rows []finding.Row
	for name := range names {
		rows = append(rows, rowOf(t, finding.Finding{
			UID: name, Step: 1, Rule: finding.Rule{ID: "r", Title: "r", Level: "high"}, Bucket: "ledger",
			Group:  []finding.Pair{{Name: "userIdentity.arn", Value: name}},
			Period: at("2026-11-20 00:00:00"), PeriodEnd: at("2026-11-21 00:00:00"),
			First: at("2026-11-20 12:05:00"), Last: at("2026-11-20 12:05:00"), Created: time.Unix(0, 0), Count: 1, Value: 1, Threshold: 1,
		}))
	}
	lake, _ := smallLake(t, rows...)
	for name, want := range names {
		got, err := ask(t.Context(), lake, "SELECT count(*) FROM finding_requests WHERE finding_uid = '"+name+"'")
		if err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, %v, want %s", name, got, err, want)
		}
	}
}

// TestViewsReadTheirDays: dt in a query of a view decides what is read. The
// files of another day hold rubbish where their rows were.
func TestViewsReadTheirDays(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for name, day := range map[string]string{"2026-11-20-16-00-00-0123456789ABCDEF": "20", "2026-11-22-16-00-00-0123456789ABCDEF": "22"} {
		put(t, in, name, line{at: "2026-11-" + day + " 12:05:00", bucket: "ledger", ip: "192.0.2.2", who: bob, id: "00000000000000" + day, key: "a"}.String()+"\n")
		put(t, in, "AWSLogs/111122223333/CloudTrail/us-west-2/2026/11/"+day+"/111122223333_CloudTrail_us-west-2_202611"+day+"T1430Z_AbCdEfGhIjKlMnOp.json",
			`{"Records":[`+record("e-"+day, "2026-11-"+day+"T12:05:00Z", "GetObject", bobIdentity, "00000000000000"+day, `{"bucketName":"ledger","key":"a"}`, read)+`]}`)
	}
	sluice(t, "convert", in, "-o", out)
	for _, table := range []string{"s3_access_logs", "cloudtrail_events"} {
		spoil(t, filepath.Join(out, table, "dt=2026-11-20"))
	}
	lake := lakeOf(t, out)
	views := must(query.Views())
	if len(views) < 4 {
		t.Fatalf("%d views", len(views))
	}
	for _, v := range views {
		if _, err := ask(t.Context(), lake, "SELECT * FROM "+v.Name+" WHERE dt BETWEEN '2026-11-21' AND '2026-11-22'"); err != nil {
			t.Errorf("%s: reads another day: %v", v.Name, err)
		}
		if _, err := ask(t.Context(), lake, "SELECT * FROM "+v.Name+" WHERE dt BETWEEN '2026-11-20' AND '2026-11-22'"); err == nil && v.Name != "finding_requests" {
			t.Errorf("%s: reads rubbish and says nothing", v.Name)
		}
	}
}

// spoil overwrites the rows of the Parquet files of a folder and leaves what
// describes them.
func spoil(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(dir, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		footer := int(binary.LittleEndian.Uint32(b[len(b)-8:])) + 8
		for i := 4; i < len(b)-footer; i++ {
			b[i] = 0xff
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
