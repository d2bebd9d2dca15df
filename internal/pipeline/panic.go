package pipeline

import (
	"fmt"
	"runtime"
	"strings"
)

// Guarded turns a panic into an error. A mistake of ours that one file brings to
// light must not take the other files of its batch with it, nor the process,
// again at every delivery.
func Guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, where: where()}
		}
	}()
	return do()
}

// writing is Guarded for what writes to a table: after a panic in there nobody
// knows what the table holds, and the batch is lost with it.
func writing[R any](w writer[R], row *R) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &stageError{&panicError{value: v, where: where()}}
		}
	}()
	return w.Write(row)
}

// panicError is a mistake in sluice.
type panicError struct {
	value any
	where string
}

func (e *panicError) Error() string {
	return fmt.Sprintf("BUG: panic: %v (in %s)", e.value, e.where)
}

// where names the function of ours that panicked, or called what did.
func where() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && strings.HasPrefix(f.Function, "sluice/"):
			return fmt.Sprintf("%s, line %d", f.Function, f.Line)
		}
		if !more {
			return "code that is not ours"
		}
	}
}
