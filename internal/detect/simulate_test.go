package detect_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"sluice/internal/detect"
)

// simSeeds says how many seeds the simulation runs, 2000 for a release.
const simSeeds = "SLUICE_SIM_SEEDS"

func TestNothingIsCountedTwiceOrLost(t *testing.T) {
	seeds := 400
	if s := os.Getenv(simSeeds); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	seeds = max(seeds/scale, 20)
	v, findings := simulate(t, seeds, func(uint64) detect.State { return detect.NewMemory() })
	t.Logf("%d seeds, %d findings: %+v", seeds, findings, v)
	if v.bad() {
		t.Errorf("got %+v, want nothing but messages told twice", v)
	}
	if findings < seeds || v.twice == 0 {
		t.Errorf("got %d findings and %d messages twice: the simulation does not do what it is for", findings, v.twice)
	}
}

// plain counts a file whenever it comes.
type plain struct {
	detect.State
	n int
}

func (p *plain) Add(ctx context.Context, adds []detect.Add) error {
	for _, a := range adds {
		p.n++
		a.Once = fmt.Sprint(a.Once, p.n)
		if err := p.State.Add(ctx, []detect.Add{a}); err != nil {
			return err
		}
	}
	return nil
}

// noted writes down that a file was counted before it counts it, and is
// interrupted in between every now and then.
type noted struct {
	detect.State
	n    int
	done map[string]bool
}

func (l *noted) Add(ctx context.Context, adds []detect.Add) error {
	for _, a := range adds {
		id := fmt.Sprint(a.Once, a.Key, a.Slot)
		if l.done[id] {
			continue
		}
		l.done[id] = true
		if l.n++; l.n%50 == 0 {
			return errDied
		}
		if err := l.State.Add(ctx, []detect.Add{a}); err != nil {
			return err
		}
	}
	return nil
}

// timed lets nobody claim what is claimed until the claim runs out, not even
// whose claim it is.
type timed struct {
	detect.State
	until map[string]time.Time
}

func (k *timed) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	grants := make([]detect.Grant, len(claims))
	for i, c := range claims {
		id := fmt.Sprint(c.UID, c.Step)
		if until, ok := k.until[id]; ok && now.Before(until) {
			continue
		}
		g, err := k.State.Claim(ctx, now, claims[i:i+1])
		if err != nil {
			return nil, err
		}
		if grants[i] = g[0]; g[0] == detect.Granted {
			k.until[id] = c.Until
		}
	}
	return grants, nil
}

// The simulation is worth what it finds: each of these states is how such things
// are often built.
func TestTheSimulationFindsWhatIsWrong(t *testing.T) {
	const seeds = 60 / min(scale, 2)
	v, _ := simulate(t, seeds, func(uint64) detect.State { return &plain{State: detect.NewMemory()} })
	if v.over == 0 || v.unknown == 0 {
		t.Errorf("plain sums: got %+v, want counters that are too high, and findings that are none", v)
	}
	v, _ = simulate(t, seeds, func(uint64) detect.State {
		return &noted{State: detect.NewMemory(), done: map[string]bool{}}
	})
	if v.under == 0 || v.lost == 0 {
		t.Errorf("noted before counted: got %+v, want counters that are too low, and findings lost", v)
	}
	v, _ = simulate(t, seeds, func(uint64) detect.State {
		return &timed{State: detect.NewMemory(), until: map[string]time.Time{}}
	})
	if v.lost == 0 {
		t.Errorf("claims without an owner: got %+v, want findings lost", v)
	}
}
