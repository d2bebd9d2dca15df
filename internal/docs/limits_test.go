package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWrittenDocuments: what stands in for an answer of AWS is on the page that
// says so, and the page names nothing that is not there.
func TestWrittenDocuments(t *testing.T) {
	page := read(t, "docs/limits.md")
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(internal/[^`]+)` \\|").FindAllStringSubmatch(page, -1) {
		found, err := filepath.Glob(root + m[1])
		if err != nil || len(found) == 0 {
			t.Errorf("docs/limits.md names %s, and there is no such file: %v", m[1], err)
		}
		named = append(named, found...)
	}
	for _, pattern := range []string{"internal/awsio/testdata/*", "internal/backfill/testdata/*"} {
		files, err := filepath.Glob(root + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			if !slices.Contains(named, f) && !strings.HasSuffix(f, ".md") {
				t.Errorf("docs/limits.md does not say where %s comes from", strings.TrimPrefix(f, root))
			}
		}
	}
}
