package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sluice/internal/clean"
	"sluice/internal/detect"
	"sluice/internal/formats"
	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

type rulesExplainCommand struct {
	Rule   string `arg:"" help:"Name, id or title of a rule."`
	Record string `arg:"" name:"line" help:"A line of an access log, a CloudTrail record (JSON), FILE:N for the Nth of a file, or - for standard input."`
	ruleSet
	JSON bool `name:"json" help:"Print the judgement as JSON."`
}

func (c *rulesExplainCommand) Run(ctx context.Context, a *app) error {
	rules, err := c.loadOrWarn(a)
	if err != nil {
		return err
	}
	l, err := findRule(rules.Set, c.Rule)
	if err != nil {
		return err
	}
	parts, err := detections(rules.Set, l)
	if err != nil {
		return err
	}
	src, number, err := c.source(a)
	if err != nil {
		return err
	}
	j := judge{number: number, rules: rules, parts: parts}
	if err := j.read(ctx, src); err != nil {
		return err
	}
	if c.JSON {
		return writeIndented(a.stdout, j.said)
	}
	var b strings.Builder
	if len(parts) != 1 || l.about != &parts[0].About {
		fmt.Fprintf(&b, "%s (%s) counts what these rules match:\n\n", a.stdout.bold(clean.Line(l.Title)), l.Type)
	}
	for i, said := range j.said {
		if i > 0 {
			b.WriteString("\n")
		}
		said.write(&b, a.stdout)
	}
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}

// detections are the rules that judge single records: the one that is meant, or
// all that a correlation is built on.
func detections(set *sigma.Set, l listed) ([]*sigma.Rule, error) {
	for _, r := range set.Rules {
		if &r.About == l.about {
			return []*sigma.Rule{r}, nil
		}
	}
	for _, c := range set.Correlations {
		if &c.About == l.about {
			return bases(c), nil
		}
	}
	if l.Idle != "" {
		return nil, fmt.Errorf("rule %s is idle, so that it judges nothing: %s", l.about.Called(), l.Idle)
	}
	return nil, fmt.Errorf("%s is a filter, which judges nothing by itself; explain the rules that it filters", l.about.Called())
}

func bases(c *sigma.Correlation) (all []*sigma.Rule) {
	for _, ref := range c.Rules {
		if ref.Rule != nil {
			all = append(all, ref.Rule)
		} else {
			all = append(all, bases(ref.Correlation)...)
		}
	}
	return all
}

// source is where the record comes from, and which of its records is meant.
func (c *rulesExplainCommand) source(a *app) (pipeline.Source, int64, error) {
	at := strings.TrimSpace(c.Record)
	switch {
	case at == "-":
		b, err := io.ReadAll(io.LimitReader(a.stdin, maxRecord))
		return recordText(b), 1, err
	case strings.HasPrefix(at, "{") || strings.Contains(at, "] "):
		return recordText([]byte(at)), 1, nil
	}
	name, number, err := (&inspectCommand{At: c.Record}).split()
	if err != nil {
		return nil, 0, err
	}
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, 0, usage(fmt.Errorf("%q is neither a record nor a file", c.Record))
	case err == nil && st.IsDir():
		return nil, 0, usage(fmt.Errorf("%s is a folder: name a file in it", name))
	}
	return onDisk(name), number, err
}

// maxRecord is as much of standard input as one record can be.
const maxRecord = 16 << 20

// recordText is a file that holds one record: a CloudTrail record is delivered as
// an element of Records.
func recordText(b []byte) text {
	b = bytes.TrimSpace(b)
	if bytes.HasPrefix(b, []byte("{")) && !bytes.Contains(b[:min(len(b), 64)], []byte(`"Records"`)) {
		return text(`{"Records":[` + string(b) + `]}`)
	}
	return text(string(b) + "\n")
}

// text is a source of one file.
type text []byte

func (t text) Open(context.Context, pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(t)), nil
}

// onDisk is a source of one file, of any length.
type onDisk string

func (f onDisk) Open(context.Context, pipeline.Object) (io.ReadCloser, error) {
	return os.Open(string(f))
}

// judge is a watch that has one record of a file explained.
type judge struct {
	number int64
	rules  *detect.Rules
	parts  []*sigma.Rule

	rows int64
	said []judgement
}

// judgement is what a rule makes of a record. Its JSON is for scripts.
type judgement struct {
	Rule    string       `json:"rule"`
	Title   string       `json:"title"`
	Matched bool         `json:"matched"`
	Note    string       `json:"note,omitempty"` // why it was not judged
	Steps   []sigma.Step `json:"steps"`
}

func (j *judge) Begin(pipeline.Object) {}
func (j *judge) End(pipeline.File)     {}

func (j *judge) Row(row any) {
	if j.rows++; recordNumber(row) != j.number {
		return
	}
	for _, r := range j.parts {
		x, ok := j.rules.Explain(r, row)
		said := judgement{Rule: r.Called(), Title: r.Title, Matched: x.Matched, Steps: x.Steps}
		if !ok {
			said.Note = "the rule is for another log: " + r.Service
		}
		j.said = append(j.said, said)
	}
}

// read reads the file with the parser that reads all others.
func (j *judge) read(ctx context.Context, src pipeline.Source) error {
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Watch: j, NoTables: true})
	if err != nil {
		return err
	}
	res, err := p.Run(ctx, src, nil, []pipeline.Object{{Key: "record", Size: -1}})
	if err = errors.Join(err, p.Close()); err != nil {
		return err
	}
	f := res.Files[0]
	switch {
	case len(j.said) > 0:
		return nil
	case f.Outcome == pipeline.Skipped:
		return fmt.Errorf("this is no record of a log: %s", f.Reason)
	case f.Outcome == pipeline.Failed:
		return f.Err
	case f.Lines < j.number:
		return fmt.Errorf("it has no record %d", j.number)
	}
	for why := range f.Reasons {
		return fmt.Errorf("the record is rejected (%s), so that no rule judges it; sluice inspect tells more", why)
	}
	return errors.New("the record is no row, so that no rule judges it")
}

// write writes a judgement for a person: the condition, with its parts below it.
func (j judgement) write(b *strings.Builder, s screen) {
	verdict := s.paint(32, "matches")
	if !j.Matched {
		verdict = s.red("does not match")
	}
	fmt.Fprintf(b, "%s  %s\n", s.bold(clean.Line(j.Title)), verdict)
	if j.Note != "" {
		fmt.Fprintf(b, "  %s\n", clean.Line(j.Note))
	}
	for _, step := range j.Steps {
		mark := s.paint(32, "✓")
		if !step.Matched {
			mark = s.red("✗")
		}
		fmt.Fprintf(b, "  %s%s %s\n", strings.Repeat("  ", step.Depth), mark, clean.Line(cmp.Or(step.Text, step.Part)))
		if step.Field == "" {
			continue
		}
		value := s.dim("NULL")
		if step.Present {
			value = quoted(step.Value)
		}
		why := ""
		if step.Why != "" {
			why = s.dim("; " + clean.Line(step.Why))
		}
		fmt.Fprintf(b, "  %s  the record has %s%s\n", strings.Repeat("  ", step.Depth), value, why)
	}
}

// longestValue is how much of a value is shown of which a rule needs a part.
const longestValue = 200

func quoted(v string) string {
	if v = clean.Line(v); width(v) > longestValue {
		v = snip(v, longestValue)
	}
	return `"` + v + `"`
}
