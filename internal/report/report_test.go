//go:build cgo

package report_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/clean"
	"sluice/internal/cli"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
	"sluice/internal/report"
)

// demo is a lake in which every scenario was planted. It is made once, and only
// read.
var demo string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sluice-report-test-")
	if err != nil {
		panic(err)
	}
	in, out := filepath.Join(dir, "logs"), filepath.Join(dir, "lake")
	for _, args := range [][]string{
		{"generate", in, "--lines", "3000", "--events", "300"},
		{"convert", in, "-o", out},
		{"scan", in, "--lake", out, "--exit-zero"},
	} {
		if code := cli.Run(args, strings.NewReader(""), new(bytes.Buffer), os.Stderr); code != 0 {
			panic(fmt.Sprint(args, code))
		}
	}
	demo = out
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// ran runs a command line that must succeed.
func ran(t *testing.T, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := cli.Run(args, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("%s: exit code %d\n%s", args, code, &errs)
	}
}

// lines makes a lake of lines of an access log.
func lines(t *testing.T, all ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("logs", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("logs/2026-03-02-10-00-00-0123456789ABCDEF", []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ran(t, "convert", "logs", "-o", "lake")
}

// tables are the tables of a lake.
func tables(t testing.TB) []query.Table {
	t.Helper()
	access, err1 := query.TableOf(s3access.Format.Table)
	trail, err2 := query.TableOf(cloudtrail.Format.Table)
	rejected, err3 := query.TableOf(logs.RejectedTable)
	findings, err4 := query.TableOf(finding.Table)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return []query.Table{access, trail, findings, rejected}
}

func opened(t *testing.T, dir string) *query.Lake {
	t.Helper()
	lake, err := query.Open(t.Context(), dir, tables(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lake.Close(); err != nil {
			t.Error(err)
		}
	})
	return lake
}

var all = report.Options{Name: "lake", From: "0000-01-01", To: "9999-12-31", Version: "sluice test"}

func page(t *testing.T, lake report.Lake, o report.Options) (string, report.Summary) {
	t.Helper()
	var b bytes.Buffer
	s, err := report.Write(t.Context(), &b, lake, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), s
}

var (
	element = regexp.MustCompile(`(?s)<(script|style)( type="application/json" id="data")?>(.*?)</(?:script|style)>`)
	content = regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`)
	id      = regexp.MustCompile(`\sid="([^"]*)"`)
	inside  = regexp.MustCompile(`href="#([^"]*)"`)
	tag     = regexp.MustCompile(`<[^>]*>`)
	leads   = regexp.MustCompile(`(?i)\b(?:src|srcset|action|data|poster|background|ping|xlink:href)\s*=|\bhref="[^#"]|url\(|@import|\son[a-z]+=|\sstyle=`)
)

// markup is a page without its scripts and styles, and the data in it.
func markup(t *testing.T, p string) (rest string, data []byte) {
	t.Helper()
	for _, m := range element.FindAllStringSubmatch(p, -1) {
		if m[2] != "" {
			data = []byte(m[3])
		}
	}
	return element.ReplaceAllString(p, ""), data
}

// sound holds what every page promises.
func sound(t *testing.T, p string) {
	t.Helper()
	rest, data := markup(t, p)
	m := content.FindStringSubmatch(p)
	if m == nil {
		t.Fatal("the page has no policy")
	}
	policy := html.UnescapeString(m[1])
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy has no %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is loose: %s", policy)
	}
	for _, m := range element.FindAllStringSubmatch(p, -1) {
		sum := sha256.Sum256([]byte(m[3]))
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; m[2] == "" && !strings.Contains(policy, hash) {
			t.Errorf("a %s of %d bytes is not in the policy", m[1], len(m[3]))
		}
	}
	if strings.Contains(rest, "<script") || strings.Contains(rest, "<style") || strings.Contains(rest, "<!--") {
		t.Error("there are more scripts, styles or comments than were written")
	}
	for _, tag := range tag.FindAllString(rest, -1) {
		if leads.MatchString(tag) {
			t.Errorf("the page leads out of itself, or runs or styles something inline: %s", tag)
		}
	}
	var ids []string
	for _, m := range id.FindAllStringSubmatch(rest, -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("id %s is there twice", m[1])
		}
		ids = append(ids, m[1])
	}
	for _, m := range inside.FindAllStringSubmatch(rest, -1) {
		if !slices.Contains(ids, m[1]) {
			t.Errorf("a link leads to #%s, which is not there", m[1])
		}
	}
	for _, tag := range []string{"<h1", "<main", "<header", "<footer"} {
		if n := strings.Count(rest, tag); n != 1 {
			t.Errorf("%s is there %d times", tag, n)
		}
	}
	if tables, captions := strings.Count(rest, "<table"), strings.Count(rest, "<caption>"); tables != captions {
		t.Errorf("%d tables, %d captions", tables, captions)
	}
	if data != nil && !json.Valid(data) {
		t.Error("the data are no JSON")
	}
	if len(p) > 3_000_000 {
		t.Errorf("the page has %d bytes", len(p))
	}
}

func holds(t *testing.T, p string, parts ...string) {
	t.Helper()
	rest, _ := markup(t, p)
	rest = html.UnescapeString(rest)
	for _, part := range parts {
		if !strings.Contains(rest, part) {
			t.Errorf("the page has no %q", part)
		}
	}
}

func lacks(t *testing.T, p string, parts ...string) {
	t.Helper()
	rest, _ := markup(t, p)
	for _, part := range parts {
		if strings.Contains(html.UnescapeString(rest), part) {
			t.Errorf("the page has %q", part)
		}
	}
}

// asked asks for one number.
func asked(t *testing.T, lake *query.Lake, sql string) string {
	t.Helper()
	res, err := lake.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for row, err := range res.Rows {
		if err != nil {
			t.Fatal(err)
		}
		text = row[0].Text
	}
	return text
}

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
		"late: more than 3 hours", "SigV2, QueryString", "S3.EXPIRE.OBJECT")
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
	const days, buckets, kinds = 93, 14, 24
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
	holds(t, p, "The first 10 of 24.", "The first 10 of 14.")
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
