package table

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"sluice/internal/logs"
)

const (
	// maxRows is how many rows are buffered before they become row groups. More
	// compress a little better and cost memory; a row number must fit in 16 bits.
	maxRows = 1 << 16
	// maxBuffer is how many bytes of values are buffered, whichever is reached
	// first: as many as maxRows of access logs come to. Rows of CloudTrail are
	// several times as large; twice as many bytes of them compress 2 % better.
	maxBuffer = 16 << 20
	// maxObject and maxGroups end an object: what several readers share well,
	// and a footer that is read in one go.
	maxObject = 128 << 20
	maxGroups = 64
)

// limits are those constants; tests make them small.
type limits struct {
	rows, buffer int
	object       int64
	groups       int
}

// Writer turns rows of type R into staged Parquet objects, one or more for each
// day. Rows of all days share one buffer of columns, so memory depends neither
// on how many days a batch holds nor on how many rows.
//
// A Writer is used for one batch after the other: Write, then Close or Abort.
// It is for one goroutine; on a stage with Background, row groups are written on
// another one, and Write, Rollback and Close tell of an error there.
type Writer[R any] struct {
	table  logs.Table[R]
	stage  *Stage
	fs     files
	limits limits
	schema *schema

	cur   R         // the row being written; buffers read their fields of it
	buf   *buffered // rows that are not flushed
	other *buffered // with Background: rows that are being flushed, or none
	sort  []int     // columns that order rows, by number
	err   error     // the first of staging: nothing after it is sound

	batch int             // how many batches were before: staged files of theirs may be around
	parts []*part         // in the order they were begun
	open  map[int32]*part // the unfinished one of a day
	next  map[int32]int   // how many parts a day has

	marked   bool
	mark     int    // rows buffered at Mark
	spilled  bool   // rows were flushed since Mark
	snapshot []part // of parts, before the first of those
}

// buffered is rows that are in no row group yet.
type buffered struct {
	row  row
	n    int
	size int     // bytes
	days []int32 // of the rows
}

func (b *buffered) reset() {
	b.row.reset()
	b.days, b.n, b.size = b.days[:0], 0, 0
}

