package generate

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// delivered is one generated file as a reader finds it.
type delivered struct {
	key   string
	mtime time.Time
	text  string // unzipped
	sum   string // of the bytes as delivered
}

func readAll(t *testing.T, dir string) []delivered {
	t.Helper()
	var all []delivered
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "_") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text := raw
		if strings.HasSuffix(path, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(raw))
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if text, err = io.ReadAll(z); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		sum := sha256.Sum256(raw)
		all = append(all, delivered{filepath.ToSlash(key), info.ModTime().UTC(), string(text), hex.EncodeToString(sum[:])})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, o Options) (*Truth, []delivered) {
	t.Helper()
	dir := t.TempDir()
	truth, err := Write(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return truth, readAll(t, dir)
}

func isAccess(key string) bool {
	return strings.HasPrefix(key, "access/") || strings.HasPrefix(key, "legacy/")
}
func isTrail(key string) bool { return strings.Contains(key, "/CloudTrail/") }

func linesOf(f delivered) []string {
	return strings.Split(strings.TrimSuffix(f.text, "\n"), "\n")
}

type record struct {
	EventTime, EventSource, EventName, RequestID string
	RequestParameters                            map[string]any
}

func recordsOf(t *testing.T, f delivered) []record {
	t.Helper()
	var doc struct{ Records []record }
	if err := json.Unmarshal([]byte(f.text), &doc); err != nil {
		t.Fatalf("%s: %v", f.key, err)
	}
	return doc.Records
}

var whole = Options{Seed: 7, Lines: 20_000, Events: 3000, Days: 3, Scenarios: []string{"all"}}

func TestSameOptionsSameBytes(t *testing.T) {
	truth1, files1 := write(t, whole)
	truth2, files2 := write(t, whole)
	if !reflect.DeepEqual(truth1, truth2) {
		t.Error("two truths differ")
	}
	if !reflect.DeepEqual(files1, files2) {
		t.Error("two folders differ")
	}
	other := whole
	other.Seed++
	if _, files3 := write(t, other); files3[0].sum == files1[0].sum {
		t.Error("another seed gives the same file")
	}
}

func TestTruthIsWhatTheFilesHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	var cases []Options
	for _, lines := range []int64{0, 1, 9, 10, 160, 999, 1000, 20_000} {
		for _, events := range []int64{1, 5, 199, 3000} {
			cases = append(cases, Options{Seed: lines, Lines: lines, Events: events, Days: 2})
		}
	}
	cases = append(cases, whole,
		Options{Lines: 5000, Days: 1, LinesPerFile: 1},
		Options{Lines: 5000, Days: 1, LinesPerFile: 1 << 40, Scenarios: []string{"all"}},
		Options{Lines: 400, Events: 100, Days: 40},
		Options{Scenarios: []string{"all"}})
	for _, o := range cases {
		truth, files := write(t, o)
		name := fmt.Sprintf("%d lines, %d events, %d days, scenarios %v", o.Lines, o.Events, o.Days, o.Scenarios)
		var access, trail Table
		var skipped int64
		for _, f := range files {
			switch {
			case isAccess(f.key):
				access.Files++
				access.Lines += int64(len(linesOf(f)))
			case isTrail(f.key):
				trail.Files++
				trail.Lines += int64(len(recordsOf(t, f)))
			default:
				skipped++
			}
		}
		for table, c := range map[string]struct{ found, said Table }{"access": {access, truth.Access}, "cloudtrail": {trail, truth.CloudTrail}} {
			if c.found.Files != c.said.Files || c.found.Lines != c.said.Lines {
				t.Errorf("%s: %s: files hold %d lines in %d files, truth says %d in %d", name, table, c.found.Lines, c.found.Files, c.said.Lines, c.said.Files)
			}
			if c.said.Rows+c.said.Rejected != c.said.Lines {
				t.Errorf("%s: %s: %d rows + %d rejected, want %d", name, table, c.said.Rows, c.said.Rejected, c.said.Lines)
			}
			if got := sumOf(c.said.RowsByDay); got != c.said.Rows {
				t.Errorf("%s: %s: days hold %d rows, want %d", name, table, got, c.said.Rows)
			}
		}
		if skipped != truth.Skipped {
			t.Errorf("%s: %d other files, truth says %d", name, skipped, truth.Skipped)
		}
		if got, want := sumOf(truth.RejectedByDay), truth.Access.Rejected+truth.CloudTrail.Rejected; got != want {
			t.Errorf("%s: days hold %d rejects, want %d", name, got, want)
		}
		var lines, records int64
		for _, p := range truth.Scenarios {
			lines, records = lines+p.Lines, records+p.Records
		}
		if got, want := truth.Access.Lines, o.Lines+lines; got != want {
			t.Errorf("%s: %d lines, want %d", name, got, want)
		}
		if got, want := truth.CloudTrail.Lines, o.Events+records; got != want {
			t.Errorf("%s: %d records, want %d", name, got, want)
		}
	}
}

