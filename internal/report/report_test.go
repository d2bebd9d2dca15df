//go:build cgo

package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/clean"
	"sluice/internal/cli"
	"sluice/internal/query"
	"sluice/internal/report"
)

func TestPage(t *testing.T) {
	lake := opened(t, demo)
	p, s := page(t, lake, all)
	sound(t, p)
	if n := asked(t, lake, "SELECT count(*) FROM s3_access_logs"); fmt.Sprint(s.Requests) != n {
		t.Errorf("%d requests, want %s", s.Requests, n)
	}
	if n := asked(t, lake, "SELECT count(DISTINCT finding_uid) FROM findings WHERE alert"); fmt.Sprint(s.Alerts) != n || s.Alerts == 0 {
		t.Errorf("%d findings, want %s", s.Alerts, n)
	}
	if s.First != "2026-03-02" || s.Last != "2026-03-03" {
		t.Errorf("from %s to %s", s.First, s.Last)
	}
	holds(t, p, `id="findings"`, `id="traffic"`, `id="who"`, `id="access"`, `id="deleted"`, `id="old"`, `id="trail"`, `id="quality"`,
		"Bucket Listed Without Credentials", "What to do:", "its requests", "far from these",
		`<details class="finding level-critical"`, "sluice query anonymous-denied", "ambiguous: lines that can be read in several ways",
		"late: more than 3 hours", "SigV2, QueryString", "S3.EXPIRE.OBJECT", "+ keys")
	if strings.Contains(p, "distinct key_name") {
		t.Error("a number is shown as it is called in the table, not as scan shows it")
	}
	// Sessions of a role are one requester, as in the table below.
	names := asked(t, lake, "SELECT count(DISTINCT (requester_type, coalesce(requester_name, requester), requester_account)) FROM s3_access_logs WHERE requester_type <> 'anonymous'")
	holds(t, p, names+" requesters by name, from ")
	again, _ := page(t, lake, all)
	if p != again {
		t.Error("the same lake gave another page")
	}
}

