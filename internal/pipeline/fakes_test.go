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
	commits []Commit
	rows    map[string][]string
	fail    error
}

func (l *lake) Commit(_ context.Context, c Commit) error {
	if l.fail != nil {
		return l.fail
	}
	l.commits = append(l.commits, c)
	if l.rows == nil {
		l.rows = map[string][]string{}
	}
	for _, o := range c.Objects {
		name, _, _ := strings.Cut(o.Name, "/")
		l.rows[name] = append(l.rows[name], readAll(l.t, o)...)
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

func newPipeline(t testing.TB) *Pipeline {
	t.Helper()
	p, err := New(Config{Routes: []Route{To(sayings("said", "20 ")), To(sayings("cried", "20!"))}, Stage: t.TempDir()})
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
	return res
}
