package detect_test

import (
	"fmt"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// On a laptop, where one process sees all files, a finding shows records of all
// of them, each once; a worker of several has those of its own file.
func TestEvidenceIsGatheredOverFiles(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	for _, c := range []struct {
		every        bool
		first, later int // samples when it crosses, and after many more files
	}{{true, 5, finding.MaxEvidence}, {false, 1, 1}} {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Every: c.every})
		w := rules.Watch()
		var mass []*finding.Finding
		for i := range 60 {
			o := watched(w, fmt.Sprint(i), row(at(time.Duration(i)*time.Second), func(r *s3access.Row) { r.LogKey = logs.Text(fmt.Sprint("logs/", i)) }))
			applied(t, e, o)
			applied(t, e, o)
		}
		for _, f := range out.all {
			if f.Rule.Title == "Mass delete" {
				mass = append(mass, f)
			}
		}
		first, last := mass[0], mass[len(mass)-1]
		if len(first.Evidence) != c.first || len(last.Evidence) != c.later {
			t.Errorf("every %v: got %d samples, and %d later; want %d and %d", c.every, len(first.Evidence), len(last.Evidence), c.first, c.later)
		}
		seen := map[string]bool{}
		for _, e := range last.Evidence {
			if seen[e.LogKey] {
				t.Errorf("every %v: %s is shown twice", c.every, e.LogKey)
			}
			seen[e.LogKey] = true
		}
		if len(last.Sources) != c.later || len(first.Sources) != c.first {
			t.Errorf("every %v: got %d and %d sources", c.every, len(first.Sources), len(last.Sources))
		}
	}
}

// Hits are sampled more and more rarely, so of a burst late in a file few are in
// the window that crossed. Those before it are shown rather than one alone.
func TestEvidenceFromBesideTheWindow(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	out := &sent{}
	var rows []*s3access.Row
	for i := range 40 { // too far apart to cross, and they take the first samples
		rows = append(rows, row(at(time.Duration(i)*4*time.Hour/40)))
	}
	for i := range 20 {
		rows = append(rows, row(at(6*time.Hour+time.Duration(i)*time.Second)))
	}
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), watched(rules.Watch(), "f", rows...))
	for _, f := range out.all {
		if f.Rule.Title == "Mass delete" && len(f.Evidence) != 5 {
			t.Errorf("%d samples of a burst, want 5", len(f.Evidence))
		}
	}
	if len(out.all) == 0 {
		t.Error("no finding")
	}
}

// What is gathered of groups that never cross stays within bounds.
func TestWhatIsGatheredIsBounded(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+massDelete)
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Every: true})
	w := rules.Watch()
	most := 0 // bytes
	for file := range 300 {
		var rows []*s3access.Row
		for i := range 150 {
			rows = append(rows, row(at(0), func(r *s3access.Row) {
				r.RequesterName, r.UserAgent = logs.Text(fmt.Sprint(file, "-", i)), make(logs.Text, 900)
			}))
		}
		applied(t, e, watched(w, fmt.Sprint(file), rows...))
		most = max(most, e.Gathered())
	}
	if got := e.Gathered(); most > 20<<20 || got < 1<<20 {
		t.Errorf("gathered %d bytes, at most %d", got, most)
	}
}
