package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme runs the commands on findings that the README shows and holds every
// line that it shows against what they print. Three dots stand for any lines.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		for _, session := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, shown, _ := strings.Cut(session, "\n")
			args := strings.Fields(command)[1:]
			if args[0] == "query" {
				continue // it asks the lake of make demo
			}
			ran++
			code, out, errs := sluice(t, "", args...)
			if code != 0 && code < exitFound || errs != "" {
				t.Errorf("%s: exit code %d: %s", command, code, errs)
			}
			holds(t, command, shown, out)
		}
	}
	if ran < 3 {
		t.Errorf("%d commands", ran)
	}
}

// holds looks for the shown lines in the printed ones, in their order, with
// nothing in between but where three dots are.
func holds(t *testing.T, command, shown, printed string) {
	t.Helper()
	rest, gap := strings.Split(printed, "\n"), false
	for line := range strings.Lines(shown) {
		line = strings.TrimRight(line, "\n")
		if line == "..." {
			gap = true
			continue
		}
		for gap && len(rest) > 0 && rest[0] != line {
			rest = rest[1:]
		}
		if len(rest) == 0 || rest[0] != line {
			t.Errorf("%s: README shows\n%s\nprinted is\n%s", command, line, printed)
			return
		}
		rest, gap = rest[1:], false
	}
}
