package detect_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/generate"
)

// priced is a state that counts what DynamoDB would be asked, by rule.
type priced struct {
	detect.State
	adds, reads map[string]int64
	claims      int64
}

func newPriced(s detect.State) *priced {
	return &priced{State: s, adds: map[string]int64{}, reads: map[string]int64{}}
}

func (p *priced) Add(ctx context.Context, adds []detect.Add) error {
	for _, a := range adds {
		p.adds[a.Rule]++
	}
	return p.State.Add(ctx, adds)
}

func (p *priced) Read(ctx context.Context, spans []detect.Span) ([][]detect.Slot, error) {
	for _, s := range spans {
		p.reads[s.Rule]++
	}
	return p.State.Read(ctx, spans)
}

func (p *priced) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	p.claims += int64(len(claims))
	return p.State.Claim(ctx, now, claims)
}

func total64(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// TestCosts: what a state that costs money for each call is asked over ordinary
// traffic. SLUICE_COST_LINES says how much of it there is.
func TestCosts(t *testing.T) {
	lines := int64(30_000)
	if s := os.Getenv("SLUICE_COST_LINES"); s != "" {
		var err error
		if lines, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	rules := shipped(t)
	for _, size := range []int{110, 1000} {
		t.Run(fmt.Sprint(size, " lines a file"), func(t *testing.T) {
			root := t.TempDir()
			if _, err := generate.Write(root, generate.Options{Seed: 13, Lines: lines, LinesPerFile: size}, nil); err != nil {
				t.Fatal(err)
			}
			state := newPriced(detect.NewMemory())
			e := detect.NewEngine(rules, state, new(outlet), detect.Config{Thrift: true})
			var records int64
			read(t, rules, dir(root), delivered(t, root), func(o *detect.Observed) {
				r, err := e.Apply(t.Context(), o)
				if err != nil {
					t.Error(err)
				}
				records += r.Records
			})
			per := func(n int64) float64 { return 1000 * float64(n) / float64(records) }
			t.Logf("of %d records, per 1,000: %.1f adds, %.1f reads, %.1f claims", records, per(total64(state.adds)), per(total64(state.reads)), per(state.claims))
			names := slices.SortedFunc(maps.Keys(state.adds), func(a, b string) int { return cmp.Compare(state.adds[b], state.adds[a]) })
			for _, name := range names {
				t.Logf("%8.2f adds %8.2f reads  %s", per(state.adds[name]), per(state.reads[name]), name)
			}
		})
	}
}
