//go:build cgo && unix

package e2e

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/generate"
	"sluice/internal/query"
)

var updateBytes = flag.Bool("update-bytes", false, "write what TestTrinoBytes measures into docs/performance.md")

// bytesPage is where people look for what a query reads.
const bytesPage = "../../docs/performance.md"

// TestTrinoBytes tells what Trino reads to answer each named query about a day
// of SLUICE_TRINO_LINES lines, converted in batches as on a laptop, next to what
// AWS delivered. The answers must be those of DuckDB.
func TestTrinoBytes(t *testing.T) {
	needTrino(t)
	lines, err := strconv.ParseInt(os.Getenv("SLUICE_TRINO_LINES"), 10, 64)
	if err != nil || lines < 1000 {
		t.Skip("SLUICE_TRINO_LINES=1000000 measures what queries read")
	}
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	s := deploy(t, "ProjectionStart="+day.AddDate(0, 0, -5).Format(time.DateOnly))
	logs, _ := generated(t, generate.Options{Seed: 5, Lines: lines, Events: lines / 10, Start: day, Scenarios: []string{"all"}})
	lake := t.TempDir()
	for _, args := range [][]string{{"convert", logs, "-o", lake, "--workers", "1"}, {"scan", logs, "--lake", lake, "--exit-zero"}} {
		if out, err := exec.CommandContext(t.Context(), sluice, args...).CombinedOutput(); err != nil {
			t.Fatalf("sluice %q: %v\n%s", args, err, out)
		}
	}
	for _, name := range keysIn(t, lake) {
		if strings.HasSuffix(name, ".parquet") {
			body, err := os.ReadFile(filepath.Join(lake, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			s.put(s.Resources["LakeBucket"].ID, "lake/"+name, body)
		}
	}
	delivered := map[string]int64{"s3_access_logs": size(t, filepath.Join(logs, "access")), "cloudtrail_events": size(t, filepath.Join(logs, "AWSLogs"))}
	both := &engines{t: t, trino: trinoOver(t, s), duckdb: s.local()}

	of := readers(t)
	table := []string{
		fmt.Sprintf("%s, Trino 476, a day of %d lines (%.0f MB of text) and %d CloudTrail records (%.0f MB, zipped):",
			time.Now().UTC().Format(time.DateOnly), lines, mega(delivered["s3_access_logs"]), lines/10, mega(delivered["cloudtrail_events"])), "",
		"| query | reads, MB | of delivered, MB | part |", "|---|--:|--:|--:|",
	}
	for _, q := range both.queries() {
		var raw int64
		for name, n := range delivered {
			if of[name](q.SQL) {
				raw += n
			}
		}
		sql, err := q.Render(map[string]string{"from": day.Format(time.DateOnly), "to": day.Format(time.DateOnly)})
		if err != nil {
			t.Fatal(err)
		}
		a := both.same(q.Name, sql, sql, true)
		row := fmt.Sprintf("| [`%s`](queries.md#%s) | %.1f | – | – |", q.Name, q.Name, mega(a.Read))
		if raw > 0 {
			row = fmt.Sprintf("| [`%s`](queries.md#%s) | %.1f | %.0f | 1/%.0f |", q.Name, q.Name, mega(a.Read), mega(raw), float64(raw)/float64(a.Read))
		}
		table = append(table, row)
		t.Log(row)
	}
	if *updateBytes && !t.Failed() {
		writeBytes(t, table)
	}
}

func mega(n int64) float64 { return float64(n) / 1e6 }

// size is how many bytes the files below dir have.
func size(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil || n == 0 {
		t.Fatalf("files below %s: %d bytes, %v", dir, n, err)
	}
	return n
}

// readers tell whether SQL reads a table, itself or through a view.
func readers(t *testing.T) map[string]func(sql string) bool {
	t.Helper()
	views, err := query.Views()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]func(string) bool{}
	for _, table := range []string{"s3_access_logs", "cloudtrail_events"} {
		names := []string{table}
		for _, v := range views { // each behind those that it needs
			for _, n := range v.Needs {
				if slices.Contains(names, n) {
					names = append(names, v.Name)
				}
			}
		}
		of[table] = func(sql string) bool {
			for _, word := range strings.FieldsFunc(sql, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
				if slices.Contains(names, word) {
					return true
				}
			}
			return false
		}
	}
	return of
}

// writeBytes puts the table between its two markers.
func writeBytes(t *testing.T, table []string) {
	t.Helper()
	text, err := os.ReadFile(bytesPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "generated: bytes read")
	marker, rest, _ := strings.Cut(rest, "\n")
	_, after, ends := strings.Cut(rest, "<!-- end of the generated part")
	if !found || !ends {
		t.Fatalf("%s has no place for bytes read", bytesPage)
	}
	out := before + "generated: bytes read" + marker + "\n\n" + strings.Join(table, "\n") + "\n\n<!-- end of the generated part" + after
	if err := os.WriteFile(bytesPage, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}
