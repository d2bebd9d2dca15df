package pipeline

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/logs"
	"sluice/internal/table"
)

// saying is a row of a format made for these tests: a day and words, one a line.
// A line "?" is a reject, a line with "or" is ambiguous, "lost" is a line that
// the reader counts and forgets.
type saying struct {
	When logs.Time `col:"when_"`
	Said logs.Text `col:"said"`
	Key  logs.Text `col:"log_key,dict"`
}

func (s *saying) Ambiguous() bool { return bytes.Contains(s.Said, []byte(" or ")) }

func sayings(name, prefix string) logs.Format[saying] {
	return logs.Format[saying]{
		Table: logs.Table[saying]{Name: name, Time: func(s *saying) logs.Time { return s.When }},
		Match: func(key string, head []byte) (bool, string) {
			if strings.Contains(key, "digest") {
				return false, "a digest of " + name
			}
			return bytes.HasPrefix(head, []byte(prefix)), ""
		},
		NewReader: func() logs.Reader[saying] { return sayingReader{} },
	}
}

type sayingReader struct{}

func (sayingReader) Read(in *logs.Input, r io.Reader) iter.Seq2[*saying, error] {
	return func(yield func(*saying, error) bool) {
		br := bufio.NewReader(r)
		for {
			text, err := br.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(nil, err)
				return
			}
			if len(text) > 0 && !one(in, bytes.TrimSuffix(text, []byte("\n")), yield) {
				return
			}
			if err == io.EOF || bytes.Equal(text, []byte("20 stop\n")) {
				return
			}
		}
	}
}

func one(in *logs.Input, text []byte, yield func(*saying, error) bool) bool {
	in.Lines++
	var day int
	switch {
	case bytes.HasPrefix(text, []byte("20 lost")):
		return true
	case bytes.HasPrefix(text, []byte("20 panic")):
		panic("no such word")
	case bytes.HasPrefix(text, []byte("20 ?")):
		return yield(nil, fmt.Errorf("wrapped: %w", &logs.BadRecord{
			Line: in.Lines, Time: in.Dated, Reason: "doubt", Detail: "no words", Raw: text}))
	default:
		fmt.Sscanf(string(text), "20 %d", &day)
	}
	return yield(&saying{logs.Time(day) * 24 * 60 * 60 * 1000, logs.Text(text), logs.Text(in.Key)}, nil)
}

// source opens files by key.
type source map[string]func() (io.ReadCloser, error)

func (s source) Open(_ context.Context, o Object) (io.ReadCloser, error) { return s[o.Key]() }

func text(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

func zipped(t testing.TB, texts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, s := range texts { // one member each
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// lake keeps what was committed: rows by table, read from the staged files.
type lake struct {
	t       testing.TB
	held    []Held
	refuse  error // of Begin
	fail    error // of Commit
	open    int   // batches that were begun and have not ended
	commits []committed
	rows    map[string][]string
}

type committed struct {
	Batch   string
	Files   []File
	Objects []table.Object
}

// batch is one of a lake.
type batch struct {
	*lake
	id   string
	held []Held
}

func (l *lake) Begin(_ context.Context, files []Object) (Batch, error) {
	if l.refuse != nil {
		return nil, l.refuse
	}
	l.open++
	return &batch{l, BatchID(files), l.held}, nil
}

func (b *batch) ID() string   { return b.id }
func (b *batch) Held() []Held { return b.held }

func (b *batch) Abort(ctx context.Context) error {
	b.open--
	return ctx.Err()
}

func (b *batch) Commit(_ context.Context, files []File, staged []table.Object) error {
	b.open--
	if b.fail != nil {
		return b.fail
	}
	b.commits = append(b.commits, committed{b.id, files, staged})
	if b.rows == nil {
		b.rows = map[string][]string{}
	}
	for _, o := range staged {
		name, _, _ := strings.Cut(o.Name, "/")
		b.rows[name] = append(b.rows[name], readAll(b.t, o)...)
	}
	return nil
}

// readAll returns the rows of an object, columns joined by "|", without times.
func readAll(t testing.TB, o table.Object) []string {
	t.Helper()
	b, err := os.ReadFile(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	buf := make([]parquet.Row, 16)
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				var cols []string
				for _, v := range row {
					cols = append(cols, v.String())
				}
				out = append(out, strings.Join(cols, "|"))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func newPipeline(t testing.TB) *Pipeline { return pipelineOf(t, Config{}) }

// everyWay runs a test with a pipeline on one goroutine and with one on several.
func everyWay(t *testing.T, test func(*testing.T, *Pipeline)) {
	t.Run("alone", func(t *testing.T) { test(t, newPipeline(t)) })
	t.Run("background", func(t *testing.T) { test(t, pipelineOf(t, Config{Background: true})) })
}

func pipelineOf(t testing.TB, c Config) *Pipeline {
	t.Helper()
	c.Routes, c.Stage = []Route{To(sayings("said", "20 ")), To(sayings("cried", "20!"))}, t.TempDir()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := filepath.Glob(filepath.Join(p.stage, "*")); err != nil || len(left) > 0 {
			t.Errorf("left in the stage: %v, %v", left, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func object(key string) Object {
	return Object{Key: key, Version: "v", Size: -1, Modified: time.UnixMilli(86_400_000 * 9)}
}

func run(t testing.TB, p *Pipeline, l *lake, src source, keys ...string) Result {
	t.Helper()
	l.t = t
	var objs []Object
	for _, k := range keys {
		objs = append(objs, object(k))
	}
	res, err := p.Run(t.Context(), src, l, objs)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Files) != len(keys) {
		t.Fatalf("%d files accounted for, want %d", len(res.Files), len(keys))
	}
	if l.open != 0 {
		t.Fatalf("%d batches begun and not ended", l.open)
	}
	return res
}
