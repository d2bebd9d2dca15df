package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// world is a lake, a ledger and a queue of deliveries, with all the time there
// is. Workers take turns at every request they make, so that a seed decides who
// is where when another stops, and the same seed decides the same again.
type world struct {
	r       *rand.Rand
	now     time.Time
	lease   time.Duration
	faults  int // in 1,000 requests, of each kind
	broken  string
	files   []delivery
	records *Memory
	staged  map[string][]string   // lines of staged files, by path
	pending map[string][][]string // by batch
	lake    map[string][]string   // what readers see: lines by object
	readers map[string]string     // object by line
	queue   []message
	sent    int // messages
	flying  []flight
	workers []*worker
	wrong   error
	steps   int
	skips   int // skipped files that are remembered
	took    int // times that a file was taken over from a batch that was given up
}

// delivery is a file and what ought to become of it.
type delivery struct {
	object pipeline.Object
	lines  []string // "<table>/<day>/<file>.<n>"
	kind   string   // good, skipped, broken
}

type message struct {
	id       int
	file     int
	at       time.Time // when it is visible (again)
	received int
}

// flight is a request that its worker has given up and that is carried out later.
type flight struct {
	at time.Time
	do func()
}

// worker is one invocation at a time. It runs as far as its next request.
type worker struct {
	w     *world
	next  func() (string, bool) // nil when idle
	yield func(string) bool
	fate  fate
	dead  bool
	skew  time.Duration
	wake  time.Time
}

type fate int

const (
	well    fate = iota
	refused      // an error, and nothing was done
	unheard      // done, and the answer is lost
	late         // an error, and done later
	twice        // done, and done again later
	crash        // nothing was done, and nothing more will be
	crashed      // done, and nothing more will be
	ghost        // nothing more will be done, except this, later
)

var (
	errFault = errors.New("no answer")
	errDead  = errors.New("the worker is gone")
)

// request is one request of a worker: others come before it, and it meets its
// fate. Half of the time the client that makes it tries again.
func request[T any](p *worker, what string, do func() (T, error)) (answer T, err error) {
	for range 3 {
		var none T
		if p.dead || !p.yield(what) {
			p.dead = true
			return none, errDead
		}
		p.w.steps++
		fly := func() {
			soon := []time.Duration{5 * time.Second, 20 * time.Second, 3 * p.w.lease}[p.w.r.IntN(3)]
			at := p.w.now.Add(time.Duration(p.w.r.Int64N(int64(soon))))
			p.w.flying = append(p.w.flying, flight{at, func() { do() }})
		}
		switch p.fate {
		case well:
			return do()
		case unheard:
			do()
		case late:
			fly()
		case twice:
			fly()
			return do()
		case crashed:
			do()
			p.dead = true
		case ghost:
			fly()
			p.dead = true
		case crash:
			p.dead = true
		}
		if p.w.r.IntN(2) == 0 {
			break
		}
	}
	if p.dead {
		err = errDead
	} else {
		err = errFault
	}
	return answer, err
}

// records are the world's Memory, one request a record.
type records struct{ *worker }

