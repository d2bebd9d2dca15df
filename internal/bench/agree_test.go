//go:build cgo && unix

package bench

import (
	"os"
	"strings"
	"testing"
)

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
		"zero, not NULL":     {[]string{strings.Replace(lines[0], ` 200 - `, ` 200 0 `, 1)}, "number of error_code"},
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
