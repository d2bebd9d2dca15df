package detect_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// The simulation: several workers apply files at once, and at each of their
// steps a seeded scheduler says who goes on, who dies, whose answer is lost and
// how much time passes. Files come twice, and those whose worker died come again
// until they are through. It is one goroutine at a time, so a seed is a run.

const simRules = massDelete + `---
title: Object put
name: put
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a03
status: test
level: low
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.PUT.OBJECT}, condition: sel}
---
title: Denied
name: denied
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a04
status: test
level: high
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.GET.OBJECT}, condition: sel}
sluice: {period: 1h, group-by: [bucket_name]}
---
title: Many keys
name: many_keys
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a05
status: test
level: medium
correlation:
  type: value_count
  rules: [put, deleted]
  group-by: [bucket_name]
  timespan: 10m
  condition: {field: key_name, gte: 4}
---
title: Many bytes
name: many_bytes
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a06
status: test
level: medium
correlation:
  type: value_sum
  rules: [put]
  group-by: [remote_ip]
  timespan: 20m
  condition: {field: bytes_sent_size, gt: 120}
---
title: Put and deleted
name: put_and_deleted
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a07
status: test
level: medium
correlation:
  type: temporal
  rules: [put, deleted]
  group-by: [bucket_name, remote_ip]
  timespan: 2m
---
title: Deleted then put
name: deleted_then_put
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a08
status: test
level: medium
correlation:
  type: temporal_ordered
  rules: [deleted, put]
  group-by: [key_name]
  timespan: 5m
---
title: Mass delete after many keys
name: chain
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a09
status: test
level: critical
correlation:
  type: temporal_ordered
  rules: [many_keys, mass_delete]
  group-by: [bucket_name]
  timespan: 1h
  generate: true
---
title: Put after mass delete
name: put_after
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a10
status: test
level: high
correlation:
  type: temporal_ordered
  rules: [mass_delete, put]
  group-by: [bucket_name]
  timespan: 1h
  generate: true
---
title: Put around many keys
name: put_around
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0a11
status: test
level: high
correlation:
  type: temporal
  rules: [many_keys, put]
  group-by: [bucket_name]
  timespan: 30m
  generate: true
`

// slotOf is a slot of a counter.
type slotOf struct {
	key  string
	slot int64
}

type sim struct {
	rules  *detect.Rules
	rand   *rand.Rand
	state  detect.State
	files  []*detect.Observed
	queue  []int // files to apply
	told   []*finding.Finding
	now    time.Time
	spans  map[slotOf]bool // of everything counted
	faults bool
	pace   int // milliseconds that a step may take
	pack   int // elements of a shared set
}

func newSim(rules *detect.Rules, seed uint64, state detect.State) *sim {
	return &sim{rules: rules, rand: rand.New(rand.NewPCG(seed, 7)), state: state,
		now: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), spans: map[slotOf]bool{}}
}

// traffic is the rows of a seed, in order of time: some hours across midnight.
func traffic(seed uint64, n int) []*s3access.Row {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := make([]*s3access.Row, n)
	for i := range rows {
		rows[i] = row(at(22*time.Hour+time.Duration(r.IntN(1+r.IntN(4*3600)))*time.Second),
			op([]string{"REST.DELETE.OBJECT", "REST.PUT.OBJECT", "REST.GET.OBJECT"}[r.IntN(3)]),
			key(string(rune('a'+r.IntN(9)))), from(fmt.Sprintf("192.0.2.%d", r.IntN(3))), sized(int64(r.IntN(60))),
			func(row *s3access.Row) {
				row.BucketName = logs.Text([]string{"amber", "slate"}[r.IntN(2)])
				row.RequesterName = logs.Text([]string{"wren", "finch", "tern"}[r.IntN(3)])
				if r.IntN(4) == 0 {
					row.RequesterName = nil
				}
			})
	}
	slices.SortStableFunc(rows, func(a, b *s3access.Row) int { return int(a.RequestTime - b.RequestTime) })
	return rows
}

