//go:build cgo && unix

package bench

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// TestFigures: ratios are of pairs, and the table says what was reached.
func TestFigures(t *testing.T) {
	var p pairs
	for _, v := range [][2]float64{{1, 10}, {2, 1}, {9, 3}} {
		p.add(v[0], v[1])
	}
	if got := p.ratio(); got != 2 { // the ratio of the medians is 2/3, that of the sums 12/14
		t.Errorf("ratio %v, want 2", got)
	}
	if got := median([]float64{9, 1, 4, 2}); got != 3 {
		t.Errorf("median %v, want 3", got)
	}
	var tab table
	tab.add(figure{what: "µ per line", sluice: "1", ratio: "9.0"})
	tab.add(figure{what: "µ per line", sluice: "10", other: "4", name: "DuckDB", ratio: "2.5", goal: "at most 3", met: true})
	tab.add(figure{what: "µ per line", sluice: whole(1234567), ratio: "0.5", goal: "at most 3"})
	var out bytes.Buffer
	tab.write(&out)
	_, lines, _ := strings.Cut(strings.TrimSpace(out.String()), "\n\n")
	const want = `sluice  beside it          ratio  goal
µ per line  1,234,567                       0.5  at most 3  NOT met
µ per line         10          4  DuckDB    2.5  at most 3  met`
	if got := strings.TrimSpace(lines); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestFill: a page gets the table between its marks, and keeps everything else.
func TestFill(t *testing.T) {
	const part = "<!-- generated: x, by make bench-page -->\n"
	page := "before\n" + part + "old\n" + fillTo + "\nafter\n" + fillTo
	got, err := fill(page, "x", "\nn 1\n", time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	want := "before\n" + part + "\n2026-11-23\n\n```text\nn 1\n```\n\n" + fillTo + "\nafter\n" + fillTo
	if err != nil || got != want {
		t.Fatalf("%v, %q, want %q", err, got, want)
	}
	again, err := fill(got, "x", "n 1", time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC))
	if err != nil || again != got {
		t.Errorf("a second time: %v, %q", err, again)
	}
	for _, broken := range []string{"", part, fillTo, fillTo + part} {
		if _, err := fill(broken, "x", "n 1", time.Time{}); err == nil {
			t.Errorf("%q was filled", broken)
		}
	}
}

// TestAgree is the comparison itself, on few lines: the two conversions say the
// same, and where one value is another, compare says which.
func TestAgree(t *testing.T) {
	const n = 5000
	file, _ := accessLog(t, n)
	lake, dir := t.TempDir(), t.TempDir()
	r, err := convert(file, lake)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.whole(1, n); err != nil {
		t.Fatal(err)
	}
	if err := r.whole(1, n+1); err == nil {
		t.Error("a line too few is whole")
	}
	if got, err := duckConvert(duckCopy(file, dir+"/same", true)); err != nil || got != n {
		t.Fatalf("DuckDB wrote %d rows, want %d: %v", got, n, err)
	}
	ours := lake + "/s3_access_logs"
	if err := compare(ours, dir+"/same"); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	id := func(line string) string { return strings.Fields(line)[6] }
	for what, c := range map[string]struct {
		changed []string // instead of the first lines
		want    string
	}{
		"another value":      {[]string{strings.Replace(lines[0], id(lines[0]), "0000000000000000", 1)}, "checksum of request_id"},
		"empty, not NULL":    {[]string{strings.Replace(lines[0], ` "-" `, ` "" `, 1)}, "number of referer"},
		"0, not NULL":        {[]string{strings.Replace(lines[0], ` 200 - `, ` 200 0 `, 1)}, "number of error_code"},
		"of another request": {[]string{strings.Replace(lines[0], id(lines[0]), id(lines[1]), 1), strings.Replace(lines[1], id(lines[1]), id(lines[0]), 1)}, "checksum of whole rows"},
	} {
		t.Run(what, func(t *testing.T) {
			changed := strings.Join(append(c.changed, lines[len(c.changed):]...), "")
			if changed == string(text) {
				t.Fatalf("nothing to change in %q", lines[:2])
			}
			dir := t.TempDir()
			if err := os.WriteFile(dir+"/log", []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := duckConvert(duckCopy(dir+"/log", dir+"/changed", true)); err != nil {
				t.Fatal(err)
			}
			if err := compare(ours, dir+"/changed"); err == nil || !strings.Contains(err.Error(), c.want+" ") {
				t.Errorf("compare: %v, want a difference in the %s", err, c.want)
			}
		})
	}
}
