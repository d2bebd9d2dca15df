package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// mute is an input on which nobody says anything, until the test is over.
type mute struct {
	asked func()
	over  <-chan struct{}
}

func (m mute) Read([]byte) (int, error) {
	m.asked()
	<-m.over
	return 0, io.EOF
}

// An interrupt ends a command that waits for its standard input.
func TestInterruptedInput(t *testing.T) {
	for _, args := range []string{"convert -", "scan -", "query -", "inspect -", "rules explain web_probe -"} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			ctx, stop := context.WithCancel(t.Context())
			var out, errs bytes.Buffer
			a := &app{stdin: mute{stop, t.Context().Done()}, stdout: screenOf(&out), stderr: screenOf(&errs)}
			if code := a.run(ctx, strings.Fields(args)); code != exitError || !strings.Contains(errs.String(), "interrupted") {
				t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}

// A question that is interrupted is not answered with yes, whatever stands there.
func TestInterruptedQuestion(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var errs bytes.Buffer
	a := &app{stdin: &patient{ctx: ctx, from: mute{stop, t.Context().Done()}}, stderr: screen{Writer: &errs, terminal: true}}
	if a.confirm("Change 1 bucket?") || !strings.HasSuffix(errs.String(), "[y/N] \n") {
		t.Errorf("%q was taken for a yes", errs.String())
	}
	a.stdin = &patient{ctx: t.Context(), from: strings.NewReader("y\n")}
	if !a.confirm("Change 1 bucket?") {
		t.Error("yes was taken for a no")
	}
}