// split deals rows out to files by chance.
func (s *sim) split(rows []*s3access.Row, files int) {
	dealt := make([][]*s3access.Row, files)
	for _, r := range rows {
		i := s.rand.IntN(files)
		dealt[i] = append(dealt[i], r)
	}
	w := s.rules.Watch()
	for i, rows := range dealt {
		if o := watched(w, fmt.Sprintf("file-%d", i), rows...); o != nil {
			s.files = append(s.files, o)
		}
	}
}

var errDied = errors.New("worker died")

// worker is one Lambda: an engine of its own, and a file that it is at.
type worker struct {
	sim    *sim
	yield  func(struct{}) bool
	engine *detect.Engine
	file   int
	next   func() (struct{}, bool)
	stop   func()
	err    error
}

func (s *sim) worker() *worker {
	w := &worker{sim: s}
	w.restart()
	return w
}

func (w *worker) restart() {
	w.engine = detect.NewEngine(w.sim.rules, w, w, detect.Config{Now: func() time.Time { return w.sim.now }, Pack: w.sim.pack})
}

func (w *worker) take(file int) {
	w.file, w.err = file, nil
	w.next, w.stop = iter.Pull(iter.Seq[struct{}](func(yield func(struct{}) bool) {
		w.yield = yield
		_, w.err = w.engine.Apply(context.Background(), w.sim.files[file])
	}))
}

// step is where others may go on, and where the worker may die: before f, or
// after it, when what f did is done and nobody is told.
func (w *worker) step(f func() error) error {
	s := w.sim
	if !w.yield(struct{}{}) {
		return errDied
	}
	if s.faults && s.rand.IntN(200) == 0 {
		return errDied
	}
	if err := f(); err != nil {
		return err
	}
	if s.faults && s.rand.IntN(200) == 0 {
		return errDied
	}
	return nil
}

// A worker is the state and the outlet of its engine: each write is a step.

