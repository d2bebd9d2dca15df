package ledger

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/pipeline"
)

// newWorld makes a world from a seed: a few files, a fifth of them delivered
// more than once, workers whose clocks differ, and how bad things are.
func newWorld(seed uint64, broken string) *world {
	w := &world{
		r: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 11, 22, 23, 58, 0, 0, time.UTC), broken: broken,
		records: NewMemory(), staged: map[string][]string{}, pending: map[string][][]string{},
		lake: map[string][]string{}, readers: map[string]string{},
	}
	w.lease = []time.Duration{10 * time.Second, time.Minute, 20 * time.Minute}[w.r.IntN(3)]
	w.faults = []int{0, 5, 20, 60}[w.r.IntN(4)]
	for i := range 3 + w.r.IntN(6) {
		d := delivery{kind: "good", object: pipeline.Object{Bucket: "logs", Key: fmt.Sprintf("k%d", i), Version: "1", Size: 7}}
		switch w.r.IntN(12) {
		case 0:
			d.kind = "skipped"
		case 1:
			d.kind = "broken"
		}
		for n := range 1 + w.r.IntN(3) {
			to := []string{"lines/dt=2026-11-22", "lines/dt=2026-11-23", "rejected/dt=2026-11-22"}[w.r.IntN(3)]
			d.lines = append(d.lines, fmt.Sprintf("%s/%d.%d", to, i, n))
		}
		w.files = append(w.files, d)
		w.deliver(i)
		for w.r.IntN(5) == 0 {
			w.deliver(i)
		}
	}
	for range 2 + w.r.IntN(2) {
		w.workers = append(w.workers, &worker{w: w, skew: time.Duration(w.r.IntN(11)-5) * time.Second})
	}
	return w
}

// deliver sends a message once more, some time.
func (w *world) deliver(file int) {
	at := w.now.Add(time.Duration(w.r.Int64N(int64(w.lease))))
	w.sent++
	w.queue = append(w.queue, message{id: w.sent, file: file, at: at})
}

// run goes on until everything was delivered, and says what is wrong.
func (w *world) run() error {
	for w.wrong == nil && w.turn() {
		if w.steps > 30_000 {
			return fmt.Errorf("stuck: %d messages are left after %d steps", len(w.queue), w.steps)
		}
	}
	for _, p := range w.workers {
		if p.next != nil {
			p.dead = true
			p.next()
		}
	}
	if w.wrong != nil {
		return w.wrong
	}
	return w.check()
}

// turn lets one thing happen. It says false when nothing is left to.
func (w *world) turn() bool {
	w.now = w.now.Add(time.Duration(w.r.Int64N(int64(time.Second))))
	for i := 0; i < len(w.flying); i++ {
		if f := w.flying[i]; !w.now.Before(f.at) {
			w.flying = slices.Delete(w.flying, i, i+1)
			f.do()
			return true
		}
	}
	busy := false
	for _, i := range w.r.Perm(len(w.workers)) {
		p := w.workers[i]
		busy = busy || p.next != nil
		if w.now.Before(p.wake) {
			continue
		}
		if p.next != nil || p.begin() {
			p.step()
			return true
		}
	}
	if !busy && len(w.queue)+len(w.flying) == 0 {
		return false
	}
	w.now = w.now.Add(w.lease / 4)
	return true
}

// begin takes visible messages for an invocation. They are hidden for longer
// than it may take.
func (p *worker) begin() bool {
	w := p.w
	var took []message
	for i := range w.queue {
		if m := &w.queue[i]; len(took) < 4 && !w.now.Before(m.at) {
			m.received++
			m.at = w.now.Add(2 * w.lease)
			took = append(took, *m)
			if w.r.IntN(3) == 0 {
				break
			}
		}
	}
	if len(took) == 0 {
		return false
	}
	p.dead = false
	p.next, _ = iter.Pull(func(yield func(string) bool) {
		p.yield = yield
		p.invoke(took)
	})
	return true
}

// step lets a worker make its next request, and decides how that goes.
func (p *worker) step() {
	w := p.w
	p.fate = well
	if n := w.r.IntN(1000) / max(1, w.faults); w.faults > 0 && n < 7 {
		p.fate = refused + fate(n)
	}
	if w.r.IntN(1000) < w.faults { // frozen, maybe beyond its lease
		p.wake = w.now.Add(time.Duration(w.r.Int64N(int64(3 * w.lease))))
		return
	}
	if _, ok := p.next(); !ok {
		p.next = nil
		p.wake = w.now.Add(time.Duration(w.r.IntN(5)) * time.Second)
	}
}

