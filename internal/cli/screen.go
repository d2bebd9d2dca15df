package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is where output goes, and what is known of it.
type screen struct {
	io.Writer
	terminal bool
	redraws  bool // a terminal that goes back to the start of a line: what moves can be shown
	color    bool
	width    int // of a terminal, in columns
}

func screenOf(w io.Writer) screen {
	s := screen{Writer: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.terminal, s.width = true, 80
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.width = width
	}
	s.redraws = os.Getenv("TERM") != "dumb"
	s.color = s.redraws && os.Getenv("NO_COLOR") == ""
	return s
}

func (s screen) paint(code int, text string) string {
	if !s.color {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

func (s screen) bold(text string) string { return s.paint(1, text) }
func (s screen) dim(text string) string  { return s.paint(2, text) }
func (s screen) red(text string) string  { return s.paint(31, text) }