func (w *worker) Add(ctx context.Context, adds []detect.Add) error {
	for i := range adds {
		w.sim.spans[slotOf{adds[i].Key, adds[i].Slot}] = true
		if err := w.step(func() error { return w.sim.state.Add(ctx, adds[i:i+1]) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) Read(ctx context.Context, spans []detect.Span) (all [][]detect.Slot, err error) {
	for i := range spans {
		err := w.step(func() error {
			slots, err := w.sim.state.Read(ctx, spans[i:i+1])
			all = append(all, slots...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (w *worker) Claim(ctx context.Context, now time.Time, claims []detect.Claim) (all []detect.Grant, err error) {
	for i := range claims {
		err := w.step(func() error {
			g, err := w.sim.state.Claim(ctx, w.sim.now, claims[i:i+1])
			all = append(all, g...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (w *worker) Sent(ctx context.Context, claims []detect.Claim) error {
	for i := range claims {
		if err := w.step(func() error { return w.sim.state.Sent(ctx, claims[i:i+1]) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) Passed(time.Time) {}

func (w *worker) Send(_ context.Context, fs []*finding.Finding) error {
	for _, f := range fs {
		if err := w.step(func() error { w.sim.told = append(w.sim.told, f); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// run applies all files until each is through as often as it was delivered.
func (s *sim) run(t testing.TB, workers int) {
	t.Helper()
	for i := range s.files {
		s.queue = append(s.queue, i)
		if s.faults && s.rand.IntN(5) == 0 {
			s.queue = append(s.queue, i)
		}
	}
	if s.faults {
		s.rand.Shuffle(len(s.queue), func(i, j int) { s.queue[i], s.queue[j] = s.queue[j], s.queue[i] })
	}
	idle := make([]*worker, workers)
	for i := range idle {
		idle[i] = s.worker()
	}
	var busy []*worker
	for steps := 0; len(busy) > 0 || len(s.queue) > 0; steps++ {
		if steps > 1_000_000 {
			t.Fatal("the files never get through")
		}
		if len(s.queue) > 0 && len(idle) > 0 && (len(busy) == 0 || s.rand.IntN(3) == 0) {
			w := idle[len(idle)-1]
			idle, busy = idle[:len(idle)-1], append(busy, w)
			w.take(s.queue[0])
			s.queue = s.queue[1:]
		}
		i := s.rand.IntN(len(busy))
		w := busy[i]
		if s.faults {
			s.now = s.now.Add(time.Duration(s.rand.IntN(s.pace)) * time.Millisecond)
		}
		if _, more := w.next(); more {
			continue
		}
		w.stop()
		busy = slices.Delete(busy, i, i+1)
		idle = append(idle, w)
		switch {
		case errors.Is(w.err, errDied):
			w.restart()
			s.queue = append(s.queue, w.file)
		case w.err != nil:
			t.Fatal(w.err)
		}
	}
}

// verdict is how a run differs from one worker that takes everything in order.
type verdict struct {
	over, under, lost, unknown, stale int
	twice                             int // messages told again under the same uid: allowed
}

func (v verdict) bad() bool { return v.over+v.under+v.lost+v.unknown+v.stale > 0 }

func (v *verdict) add(o verdict) {
	v.over += o.over
	v.under += o.under
	v.lost += o.lost
	v.unknown += o.unknown
	v.stale += o.stale
	v.twice += o.twice
}

func (s *sim) judge(t testing.TB, truth *sim) (v verdict) {
	t.Helper()
	for span := range truth.spans {
		s.spans[span] = true
	}
	var spans []detect.Span
	for at := range s.spans {
		spans = append(spans, detect.Span{Key: at.key, From: at.slot, To: at.slot})
	}
	got, err := s.state.Read(t.Context(), spans)
	if err != nil {
		t.Fatal(err)
	}
	want, err := truth.state.Read(t.Context(), spans)
	if err != nil {
		t.Fatal(err)
	}
	for i := range spans {
		g, w := total(got[i]), total(want[i])
		switch {
		case s.pack != truth.pack: // the same is kept in other places
		case g > w:
			v.over++
		case g < w:
			v.under++
		}
	}
	first, most, messages := map[string]bool{}, map[string]int64{}, map[string]bool{}
	for _, f := range s.told {
		if messages[f.MessageUID()] {
			v.twice++
		}
		messages[f.MessageUID()] = true
		first[f.UID] = first[f.UID] || f.Step == 1
		most[f.UID] = max(most[f.UID], step(f.Value, f.Threshold))
	}
	expected := map[string]int64{}
	for _, f := range truth.told {
		expected[f.UID] = max(expected[f.UID], 1)
		if f.Alert { // others are told once, and as large as they are then
			expected[f.UID] = max(expected[f.UID], step(f.Value, f.Threshold))
		}
	}
	for uid := range first {
		if _, ok := expected[uid]; !ok {
			v.unknown++
		}
	}
	for uid, reached := range expected {
		switch {
		case !first[uid]:
			v.lost++
		case most[uid] < reached:
			v.stale++
		}
	}
	return v
}

// total is one number for all that slots hold.
func total(slots []detect.Slot) (n int64) {
	for _, s := range slots {
		n += int64(len(s.Elements))
		for _, c := range s.Cells {
			n += c.N + 1000*c.V
		}
	}
	return n
}

func step(value, threshold int64) (s int64) {
	for _, at := range []int64{1, 10, 100, 1000} {
		if value >= at*threshold {
			s = at
		}
	}
	return s
}

// packs are sizes of shared sets: as usual, full at once, soon, and none.
var packs = []int{0, 0, 1, 4, -1}

// simulate runs seeds and adds up what went wrong.
func simulate(t testing.TB, seeds int, state func(seed uint64) detect.State) (all verdict, findings int) {
	t.Helper()
	rules := load(t, fmt.Sprintf(deletes, "high")+simRules)
	for seed := range uint64(seeds) {
		rows := traffic(seed, 30+int(seed%30))
		truth := newSim(rules, seed, detect.NewMemory())
		truth.split(rows, 1)
		truth.run(t, 1)
		s := newSim(rules, seed, state(seed))
		s.faults, s.pace = true, 50<<(seed%7) // claims run out at once, or never
		s.pack = packs[seed%uint64(len(packs))]
		s.split(rows, 3+int(seed%10))
		s.run(t, 1+int(seed%5))
		v := s.judge(t, truth)
		all.add(v)
		findings += len(truth.told)
		if v.bad() && seed < 3 {
			t.Logf("seed %d: %+v", seed, v)
		}
	}
	return all, findings
}
