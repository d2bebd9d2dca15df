package backfill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/logs"
)

func emptyTemp(t *testing.T) {
	t.Helper()
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", os.TempDir(), left, err)
	}
}

// TestOrder: the same list comes out whether it fits into memory or not.
func TestOrder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := rand.New(rand.NewPCG(1, 2))
	var lines []string
	var times []logs.Time
	for i := range 1000 {
		lines = append(lines, fmt.Sprint("b,k", i))
		times = append(times, logs.Time(r.Int64N(100)-50)) // before 1970 as well
	}
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if times[a] != times[b] {
			return int(times[a] - times[b])
		}
		return strings.Compare(lines[a], lines[b])
	})
	var want strings.Builder
	for _, i := range order {
		want.WriteString(lines[i] + "\n")
	}
	for _, limit := range []int{1, 500, 1 << 20} {
		var out bytes.Buffer
		o := ordered{out: &out, limit: limit}
		for i, l := range lines {
			if err := o.add(times[i], l); err != nil {
				t.Fatal(err)
			}
		}
		if limit > 1000 != (len(o.runs) == 0) {
			t.Errorf("limit %d: %d files", limit, len(o.runs))
		}
		if err := o.close(); err != nil || out.String() != want.String() {
			t.Errorf("limit %d: %v, %d bytes instead of %d", limit, err, out.Len(), want.Len())
		}
		emptyTemp(t)
	}
	// Whatever the lines, what is in memory is bounded.
	long := ordered{out: io.Discard, limit: 4000}
	for i := range 100 {
		if err := long.add(0, strings.Repeat("x", 300+i)); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, l := range long.lines {
			held += len(l)
		}
		if held >= long.limit {
			t.Fatalf("%d bytes in memory, the limit is %d", held, long.limit)
		}
	}
	if err := long.close(); err != nil {
		t.Fatal(err)
	}
	o := ordered{out: full{}, limit: 1000}
	for i, l := range lines {
		if err := o.add(times[i], l); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.close(); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("no space: %v", err)
	}
	emptyTemp(t)
}

// TestOrderMakesFewObjects: a batch makes a Parquet file for each day that it
// holds files of. Twenty buckets below a partitioned prefix, a year, three files
// each a day: by key every bucket makes its own files.
func TestOrderMakesFewObjects(t *testing.T) {
	const buckets, days, files, batch = 20, 365, 3, 1000
	var keys []string
	for b := range buckets {
		for d := range days {
			at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, d)
			for f := range files {
				keys = append(keys, fmt.Sprintf("111122223333/eu-central-1/bucket-%02d/%s/%s-%02d-00-00-%016X", b, at.Format("2006/01/02"), at.Format("2006-01-02"), f*7, b))
			}
		}
	}
	objects := func(keys []string) (n int) {
		for part := range slices.Chunk(keys, batch) {
			of := map[string]bool{}
			for _, k := range part {
				of[Delivered(k, time.Time{}).Go().Format(time.DateOnly)] = true
			}
			n += len(of)
		}
		return n
	}
	var list bytes.Buffer
	p := NewPlanner(Window{}, nil, &list)
	for _, k := range keys {
		if err := p.Add(listed(k, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Done(); err != nil {
		t.Fatal(err)
	}
	var sorted []string
	for l := range strings.Lines(list.String()) {
		key, err := url.QueryUnescape(strings.TrimSpace(strings.TrimPrefix(l, "b,")))
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, key)
	}
	byKey, byTime := objects(keys), objects(sorted)
	t.Logf("%d files of %d days in batches of %d: %d Parquet files by key, %d by time", len(keys), days, batch, byKey, byTime)
	if batches := (len(keys) + batch - 1) / batch; len(sorted) != len(keys) || byTime > days+batches || byKey < 10*days {
		t.Errorf("%d lines of %d: %d Parquet files by key, %d by time", len(sorted), len(keys), byKey, byTime)
	}
}
