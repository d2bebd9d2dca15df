package s3access

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/hard.golden")

// hardCase is one line of testdata/hard.txt with what is expected of it.
type hardCase struct {
	name string
	line []byte
	want map[string]string // column to value, quoted; NULL for absent
}

func hardCases(tb testing.TB) []hardCase {
	tb.Helper()
	data, err := os.ReadFile("testdata/hard.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []hardCase
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case bytes.HasPrefix(line, []byte("== ")):
			cases = append(cases, hardCase{name: string(line[3:]), want: map[string]string{}})
		case bytes.HasPrefix(line, []byte("> ")):
			cases[len(cases)-1].line = line[2:]
		case len(line) == 0 || line[0] == '#':
		default:
			name, value, ok := strings.Cut(string(line), " = ")
			if !ok {
				tb.Fatalf("hard.txt: %q is no expectation", line)
			}
			cases[len(cases)-1].want[name] = value
		}
	}
	if len(cases) < 60 {
		tb.Fatalf("%d hard lines, want at least 60", len(cases))
	}
	return cases
}

// TestHardLines holds each hard line against what its author expects and against
// its whole reviewed row. Every line is parsed twice by one parser, after all
// the others, to show that nothing is left behind.
func TestHardLines(t *testing.T) {
	cases := hardCases(t)
	var p parser
	var golden strings.Builder
	for range 2 {
		golden.Reset()
		for _, c := range cases {
			got := rowText(&p, c.line)
			for name, want := range c.want {
				if name == "raw" {
					if got[name] == "NULL" {
						t.Errorf("%s: raw is not kept", c.name)
					}
					continue
				}
				if got[name] != want {
					t.Errorf("%s: %s = %s, want %s\n%s", c.name, name, got[name], want, c.line)
				}
			}
			for name, value := range got {
				if strings.Contains(value, "SECRET") {
					t.Errorf("%s: a secret is left in %s: %s", c.name, name, value)
				}
			}
			if len(c.want) == 0 {
				t.Errorf("%s: nothing is expected of it", c.name)
			}
			fmt.Fprintf(&golden, "== %s\n%s", c.name, list(got))
		}
	}
	if *update {
		if err := os.WriteFile("testdata/hard.golden", []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/hard.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), golden.String()); diff != "" {
		t.Errorf("rows differ from testdata/hard.golden (-want +got), -update rewrites it:\n%s", diff)
	}
}

// rowText is every column of the line's row as text.
func rowText(p *parser, line []byte) map[string]string {
	row, bad := p.parse(line)
	if bad != nil {
		return map[string]string{"reason": strconv.Quote(string(bad.Reason)), "rejected_time": bad.Time.Go().Format("2006-01-02")}
	}
	got := make(map[string]string)
	for _, v := range namedValues(row) {
		got[v.Name] = quote(v.Value)
		if v.Null {
			got[v.Name] = "NULL"
		}
	}
	return got
}

// quote escapes what a text file cannot show, and nothing else.
func quote(s string) string {
	return strings.ReplaceAll(`"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`, "\n", `\n`)
}

// list writes the columns that hold something, in the order of the table.
func list(got map[string]string) string {
	var b strings.Builder
	for _, name := range []string{"reason", "rejected_time"} {
		if v, ok := got[name]; ok {
			fmt.Fprintf(&b, "%s = %s\n", name, v)
		}
	}
	for _, v := range namedValues(&Row{}) {
		if s, ok := got[v.Name]; ok && s != "NULL" {
			fmt.Fprintf(&b, "%s = %s\n", v.Name, s)
		}
	}
	return b.String() + "\n"
}