func sumOf(m map[string]int64) (sum int64) {
	for n := range maps.Values(m) {
		sum += n
	}
	return sum
}

func TestNamesAndTimes(t *testing.T) {
	_, files := write(t, whole)
	var crossing, late int
	for _, f := range files {
		parts := strings.Split(f.key, "/")
		base := parts[len(parts)-1]
		switch {
		case isAccess(f.key):
			when, err := time.Parse("2006-01-02-15-04-05", base[:19])
			if err != nil || len(base) != 36 {
				t.Errorf("%s: not the name of an access log: %v", f.key, err)
			}
			if !when.Equal(f.mtime) {
				t.Errorf("%s: modified %s", f.key, f.mtime)
			}
			if parts[0] == "access" && f.key[:len(f.key)-36] != fmt.Sprintf("access/111122223333/us-west-2/%s/%s/", parts[3], when.Format("2006/01/02")) {
				t.Errorf("%s: folder and name differ", f.key)
			}
			days := map[string]bool{}
			for _, line := range linesOf(f) {
				i := strings.IndexByte(line, '[')
				if i < 0 || strings.Contains(line, "[31/Feb/") {
					continue
				}
				at, err := time.Parse("02/Jan/2006:15:04:05 -0700", line[i+1:i+27])
				if err != nil {
					t.Fatalf("%s: %v: %.150s", f.key, err, line)
				}
				if !at.Before(when) || when.Sub(at) > 10*24*time.Hour {
					t.Errorf("%s: holds an event of %s", f.key, at)
				}
				if parts[0] == "access" && parts[3] != strings.Fields(line)[1] {
					t.Errorf("%s: holds a line of bucket %s", f.key, strings.Fields(line)[1])
				}
				days[at.Format(time.DateOnly)] = true
				if when.Sub(at) > 8*time.Hour {
					late++
				}
			}
			if len(days) > 1 {
				crossing++
			}
		default:
			fields := strings.Split(base, "_")
			if fields[0] != "111122223333" || fields[1] != parts[2] || parts[0] != "AWSLogs" || !strings.HasSuffix(base, ".json.gz") {
				t.Errorf("%s: not a name CloudTrail gives", f.key)
			}
			if day := f.mtime.Format("2006/01/02"); !strings.Contains(f.key, "/us-west-2/"+day+"/") {
				t.Errorf("%s: modified %s", f.key, f.mtime)
			}
			if !isTrail(f.key) {
				continue
			}
			if stamp := f.mtime.Format("20060102T1504Z"); fields[3] != stamp || len(fields[4]) != 16+len(".json.gz") {
				t.Errorf("%s: want a name with %s and 16 characters", f.key, stamp)
			}
			for _, r := range recordsOf(t, f) {
				at, err := time.Parse(time.RFC3339, r.EventTime)
				if err == nil && !at.Before(f.mtime) {
					t.Errorf("%s: holds an event of %s", f.key, at)
				}
			}
		}
	}
	if crossing < 4 || late < 4 {
		t.Errorf("%d files cross midnight, %d lines are late: want some of both", crossing, late)
	}
}

func TestRequestIDsJoin(t *testing.T) {
	truth, files := write(t, whole)
	ids := map[string]bool{}
	for _, f := range files {
		if isAccess(f.key) {
			for _, line := range linesOf(f) {
				if head, _, ok := strings.Cut(line, ` "`); ok {
					for _, word := range strings.Fields(head) {
						if len(word) == 16 {
							ids[word] = true
						}
					}
				}
				if fields := strings.Fields(line); len(fields) > 8 && strings.HasPrefix(fields[7], "BATCH.") {
					ids[fields[6]] = true
				}
			}
		}
	}
	var joined int64
	for _, f := range files {
		if isTrail(f.key) {
			for _, r := range recordsOf(t, f) {
				if ids[r.RequestID] {
					joined++
				}
			}
		}
	}
	if joined != truth.Joined || joined < 1000 {
		t.Errorf("%d records share a request id with a line, truth says %d", joined, truth.Joined)
	}
}

