//go:build cgo

package query_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/cli"
)

var (
	console = regexp.MustCompile("(?s)```console\n(.*?)```")
	word    = regexp.MustCompile(`"[^"]*"|\S+`)
)

// TestTutorial does what docs/tutorial.md tells its readers to do, and compares
// what they see with what it shows.
func TestTutorial(t *testing.T) {
	page, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for _, block := range console.FindAllStringSubmatch(string(page), -1) {
		for _, session := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, shown, _ := strings.Cut(session, "\n")
			args := word.FindAllString(command, -1)
			for i := range args {
				args[i] = strings.Trim(args[i], `"`)
			}
			if args[0] != "sluice" {
				t.Fatalf("%s: not a command of ours", command)
			}
			ran++
			var out, errs bytes.Buffer
			if code := cli.Run(args[1:], strings.NewReader(""), &out, &errs); code != 0 {
				t.Fatalf("%s: exit code %d\n%s", command, code, &errs)
			}
			if !shows(shown, out.String()) {
				t.Errorf("%s: the page shows\n%s\nprinted is\n%s", command, shown, &out)
			}
		}
	}
	if ran < 10 {
		t.Errorf("%d commands", ran)
	}
}

// shows tells whether the shown lines are the printed ones, where three dots
// stand for any lines.
func shows(shown, printed string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(shown) {
		if line = strings.TrimRight(line, " \n"); line == "..." {
			pattern.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		pattern.WriteString(regexp.QuoteMeta(line) + ` *\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `\n*$`).MatchString(printed)
}

func TestShows(t *testing.T) {
	for _, c := range []struct {
		shown, printed string
		want           bool
	}{
		{"a\nb\n", "a\nb \n", true},
		{"a\n", "a\nb\n", false},
		{"a\n...\n", "a\nb\n", true},
		{"...\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nx\nb\n", false},
		{"...\nc\n", "a\nb\n", false},
	} {
		if got := shows(c.shown, c.printed); got != c.want {
			t.Errorf("%q shows %q: %v", c.shown, c.printed, got)
		}
	}
}
