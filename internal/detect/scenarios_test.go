package detect_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/generate"
)

// outlet keeps what it is sent, by whichever worker.
type outlet struct {
	mu  sync.Mutex
	all []*finding.Finding
}

func (o *outlet) Send(_ context.Context, fs []*finding.Finding) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, fs...)
	return nil
}

// apply gives the files to an engine that remembers nothing yet, in their order
// as far as there is one among several workers.
func apply(t *testing.T, rules *detect.Rules, files []*detect.Observed, workers int) []*finding.Finding {
	t.Helper()
	out := new(outlet)
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	queue := make(chan *detect.Observed)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for o := range queue {
				if _, err := e.Apply(t.Context(), o); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, o := range files {
		queue <- o
	}
	close(queue)
	wg.Wait()
	return out.all
}

// incidents lists what was told, each incident once: alerts in words, and the
// identities of all. It reports a message that was sent twice.
func incidents(t *testing.T, rules *detect.Rules, all []*finding.Finding) (alerts, uids []string) {
	t.Helper()
	messages, known := map[string]bool{}, map[string]bool{}
	for _, f := range all {
		if messages[f.MessageUID()] {
			t.Errorf("%s was sent twice", f.MessageUID())
		}
		messages[f.MessageUID()] = true
		if known[f.UID] {
			continue
		}
		known[f.UID] = true
		uids = append(uids, f.UID)
		if f.Alert {
			group := map[string]string{}
			for _, p := range f.Group {
				group[p.Name] = p.Value
			}
			alerts = append(alerts, fmt.Sprint(called(rules, f), " in ", f.Bucket, " of ", group))
		}
	}
	slices.Sort(alerts)
	slices.Sort(uids)
	return alerts, uids
}

// called is the name of the rule that made a finding.
func called(rules *detect.Rules, f *finding.Finding) string {
	for _, r := range rules.Set.Rules {
		if r.ID == f.Rule.ID {
			return r.Name
		}
	}
	for _, c := range rules.Set.Correlations {
		if c.ID == f.Rule.ID {
			return c.Name
		}
	}
	return f.Rule.ID
}

// shipped are the rules that a site has that says nothing.
func shipped(t *testing.T) *detect.Rules {
	t.Helper()
	rules, problems := detect.Load(detect.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	return rules
}

// planted lists the alerts that the truth says there are, as incidents does.
func planted(truth *generate.Truth) []string {
	var want []string
	for _, s := range truth.Scenarios {
		for _, e := range s.Findings {
			want = append(want, fmt.Sprint(e.Rule, " in ", e.Bucket, " of ", e.Group))
		}
	}
	slices.Sort(want)
	return want
}

// TestScenarios: of whatever was planted a person hears once, and of nothing
// else; and all findings, the quiet ones too, are the same in whatever files the
// records come, in whatever order, however often and to however many workers.
func TestScenarios(t *testing.T) {
	rules := shipped(t)
	logs, truth := generated(t, generate.Options{Seed: 11, Lines: 20_000, Events: 2500, Days: 2, Scenarios: []string{"all"}})
	want, files := planted(truth), observed(t, rules, logs)
	var same []string
	check := func(name string, files []*detect.Observed, workers int) {
		t.Helper()
		alerts, uids := incidents(t, rules, apply(t, rules, files, workers))
		if d := cmp.Diff(want, alerts); d != "" {
			t.Errorf("%s: -planted +alerts:\n%s", name, d)
		}
		if same == nil {
			same = uids
		}
		if d := cmp.Diff(same, uids); d != "" {
			t.Errorf("%s: -in file order +here:\n%s", name, d)
		}
	}
	check("in file order", files, 1)
	check("every file twice", slices.Concat(files, files), 1)
	check("four workers", files, 4)
	back := slices.Clone(files)
	slices.Reverse(back)
	check("last file first", back, 1)
	for seed := range uint64(5) {
		check(fmt.Sprint("shuffled by ", seed), shuffled(files, seed), 1)
	}
	check("shuffled, twice, four workers", shuffled(slices.Concat(files, files), 5), 4)
	for _, n := range []int{7, 110, 5000} {
		split := observed(t, rules, logs.split(t, n))
		check(fmt.Sprint("in files of ", n, ", shuffled, four workers"), shuffled(split, uint64(n)), 4)
	}
}

// TestWatchersShareRules: several watch files of both logs by the same rules at once,
// and see what one by itself sees.
func TestWatchersShareRules(t *testing.T) {
	rules := shipped(t)
	logs, _ := generated(t, generate.Options{Seed: 13, Lines: 3000, Events: 600, Days: 1, Scenarios: []string{"all"}})
	var seen [4][]*detect.Observed
	var wg sync.WaitGroup
	for i := range seen {
		wg.Go(func() { seen[i] = observed(t, rules, logs) })
	}
	wg.Wait()
	var want []string
	for i, files := range append(seen[:], observed(t, rules, logs)) {
		var got []string
		for _, f := range apply(t, rules, files, 1) {
			got = append(got, fmt.Sprint(f.MessageUID(), f.Count, f.Value, f.First, f.Last, f.Group, len(f.Evidence)))
		}
		slices.Sort(got)
		if i == 0 {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" || len(got) == 0 {
			t.Errorf("-the first +watcher %d:\n%s", i, d)
		}
	}
}

// TestScenariosAfterAWeek: once it is known what is usual in a bucket, what is
// new in it is told as well.
func TestScenariosAfterAWeek(t *testing.T) {
	rules := shipped(t)
	logs, truth := generated(t, generate.Options{Seed: 12, Lines: 20_000, Events: 2500, Days: 12, Scenarios: []string{"all"}})
	want := planted(truth)
	if !slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, "first_") }) {
		t.Error("nothing new is expected of anything")
	}
	alerts, _ := incidents(t, rules, apply(t, rules, observed(t, rules, logs), 1))
	if d := cmp.Diff(want, alerts); d != "" {
		t.Errorf("-planted +alerts:\n%s", d)
	}
}

func shuffled[T any](s []T, seed uint64) []T {
	s = slices.Clone(s)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}
