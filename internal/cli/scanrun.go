package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"sluice/internal/detect"
	"sluice/internal/formats"
	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

// scan is rules over files: workers read, and one set of counters after the other
// is told what they saw, in the order of the files.
type scan struct {
	a        *app
	workers  int
	span     span
	tier     tier
	sides    []*side         // one, or with --compare the new rules and the old
	report   report          // of the files
	outside  int64           // files left unread, because all in them is before the span
	problems []sigma.Problem // rules that cannot be used
}

// side is a set of rules with its memory and what it found.
type side struct {
	rules   *detect.Rules
	engine  *detect.Engine
	harvest *harvest
	dropped int64 // groups beyond what the engine counts of one file
}

// scanPack is how many elements a set of several groups takes in a scan. They
// cost no more there than they take up.
const scanPack = 4096

// scanLateness is how late a file may come in a scan. Files are read in the order
// of their times, and S3 delivers most logs within a few hours; what is counted
// is kept so long, and of a day of ten million lines that is most of the memory.
const scanLateness = 6 * time.Hour

func newSide(rules *detect.Rules, t tier) *side {
	h := newHarvest(t)
	return &side{rules: rules, harvest: h, engine: detect.NewEngine(rules, detect.NewMemory(), h, detect.Config{Every: true, Pack: scanPack, Lateness: scanLateness})}
}

// apply counts what was seen in a file.
func (s *side) apply(ctx context.Context, o *detect.Observed) error {
	r, err := s.engine.Apply(ctx, o)
	s.dropped += r.GroupsDropped
	return err
}

func (s *scan) run(ctx context.Context, f *finder) (err error) {
	for _, left := range f.aside {
		s.report.file(left)
	}
	dir, done, err := stage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	streams, copies, err := s.a.copyStreams(ctx, f.streams, dir)
	if err != nil {
		return err
	}
	files := slices.DeleteFunc(append(f.objects, streams...), func(o pipeline.Object) bool { return !s.span.mayHold(o) })
	s.outside = int64(len(f.objects) + len(streams) - len(files))
	batches := group(inTime(files), scanBytes, scanFiles)
	bar, order := s.a.progress(batches), newTurns()
	results, err := work(ctx, min(s.workers, len(batches)), batches, func() (*worker, error) {
		return s.worker(source{f.remote, copies, bar.file}, bar, order)
	})
	bar.end()
	for _, res := range results {
		for _, file := range res.Files {
			s.report.file(file)
		}
	}
	return err
}

// worker reads batches by itself, and then counts in its turn what it saw.
func (s *scan) worker(src pipeline.Source, bar *progress, order *turns) (*worker, error) {
	e := &eye{span: s.span}
	for _, side := range s.sides {
		e.watchers = append(e.watchers, side.rules.Watch())
	}
	e.taken()
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Progress: bar.add, Watch: e, NoTables: true})
	if err != nil {
		return nil, err
	}
	run := func(ctx context.Context, number int, batch []pipeline.Object) (pipeline.Result, error) {
		res, err := p.Run(ctx, src, nil, batch)
		if err != nil {
			return res, err
		}
		seen := e.taken()
		return res, order.take(ctx, number, func() error { return s.apply(ctx, seen) })
	}
	return &worker{run: run, close: p.Close}, nil
}

func (s *scan) apply(ctx context.Context, seen [][]*detect.Observed) error {
	for i, side := range s.sides {
		for _, o := range seen[i] {
			if err := side.apply(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// levels are those of what is shown.
func (s *scan) levels() []sigma.Level {
	var levels []sigma.Level
	for _, c := range s.changes() {
		levels = append(levels, levelOf(c.Finding))
	}
	return levels
}
