package pack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sluice/internal/logs/s3access"
	"sluice/internal/table"
)

// said is an engine that keeps what it is told and answers what it is given.
type said struct {
	told    []string
	tokens  []string
	answers map[string][][]string // by what the question contains
}

func (s *said) Run(_ context.Context, token, sql string) error {
	s.told, s.tokens = append(s.told, sql), append(s.tokens, token)
	return nil
}

func (s *said) Ask(_ context.Context, sql string) ([][]string, error) {
	for part, rows := range s.answers {
		if strings.Contains(sql, part) {
			return rows, nil
		}
	}
	return nil, errors.New("no answer")
}

func accessLogs(t *testing.T, s *said) *SQL {
	t.Helper()
	columns, err := table.Columns[s3access.Row]()
	if err != nil {
		t.Fatal(err)
	}
	return NewSQL(s, "s3://lake-example/lake/", "sluice", map[string]Table{"s3_access_logs": {
		Live: "s3_access_logs_live", Packed: "s3_access_logs_packed", Folder: "s3://lake-example/packed/s3_access_logs/", Columns: columns, Sort: s3access.Format.Sort,
	}})
}

// Athena takes statements of 262,144 bytes; 500 objects with long names fit.
func TestTheLongestStatement(t *testing.T) {
	s := &said{}
	p := Plan{Table: "s3_access_logs", Day: "2026-11-20"}
	for i := range 500 {
		p.Parts = append(p.Parts, Part{Name: fmt.Sprintf("s3_access_logs/dt=2026-11-20/%032x-%04d.parquet", i, i), Rows: 1})
	}
	e := accessLogs(t, s)
	e.root = "s3://" + strings.Repeat("b", 63) + "/lake/"
	if err := e.Take(t.Context(), p, 3); err != nil {
		t.Fatal(err)
	}
	if n := len(s.told[0]); n > 262144 {
		t.Errorf("%d bytes", n)
	}
	if token := s.tokens[0]; len(token) < 32 || len(token) > 128 || !strings.HasSuffix(token, "-3") {
		t.Errorf("token %q: Athena takes 32 to 128 bytes, and each attempt has its own", token)
	}
	for _, o := range p.Parts {
		if n := strings.Count(s.told[0], "'"+e.root+o.Name+"'"); n != 2 {
			t.Fatalf("%s is in the statement %d times: once its rows, once its mark", o.Name, n)
		}
	}
}

// A name cannot end the text that it stands in.
func TestNamesAreQuoted(t *testing.T) {
	s := &said{}
	p := Plan{Table: "s3_access_logs", Day: "2026-11-20", Parts: []Part{{Name: "x') OR ('' = '", Rows: 1}}}
	if err := accessLogs(t, s).Take(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	if want := `IN ('s3://lake-example/lake/x'') OR ('''' = ''')`; !strings.Contains(s.told[0], want) {
		t.Errorf("want %s in\n%s", want, s.told[0])
	}
}

func TestWhatTheEngineAnswers(t *testing.T) {
	const sums = "GROUP BY"
	for _, c := range []struct {
		name string
		rows [][]string
		want string // of the error
	}{
		{"two objects", [][]string{{"s3://lake-example/lake/a", "3", "0F"}, {"s3://lake-example/lake/b", "1", "A0"}}, ""},
		{"another lake", [][]string{{"s3://other/lake/a", "3", "0F"}}, "not below"},
		{"no number", [][]string{{"s3://lake-example/lake/a", "", "0F"}}, "rows of s3://lake-example/lake/a"},
		{"too few columns", [][]string{{"s3://lake-example/lake/a", "3"}}, "2 columns"},
	} {
		s := &said{answers: map[string][][]string{sums: c.rows}}
		parts, columns, err := accessLogs(t, s).Live(t.Context(), "s3_access_logs", "2026-11-20", []string{"a", "b"})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		case err != nil || len(parts) != 2 || parts[0] != (Part{"a", 3, "0F"}) || len(columns) < 40:
			t.Errorf("%s: %v over %q, %v", c.name, parts, columns, err)
		}
	}
	s := &said{answers: map[string][][]string{"SELECT count(*)": {{"many"}}}}
	if _, err := accessLogs(t, s).Seen(t.Context(), Plan{Table: "s3_access_logs"}); err == nil {
		t.Error("marks that are no number")
	}
}

// A plan that counts no more says so before its rows go.
func TestUndoneInThisOrder(t *testing.T) {
	s := &said{}
	if err := accessLogs(t, s).Undo(t.Context(), Plan{Table: "s3_access_logs", Day: "2026-11-20"}); err != nil {
		t.Fatal(err)
	}
	if len(s.told) != 2 || !strings.HasPrefix(s.told[0], "INSERT INTO") || !strings.HasPrefix(s.told[1], "DELETE FROM") {
		t.Errorf("%q", s.told)
	}
}

// asker is an engine that answers questions.
type asker func(sql string) [][]string

func (asker) Run(context.Context, string, string) error { return nil }

func (a asker) Ask(_ context.Context, sql string) ([][]string, error) { return a(sql), nil }
