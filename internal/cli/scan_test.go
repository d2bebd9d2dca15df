package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/amount"
	"sluice/internal/generate"
)

// seen is what tests look for in a finding of --json.
type seen struct {
	Class    int    `json:"class_uid"`
	Severity string `json:"severity"`
	Alert    bool   `json:"is_alert"`
	Count    int64  `json:"count"`
	Start    int64  `json:"start_time"`
	End      int64  `json:"end_time"`
	Info     struct {
		UID      string               `json:"uid"`
		Title    string               `json:"title"`
		Analytic struct{ UID string } `json:"analytic"`
	} `json:"finding_info"`
	Resources []struct{ Name string } `json:"resources"`
	Evidences []struct{ UID string }  `json:"evidences"`
}

func (s seen) bucket() string {
	if len(s.Resources) == 0 {
		return ""
	}
	return s.Resources[0].Name
}

// scanned runs a scan and returns its findings by uid.
func scanned(t *testing.T, wantCode int, args ...string) map[string]seen {
	t.Helper()
	code, out, errs := sluice(t, "", append([]string{"scan", "--json"}, args...)...)
	if code != wantCode {
		t.Fatalf("exit code %d, want %d\n%s%s", code, wantCode, out, errs)
	}
	return findingsOf(t, out)
}

func findingsOf(t *testing.T, out string) map[string]seen {
	t.Helper()
	all := map[string]seen{}
	for line := range strings.Lines(out) {
		var s seen
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if _, twice := all[s.Info.UID]; twice || s.Class != 2004 || s.Start > s.End {
			t.Errorf("finding %s: twice %v, class %d, from %d to %d", s.Info.UID, twice, s.Class, s.Start, s.End)
		}
		all[s.Info.UID] = s
	}
	return all
}

// ruleIDs are the ids of the shipped rules by their names.
func ruleIDs(t *testing.T) map[string]string {
	t.Helper()
	code, out, errs := sluice(t, "", "rules", "list", "--json")
	var list []listed
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 {
		t.Fatal(code, err, errs)
	}
	ids := map[string]string{}
	for _, l := range list {
		ids[l.Name] = l.ID
	}
	return ids
}

// planted makes logs with everything planted and returns what must be found:
// rule id and bucket of each.
func planted(t *testing.T) (want map[string]int) {
	t.Helper()
	truth := generated(t)
	ids := ruleIDs(t)
	want = map[string]int{}
	for _, s := range truth.Scenarios {
		for _, e := range s.Findings {
			if ids[e.Rule] == "" {
				t.Errorf("%s expects a finding of %s, which is no rule", s.Name, e.Rule)
			}
			want[ids[e.Rule]+" "+e.Bucket]++
		}
	}
	return want
}

func tally(all map[string]seen) map[string]int {
	got := map[string]int{}
	for _, s := range all {
		got[s.Info.Analytic.UID+" "+s.bucket()]++
	}
	return got
}

func TestScan(t *testing.T) {
	want := planted(t)
	all := scanned(t, 15, "logs")
	if got := tally(all); !maps.Equal(got, want) {
		t.Errorf("found\n%v, want\n%v", got, want)
	}
	for _, s := range all {
		if !s.Alert || len(s.Evidences) == 0 {
			t.Errorf("%s: alert %v, %d evidences", s.Info.Title, s.Alert, len(s.Evidences))
		}
	}
	for _, args := range [][]string{{"--workers=1"}, {"--workers=3"}} {
		again := scanned(t, 15, append(args, "logs")...)
		for uid, s := range all {
			if a := again[uid]; a.Count != s.Count || a.Start != s.Start || a.End != s.End {
				t.Errorf("%v: %s: %+v, want %+v", args, s.Info.Title, a, s)
			}
		}
		if len(again) != len(all) {
			t.Errorf("%v: %d findings, want %d", args, len(again), len(all))
		}
	}
	code, out, errs := sluice(t, "", "scan", "logs")
	if code != 15 || errs != "" {
		t.Errorf("exit code %d, %s", code, errs)
	}
	wants(t, "scan", out, "first seen (UTC)", "critical", "Forged Log Line", "203.0.113.24",
		"Bucket Listed Without Credentials", "harbor-customer-exports", "not shown", "they do not alert", "lines", " critical, ")
	if n := strings.Count(out, "│ critical │") + strings.Count(out, "│ high     │") + strings.Count(out, "│ medium   │"); n != len(all) {
		t.Errorf("%d lines for %d findings:\n%s", n, len(all), out)
	}
}

