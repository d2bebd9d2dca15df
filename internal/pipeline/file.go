package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"sluice/internal/logs"
)

// file converts one delivered file and says in f what became of it. The error
// is for what concerns the whole batch.
func (p *Pipeline) file(ctx context.Context, src Source, f *File) error {
	switch o := f.Object; {
	case strings.HasSuffix(o.Key, "/") && o.Size <= 0:
		f.Reason = "a folder marker, no file"
		return nil
	case o.Size == 0:
		f.Reason = "empty"
		return nil
	}
	err := p.convert(ctx, src, f)
	if err != nil {
		f.Outcome, f.Err = Failed, err
		f.Rows, f.Rejected, f.Reasons, f.Ambiguous = 0, 0, nil, 0
	}
	_, ours := errors.AsType[*stageError](err)
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("convert %s: %w", f.Object.Key, context.Cause(ctx))
		f.Outcome, f.Err = Failed, err
	case !ours:
		err = nil // it is the file's alone
	}
	if f.Format != "" { // a format read it, so that Begin was told
		p.watch.End(*f)
	}
	return err
}

func (p *Pipeline) convert(ctx context.Context, src Source, f *File) (err error) {
	rc, err := src.Open(ctx, f.Object)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Object.Key, err)
	}
	in := &logs.Input{Key: printable(f.Object.Key), Dated: dated(f.Object)}
	var lines int64 // told to Progress so far
	raw := &counted{r: rc, n: &f.BytesIn, tell: func(n int) error {
		p.progress(int64(n), in.Lines-lines)
		lines = in.Lines
		return ctx.Err()
	}}
	shut := sync.OnceValue(rc.Close)
	defer func() {
		if cerr := shut(); err == nil && cerr != nil {
			err = fmt.Errorf("read %s: %w", f.Object.Key, cerr)
		}
		f.Lines = in.Lines
		p.progress(0, in.Lines-lines)
	}()

	var (
		text io.Reader
		s    sink
		skip string
	)
	err = Guarded(func() error {
		var head []byte
		if text, head, err = p.text.open(raw, &f.BytesText); err == nil {
			s, skip = p.route(f.Object.Key, head)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Object.Key, err)
	}
	if s == nil {
		f.Reason = skip
		return nil
	}
	f.Format = s.name()
	p.watch.Begin(f.Object)
	if err := p.records(f, s, in, text, shut); err != nil {
		return fmt.Errorf("read %s: %w", f.Object.Key, err)
	}
	f.Outcome = Converted
	return nil
}

// route finds the format of a file by its key and the start of its text. The
// first match wins; without one, a format that knows what the file is instead
// knows best.
func (p *Pipeline) route(key string, head []byte) (s sink, skip string) {
	if len(head) == 0 {
		return nil, "empty"
	}
	for _, s := range p.sinks {
		ok, why := s.match(key, head)
		if ok {
			return s, ""
		}
		if skip == "" {
			skip = why
		}
	}
	if skip == "" {
		skip = looksLike(head)
	}
	return nil, skip
}

// records writes all records of one file, or none. A source may say only in
// shut that what it gave was not all.
func (p *Pipeline) records(f *File, s sink, in *logs.Input, text io.Reader, shut func() error) error {
	s.Mark()
	p.rejected.Mark()
	err := Guarded(func() error {
		err := s.read(f, in, text, p.watch, func(b *logs.BadRecord) error { return p.reject(f, in, b) })
		f.Lines = in.Lines
		if err == nil {
			err = complete(f, text)
		}
		if err == nil {
			err = shut()
		}
		return err
	})
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*stageError](err); ours {
		return err // the batch is aborted, marks and all
	}
	if rerr := errors.Join(s.Rollback(), p.rejected.Rollback()); rerr != nil {
		return &stageError{fmt.Errorf("undo %s: %w", f.Object.Key, rerr)}
	}
	return err
}

// complete checks that a file was read to its end and every line of it counted.
func complete(f *File, text io.Reader) error {
	left, err := io.Copy(io.Discard, text)
	if err != nil {
		return err
	}
	if left != 0 {
		return fmt.Errorf("%d bytes left unread behind the last record", left)
	}
	if size := f.Object.Size; size >= 0 && f.BytesIn != size {
		return fmt.Errorf("short read: %d of %d bytes", f.BytesIn, size)
	}
	if n := f.Unaccounted(); n != 0 {
		return fmt.Errorf("%d of %d lines are neither row nor reject", n, f.Lines)
	}
	return nil
}
