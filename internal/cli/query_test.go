//go:build cgo

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sluice/internal/query"
)

// asked asks for one number.
func asked(t *testing.T, sql string) string {
	t.Helper()
	code, out, errs := sluice(t, "", "query", "--format", "csv", sql)
	if code != 0 {
		t.Fatalf("%s: %s", sql, errs)
	}
	_, answer, _ := strings.Cut(out, "\n")
	return strings.TrimSpace(answer)
}

func TestQuery(t *testing.T) {
	truth := generated(t)
	convert(t, 0, "logs")
	for sql, want := range map[string]int64{
		"SELECT count(*) FROM s3_access_logs":                                                                truth.Access.Rows,
		"SELECT count(*) FROM cloudtrail_events":                                                             truth.CloudTrail.Rows,
		"SELECT count(*) FROM rejected":                                                                      truth.Access.Rejected + truth.CloudTrail.Rejected,
		"SELECT count(*) FROM s3_access_logs WHERE parse_status = 'ambiguous'":                               truth.Access.Ambiguous,
		"SELECT sum(bytes_sent_size) FROM s3_access_logs WHERE parse_status='clean'":                         truth.Clean.BytesSent,
		"SELECT count(*) FROM s3_access_logs WHERE parse_status='clean' AND bytes_sent_size IS NULL":         truth.Clean.BytesSentNull,
		"SELECT sum(object_size) FROM s3_access_logs WHERE parse_status='clean'":                             truth.Clean.ObjectSize,
		"SELECT count(*) FROM s3_access_logs WHERE parse_status='clean' AND requester IS NULL":               truth.Clean.Anonymous,
		"SELECT count(*) FROM s3_access_logs WHERE dt <> strftime(request_time, '%Y-%m-%d')":                 0,
		"SELECT count(*) - count(DISTINCT log_key || '|' || log_line) FROM s3_access_logs":                   0,
		"SELECT count(*) FROM cloudtrail_events WHERE request_id IN (SELECT request_id FROM s3_access_logs)": truth.Joined,
	} {
		if got := asked(t, sql); got != strconv.FormatInt(want, 10) {
			t.Errorf("%s: %s, want %d", sql, got, want)
		}
	}
	for status, want := range truth.Clean.Statuses {
		where := "= " + status
		if status == "null" {
			where = "IS NULL"
		}
		if got := asked(t, "SELECT count(*) FROM s3_access_logs WHERE parse_status='clean' AND http_status "+where); got != strconv.FormatInt(want, 10) {
			t.Errorf("status %s: %s, want %d", status, got, want)
		}
	}
	for day, want := range truth.Access.RowsByDay {
		if got := asked(t, "SELECT count(*) FROM s3_access_logs WHERE dt = '"+day+"'"); got != strconv.FormatInt(want, 10) {
			t.Errorf("%s: %s, want %d", day, got, want)
		}
	}
}

// TestNamedQueries runs every named query over a lake in which every scenario
// was planted: each has something to show, in every format in turn.
func TestNamedQueries(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	generated(t)
	convert(t, 0, "logs")
	scanned(t, 15, "--lake=lake", "logs")
	all, err := query.All()
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range all {
		other := []string{"table", "csv", "markdown"}[i%3]
		if code, out, errs := sluice(t, "", "query", q.Name, "-p", "limit=3", "--format", other); code != 0 || errs != "" || out == "" {
			t.Errorf("%s as %s: exit code %d: %s", q.Name, other, code, errs)
		}
		code, out, errs := sluice(t, "", "query", q.Name, "-p", "limit=3", "--format", "json")
		if code != 0 || errs != "" {
			t.Errorf("%s: exit code %d: %s", q.Name, code, errs)
			continue
		}
		var rows []map[string]any
		if err := json.Unmarshal([]byte(out), &rows); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		// No log says how buckets are set up: the table coverage comes from an account.
		if inAccount := strings.Contains(q.SQL, "FROM coverage"); (len(rows) == 0) != inAccount {
			t.Errorf("%s: %d rows", q.Name, len(rows))
		}
	}
	code, out, _ := sluice(t, "", "query", "daily", "-p", "from=1999-01-01", "-p", "to=1999-12-31", "--json")
	if code != 0 || strings.TrimSpace(out) != "[\n]" {
		t.Errorf("no such days: %d %q", code, out)
	}
}

func TestQueryCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(filepath.Join("lake", "_sluice"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, stdin, args string
		code              int
		stdout, stderr    string
	}{
		{"sql", "", "query|SELECT 1 AS one, '' AS empty, NULL AS none", 0, "   1 │ \"\"    │ NULL", ""},
		{"empty tables", "", "query|SELECT count(*) AS n FROM cloudtrail_events", 0, "0", ""},
		{"standard input", "SELECT 42", "query|-|-f|csv", 0, "42", ""},
		{"params of sql", "", "query|SELECT 1|-p|a=b", 2, "", "named queries"},
		{"value with commas and semicolons", "", "query|object-access|-p|key=a,b;c=d|--sql", 0, "key_name = 'a,b;c=d'", ""},
		{"quote in a value", "", "query|object-access|-p|key=it's|--sql", 0, "key_name = 'it''s'", ""},
		{"list", "", "query|--list", 0, "top-requesters", ""},
		{"list of views", "", "query|--list", 0, "s3_access_logs_distinct  Access logs without", ""},
		{"list as json", "", "query|--list|--json", 0, `"name": "forged"`, ""},
		{"help names the tables", "", "query|--help", 0, "cloudtrail_events", ""},
		{"help names the views", "", "query|--help", 0, "finding_requests", ""},
		{"cut", "", "query|SELECT * FROM range(5)|--rows|2", 0, "1", "first 2 rows"},
		{"mistake", "", "query|SELECT nope FROM rejected", 1, "", "nope"},
		{"writing", "", "query|CREATE TABLE x AS SELECT 1", 1, "", "read-only"},
		{"no lake", "", "query|SELECT 1|--lake|nowhere", 1, "", "there is no lake at nowhere\nsluice convert PATH -o DIR"},
	} {
		code, out, errs := sluice(t, c.stdin, strings.Split(c.args, "|")...)
		if code != c.code || !strings.Contains(out, c.stdout) || !strings.Contains(errs, c.stderr) || (c.stderr == "") != (errs == "") {
			t.Errorf("%s: exit code %d\nstdout %s\nstderr %s", c.name, code, out, errs)
		}
	}
	_, out, _ := sluice(t, "", "query", "--list", "--json")
	var list struct {
		Queries []query.Named
		Views   []query.View
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Queries) < 8 || list.Queries[0].Params[0].Name == "" ||
		len(list.Views) < 4 || !strings.Contains(list.Views[0].SQL, "SELECT") {
		t.Errorf("list: %v", err)
	}
}

// A question that takes long says so on a terminal, and an interrupt ends it in one word.
func TestLongQuery(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(filepath.Join("lake", "_sluice"), 0o755); err != nil {
		t.Fatal(err)
	}
	const long = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * 7 % 11 = b.range % 13"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen := &watched{want: "asking; Ctrl-C ends it", seen: stop}
	var out bytes.Buffer
	a := &app{stdout: screenOf(&out), stderr: screen{Writer: seen, terminal: true, redraws: true, width: 100}}
	code := a.run(ctx, []string{"query", long})
	if errs := seen.text(); code != exitError || out.Len() > 0 || !strings.HasSuffix(errs, "sluice: interrupted\n") || !strings.Contains(errs, seen.want) {
		t.Errorf("exit code %d\n%s\n%q", code, out.String(), errs)
	}
}

// watched is a terminal of which somebody waits for a text.
type watched struct {
	mu   sync.Mutex
	all  strings.Builder
	want string
	seen func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	if strings.Contains(w.all.String(), w.want) {
		w.seen()
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

func TestUnknownTable(t *testing.T) {
	t.Chdir(t.TempDir())
	wrote(t, accessFiles(t, 1))
	convert(t, 0, "in")
	for from, want := range map[string]string{
		"nosuch":        "\nThe tables are s3_access_logs, cloudtrail_events, findings, rejected, coverage; the views are s3_access_logs_classic, ",
		"s3_access_log": `Did you mean "s3_access_logs"?`,
	} {
		code, _, errs := sluice(t, "", "query", "SELECT * FROM "+from)
		if code != exitError || strings.Contains(errs, "pg_") {
			t.Errorf("%s: exit code %d\n%s", from, code, errs)
		}
		wants(t, from, errs, want, "Table with name "+from+" does not exist", "LINE 1")
	}
}
