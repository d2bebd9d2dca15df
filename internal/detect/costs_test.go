package detect_test

import (
	"cmp"
	"context"
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
	sizes       map[slotOf]int // of items, roughly
	units       int64          // of DynamoDB: a write pays for each kilobyte of its item
}

func newPriced(s detect.State) *priced {
	return &priced{State: s, adds: map[string]int64{}, reads: map[string]int64{}, sizes: map[slotOf]int{}}
}

func (p *priced) Add(ctx context.Context, adds []detect.Add) error {
	for _, a := range adds {
		p.adds[a.Rule]++
		at := slotOf{a.Key, a.Slot}
		if a.Apart {
			at.key += a.Once
		}
		size := p.sizes[at] + 20*min(1, len(a.Cells)) + 10*len(a.Cells)
		if a.Cap == 0 || size < 16*a.Cap {
			for _, e := range a.Elements {
				size += len(e) + 1
			}
		}
		for _, x := range a.Samples {
			size += len(x.Text)
		}
		p.sizes[at] = size % (4 << 10) // about what a shard holds
		p.units += int64((120 + size + 1023) / 1024)
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
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	lines := int64(30_000)
	if s := os.Getenv("SLUICE_COST_LINES"); s != "" {
		var err error
		if lines, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	rules := shipped(t)
	for _, c := range []struct {
		name   string
		size   int
		config detect.Config
		most   float64 // writes for 1,000 records
	}{
		{"files of 110 lines", 110, detect.Config{}, 260},
		{"files of 1,000 lines", 1000, detect.Config{}, 260},
		{"files of 1,000 lines, each group by itself", 1000, detect.Config{Pack: -1}, 600},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, size := t.TempDir(), c.size
			if _, err := generate.Write(root, generate.Options{Seed: 13, Lines: lines, LinesPerFile: size}, nil); err != nil {
				t.Fatal(err)
			}
			state := newPriced(detect.NewMemory())
			e := detect.NewEngine(rules, state, new(outlet), c.config)
			var records int64
			read(t, rules, dir(root), delivered(t, root), func(o *detect.Observed) {
				r, err := e.Apply(t.Context(), o)
				if err != nil {
					t.Error(err)
				}
				records += r.Records
			})
			per := func(n int64) float64 { return 1000 * float64(n) / float64(records) }
			t.Logf("of %d records, per 1,000: %.1f adds of about %.1f units, %.1f reads, %.1f claims",
				records, per(total64(state.adds)), per(state.units), per(total64(state.reads)), per(state.claims))
			if got := per(total64(state.adds)); got > c.most {
				t.Errorf("%.1f adds for 1,000 records, want at most %.0f", got, c.most)
			}
			names := slices.SortedFunc(maps.Keys(state.adds), func(a, b string) int { return cmp.Compare(state.adds[b], state.adds[a]) })
			for _, name := range names {
				t.Logf("%8.2f adds %8.2f reads  %s", per(state.adds[name]), per(state.reads[name]), name)
			}
		})
	}
}
