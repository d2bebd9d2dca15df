package detect_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/formats"
	"sluice/internal/generate"
	"sluice/internal/pipeline"
)

// bucket is a log bucket in memory: text by key.
type bucket map[string]string

func (b bucket) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b[o.Key])), nil
}

func (b bucket) objects() []pipeline.Object {
	var all []pipeline.Object
	for _, key := range slices.Sorted(maps.Keys(b)) {
		all = append(all, pipeline.Object{Key: key, Size: int64(len(b[key]))})
	}
	return all
}

// generated is a folder of logs as delivered, unzipped.
func generated(t *testing.T, o generate.Options) (bucket, *generate.Truth) {
	t.Helper()
	dir := t.TempDir()
	truth, err := generate.Write(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := bucket{}
	for _, o := range delivered(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, o.Key))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(o.Key, ".gz") {
			z, err := gzip.NewReader(strings.NewReader(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		b[filepath.ToSlash(o.Key)] = string(text)
	}
	return b, truth
}

// delivered lists the files below dir.
func delivered(t *testing.T, dir string) []pipeline.Object {
	t.Helper()
	var all []pipeline.Object
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "_") {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		all = append(all, pipeline.Object{Key: key, Size: info.Size()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// split delivers the same lines and records anew: those of a day, in no order, in
// files of n.
func (b bucket) split(t *testing.T, n int) bucket {
	t.Helper()
	lines, records := map[string][]string{}, map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		switch {
		case strings.Contains(key, "/CloudTrail/"):
			var doc struct{ Records []json.RawMessage }
			if err := json.Unmarshal([]byte(b[key]), &doc); err != nil {
				t.Fatal(err)
			}
			for _, r := range doc.Records {
				var event struct{ EventTime string }
				if err := json.Unmarshal(r, &event); err != nil {
					t.Fatal(err)
				}
				day := event.EventTime[:len("2026-03-02")]
				records[day] = append(records[day], string(r))
			}
		case !strings.Contains(key, "/CloudTrail-Digest/"):
			for line := range strings.Lines(b[key]) {
				_, rest, _ := strings.Cut(line, "[")
				day, _, _ := strings.Cut(rest, ":")
				lines[day] = append(lines[day], strings.TrimSuffix(line, "\n"))
			}
		}
	}
	out := bucket{}
	for _, day := range slices.Sorted(maps.Keys(lines)) {
		for part := range slices.Chunk(shuffled(lines[day], 1), n) {
			out[fmt.Sprintf("access/%x-%06d", day, len(out))] = strings.Join(part, "\n")
		}
	}
	for _, day := range slices.Sorted(maps.Keys(records)) {
		for part := range slices.Chunk(shuffled(records[day], 1), n) {
			out[fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-west-2/%s/%06d.json", day, len(out))] = `{"Records":[` + strings.Join(part, ",") + `]}`
		}
	}
	return out
}

// eye watches a pipeline and hands on what it observed in each file.
type eye struct {
	w  *detect.Watcher
	of func(*detect.Observed)
}

func (e *eye) Begin(o pipeline.Object) { e.w.Begin(o.ID(), o.Key) }
func (e *eye) Row(row any)             { e.w.Row(row) }
func (e *eye) End(f pipeline.File)     { e.of(e.w.End(f.Outcome == pipeline.Converted)) }

// read sends files through the real pipeline, which writes no tables.
func read(t *testing.T, rules *detect.Rules, src pipeline.Source, files []pipeline.Object, of func(*detect.Observed)) {
	t.Helper()
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Watch: &eye{rules.Watch(), of}, NoTables: true})
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), src, nil, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Files {
		if f.Outcome == pipeline.Failed {
			t.Error(f.Err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func observed(t *testing.T, rules *detect.Rules, b bucket) []*detect.Observed {
	t.Helper()
	var all []*detect.Observed
	read(t, rules, b, b.objects(), func(o *detect.Observed) {
		if o != nil {
			all = append(all, o)
		}
	})
	return all
}

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