// TestDataAddUp holds the numbers that the script works with against the lake.
func TestDataAddUp(t *testing.T) {
	lake := opened(t, demo)
	p, _ := page(t, lake, all)
	_, raw := markup(t, p)
	var data struct {
		Buckets []string
		Series  map[string]struct {
			Measures []string
			Rows     [][]int64
		}
		Rankings []struct {
			ID     string
			Scopes []struct {
				Place, Of int64
				Rows      []struct {
					Name  *string
					Cells []int64
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatal(err)
	}
	for measure, where := range map[string]string{
		"n": "true", "refused": "http_status BETWEEN 400 AND 499", "without": "http_status IS NULL", "ambiguous": "parse_status <> 'clean'",
		"anonymous": "NOT authenticated AND http_status BETWEEN 200 AND 399", "expired": "operation LIKE 'S3.EXPIRE%' OR operation LIKE 'S3.CREATE.DELETEMARKER'",
	} {
		s := data.Series["access"]
		var total int64
		for _, r := range s.Rows {
			total += r[2+slices.Index(s.Measures, measure)]
		}
		if want := asked(t, lake, "SELECT count(*) FROM s3_access_logs WHERE "+where); fmt.Sprint(total) != want {
			t.Errorf("%s: %d, want %s", measure, total, want)
		}
	}
	seen := 0
	for _, r := range data.Rankings {
		if r.ID != "operations" {
			continue
		}
		for _, scope := range r.Scopes {
			for _, row := range scope.Rows {
				var n int64
				for c := range slices.Chunk(row.Cells, 4) {
					n += c[1]
				}
				where := "operation IS NULL"
				if row.Name != nil {
					where = "operation = '" + *row.Name + "'"
				}
				if scope.Place >= 0 {
					where += " AND bucket_name = '" + data.Buckets[scope.Place] + "'"
				}
				if want := asked(t, lake, "SELECT count(*) FROM s3_access_logs WHERE "+where); fmt.Sprint(n) != want {
					t.Errorf("%s: %d, want %s", where, n, want)
				}
				seen++
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d operations", seen)
	}
	if n := asked(t, lake, "SELECT sum(copies) - count(*) FROM s3_access_logs_distinct"); n != "1" {
		t.Fatalf("%s lines were delivered again: the next check must say so", n)
	}
	holds(t, p, "1 line delivered again")
}

func TestPeriod(t *testing.T) {
	lake := opened(t, demo)
	o := all
	o.From, o.To = "2026-03-03", "2026-03-03"
	p, s := page(t, lake, o)
	sound(t, p)
	if n := asked(t, lake, "SELECT count(*) FROM s3_access_logs WHERE dt = '2026-03-03'"); fmt.Sprint(s.Requests) != n {
		t.Errorf("%d requests, want %s", s.Requests, n)
	}
	lacks(t, p, "2026-03-02 1", "far from these")
	o.From, o.To = "1999-01-01", "1999-12-31"
	p, s = page(t, lake, o)
	sound(t, p)
	holds(t, p, "The lake holds nothing in this period")
	if s != (report.Summary{}) {
		t.Errorf("%+v", s)
	}
}

// TestPartsOfALake: what is not there is said once, and nothing is empty.
func TestPartsOfALake(t *testing.T) {
	for _, c := range []struct {
		keep         []string
		holds, lacks []string
	}{
		{nil, []string{"The lake holds nothing in this period"}, []string{`id="findings"`, "<table"}},
		{[]string{"s3_access_logs"}, []string{`id="who"`, "The table findings is empty"}, []string{`id="trail"`, "records of them"}},
		{[]string{"cloudtrail_events"}, []string{`id="trail"`, "No server access logs in this period", "What follows is from CloudTrail alone"}, []string{`id="who"`, `id="old"`}},
		{[]string{"findings"}, []string{"Bucket Listed Without Credentials", "the other tables alone"}, []string{`id="who"`, `id="trail"`}},
		{[]string{"rejected"}, []string{"What could not be read, and why?", "the other tables alone"}, []string{`id="who"`, `id="trail"`}},
		{[]string{"s3_access_logs", "findings"}, []string{`id="who"`, "What to do:"}, []string{`id="trail"`}},
	} {
		dir := filepath.Join(t.TempDir(), "lake")
		if err := os.MkdirAll(filepath.Join(dir, "_sluice"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range c.keep {
			if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(demo, name))); err != nil {
				t.Fatal(err)
			}
		}
		p, _ := page(t, opened(t, dir), all)
		sound(t, p)
		holds(t, p, c.holds...)
		lacks(t, p, c.lacks...)
		if t.Failed() {
			t.Fatalf("of a lake that has %v", c.keep)
		}
	}
}

// broken is a lake whose queries fail from one on.
type broken struct {
	*query.Lake
	left int
}

func (b *broken) Query(ctx context.Context, sql string) (*query.Result, error) {
	if b.left--; b.left < 0 {
		return nil, errors.New("disk gone")
	}
	return b.Lake.Query(ctx, sql)
}

// TestFailures: a question that fails ends the report, early or late.
func TestFailures(t *testing.T) {
	lake := opened(t, demo)
	failed := 0
	for n := 0; ; n += 5 {
		_, err := report.Write(t.Context(), new(bytes.Buffer), &broken{lake, n}, all)
		if err == nil {
			break
		}
		if failed++; !strings.Contains(err.Error(), "disk gone") || !strings.HasPrefix(err.Error(), "report: ") {
			t.Errorf("after %d: %v", n, err)
		}
	}
	if failed < 4 {
		t.Errorf("%d questions", failed)
	}
	if _, err := report.Write(t.Context(), full{}, lake, all); err == nil {
		t.Error("a full disk was not noticed")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

// entry is a line of an access log. Its texts stand as they would be logged.
func entry(at time.Time, bucket, ip, requester, key, agent, referer string) string {
	return fmt.Sprintf(`7a1be93d48f7a6b1c5d2e0f493183f9ac1d27b6e4850a1c2f30b9d8e77465120 %s [%s] %s %s B93D02A47CE1F650 REST.GET.OBJECT %s "GET /x HTTP/1.1" 403 AccessDenied 243 - 5 - "%s" "%s" - hostid= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader %s.s3.us-west-2.amazonaws.com TLSv1.2 - -`,
		bucket, at.Format("02/Jan/2006:15:04:05 -0700"), ip, requester, key, referer, agent, bucket)
}

// TestHostileText: who writes into the log writes nothing into the page but text.
func TestHostileText(t *testing.T) {
	evil := []string{
		"</script><script>canary=1</script>", "<img/src=x/onerror=alert(1)>", "]]><svg/onload=alert(1)>", "<!--<script>", "&lt;b&gt;&#x3c;",
		"'-alert(1)-'", "`${alert(1)}`", "{{.Policy}}", "\u2028\u2029alert(1)//", "\u202egpj.exe", "\x1b[31mred\x07", "\ufeff\u200b\u00ad", "=cmd|'/C'!A0", "__proto__", "javascript:alert(1)",
	}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for few := range slices.Chunk(evil, 5) { // a table shows ten
		var log []string
		for i, e := range few {
			key := strings.NewReplacer(" ", "%20", "%", "%25").Replace(e)
			log = append(log, entry(at.Add(time.Duration(i)*time.Minute), "a-bucket", "192.0.2.1", "arn:aws:iam::111122223333:user/"+e, key, e, e))
		}
		lines(t, log...)
		o := all
		o.Name = few[0]
		p, s := page(t, opened(t, "lake"), o)
		sound(t, p)
		if s.Requests != int64(len(few)) {
			t.Fatalf("%d requests", s.Requests)
		}
		rest, data := markup(t, p)
		for _, raw := range []string{"<img", "<svg/", "canary=1<", "<b>"} {
			if strings.Contains(rest, raw) {
				t.Errorf("%s is markup", raw)
			}
		}
		for _, r := range "\u2028\u2029\u202e\x1b\x07\ufeff\u200b\u00ad" {
			if strings.ContainsRune(rest+string(data), r) {
				t.Errorf("%U stands in the page", r)
			}
		}
		if bytes.ContainsAny(data, "<>&") {
			t.Error("the data could end their element")
		}
		for _, e := range few {
			if !strings.Contains(e, "/") { // a path before a name in an ARN
				holds(t, p, "user "+clean.Line(e)+" ")
			}
		}
	}
}

// TestSize: the page is bounded by what it is made of, not by the lake. Here all
// that it is made of is there: every bucket, requester, address, client and
// operation has a share in every bin, and texts are as long as they can be.
func TestSize(t *testing.T) {
	var log []string
	first := time.Date(2025, 12, 1, 12, 0, 0, 0, time.UTC)
	const days, buckets, kinds = 93, 11, 21
	for day := range days {
		for b := range buckets {
			for k := range kinds {
				line := entry(first.AddDate(0, 0, day), fmt.Sprintf("bucket-%02d-%s", b, strings.Repeat("x", 50)), fmt.Sprintf("2001:db8:%x:ffff:ffff:ffff:ffff:ffff", k),
					fmt.Sprintf("arn:aws:iam::111122223333:user/%02d%s", k, strings.Repeat("u", 900)),
					fmt.Sprintf("%d-%d-%d-%s", day, b, k, strings.Repeat("%253C", 300)), fmt.Sprintf("client%02d/1 %s", k, strings.Repeat("<", 300)), "-")
				log = append(log, strings.Replace(strings.Replace(line, " 243 ", " 987654321987 ", 1), "REST.GET.OBJECT", fmt.Sprintf("REST.GET.KIND%02d", k), 1))
			}
		}
	}
	lines(t, log...)
	p, s := page(t, opened(t, "lake"), all)
	sound(t, p)
	t.Logf("%d lines, %d bytes", s.Requests, len(p))
	holds(t, p, "The first 10 of 21.", "The first 10 of 11.")
	_, raw := markup(t, p)
	var data struct {
		Axis     struct{ Bins int }
		Buckets  []string
		Rankings []struct{ Scopes []struct{ Rows []any } }
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatal(err)
	}
	if data.Axis.Bins != 93 || len(data.Buckets) != 10 {
		t.Errorf("%d bins, %d buckets", data.Axis.Bins, len(data.Buckets))
	}
	for _, r := range data.Rankings {
		for i, s := range r.Scopes {
			if most := map[bool]int{true: 20, false: 8}[i == 0]; len(s.Rows) > most {
				t.Errorf("a ranking has %d rows", len(s.Rows))
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	dir := b.TempDir()
	for _, args := range [][]string{
		{"generate", filepath.Join(dir, "logs"), "--lines", "100000"},
		{"convert", filepath.Join(dir, "logs"), "-o", filepath.Join(dir, "lake")},
	} {
		if code := cli.Run(args, strings.NewReader(""), new(bytes.Buffer), os.Stderr); code != 0 {
			b.Fatal(args)
		}
	}
	lake, err := query.Open(b.Context(), filepath.Join(dir, "lake"), tables(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if _, err := report.Write(b.Context(), &out, lake, all); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(out.Len()))
	}
	if err := lake.Close(); err != nil {
		b.Fatal(err)
	}
}
