package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"sluice/internal/amount"
	"sluice/internal/query"
)

// answer makes a result of texts; ∅ is NULL.
func answer(columns []query.Column, rows ...[]string) *query.Result {
	return &query.Result{Columns: columns, Rows: func(yield func([]query.Value, error) bool) {
		for _, r := range rows {
			values := make([]query.Value, len(r))
			for i, cell := range r {
				if cell == "broken" {
					yield(nil, errors.New("disk gone"))
					return
				}
				values[i] = query.Value{Text: cell, Null: cell == "∅"}
				if values[i].Null {
					values[i].Text = ""
				}
			}
			if !yield(values, nil) {
				return
			}
		}
	}}
}

var columns = []query.Column{{Name: "key_name"}, {Name: "n", Kind: query.Number}, {Name: "ok", Kind: query.Bool}, {Name: "at", Kind: query.Time}, {Name: "list", Kind: query.Nested}}

func hostile() *query.Result {
	return answer(columns,
		[]string{"plain", "1", "true", "2026-11-22 08:00:00.123", "[1]"},
		[]string{"∅", "∅", "∅", "∅", "∅"},
		[]string{"", "-5", "false", "2026-11-22 08:00:00", `["a"]`},
		[]string{"NULL", "12345678901234567890", "true", "2026-11-22 08:00:00", "{}"},
		[]string{`say "hi", you`, "NaN", "true", "2026-11-22 08:00:00", "[]"},
		[]string{"two\nlines\r\nand a\ttab", "0", "true", "2026-11-22 08:00:00", "[]"},
		[]string{"\x1b[31m\u202e日本|`x`[a](b)", "0", "true", "2026-11-22 08:00:00", `["\u202e"]`},
	)
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	n, more, err := writeTable(screen{Writer: &b}, hostile(), 0)
	if err != nil || n != 7 || more {
		t.Fatal(n, more, err)
	}
	want := ` key_name                     │                    n │ ok    │ at                      │ list
──────────────────────────────┼──────────────────────┼───────┼─────────────────────────┼────────────
 plain                        │                    1 │ true  │ 2026-11-22 08:00:00.123 │ [1]
 NULL                         │                 NULL │ NULL  │ NULL                    │ NULL
 ""                           │                   -5 │ false │ 2026-11-22 08:00:00     │ ["a"]
 "NULL"                       │ 12345678901234567890 │ true  │ 2026-11-22 08:00:00     │ {}
 say "hi", you                │                  NaN │ true  │ 2026-11-22 08:00:00     │ []
 two\nlines\r\nand a\ttab     │                    0 │ true  │ 2026-11-22 08:00:00     │ []
 \x1b[31m\u202e日本|~x~[a](b) │                    0 │ true  │ 2026-11-22 08:00:00     │ ["\u202e"]
`
	if got := b.String(); got != strings.ReplaceAll(want, "~", "`") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableOnTerminal(t *testing.T) {
	long := strings.Repeat("日本", 60)
	for _, c := range []struct {
		width int
		res   *query.Result
		lists bool
	}{
		{80, answer([]query.Column{{Name: "a"}, {Name: "b"}, {Name: "n", Kind: query.Number}}, []string{long, "short", "1"}), false},
		{80, answer([]query.Column{{Name: strings.Repeat("name", 40)}, {Name: "b"}}, []string{"x", long}), false},
		{40, answer(columns, []string{long, "1", "true", "2026-11-22 08:00:00.123", "[1]"}), true},
	} {
		var b bytes.Buffer
		if _, _, err := writeTable(screen{Writer: &b, terminal: true, width: c.width}, c.res, 0); err != nil {
			t.Fatal(err)
		}
		if lists := strings.HasPrefix(b.String(), "row 1\n"); lists != c.lists {
			t.Errorf("lists %v:\n%s", lists, b.String())
		}
		for line := range strings.Lines(b.String()) {
			if w := width(strings.TrimRight(line, "\n")); !c.lists && w > c.width {
				t.Errorf("%d columns on %d: %s", w, c.width, line)
			}
		}
		if !c.lists && !strings.Contains(b.String(), "…") {
			t.Errorf("nothing is cut:\n%s", b.String())
		}
	}
	var b bytes.Buffer
	n, more, err := writeTable(screen{Writer: &b}, hostile(), 2)
	if n != 2 || !more || err != nil || strings.Count(b.String(), "\n") != 4 {
		t.Errorf("two rows: %d %v %v\n%s", n, more, err, b.String())
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if n, err := writeCSV(screen{Writer: &b}, hostile()); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(records) != 8 {
		t.Fatalf("%d records, %v:\n%s", len(records), err, b.String())
	}
	for i, want := range []string{"key_name", "plain", "", "", "NULL", `say "hi", you`, "two\nlines\nand a\ttab", "\x1b[31m\u202e日本|`x`[a](b)"} {
		if got := records[i][0]; got != want { // encoding/csv reads \r\n as \n
			t.Errorf("record %d: %q, want %q", i, got, want)
		}
	}
	wants(t, "csv", b.String(), "\n,,,,\n", "\n\"\",-5,", "two\nlines\r\nand a\ttab\"")

	b.Reset()
	if _, err := writeCSV(screen{Writer: &b, terminal: true}, hostile()); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("a terminal gets %q", b.String())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if n, err := writeJSON(screen{Writer: &b}, hostile()); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("not printable: %q", b.String())
	}
	d := json.NewDecoder(&b)
	d.UseNumber()
	var got []map[string]any
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row  int
		name string
		want any
	}{
		{0, "n", json.Number("1")}, {0, "ok", true}, {0, "at", "2026-11-22T08:00:00.123Z"},
		{1, "key_name", nil}, {1, "n", nil}, {1, "at", nil},
		{2, "key_name", ""}, {3, "key_name", "NULL"}, {3, "n", json.Number("12345678901234567890")},
		{4, "key_name", `say "hi", you`}, {4, "n", "NaN"}, {5, "key_name", "two\nlines\r\nand a\ttab"},
		{6, "key_name", "\x1b[31m\u202e日本|`x`[a](b)"},
	} {
		if v := got[c.row][c.name]; v != c.want {
			t.Errorf("row %d %s: %#v, want %#v", c.row, c.name, v, c.want)
		}
	}
	if list := got[6]["list"].([]any); list[0] != "\u202e" {
		t.Errorf("list %q", list)
	}

	b.Reset()
	n := query.Column{Name: "n", Kind: query.Number}
	if _, err := writeJSON(screen{Writer: &b}, answer([]query.Column{n, n, {Name: "n_2", Kind: query.Number}, n}, []string{"1", "2", "3", "4"})); err != nil {
		t.Fatal(err)
	}
	var twice []map[string]int
	if err := json.Unmarshal(b.Bytes(), &twice); err != nil || len(twice[0]) != 4 {
		t.Errorf("columns of one name: %s", b.String())
	}
	b.Reset()
	if _, err := writeJSON(screen{Writer: &b}, answer(columns)); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("no rows: %q", b.String())
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if n, err := writeMarkdown(screen{Writer: &b}, hostile()); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 9 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range map[int]string{
		0: "| `key_name` | `n` | `ok` | `at` | `list` |",
		1: "| --- | ---: | --- | --- | --- |",
		3: "| NULL | NULL | NULL | NULL | NULL |",
		4: "| \"\" | -5 | false | 2026-11-22 08:00:00 | `[\"a\"]` |",
		7: "| `two\\nlines\\r\\nand a\\ttab` | 0 | true | 2026-11-22 08:00:00 | `[]` |",
		8: "| ``\\x1b[31m\\u202e日本\\|`x`[a](b)`` | 0 | true | 2026-11-22 08:00:00 | `[\"\\u202e\"]` |",
	} {
		if lines[i] != want {
			t.Errorf("line %d\n got %s\nwant %s", i, lines[i], want)
		}
	}
}

