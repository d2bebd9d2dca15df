//go:build cgo && unix

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// writePage puts what was measured between the marks of a page: figures, and choices.
// What was not measured stays.
func writePage(name string) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text := string(page)
	for part, write := range map[string]func(io.Writer){"figures": figures.write, "choices": writeGrids} {
		var b bytes.Buffer
		if write(&b); b.Len() == 0 {
			continue
		}
		if text, err = fill(text, part, b.String(), time.Now()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// fillTo ends a generated part of a page.
const fillTo = "<!-- end of the generated part -->"

// fill puts a text into a part of a page.
func fill(page, part, text string, at time.Time) (string, error) {
	from := "<!-- generated: " + part + ", by make bench-page -->\n"
	before, rest, begins := strings.Cut(page, from)
	_, after, ends := strings.Cut(rest, fillTo)
	if !begins || !ends {
		return "", fmt.Errorf("no part that begins with %q and ends with %q", from, fillTo)
	}
	return before + from + "\n" + at.UTC().Format(time.DateOnly) + "\n\n```text\n" + strings.TrimSpace(text) + "\n```\n\n" + fillTo + after, nil
}