// New returns a writer of table t.
func New[R any](t logs.Table[R], stage *Stage) (*Writer[R], error) {
	columns, err := Columns[R]()
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	w := &Writer[R]{
		table: t, stage: stage, fs: osFiles(),
		limits: limits{maxRows, maxBuffer, maxObject, maxGroups},
		open:   map[int32]*part{}, next: map[int32]int{},
	}
	switch {
	case t.Name == "" || strings.ContainsAny(t.Name, `/\`) || t.Name[0] == '_':
		return nil, fmt.Errorf("table %q: not a name", t.Name)
	case t.Time == nil:
		return nil, fmt.Errorf("table %s: no event time", t.Name)
	}
	for _, name := range t.Sort {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("table %s: sort: no column %q", t.Name, name)
		}
		w.sort = append(w.sort, i)
	}
	if w.buf, err = w.newBuffer(columns); err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Name, err)
	}
	if stage.background {
		if w.other, err = w.newBuffer(columns); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	w.schema = newSchema(t.Name, columns, w.sort)
	return w, nil
}

func (w *Writer[R]) newBuffer(columns []Column) (*buffered, error) {
	b := &buffered{row: row{spare: &w.stage.spare}}
	cur := reflect.ValueOf(&w.cur).Elem()
	for _, c := range columns {
		if err := b.row.bind(c, cur.Field(c.field).Addr().Interface()); err != nil {
			return nil, err
		}
	}
	b.row.join(columns)
	b.row.joinAgain(columns, func(field int) **logs.Again { return cur.Field(field).Addr().Interface().(**logs.Again) })
	for _, c := range b.row.words {
		c.alone = true
	}
	return b, nil
}

// The first and last day that a directory dt=yyyy-mm-dd can name.
const (
	firstDay = -719528 // 0000-01-01
	lastDay  = 2932896 // 9999-12-31
)

// RowError is a row that no table can hold. The writer does not have it and can
// go on; any other error of Write ends the batch.
type RowError struct{ What string }

func (e *RowError) Error() string { return e.What }

// Write adds a row. Its values are copied.
func (w *Writer[R]) Write(r *R) error {
	if w.err != nil {
		return w.err
	}
	day := w.table.Time(r).Day()
	if day < firstDay || day > lastDay {
		return &RowError{fmt.Sprintf("table %s: day %d since 1970 has no date", w.table.Name, day)}
	}
	w.cur = *r
	b := w.buf
	n := b.row.put(b.n)
	if n > maxRow {
		b.row.truncate(b.n)
		if b.row.full { // by a value of the row that is gone
			if err := w.flush(); err != nil {
				return err
			}
		}
		return &RowError{fmt.Sprintf("table %s: row of %d bytes", w.table.Name, n)}
	}
	b.days = append(b.days, day)
	b.n++
	b.size += n
	if b.n == w.limits.rows || b.size >= w.limits.buffer || b.row.full {
		return w.flush()
	}
	return nil
}

func (w *Writer[R]) fail(err error) error {
	w.err = err
	return err
}

// Mark remembers the rows so far. Only the last mark counts.
func (w *Writer[R]) Mark() {
	w.marked, w.mark, w.spilled = true, w.buf.n, false
}

// Rollback removes every row written since Mark.
func (w *Writer[R]) Rollback() error {
	switch {
	case w.err != nil:
		return w.err
	case !w.marked:
		panic("BUG: table: Rollback without Mark")
	case !w.spilled && w.mark == 0:
		w.emptyBuffer()
		return nil
	case !w.spilled:
		w.buf.size += w.buf.row.lookUp() // what the dictionaries have, they keep
		w.buf.row.truncate(w.mark)
		w.buf.days, w.buf.n = w.buf.days[:w.mark], w.mark
		return nil
	}
	if err := w.settle(); err != nil {
		return err
	}
	w.emptyBuffer()
	w.mark, w.spilled = 0, false
	if err := w.undoParts(); err != nil {
		return w.fail(fmt.Errorf("table %s: roll back: %w", w.table.Name, err))
	}
	return nil
}

// undoParts makes the staged files what they were when they were flushed first
// after Mark.
func (w *Writer[R]) undoParts() error {
	clear(w.open)
	clear(w.next)
	for i, p := range w.parts {
		if i >= len(w.snapshot) {
			if err := p.discard(w.fs); err != nil {
				return err
			}
			continue
		}
		was := w.snapshot[i]
		if p.bytes != was.bytes {
			if err := p.undo(w.fs, was); err != nil {
				return err
			}
		}
		w.next[p.day]++
		if !p.finished {
			w.open[p.day] = p
		}
	}
	clear(w.parts[len(w.snapshot):])
	w.parts = w.parts[:len(w.snapshot)]
	return nil
}

// flush writes the buffered rows as row groups. Those before a mark get groups
// of their own, so that those behind it can be taken back.
func (w *Writer[R]) flush() error {
	if err := w.settle(); err != nil {
		return err
	}
	mark := -1
	if w.marked && !w.spilled {
		mark = w.mark
		w.mark, w.spilled = 0, true
	}
	b := w.buf
	b.row.lookUp()
	if w.other != nil {
		w.buf, w.other = w.other, b
		w.stage.start(func() error { return w.spill(b, mark) }, func(err error) { w.spilt(b, err) })
		return nil
	}
	w.spilt(b, w.spill(b, mark))
	return w.err
}

// settle waits for the row groups that are being written, of whatever table: the
// stage writes one at a time.
func (w *Writer[R]) settle() error {
	w.stage.settle()
	return w.err
}

// spill writes row groups of b. Of the writer it touches what nobody else does
// before spilt was called: the parts, and their snapshot if there is a mark.
func (w *Writer[R]) spill(b *buffered, mark int) error {
	from := 0
	if mark >= 0 {
		if err := w.emit(b, 0, mark); err != nil {
			return err
		}
		from = mark
		w.snapshot = w.snapshot[:0]
		for _, p := range w.parts {
			w.snapshot = append(w.snapshot, *p)
		}
	}
	return w.emit(b, from, b.n)
}

// spilt is what spill came to.
func (w *Writer[R]) spilt(b *buffered, err error) {
	b.reset()
	if err != nil {
		w.err = err
	}
}

func (w *Writer[R]) emptyBuffer() {
	w.buf.reset()
	var none R
	w.cur = none // it points into a reader's buffers
}

// emit writes rows lo to hi of a buffer, a row group for each day.
func (w *Writer[R]) emit(b *buffered, lo, hi int) error {
	if lo == hi {
		return nil
	}
	w.arrange(b, lo, hi)
	rows := w.stage.order.rows
	for len(rows) > 0 {
		day, n := b.days[rows[0]], 1
		for n < len(rows) && b.days[rows[n]] == day {
			n++
		}
		if err := w.group(day, b.row.all, rows[:n]); err != nil {
			return fmt.Errorf("table %s: stage %s: %w", w.table.Name, date(day), err)
		}
		rows = rows[n:]
	}
	return nil
}

func (w *Writer[R]) group(day int32, columns []buffer, rows []uint16) error {
	p := w.open[day]
	if p == nil {
		p = &part{day: day, number: w.next[day]}
		p.path = filepath.Join(w.stage.dir, fmt.Sprintf("%s-%s-%04d-%d.parquet", w.table.Name, date(day), p.number, w.batch))
		w.parts = append(w.parts, p)
		w.open[day] = p
		w.next[day]++
	}
	if err := p.addGroup(w.fs, w.stage.enc, w.schema, columns, rows); err != nil {
		return err
	}
	if p.bytes < w.limits.object && p.groups < w.limits.groups {
		return nil
	}
	delete(w.open, day)
	return p.finish(w.fs, w.schema)
}

func date(day int32) string {
	return time.Unix(int64(day)*24*60*60, 0).UTC().Format(time.DateOnly)
}

// Close finishes the batch and returns its objects, sorted by name. They are
// the caller's from then on, and the writer is as new. After an error the
// staged files are still there: Abort removes them.
func (w *Writer[R]) Close(batch string) ([]Object, error) {
	if w.err != nil {
		return nil, w.err
	}
	w.marked = false
	if err := errors.Join(w.flush(), w.settle()); err != nil {
		return nil, w.err
	}
	var objects []Object
	for _, p := range w.parts {
		if !p.finished {
			if err := p.finish(w.fs, w.schema); err != nil {
				return nil, w.fail(fmt.Errorf("table %s: finish %s: %w", w.table.Name, date(p.day), err))
			}
		}
		objects = append(objects, Object{
			Name:  fmt.Sprintf("%s/dt=%s/%s-%04d.parquet", w.table.Name, date(p.day), batch, p.number),
			Path:  p.path,
			Rows:  p.rows,
			Bytes: p.bytes,
		})
	}
	for _, p := range w.parts {
		if err := discard(w.fs, p.metaPath()); err != nil {
			return nil, w.fail(fmt.Errorf("table %s: clean up: %w", w.table.Name, err))
		}
	}
	w.forget()
	slices.SortFunc(objects, func(a, b Object) int { return cmp.Compare(a.Name, b.Name) })
	return objects, nil
}

// Abort removes everything that was written since the last Close, and makes the
// writer as new.
func (w *Writer[R]) Abort() error {
	w.stage.settle()
	w.stage.enc.forget()
	var errs []error
	for _, p := range w.parts {
		errs = append(errs, p.discard(w.fs))
	}
	w.forget()
	return errors.Join(errs...)
}

func (w *Writer[R]) forget() {
	w.emptyBuffer()
	w.batch++
	clear(w.parts)
	w.parts, w.snapshot = w.parts[:0], w.snapshot[:0]
	clear(w.open)
	clear(w.next)
	w.marked, w.spilled, w.mark, w.err = false, false, 0, nil
}