// check compares what is in the lake and in the ledger with what was delivered,
// once nothing is on its way and a sweep has been through.
func (w *world) check() error {
	ctx := context.Background()
	w.now = w.now.Add(10 * w.lease)
	w.faults = 0
	h := NewHistory(NewRecordStore(w.records, w))
	for b, err := range h.Since(ctx, time.Time{}, w.now) {
		if err != nil {
			return err
		}
		if b.State == Committed && b.Totals.Objects > 0 {
			return fmt.Errorf("batch %s is committed, its objects are not in place, and nobody comes", b.ID)
		}
	}
	sweeper := &worker{w: w, yield: func(string) bool { return true }}
	l := sweeper.ledger()
	if _, err := l.Sweep(ctx, time.Time{}); err != nil {
		return err
	}
	if w.wrong != nil {
		return w.wrong
	}
	if len(w.pending) > 0 {
		return fmt.Errorf("objects nobody sees or removes: %v", w.pending)
	}
	var want Totals
	for _, d := range w.files {
		all, err := h.File(ctx, "logs", d.object.Key)
		if err != nil {
			return err
		}
		in := 0
		for _, s := range all {
			if s.In {
				in++
			}
		}
		if d.kind != "good" {
			if in > 0 {
				return fmt.Errorf("%s file %s is in the lake", d.kind, d.object.Key)
			}
			// Not always: a worker that takes the file again and is given up
			// forgets why.
			if d.kind == "skipped" && len(all) == 1 && all[0].File.Reason == "no log" {
				w.skips++
			}
			for _, line := range d.lines {
				if at, ok := w.readers[line]; ok {
					return fmt.Errorf("line %s of a %s file is in %s", line, d.kind, at)
				}
			}
			continue
		}
		if in != 1 || len(all) != 1 {
			return fmt.Errorf("file %s is in the lake %d times: %+v", d.object.Key, in, all)
		}
		s := all[0]
		if n := s.File.Counts; n == nil || n.Lines != int64(len(d.lines)) || n.Rows+n.Rejected != n.Lines {
			return fmt.Errorf("accounting of %s is %+v, it has %d lines", d.object.Key, n, len(d.lines))
		}
		want.Files++
		want.Lines += int64(len(d.lines))
		for _, line := range d.lines {
			at, ok := w.readers[line]
			if !ok {
				return fmt.Errorf("line %s is nowhere", line)
			}
			if !slices.ContainsFunc(s.Objects, func(o Object) bool { return o.Name == at }) {
				return fmt.Errorf("line %s is in %s, the ledger says %v", line, at, s.Objects)
			}
			if strings.HasPrefix(line, "lines/") {
				want.Rows++
			} else {
				want.Rejected++
			}
		}
	}
	return w.checkBatches(ctx, h, want)
}

func (w *world) checkBatches(ctx context.Context, h *History, want Totals) error {
	var got Totals
	seen := map[string]bool{}
	for b, err := range h.Since(ctx, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), w.now) {
		switch {
		case err != nil:
			return err
		case b.State != Finished && b.State != Aborted:
			return fmt.Errorf("batch %s is %s", b.ID, b.State)
		case b.State == Aborted:
			continue
		}
		_, c, err := h.Batch(ctx, b.ID)
		if err != nil {
			return err
		}
		for _, o := range c.Objects {
			seen[o.Name] = true
		}
		got.Files += b.Totals.Files
		got.Lines += b.Totals.Lines
		got.Rows += b.Totals.Rows
		got.Rejected += b.Totals.Rejected
	}
	if got != want {
		return fmt.Errorf("the batches add up to %+v, delivered was %+v", got, want)
	}
	for name := range w.lake {
		if !seen[name] {
			return fmt.Errorf("object %s is visible and of no batch", name)
		}
	}
	return nil
}

// simulations is how many seeds to try. More than the usual number is for a
// machine that has the night:
//
//	SLUICE_SIMULATIONS=100000 go test -run Simulation -timeout 0 ./internal/ledger
func simulations(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("SLUICE_SIMULATIONS"), "2000"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		n = min(n, 300)
	}
	return n
}

// TestSimulation stops, freezes and misleads workers at every request they make.
func TestSimulation(t *testing.T) {
	seeds := simulations(t)
	steps, took, skips := 0, 0, 0
	for seed := range seeds {
		w := newWorld(seed, "")
		if err := w.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		steps += w.steps
		took += w.took
		skips += w.skips
	}
	if skips < int(seeds)/10 {
		t.Errorf("only %d skipped files are remembered", skips)
	}
	if took < int(seeds)/5 {
		t.Errorf("only %d files were taken over: the simulation is too kind", took)
	}
	t.Logf("%d seeds, %d requests, %d files taken over", seeds, steps, took)
}

// TestSimulationNotices breaks the protocol in the ways that come to mind. One
// of them takes several accidents at once to be seen.
func TestSimulationNotices(t *testing.T) {
	for broken, seeds := range map[string]uint64{
		"place before commit": 100, "commit without condition": 1000, "claim without condition": 100,
		"take over without abort": 100, "failed files count": 1000, "names by content": 100,
		"answer before commit": 100, "done before placed": 1000,
		"aborted batches are removed": 20_000,
	} {
		t.Run(broken, func(t *testing.T) {
			if seeds > 1000 && simulations(t) < seeds {
				t.Skipf("it takes SLUICE_SIMULATIONS=%d", seeds)
			}
			for seed := range seeds {
				if err := newWorld(seed, broken).run(); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
