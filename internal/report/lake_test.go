//go:build cgo

package report_test

import (
	"bytes"
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