// TestScanSplits holds that it is the records that are found in, not the files:
// all access logs in one file, out of order, say the same as in many.
func TestScanSplits(t *testing.T) {
	planted(t)
	whole := scanned(t, 15, "logs/access", "logs/AWSLogs")
	var lines []string
	err := filepath.WalkDir("logs/access", func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		for line := range strings.Lines(string(b)) {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	wrote(t, map[string]string{"one/all": strings.Join(lines, "\n") + "\n"})
	one := scanned(t, 15, "one", "logs/AWSLogs")
	if !maps.EqualFunc(whole, one, func(a, b seen) bool { return a.Info.UID == b.Info.UID }) {
		t.Errorf("%d findings in one file, %d in many", len(one), len(whole))
	}
}

func TestScanTiers(t *testing.T) {
	generated(t)
	alerts := scanned(t, 15, "logs")
	all := scanned(t, 15, "--min-level=informational", "logs")
	for uid, s := range alerts {
		if all[uid].Info.UID == "" {
			t.Errorf("%s alerts, and is not shown among all", s.Info.Title)
		}
	}
	for level, code := range map[string]int{"low": 15, "critical": 15} {
		for _, s := range scanned(t, code, "--min-level", level, "logs") {
			if level == "critical" && s.Severity != "Critical" || s.Severity == "Informational" {
				t.Errorf("%s: %s is %s", level, s.Info.Title, s.Severity)
			}
		}
	}
	if len(all) <= len(alerts) {
		t.Errorf("%d findings, %d of which alert", len(all), len(alerts))
	}
	_, out, _ := sluice(t, "", "scan", "--min-level=informational", "--rows=2", "logs")
	wants(t, "cut", out, fmt.Sprintf(" and %s more; --rows 0 shows all\n", amount.Grouped(int64(len(all)-2))))
}

func TestScanSpan(t *testing.T) {
	generated(t)
	all := scanned(t, 15, "logs")
	for _, c := range []struct {
		args string
		code int
		none bool
	}{
		{"--since=2030-01-01", 0, true},
		{"--until=2001-01-01", 0, true},
		{"--until=2001-01-01 --min-level=informational", 0, true},
		{"--since=2026-03-02 --until=2026-03-03", 15, false},
		{"--exit-zero", 0, false},
	} {
		got := scanned(t, c.code, append(strings.Fields(c.args), "logs")...)
		if c.none && len(got) > 0 || !c.none && len(got) != len(all) {
			t.Errorf("%s: %d findings of %d", c.args, len(got), len(all))
		}
	}
	day := scanned(t, 15, "--since=2026-03-02", "--until=2026-03-02", "logs")
	if len(day) == 0 || len(day) >= len(all) {
		t.Errorf("%d findings on one day of two, %d on both", len(day), len(all))
	}
	for _, s := range day {
		if s.Start < 1_772_409_600_000 || s.End >= 1_772_496_000_000 {
			t.Errorf("%s: %d to %d is not on 2026-03-02", s.Info.Title, s.Start, s.End)
		}
	}
	_, out, _ := sluice(t, "", "scan", "--since=2030-01-01", "logs")
	wants(t, "too old", out, "Nothing was found.", "left unread because of --since")
}

func TestScanBenign(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, out, errs := sluice(t, "", "generate", "--lines=20000", "--events=1000", "--scenario=none"); code != 0 {
		t.Fatal(out, errs)
	}
	if got := scanned(t, 0, "logs"); len(got) != 0 {
		t.Errorf("%d findings where nothing was planted: %v", len(got), got)
	}
}

func TestScanFull(t *testing.T) {
	generated(t)
	code, out, errs := sluice(t, "", "scan", "--full", "--min-level=critical", "logs")
	if code != 15 || errs != "" {
		t.Fatal(code, errs)
	}
	wants(t, "full", out, "[CRITICAL] ", "WHAT TO DO", "harbor-")
	if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
		t.Errorf("a control character at %q", out[max(0, i-20):i+1])
	}
}

// TestScanUnreadable holds that nothing found is not said of what was not read.
func TestScanUnreadable(t *testing.T) {
	t.Chdir(t.TempDir())
	files := accessFiles(t, 2)
	denied := &bucket{files: map[string]string{"in/000": files["in/000"], "in/denied": "x"}, open: func(key string) error {
		if key == "in/denied" {
			return errors.New("access denied")
		}
		return nil
	}}
	code, out, errs := sluiceWith(t, t.Context(), denied, "", "scan", "s3://logs/in/")
	if code != exitPartial {
		t.Errorf("exit code %d", code)
	}
	wants(t, "stdout", out, "Nothing was found.", "Failed: not scanned", "access denied", "denied")
	wants(t, "stderr", errs, "1 file could not be read")

	wrote(t, map[string]string{"bad.gz": "\x1f\x8b\x08\x00", "notes/n.md": "# Notes\n"})
	if code, _, errs = sluice(t, "", "scan", "bad.gz"); code != exitError || !strings.Contains(errs, "no file could be read") {
		t.Errorf("nothing readable: %d %s", code, errs)
	}
	if code, out, errs = sluice(t, "", "scan", "notes"); code != 0 || errs != "" {
		t.Errorf("no logs: %d %s %s", code, out, errs)
	}
}

func TestScanInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	b := &bucket{files: accessFiles(t, 6), open: func(string) error { cancel(); return nil }}
	code, out, errs := sluiceWith(t, ctx, b, "", "scan", "--workers=3", "s3://logs/in/")
	if code != exitError || out != "" || !strings.Contains(errs, "interrupted") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestScanStandardInput(t *testing.T) {
	t.Chdir(t.TempDir())
	var b bytes.Buffer
	if _, err := generate.Write("logs", generate.Options{Seed: 1, Lines: 2000, Days: 1, Scenarios: []string{"anonymous-read"}}, nil); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("logs/access/*/*/*/*/*/*/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(bytes.TrimSuffix(text, []byte("\n"))) // some files have no end of line
		b.WriteByte('\n')
	}
	want := scanned(t, 14, "logs/access")
	code, out, errs := sluice(t, b.String(), "scan", "--json", "-")
	if code != 14 {
		t.Fatal(code, errs)
	}
	if got := findingsOf(t, out); len(got) != len(want) || len(got) == 0 {
		t.Errorf("%d findings from a pipe, %d from files", len(got), len(want))
	}
}

// TestScanLake writes findings into a lake, and the same findings once.
func TestScanLake(t *testing.T) {
	generated(t)
	day := scanned(t, 15, "--lake=lake", "--until=2026-03-02", "logs")
	first := contents(t, "lake")
	scanned(t, 15, "--lake=lake", "--until=2026-03-02", "logs")
	same(t, contents(t, "lake"), first)
	all := scanned(t, 15, "--lake=lake", "logs")
	grown := contents(t, "lake")
	for name, text := range first {
		if grown[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
	if len(all) > len(day) && len(grown) == len(first) {
		t.Errorf("%d findings more, and no object more", len(all)-len(day))
	}
	for name := range grown {
		if !strings.HasPrefix(filepath.ToSlash(name), "/findings/dt=2026-03-0") {
			t.Errorf("wrote %s", name)
		}
	}
	if code, _, errs := sluice(t, "", "scan", "logs", "--lake=logs/"+generate.TruthFile); code != exitError || errs == "" {
		t.Errorf("a lake that is a file: %d %s", code, errs)
	}
}

func TestScanOnTerminal(t *testing.T) {
	generated(t)
	for _, width := range []int{130, 100, 80, 60, 40} {
		var out, errs bytes.Buffer
		a := &app{stdout: screen{Writer: &out, terminal: true, color: true, width: width}, stderr: screen{Writer: &errs, terminal: true, redraws: true, width: width}}
		if code := a.run(t.Context(), []string{"scan", "logs"}); code != 15 {
			t.Fatalf("exit code %d\n%s", code, errs.String())
		}
		table, _, _ := strings.Cut(out.String(), "\n\n")
		wants(t, "terminal", table, "\x1b[31mhigh\x1b[0m")
		if width >= 80 && width < 120 { // not "Bucket …" thrice
			wants(t, "titles", table, "Bucket Made Public And Read By Strangers", "Many Objects Encrypted With A Key The Caller Brought", "harbor-customer-exports")
		}
		for line := range strings.Lines(table) {
			if w := widthOf(line); w > width && !strings.HasPrefix(table, "\x1b[1mrow 1") {
				t.Errorf("%d columns on %d: %s", w, width, line)
			}
		}
	}
}

func widthOf(line string) int { return width(strings.TrimRight(line, "\n")) }
