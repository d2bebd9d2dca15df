package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/awsio"
	"sluice/internal/coverage"
	"sluice/internal/formats"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

// notebook notes sightings, a line each.
type notebook struct {
	notes []string
	fail  error
}

func (n *notebook) Note(_ context.Context, all []coverage.Sighting) error {
	if n.fail != nil {
		return n.fail
	}
	var lines []string
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%s %d %06x", s.Bucket, s.Day, s.Hours))
	}
	slices.Sort(lines)
	n.notes = append(n.notes, strings.Join(lines, ", "))
	return nil
}

// at is a log of a request to a bucket at each of these times.
func at(bucket string, times ...string) string {
	var b strings.Builder
	for _, t := range times {
		b.WriteString(strings.Replace(reads(bucket, "ana", 1), "22/Nov/2026:03:12:00", t, 1))
	}
	return b.String()
}

// Each hour of a bucket is noted once by a process; what cannot be noted waits,
// and neither a file that breaks nor one of years ago is a sighting.
func TestSightings(t *testing.T) {
	const day = 20_779 // 2026-11-22
	src, book := &bucket{files: map[string]string{}}, &notebook{}
	h, err := New(Config{
		Settings: Settings{LakeBucket: "lake", Stage: t.TempDir(), LargeFile: 1 << 30, Function: "ingest"},
		Objects:  awsio.Objects, Source: src, Lake: &lake{}, Routes: formats.Routes(), Out: new(strings.Builder), Sightings: book,
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := rig{Handler: h, src: src}
	for i, step := range []struct {
		files []string
		fail  error
		want  []string
	}{
		{files: []string{at("a", "22/Nov/2026:03:12:00", "22/Nov/2026:03:59:59", "22/Nov/2026:04:00:00", "21/Nov/2026:23:00:00") + at("b", "22/Nov/2026:00:00:00") + "no record\n"},
			want: []string{fmt.Sprintf("a %d 800000, a %d 000018, b %d 000001", day-1, day, day)}},
		{files: []string{at("a", "22/Nov/2026:03:30:00"), at("b", "22/Nov/2026:00:01:00")}},
		{files: []string{at("a", "22/Nov/2026:03:30:00", "22/Nov/2026:23:00:00")}, want: []string{fmt.Sprintf("a %d 800000", day)}},
		{files: []string{at("c", "22/Nov/2026:01:00:00")}, fail: errors.New("throttled")},
		{files: []string{at("c", "22/Nov/2026:02:00:00")}, want: []string{fmt.Sprintf("c %d 000006", day)}},
		{files: []string{at("a", "22/Nov/2019:03:30:00")}},
		{files: []string{""}},
	} {
		book.notes, book.fail = nil, step.fail
		var keys []string
		for j, text := range step.files {
			key := fmt.Sprintf("logs/2026-11-22-00-00-00-%d%d", i, j)
			src.files[key] = text
			keys = append(keys, key)
		}
		if failed, err := r.handle(t.Context(), announced(src.files, keys...)); err != nil || len(failed) > 0 {
			t.Fatalf("step %d: failed %q, %v", i, failed, err)
		}
		if d := cmp.Diff(book.notes, step.want); d != "" {
			t.Errorf("step %d (-got +want):\n%s", i, d)
		}
	}
}

// What is noted is bounded, whatever a file says.
func TestSightingsAreBounded(t *testing.T) {
	book := &notebook{}
	s := newSightings(nil, book, nil, func() time.Time { return time.UnixMilli(0) })
	for f := range 3 {
		s.Begin(pipeline.Object{})
		for i := range maxSightings {
			s.Row(&s3access.Row{BucketName: fmt.Appendf(nil, "bucket-%d-%d", f, i), RequestTime: logs.Time(0)})
		}
		s.End(pipeline.File{Outcome: pipeline.Converted})
	}
	if n := len(s.pending); n != maxSightings {
		t.Errorf("%d wait", n)
	}
	s.note(t.Context())
	s.Begin(pipeline.Object{})
	s.Row(&s3access.Row{BucketName: []byte("another")})
	s.End(pipeline.File{Outcome: pipeline.Failed})
	if len(s.pending) != 0 || len(s.noted) != maxSightings {
		t.Errorf("%d wait, %d are remembered", len(s.pending), len(s.noted))
	}
}

func BenchmarkSightings(b *testing.B) {
	s := newSightings(nil, &notebook{}, nil, nil)
	row := &s3access.Row{BucketName: []byte("example-photos"), RequestTime: logs.TimeOf(time.Now())}
	s.Begin(pipeline.Object{})
	b.ReportAllocs()
	for b.Loop() {
		s.Row(row)
	}
	if s.hours == 0 {
		b.Fatal("nothing seen")
	}
}