func TestBrokenAnswer(t *testing.T) {
	broken := func() *query.Result { return answer(columns[:1], []string{"a"}, []string{"broken"}) }
	_, _, err := writeTable(screen{Writer: &bytes.Buffer{}}, broken(), 0)
	errs := []error{err}
	for _, w := range []func(screen, *query.Result) (int64, error){writeCSV, writeJSON, writeMarkdown} {
		_, err := w(screen{Writer: &bytes.Buffer{}}, broken())
		errs = append(errs, err)
		if _, err := w(screen{Writer: full{}}, hostile()); !errors.Is(err, errFull) {
			t.Errorf("a full disk: %v", err)
		}
	}
	for _, err := range errs {
		if err == nil || err.Error() != "disk gone" {
			t.Errorf("got %v", err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := amount.Grouped(n); got != want {
			t.Errorf("grouped(%d) = %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 3_400_000_000: "3.4 GB"} {
		if got := amount.Bytes(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestSnip(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"db/orders/2026/orders-203.sql.gz", 12, "db/ord…ql.gz"},
		{"a sentence is cut at its end", 12, "a sentence …"},
		{"日本語日本語日本語", 8, "日本…語"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", 4, "e\u0301e\u0301…e\u0301"},
	} {
		if got := snip(c.in, c.limit); got != c.want || width(got) > c.limit {
			t.Errorf("snip(%s, %d) = %s", c.in, c.limit, got)
		}
	}
}