func (p records) Swap(ctx context.Context, changes []Change) ([]Record, error) {
	var all []Record
	for _, c := range changes {
		got, err := request(p.worker, "swap", func() (Record, error) { return p.w.swap(ctx, c) })
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

func (p records) Get(ctx context.Context, partition, sort string) (Record, error) {
	return request(p.worker, "get", func() (Record, error) { return p.w.records.Get(ctx, partition, sort) })
}

func (p records) List(ctx context.Context, partition, from string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		all, err := request(p.worker, "list", func() (iter.Seq2[Record, error], error) {
			return p.w.records.List(ctx, partition, from), nil
		})
		if err != nil {
			yield(Record{}, err)
			return
		}
		all(yield)
	}
}

// swap is the database, and breaks what the test wants to see noticed.
func (w *world) swap(ctx context.Context, c Change) (Record, error) {
	is, err := w.records.Get(ctx, c.Partition, c.Sort)
	if err != nil {
		return Record{}, err
	}
	kind := c.Partition[:2]
	switch {
	case w.broken == "commit without condition" && kind == "b#" && c.Says == string(Committed),
		w.broken == "claim without condition" && kind == "f#" && c.Says != "":
		c.Was = is.Says
	case w.broken == "take over without abort" && kind == "b#" && c.Says == string(Aborted):
		return c.Record, nil
	case w.broken == "failed files count" && kind == "b#":
		if at := strings.Index(string(c.Body), `,"left":[`); at >= 0 {
			c.Body = append(slices.Clone(c.Body[:at]), '}')
		}
	}
	if kind == "f#" && c.Was != "" && c.Says != "" && is.Says == c.Was {
		w.took++
	}
	got, err := w.records.Swap(ctx, []Change{c})
	return got[0], err
}

// store breaks what is not about one record.
type store struct {
	*RecordStore
	w *world
}

func (s store) Name(files []pipeline.Object, now time.Time) (string, error) {
	id, err := s.RecordStore.Name(files, now)
	if s.w.broken == "names by content" {
		id = "018e0000000a" + pipeline.BatchID(files)[12:]
	}
	return id, err
}

func (s store) Batch(ctx context.Context, id string) (Batch, error) {
	b, err := s.RecordStore.Batch(ctx, id)
	if s.w.broken == "done before placed" && b.State == Committed {
		b.State = Finished
	}
	return b, err
}

func (s store) Forget(ctx context.Context, id string, files []pipeline.Object) error {
	err := s.RecordStore.Forget(ctx, id, files)
	if s.w.broken == "aborted batches are removed" && err == nil {
		_, err = s.records.Swap(ctx, []Change{{batchRecord(id), string(Aborted)}})
	}
	return err
}

// objects keeps objects in the world, one request an object.
type objects struct{ *worker }

func (p objects) Put(_ context.Context, batch string, staged []table.Object) error {
	for i, o := range staged {
		lines := p.w.staged[o.Path]
		_, err := request(p.worker, "put", func() (any, error) {
			if p.w.broken == "place before commit" {
				p.w.place(batch, o.Name, lines)
			}
			for len(p.w.pending[batch]) <= i {
				p.w.pending[batch] = append(p.w.pending[batch], nil)
			}
			if p.w.pending[batch][i] == nil { // only if absent
				p.w.pending[batch][i] = lines
			}
			return nil, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p objects) Place(_ context.Context, batch string, objs []Object) error {
	for i, o := range objs {
		_, err := request(p.worker, "place", func() (any, error) {
			if _, there := p.w.lake[o.Name]; there {
				return nil, nil
			}
			from := p.w.pending[batch]
			if len(from) <= i || from[i] == nil {
				return nil, fmt.Errorf("object %s was committed and is gone", o.Name)
			}
			p.w.place(batch, o.Name, from[i])
			return nil, nil
		})
		if err != nil {
			return err
		}
	}
	_, err := request(p.worker, "drop", func() (any, error) { delete(p.w.pending, batch); return nil, nil })
	return err
}

func (p objects) Drop(_ context.Context, batch string) error {
	for i := range p.w.pending[batch] {
		_, err := request(p.worker, "drop", func() (any, error) {
			if len(p.w.pending[batch]) > i {
				p.w.pending[batch][i] = nil
			}
			return nil, nil
		})
		if err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(p.w.pending[batch], func(l []string) bool { return l != nil }) {
		delete(p.w.pending, batch)
	}
	return nil
}

func (p objects) Batches(context.Context) ([]string, error) {
	return request(p.worker, "list", func() ([]string, error) { return slices.Sorted(maps.Keys(p.w.pending)), nil })
}

// place shows an object to readers. What they see must hold at any time: rows of
// committed batches, each once.
func (w *world) place(batch, name string, lines []string) {
	w.lake[name] = lines
	at := batchRecord(batch)
	if r, _ := w.records.Get(context.Background(), at.Partition, at.Sort); r.Says != string(Committed) && r.Says != string(Finished) {
		w.fail("object %s is visible, its batch is %q", name, r.Says)
	}
	for _, l := range lines {
		if other, ok := w.readers[l]; ok {
			w.fail("line %s is visible in %s and %s", l, other, name)
		}
		w.readers[l] = name
	}
}

func (w *world) fail(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf("step %d: %w", w.steps, fmt.Errorf(format, args...))
	}
}

// Read draws numbers for batch ids.
func (w *world) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(w.r.Uint32())
	}
	return len(b), nil
}

func (p *worker) ledger() *Ledger {
	return New(Config{
		Store:   store{NewRecordStore(records{p}, p.w), p.w},
		Objects: objects{p},
		Lease:   p.w.lease,
		Now:     func() time.Time { return p.w.now.Add(p.skew) },
	})
}

// invoke does what a function does with the messages of one invocation.
func (p *worker) invoke(took []message) {
	w := p.w
	files := make([]pipeline.Object, len(took))
	for i, m := range took {
		files[i] = w.files[m.file].object
	}
	if w.broken == "answer before commit" {
		w.answered(took, func(pipeline.Object) bool { return true })
	}
	a, err := p.ledger().Begin(context.Background(), files)
	if err != nil {
		return // the messages come again
	}
	ok := map[string]bool{}
	var done []pipeline.File
	byObject := map[string][]string{}
	for _, o := range a.Taken {
		d := w.files[slices.IndexFunc(w.files, func(d delivery) bool { return d.object == o })]
		f := pipeline.File{Object: o, Outcome: pipeline.Failed, Err: errFault, Format: "lines"}
		switch {
		case d.kind == "broken" || w.r.IntN(1000) < 5*w.faults: // to be delivered again
		case d.kind == "skipped":
			f.Outcome, f.Reason, f.Err = pipeline.Skipped, "no log", nil
			ok[o.ID()] = true
		default:
			f.Outcome, f.Err = pipeline.Converted, nil
			f.Lines = int64(len(d.lines))
			for _, l := range d.lines {
				to := path.Dir(l)
				byObject[to] = append(byObject[to], l)
				if strings.HasPrefix(l, "lines/") {
					f.Rows++
				} else {
					f.Rejected++
				}
			}
			ok[o.ID()] = true
		}
		done = append(done, f)
	}
	var staged []table.Object
	for _, to := range slices.Sorted(maps.Keys(byObject)) {
		o := table.Object{Name: to + "/" + a.ID + "-0000.parquet", Rows: int64(len(byObject[to]))}
		o.Path = fmt.Sprintf("%d %s", w.steps, o.Name)
		w.staged[o.Path] = byObject[to]
		staged = append(staged, o)
	}
	if a.Commit(context.Background(), done, staged) != nil {
		clear(ok)
	}
	for _, h := range a.Done {
		ok[h.File.ID()] = true
	}
	if !p.dead {
		w.answered(took, func(o pipeline.Object) bool { return ok[o.ID()] })
	}
}

// answered removes the messages of files that are done with. Broken ones are
// given up after a while.
func (w *world) answered(took []message, ok func(pipeline.Object) bool) {
	for _, m := range took {
		d := w.files[m.file]
		if ok(d.object) || d.kind == "broken" && m.received >= 3 {
			if i := slices.IndexFunc(w.queue, func(q message) bool { return q.id == m.id }); i >= 0 {
				w.queue = slices.Delete(w.queue, i, i+1)
			}
		}
	}
}
