package awsio

import (
	"context"
	"slices"
	"testing"
)

func TestNotesAreCreatedOnce(t *testing.T) {
	c := fakeCloud(t)
	l := c.s3.Packing(c.bucket, "lake/", "packed/notes/")
	for i, want := range []bool{true, false} {
		mine, err := l.Create(t.Context(), "_sluice/pack/t/dt=2026-11-20/000000.plan", []byte{'0' + byte(i)})
		if err != nil || mine != want {
			t.Fatalf("attempt %d: %v, %v", i, mine, err)
		}
	}
	if body, err := l.Read(t.Context(), "_sluice/pack/t/dt=2026-11-20/000000.plan"); err != nil || string(body) != "0" {
		t.Errorf("the note says %q, %v", body, err)
	}
	if _, err := l.Read(t.Context(), "_sluice/pack/t/dt=2026-11-20/000001.plan"); err == nil {
		t.Error("a note that is not there was read")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := l.Create(ended, "_sluice/pack/t/dt=2026-11-20/000001.plan", nil); err == nil {
		t.Error("nobody knows whether the note was created")
	}
	list := func(prefix string) (names []string) {
		for o, err := range l.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Modified.IsZero() {
				t.Errorf("nobody knows how old %s is", o.Name)
			}
			names = append(names, o.Name)
		}
		return names
	}
	if got := list("_sluice/pack/t/dt=2026-11-20/"); !slices.Equal(got, []string{"_sluice/pack/t/dt=2026-11-20/000000.plan"}) {
		t.Errorf("notes: %q", got)
	}
	for range 2 { // what is gone is no error
		if err := l.Remove(t.Context(), "_sluice/pack/t/dt=2026-11-20/000000.plan"); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(""); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}
