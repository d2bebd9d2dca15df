package detect_test

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"sluice/internal/detect"
	"sluice/internal/generate"
	"sluice/internal/pipeline"
)

// dir is a folder of delivered files.
type dir string

func (d dir) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(d), o.Key))
}

// TestBenign: of ordinary traffic nobody hears anything. SLUICE_BENIGN_LINES
// says how much of it there is, 10000000 for the figure in the docs.
func TestBenign(t *testing.T) {
	lines := int64(50_000)
	if s := os.Getenv("SLUICE_BENIGN_LINES"); s != "" {
		var err error
		if lines, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	days := int(max(2, min(30, lines/100_000)))
	root := t.TempDir()
	if _, err := generate.Write(root, generate.Options{Seed: 12, Lines: lines, Events: lines / 8, Days: days}, nil); err != nil {
		t.Fatal(err)
	}
	rules, out := shipped(t), new(outlet)
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	tiers := map[string]int{}
	read(t, rules, dir(root), delivered(t, root), func(o *detect.Observed) {
		if _, err := e.Apply(t.Context(), o); err != nil {
			t.Error(err)
		}
		for _, f := range out.all {
			tiers[f.Rule.Level+" "+called(rules, f)]++
			if f.Alert {
				t.Errorf("alert in ordinary traffic: %s in %s of %v, %d records from %s", called(rules, f), f.Bucket, f.Group, f.Count, f.First.Go())
			}
		}
		out.all = out.all[:0]
	})
	if len(tiers) == 0 {
		t.Error("no findings at all: nothing was watched")
	}
	for _, name := range slices.Sorted(maps.Keys(tiers)) {
		t.Logf("%8d %s", tiers[name], name)
	}
}
