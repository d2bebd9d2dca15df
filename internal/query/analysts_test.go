//go:build cgo

package query_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	toolBlock  = regexp.MustCompile("(?ms)^## ([^\n]+)\n.*?\n```python\n(.*?)^```$")
	shownBlock = regexp.MustCompile("(?ms)^```text\n(.*?)^```$")
)

// TestAnalysts: the page shows what the lake of the tutorial answers. With
// SLUICE_ANALYSTS=1, which make analysts sets, each block of Python prints it.
func TestAnalysts(t *testing.T) {
	text, err := os.ReadFile("../../docs/analysts.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	shown := shownBlock.FindStringSubmatch(page)
	if shown == nil {
		t.Fatal("the page shows no answer")
	}
	dir := t.TempDir()
	sluice(t, "generate", dir+"/logs", "--lines", "3000", "--events", "300")
	sluice(t, "convert", dir+"/logs", "-o", dir+"/lake")
	rows, err := ask(t.Context(), lakeOf(t, dir+"/lake"), `SELECT operation, count(*), sum(bytes_sent_size) FROM s3_access_logs
		WHERE dt BETWEEN '2026-03-01' AND '2026-03-31' GROUP BY operation ORDER BY 2 DESC, 1 LIMIT 4`)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("|", " ", "∅", "None").Replace(strings.Join(rows, "\n")) + "\n"
	if !strings.Contains(want, "None") {
		t.Errorf("no NULL among\n%s", want)
	}
	if *update {
		page = strings.Replace(page, shown[1], want, 1)
		if err := os.WriteFile("../../docs/analysts.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(want, shown[1]); d != "" {
		t.Errorf("-answered +shown:\n%s", d)
	}
	blocks := toolBlock.FindAllStringSubmatch(page, -1)
	if n := strings.Count(page, "```python"); len(blocks) != n || n < 5 {
		t.Fatalf("%d tools, %d blocks of Python", len(blocks), n)
	}
	if os.Getenv("SLUICE_ANALYSTS") != "1" {
		t.Log("make analysts runs the blocks of Python")
		return
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	for _, b := range blocks {
		t.Run(b[1], func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "asks.py")
			if err := os.WriteFile(script, []byte(b[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), python, script)
			cmd.Dir = dir
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, &errs)
			}
			if d := cmp.Diff(want, string(out)); d != "" {
				t.Errorf("-DuckDB +%s:\n%s", b[1], d)
			}
		})
	}
}
