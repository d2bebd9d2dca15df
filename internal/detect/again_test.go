package detect

import (
	"bytes"
	"fmt"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// What a reader says of values that come again saves looking at them, and changes
// nothing: rows without it make the same groups, of ordinary lines and of such whose
// callers and clients are ever new.
func TestWhatComesAgainIsTheSame(t *testing.T) {
	rules, problems := Load(Options{})
	for _, p := range problems {
		t.Fatal(p)
	}
	const lines = 30_000
	var text, file bytes.Buffer
	if err := generate.Lines(&text, 5, lines); err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.SplitAfter(text.Bytes(), []byte("\n")) {
		if i%3 == 0 {
			line = bytes.Replace(line, []byte("assumed-role/"), fmt.Appendf(nil, "assumed-role/r%d-", i%3000), 1)
			line = bytes.Replace(line, []byte("Linux"), fmt.Appendf(nil, "Linux/%d", i%2000), 1)
		}
		file.Write(line)
	}
	said, mute := rules.Watch(), rules.Watch()
	again := 0
	for _, name := range []string{"a", "b"} {
		said.Begin(name, name)
		mute.Begin(name, name)
		for row, err := range s3access.Format.NewReader().Read(&logs.Input{Key: name}, bytes.NewReader(file.Bytes())) {
			if err != nil {
				t.Fatal(err)
			}
			said.Row(row)
			if row.Caller != nil && row.Client != nil && row.Ending != nil {
				again++
			}
			silent := *row
			silent.Caller, silent.Client, silent.Ending, silent.Source = nil, nil, nil, nil
			mute.Row(&silent)
		}
		got, want := said.End(true), mute.End(true)
		if len(got.groups) != len(want.groups) || len(got.groups) < 1000 || got.Matched != want.Matched || got.Dropped != want.Dropped {
			t.Fatalf("%d groups of %d records, %d dropped; want %d of %d, %d", len(got.groups), got.Matched, got.Dropped, len(want.groups), want.Matched, want.Dropped)
		}
		for i, g := range got.groups {
			o := want.groups[i]
			if g.key != o.key || g.count != o.count || g.first != o.first || g.latest != o.latest || fmt.Sprint(g.cells, g.samples, len(g.marks)) != fmt.Sprint(o.cells, o.samples, len(o.marks)) {
				t.Fatalf("group %d: got %q of %d records, want %q of %d", i, g.key, g.count, o.key, o.count)
			}
		}
	}
	if again < lines {
		t.Errorf("%d rows said that they come again: shows nothing", again)
	}
}
