//go:build cgo

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	generated(t)
	convert(t, 0, "logs")
	code, out, errs := sluice(t, "", "report")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	wants(t, "report", out, "report.html", "2026-03-02 to 2026-03-03 (UTC)", "Next: open report.html in a browser")
	page, err := os.ReadFile("report.html")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "the page", string(page), "<h1>S3 activity", "Content-Security-Policy")
	code, out, errs = sluice(t, "", "report", "lake", "-o", "-")
	if code != 0 || errs != "" || out != string(page) {
		t.Errorf("to standard output: exit code %d, %d bytes, the file has %d: %s", code, len(out), len(page), errs)
	}
	code, out, errs = sluice(t, "", "report", "lake", "-o", "part.html", "--from", "2026-03-03", "--to", "2026-03-03")
	if code != 0 || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	wants(t, "of a day", out, "2026-03-03 to 2026-03-03")
	if left, err := filepath.Glob(".report-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReportRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"lake/_sluice", "folder"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"nowhere", "there is no lake at nowhere\nsluice convert PATH -o DIR makes a lake", exitError},
		{"lake|-o|folder", "folder is a folder; -o names a file, such as folder/report.html", exitUsage},
		{"lake|-o|no/such/report.html", "sluice: write no/such/report.html: ", exitError},
		{"lake|--from|yesterday|--to|2026-13-01", "--from \"yesterday\" is no day such as 2026-03-02\n--to \"2026-13-01\"", exitUsage},
		{"lake|--from|2026-03-03|--to|2026-03-02", "--to 2026-03-02 is before --from 2026-03-03", exitUsage},
	} {
		code, out, errs := sluice(t, "", append([]string{"report"}, strings.Split(c.args, "|")...)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d\nstdout %s\nstderr %s", c.args, code, out, errs)
		}
	}
	code, out, errs := sluice(t, "", "report", "lake")
	if code != 0 || errs != "" {
		t.Errorf("empty lake: exit code %d: %s", code, errs)
	}
	wants(t, "empty lake", out, "holds nothing")
}