func TestProgressReachesTheTotal(t *testing.T) {
	var done, total, calls int64
	o := Options{Lines: 3000, Events: 300, Scenarios: []string{"mass-delete"}}
	_, err := Write(t.TempDir(), o, func(d, n int64) error {
		if d < done || n < d {
			t.Errorf("progress went from %d to %d of %d", done, d, n)
		}
		done, total, calls = d, n, calls+1
		return nil
	})
	if err != nil || done != total || calls < 20 {
		t.Errorf("%d of %d after %d calls: %v", done, total, calls, err)
	}
}

// What was ended early says so in its truth, and is finished by the same options.
func TestEndedEarly(t *testing.T) {
	dir, enough, calls := t.TempDir(), errors.New("enough"), 0
	o := Options{Lines: 3000, Events: 300}
	_, err := Write(dir, o, func(int64, int64) error {
		if calls++; calls == 5 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || calls != 5 {
		t.Errorf("after %d calls: %v", calls, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, TruthFile)); err != nil || !bytes.Contains(b, []byte(`"complete": false`)) {
		t.Errorf("the truth says %s, %v", b, err)
	}
	if truth, err := Write(dir, o, nil); err != nil || truth.Access.Lines != 3000 {
		t.Errorf("the same options: %+v, %v", truth, err)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	o := Options{Lines: 300, Events: 30, Scenarios: []string{"forged-lines"}}
	first, err := Write(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := readAll(t, dir)
	if got, err := ReadTruth(dir); err != nil || !reflect.DeepEqual(got, first) {
		t.Errorf("truth read back differs: %v", err)
	}
	if _, err := Write(dir, o, nil); err != nil {
		t.Errorf("same options again: %v", err)
	}
	if !reflect.DeepEqual(readAll(t, dir), before) {
		t.Error("same options again: other files")
	}
	o.Seed++
	if _, err := Write(dir, o, nil); err == nil {
		t.Error("other options into the same folder: no error")
	}
	o.Seed--
	// A write that fails leaves a truth that calls itself incomplete.
	for _, part := range []string{"access", "AWSLogs"} {
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, part), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Write(dir, o, nil); err == nil {
			t.Errorf("a file in the place of %s: no error", part)
		}
		if got, err := ReadTruth(dir); err != nil || got.Complete {
			t.Errorf("truth after a failure: complete %v, %v", got.Complete, err)
		}
		if err := os.Remove(filepath.Join(dir, part)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(dir, o, nil); err != nil || !reflect.DeepEqual(readAll(t, dir), before) {
		t.Errorf("again after a failure: %v", err)
	}
	mine := t.TempDir()
	if err := os.WriteFile(filepath.Join(mine, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(mine, o, nil); err == nil {
		t.Error("folder with other things: no error")
	}
	if _, err := Write(filepath.Join(mine, "thesis.txt"), o, nil); err == nil {
		t.Error("folder is a file: no error")
	}
	if _, err := ReadTruth(mine); err == nil {
		t.Error("truth that is not there: no error")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{},
		{Lines: -1}, {Lines: 1, Days: -1}, {Lines: 1, Days: 1 << 20},
		{Lines: 1, Account: "../../x"}, {Lines: 1, Region: "../x"},
		{Lines: 1, Scenarios: []string{"anonymous-reed"}},
		{Lines: 1, Start: time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		dir := filepath.Join(t.TempDir(), "logs")
		if _, err := Write(dir, o, nil); err == nil {
			t.Errorf("%+v: no error", o)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v: folder was made", o)
		}
	}
}

// TestScenariosStayInTheirDay: a finding is one per day, so an incident that ran
// past midnight would be two, and the truth says one.
func TestScenariosStayInTheirDay(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	for days := 1; days <= 12; days++ { // where in a day they begin repeats
		o, err := Options{Seed: int64(days), Lines: 400_000, Days: days, Scenarios: []string{"all"}}.complete()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range newRun(t.TempDir(), o, nil).plots {
			f := p.result()
			if f.First[:len(time.DateOnly)] != f.Last[:len(time.DateOnly)] {
				t.Errorf("%d days: %s lasts from %s to %s", days, f.Name, f.First, f.Last)
			}
			if len(f.Findings) == 0 {
				t.Errorf("%s: no findings are expected of it", f.Name)
			}
		}
	}
}
