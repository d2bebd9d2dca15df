package backfill

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"sluice/internal/logs"
)

// ordered writes the lines of a list in the order in which their files were
// delivered. A job invokes about in the order of its list, so the files of a batch
// are then of few days, and a day becomes few Parquet files. In the order of their
// keys, below a partitioned prefix, each bucket would make its own of every day.
//
// What does not fit into memory waits in files, sorted, and is merged at the end.
type ordered struct {
	out   io.Writer
	limit int // bytes of lines in memory
	lines []string
	bytes int
	runs  []*os.File
}

// memoryOfOrder holds some 400,000 lines, and what Go needs beside each.
const memoryOfOrder = 48 << 20

// digits are how a time is written in front of a line, so that texts sort as times
// do.
const digits = 16

func (o *ordered) add(at logs.Time, line string) error {
	o.lines = append(o.lines, fmt.Sprintf("%0*x%s", digits, uint64(at)^1<<63, line))
	o.bytes += digits + len(line)
	if o.bytes < o.limit {
		return nil
	}
	return o.spill()
}

func (o *ordered) spill() error {
	f, err := os.CreateTemp("", "sluice-order-*")
	if err != nil {
		return fmt.Errorf("sort the list: %w", err)
	}
	o.runs = append(o.runs, f)
	slices.Sort(o.lines)
	w := bufio.NewWriterSize(f, 1<<16)
	for _, l := range o.lines {
		w.WriteString(l + "\n") // Flush has the error
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort the list: %w", err)
	}
	o.lines, o.bytes = o.lines[:0], 0
	return nil
}

// close writes everything, and removes what waited in files, also after an error.
func (o *ordered) close() (err error) {
	defer func() {
		for _, f := range o.runs {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		o.runs, o.lines = nil, nil
	}()
	slices.Sort(o.lines)
	sources := []func() (string, error){func() (string, error) {
		if len(o.lines) == 0 {
			return "", io.EOF
		}
		l := o.lines[0]
		o.lines = o.lines[1:]
		return l, nil
	}}
	for _, f := range o.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("sort the list: %w", err)
		}
		r := bufio.NewReaderSize(f, 1<<16)
		sources = append(sources, func() (string, error) {
			l, err := r.ReadString('\n')
			return strings.TrimSuffix(l, "\n"), err
		})
	}
	return o.merge(sources)
}

// merge takes the first of all lines until there is none.
func (o *ordered) merge(sources []func() (string, error)) error {
	type head struct {
		line string
		next func() (string, error)
	}
	var heads []head
	for _, next := range sources {
		l, err := next()
		if err == nil {
			heads = append(heads, head{l, next})
		} else if err != io.EOF {
			return fmt.Errorf("sort the list: %w", err)
		}
	}
	for len(heads) > 0 {
		first := slices.MinFunc(heads, func(a, b head) int { return cmp.Compare(a.line, b.line) })
		i := slices.IndexFunc(heads, func(h head) bool { return h.line == first.line })
		if _, err := io.WriteString(o.out, heads[i].line[digits:]+"\n"); err != nil {
			return fmt.Errorf("write the list: %w", err)
		}
		l, err := heads[i].next()
		switch {
		case err == io.EOF:
			heads = slices.Delete(heads, i, i+1)
		case err != nil:
			return fmt.Errorf("sort the list: %w", err)
		default:
			heads[i].line = l
		}
	}
	return nil
}
