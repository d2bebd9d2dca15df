package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the pages for people, by path from the root.
func pages(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(root + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(filepath.ToSlash(f), root)))
		}
	}
	if !slices.Contains(names, "docs/tables.md") {
		t.Fatalf("found only %v: looking in the wrong place", names)
	}
	return names
}

// link is the target of [text](target) that is no address on the web.
var link = regexp.MustCompile(`\]\(([^)\s:]+)\)`)

// TestLinksResolve: every relative link leads to a file that is there, and to a
// heading in it where one is named.
func TestLinksResolve(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(prose(read(t, page)), -1) {
			file, heading, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(root + target); err != nil {
				t.Errorf("%s: link to %s: %v", page, m[1], err)
				continue
			}
			if heading != "" && !slices.Contains(headings(read(t, target)), heading) {
				t.Errorf("%s: link to %s: no such heading in %s", page, m[1], target)
			}
		}
	}
}

// TestMakeTargetsExist: what the pages tell people to type is in the Makefile.
func TestMakeTargetsExist(t *testing.T) {
	makefile := "\n" + read(t, "Makefile")
	for _, page := range pages(t) {
		for _, target := range makeTargets(read(t, page)) {
			if !strings.Contains(makefile, "\n"+target+":") {
				t.Errorf("%s says make %s, which is not in the Makefile", page, target)
			}
		}
	}
}

func TestPagesAreRead(t *testing.T) {
	const page = "# One `two`, three\n`make a` and make no-code\n```sh\nmake b  # c\n# no heading\n[x](in code)\n```\n## A\n## A\n"
	if got, want := headings(page), []string{"one-two-three", "a", "a-1"}; !slices.Equal(got, want) {
		t.Errorf("headings: got %q, want %q", got, want)
	}
	if got, want := makeTargets(page), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("make targets: got %q, want %q", got, want)
	}
	if got := link.FindAllString(prose(page), -1); got != nil {
		t.Errorf("links: got %q in a block of code, want none", got)
	}
}

// split tells the lines of a page apart: prose, and blocks of code.
func split(page string) (text, code []string) {
	fenced := false
	for l := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(l), "```"):
			fenced = !fenced
		case fenced:
			code = append(code, l)
		default:
			text = append(text, l)
		}
	}
	return text, code
}

func prose(page string) string {
	text, _ := split(page)
	return strings.Join(text, "")
}

var (
	makeInLine = regexp.MustCompile("`make ([a-zA-Z][a-zA-Z0-9-]*)")
	makeInCode = regexp.MustCompile(`(?m)^\s*(?:\$ )?make ([a-zA-Z][a-zA-Z0-9-]*)`)
)

func makeTargets(page string) []string {
	text, code := split(page)
	var targets []string
	for _, m := range makeInLine.FindAllStringSubmatch(strings.Join(text, ""), -1) {
		targets = append(targets, m[1])
	}
	for _, m := range makeInCode.FindAllStringSubmatch(strings.Join(code, ""), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

var noAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// headings gives the anchors of a page's headings in the way of GitHub.
func headings(page string) []string {
	var anchors []string
	text, _ := split(page)
	seen := map[string]int{}
	for _, l := range text {
		title := strings.TrimLeft(l, "#")
		if title == l || !strings.HasPrefix(title, " ") {
			continue
		}
		a := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
		n := seen[a]
		seen[a]++
		if n > 0 {
			a += "-" + string(rune('0'+n))
		}
		anchors = append(anchors, a)
	}
	return anchors
}
