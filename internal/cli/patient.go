package cli

import (
	"context"
	"io"
	"sync"
)

// patient is standard input: a read of it waits for a person or another program,
// and ends with its context all the same. Nothing is read before it is asked for.
//
// A read of the system cannot be called off, so one goroutine has it. It ends with
// the input, or with the program, which is over when an interrupt is.
type patient struct {
	ctx   context.Context
	from  io.Reader
	begin sync.Once
	pipe  *io.PipeReader
}

func (p *patient) Read(b []byte) (int, error) {
	p.begin.Do(func() {
		in, out := io.Pipe()
		p.pipe = in
		context.AfterFunc(p.ctx, func() { out.CloseWithError(context.Cause(p.ctx)) })
		go func() {
			_, err := io.Copy(out, p.from)
			out.CloseWithError(err)
		}()
	})
	return p.pipe.Read(b)
}
