package cli

import (
	"slices"
	"testing"
	"time"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

func TestSpan(t *testing.T) {
	for _, c := range []struct{ since, until, in, out string }{
		{"", "", "2026-03-02T00:00:00Z", ""},
		{"2026-03-02", "", "2026-03-02T00:00:00Z", "2026-03-01T23:59:59Z"},
		{"", "2026-03-02", "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z"},
		{"2026-03-02", "2026-03-02", "2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"},
		{"2026-03-02T08:30", "2026-03-02T08:31", "2026-03-02T08:31:00Z", "2026-03-02T08:31:01Z"},
		{"2026-03-02T08:30", "2026-03-02T08:30", "2026-03-02T08:30:00Z", "2026-03-02T08:30:01Z"},
		{"", "2026-03-02T08:30:00Z", "2026-03-02T08:30:00Z", "2026-03-02T08:30:00.001Z"},
		{"2026-03-02T08:30:00+02:00", "", "2026-03-02T06:30:00Z", "2026-03-02T06:29:59Z"},
	} {
		s, err := spanOf(c.since, c.until)
		if err != nil {
			t.Errorf("%q to %q: %v", c.since, c.until, err)
			continue
		}
		at := func(text string) logs.Time {
			v, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			return logs.TimeOf(v)
		}
		if !s.holds(at(c.in)) || c.out != "" && s.holds(at(c.out)) {
			t.Errorf("%q to %q: %s in %v, %s in %v", c.since, c.until, c.in, s.holds(at(c.in)), c.out, c.out != "" && s.holds(at(c.out)))
		}
	}
	for _, c := range [][2]string{{"yesterday", ""}, {"", "2026-02-30"}, {"2026-03-02", "2026-03-01"}, {"2026-03-02T08:30", "2026-03-02T08:29"}} {
		if s, err := spanOf(c[0], c[1]); err == nil {
			t.Errorf("%q to %q: %v, no error", c[0], c[1], s)
		}
	}
}

// TestSpanOfFiles holds that a file is left unread only where its name says that
// all in it is too old.
func TestSpanOfFiles(t *testing.T) {
	s, err := spanOf("2026-03-10", "2026-03-11")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{
		"2026-03-07-23-59-59-A": false,
		"2026-03-09-00-00-00-A": true,
		"2026-03-10-08-00-00-A": true,
		"2027-01-01-00-00-00-A": true, // late
		"all.log":               true,
	} {
		if got := s.mayHold(pipeline.Object{Key: key}); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
	if !always.mayHold(pipeline.Object{Key: "1970-01-01-00-00-00-A"}) {
		t.Error("a file is left out without --since")
	}
}

func TestInTime(t *testing.T) {
	day := time.Date(2026, 3, 2, 8, 40, 0, 0, time.UTC)
	files := []pipeline.Object{
		{Key: "b/111122223333_CloudTrail_eu-west-1_20260302T0835Z_x.json.gz"},
		{Key: "all.log", Modified: day},
		{Key: "a/2026-03-02-09-00-00-A"},
		{Key: "z/2026-03-02-08-34-57-B"},
		{Key: "z/2026-03-02-08-34-57-A"},
	}
	var got []string
	for _, o := range inTime(files) {
		got = append(got, o.Key)
	}
	if want := []string{files[4].Key, files[3].Key, files[0].Key, files[1].Key, files[2].Key}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
