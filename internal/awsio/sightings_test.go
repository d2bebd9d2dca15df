package awsio

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sluice/internal/coverage"
	"sluice/internal/testaws"
)

func fakeSightings(t *testing.T) (*Sightings, *testaws.DynamoDB) {
	t.Helper()
	table := testaws.NewDynamoDB(t)
	fake := testaws.S3{URL: table.URL} // for its credentials
	fake.Setenv(t)
	table.Setenv(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return NewSightings(cfg, "state"), table
}

// Hours of a bucket and day add up, whoever notes them, and however often: also
// when the answer to a write was lost.
func TestSightingsAddUp(t *testing.T) {
	s, table := fakeSightings(t)
	day := int32(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	notes := []coverage.Sighting{{Bucket: "a", Day: day, Hours: 1<<0 | 1<<23}, {Bucket: "b", Day: day, Hours: 1 << 9}, {Bucket: "a", Day: day - 1, Hours: 1 << 5}, {Bucket: "c", Day: day}}
	table.Fail("UpdateItem", testaws.LostResponse)
	for range 2 {
		if err := s.Note(t.Context(), notes); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Note(t.Context(), []coverage.Sighting{{Bucket: "a", Day: day, Hours: 1 << 7}}); err != nil {
		t.Fatal(err)
	}
	read := func(from, to int) (all []coverage.Sighting) {
		t.Helper()
		for x, err := range s.Sightings(t.Context(), dayOf(day+int32(from)), dayOf(day+int32(to))) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		return all
	}
	want := []coverage.Sighting{{Bucket: "a", Day: day - 1, Hours: 1 << 5}, {Bucket: "a", Day: day, Hours: 1<<0 | 1<<7 | 1<<23}, {Bucket: "b", Day: day, Hours: 1 << 9}}
	if d := gocmp.Diff(read(-3, 1), want); d != "" {
		t.Errorf("got -, want +:\n%s", d)
	}
	if d := gocmp.Diff(read(-1, -1), want[:1]); d != "" {
		t.Errorf("one day: got -, want +:\n%s", d)
	}
	if got := table.Keys(); !slices.Equal(got, []string{"s#2026-11-21 a", "s#2026-11-22 a", "s#2026-11-22 b"}) {
		t.Errorf("items %q", got)
	}
}

func TestSightingsFail(t *testing.T) {
	s, table := fakeSightings(t)
	table.Fail("UpdateItem", slices.Repeat([]testaws.Fault{testaws.Denied}, 2)...)
	table.Fail("Query", slices.Repeat([]testaws.Fault{testaws.Denied}, 2)...)
	if err := s.Note(t.Context(), []coverage.Sighting{{Bucket: "a", Hours: 1}}); err == nil {
		t.Error("a write that is denied is no error")
	}
	if err := s.Keep(t.Context(), []coverage.Known{{Bucket: "a"}}); err == nil {
		t.Error("a look that cannot be kept is no error")
	}
	var failed bool
	for _, err := range s.Sightings(t.Context(), dayOf(0), dayOf(3)) {
		failed = failed || err != nil
	}
	if _, err := s.Known(t.Context()); err == nil || !failed {
		t.Error("a read that is denied is no error")
	}
}

// What a look keeps the next one finds, for more buckets than a page holds.
func TestKnownIsKept(t *testing.T) {
	s, _ := fakeSightings(t)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var want []coverage.Known
	for i := range 300 {
		want = append(want, coverage.Known{Bucket: fmt.Sprintf("bucket-%03d", i), Status: coverage.Silent, Target: "logs", Looked: at, Since: at, Last: at.Add(-time.Hour), Gap: 5, Days: 11})
	}
	for range 2 {
		if err := s.Keep(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Known(t.Context())
	slices.SortFunc(got, func(a, b coverage.Known) int { return cmp.Compare(a.Bucket, b.Bucket) })
	if d := gocmp.Diff(got, want); err != nil || d != "" {
		t.Errorf("%v, got -, want +:\n%s", err, d)
	}
}
