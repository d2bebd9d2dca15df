package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/pipeline"
)

type inspectCommand struct {
	At   string `arg:"" optional:"" name:"file[:line]" help:"File, gzipped or not, and the number of a line in it (default: the first), or - for standard input."`
	Line string `placeholder:"TEXT" help:"The line itself."`
	JSON bool   `name:"json" help:"Print it as JSON."`
}

func (c *inspectCommand) Run(ctx context.Context, a *app) error {
	var (
		line   []byte
		broken error // the rest of the file
	)
	switch {
	case (c.At == "") == (c.Line == ""):
		return usage(errors.New("which line? Give a file and a line number, or --line TEXT"))
	case c.Line != "":
		line = []byte(c.Line)
	default:
		var err error
		if line, broken, err = c.read(ctx, a); err != nil {
			return err
		}
	}
	e := explain(line)
	show := e.write
	if c.JSON {
		show = e.writeJSON
	}
	if err := show(a.stdout); err != nil {
		return err
	}
	return broken
}

// read reads the line, and tells in broken why nothing else of its file, nor
// the line itself, is converted.
func (c *inspectCommand) read(ctx context.Context, a *app) (line []byte, broken, err error) {
	name, number, err := c.split()
	if err != nil {
		return nil, nil, err
	}
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return nil, nil, usage(fmt.Errorf("%s is a folder: name a file in it", name))
		}
		in = f
	}
	text, err := pipeline.OpenText(cancelled{ctx, in})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	line, err = lineOf(text, number)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if text.Zipped {
		if _, err := io.Copy(io.Discard, text); err != nil {
			broken = fmt.Errorf("%s: line %d could be read, but the file is broken and none of it is converted: %w", name, number, err)
		}
	}
	return line, broken, nil
}

// split takes FILE:LINE apart. A file may have a colon in its name.
func (c *inspectCommand) split() (name string, number int64, err error) {
	if _, err := os.Stat(c.At); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return c.At, 1, nil
	}
	i := strings.LastIndexByte(c.At, ':')
	if i < 0 {
		return c.At, 1, nil
	}
	number, err = strconv.ParseInt(c.At[i+1:], 10, 64)
	if err != nil || number < 1 {
		return "", 0, usage(fmt.Errorf("%q is not the number of a line", c.At[i+1:]))
	}
	return c.At[:i], number, nil
}

// lineOf returns a line without its end. Lines are counted from 1.
func lineOf(b pipeline.Text, number int64) ([]byte, error) {
	if start, _ := b.Peek(64); bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\ufeff"))), []byte("{")) {
		return nil, errors.New("this is JSON; inspect takes lines of S3 access logs apart (for CloudTrail: sluice query data-events)")
	}
	for n := int64(1); ; n++ {
		line, err := readLine(b.Reader, n == number)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		ended := err == io.EOF
		switch {
		case n == number && !(ended && len(line) == 0):
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			// A log may hold a line that is no text, and is a log nevertheless.
			if b.Is != "" && explain(line).Reason != "" {
				return nil, fmt.Errorf("this is %s; inspect takes lines of S3 access logs apart", b.Is)
			}
			return line, nil
		case ended:
			return nil, fmt.Errorf("it has no line %d", number)
		}
	}
}

// readLine reads a line with its end, or past it where it is not wanted.
func readLine(b *bufio.Reader, wanted bool) (line []byte, err error) {
	for {
		piece, err := b.ReadSlice('\n')
		if wanted {
			line = append(line, piece...)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// write writes an explanation for a person.
func (e explanation) write(s screen) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", s.bold(clean.Line(e.Status)))
	switch {
	case e.Reason != "":
		fmt.Fprintf(&b, "  %s: %s", clean.Line(e.Reason), clean.Line(e.Detail))
	case e.Splits > 1:
		fmt.Fprintf(&b, "  the line can be read in %s ways; columns on which they differ are NULL", amount.Grouped(e.Splits))
	case e.Splits == 1:
		b.WriteString("  the line can be read in one way only")
	}
	b.WriteString("\n")
	section(&b, s, "Fields", e.pick(false))
	section(&b, s, "Derived", e.pick(true))
	for i, x := range e.Examples {
		section(&b, s, fmt.Sprintf("Way %d of %s", i+1, amount.Grouped(e.Splits)), x)
	}
	if more := e.Splits - int64(len(e.Examples)); len(e.Examples) > 0 && more > 0 {
		fmt.Fprintf(&b, "and %s more\n", amount.Grouped(more))
	}
	_, err := fmt.Fprint(s, b.String())
	return err
}

func (e explanation) pick(derived bool) (values []namedValue) {
	for _, v := range e.Fields {
		if v.Derived == derived {
			values = append(values, v)
		}
	}
	return values
}

// longestName is the length of turn_around_duration and its like.
const longestName = 21

func section(b *strings.Builder, s screen, title string, values []namedValue) {
	if len(values) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", s.bold(title))
	for _, v := range values {
		value := s.dim("NULL")
		if !v.Null {
			value = cmp.Or(clean.Line(v.Value), `""`)
		}
		fmt.Fprintf(b, "  %-*s  %s\n", longestName, v.Name, value)
	}
}
