package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/internal/pipeline"
)

func objects(sizes ...int64) []pipeline.Object {
	var list []pipeline.Object
	for i, s := range sizes {
		list = append(list, pipeline.Object{Key: fmt.Sprintf("%05d", i), Size: s})
	}
	return list
}

func lengths(batches [][]pipeline.Object) (n []int) {
	for _, b := range batches {
		n = append(n, len(b))
	}
	return n
}

func TestGroup(t *testing.T) {
	const whole = maxBatchBytes
	for _, c := range []struct {
		sizes []int64
		want  []int
	}{
		{nil, nil},
		{[]int64{1}, []int{1}},
		{[]int64{whole}, []int{1}},
		{[]int64{whole, 0, 1}, []int{2, 1}},
		{[]int64{whole + 1, 1, 1}, []int{1, 2}},
		{[]int64{1, whole, 1}, []int{1, 1, 1}},
		{[]int64{1, -1, 1}, []int{1, 1, 1}},
		{[]int64{whole / 2, whole / 2, 1}, []int{2, 1}},
		{make([]int64, maxBatchFiles+1), []int{maxBatchFiles, 1}},
	} {
		if got := lengths(group(objects(c.sizes...), maxBatchBytes, maxBatchFiles)); !slices.Equal(got, c.want) {
			t.Errorf("%d sizes: got %v, want %v", len(c.sizes), got, c.want)
		}
	}
}

func TestRemaining(t *testing.T) {
	const half = maxBatchBytes / 2
	files := objects(half, half, half, half, half, half)
	for _, c := range []struct {
		name    string
		done    []string
		want    string
		already int64
	}{
		{"nothing", nil, "[[00000 00001] [00002 00003] [00004 00005]]", 0},
		{"a batch in the middle", []string{"00002", "00003"}, "[[00000 00001] [00004 00005]]", 2},
		{"new files among old ones", []string{"00000", "00003"}, "[[00001 00002] [00004 00005]]", 2},
		{"all", []string{"00000", "00001", "00002", "00003", "00004", "00005"}, "[]", 6},
	} {
		batches, already := remaining(files, func(o pipeline.Object) bool { return slices.Contains(c.done, o.Key) })
		keys := make([][]string, len(batches))
		for i, b := range batches {
			for _, o := range b {
				keys[i] = append(keys[i], o.Key)
			}
		}
		if got := fmt.Sprint(keys); got != c.want || already != c.already {
			t.Errorf("%s: got %s and %d, want %s and %d", c.name, got, already, c.want, c.already)
		}
	}
}

// TestWork holds that a failing worker ends the others, that all are waited for
// and that its error is the one that is told.
func TestWork(t *testing.T) {
	broken := errors.New("disk full")
	batches := group(objects(-1, -1, -1, -1, -1, -1, -1, -1), maxBatchBytes, maxBatchFiles)
	var open atomic.Int64
	var ran atomic.Int64
	hire := func(fail bool) func() (*worker, error) {
		return func() (*worker, error) {
			open.Add(1)
			return &worker{
				run: func(ctx context.Context, _ int, b []pipeline.Object) (pipeline.Result, error) {
					ran.Add(1)
					if fail && b[0].Key == "00003" {
						return pipeline.Result{}, broken
					}
					if fail && b[0].Key > "00003" {
						<-ctx.Done()
						return pipeline.Result{}, context.Cause(ctx)
					}
					return pipeline.Result{Batch: b[0].Key}, nil
				},
				close: func() error { open.Add(-1); return nil },
			}, nil
		}
	}
	results, err := work(t.Context(), 3, batches, hire(false))
	if err != nil || ran.Load() != 8 || open.Load() != 0 {
		t.Fatal(err, ran.Load(), open.Load())
	}
	for i, r := range results {
		if r.Batch != batches[i][0].Key {
			t.Errorf("result %d is of batch %s", i, r.Batch)
		}
	}
	results, err = work(t.Context(), 3, batches, hire(true))
	if err != broken || open.Load() != 0 {
		t.Errorf("error %v, %d workers left", err, open.Load())
	}
	if results[3].Batch != "" || results[7].Batch != "" {
		t.Errorf("results %v", results)
	}
	if _, err := work(t.Context(), 2, batches, func() (*worker, error) { return nil, broken }); err != broken {
		t.Errorf("no worker to be had: %v", err)
	}
	if results, err := work(t.Context(), 0, nil, hire(false)); err != nil || len(results) != 0 {
		t.Errorf("no work: %v %v", results, err)
	}
}
