package s3access

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme parses the line that the README shows and holds every column it
// shows against the row.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) string {
		m := regexp.MustCompile("(?s)```" + kind + "\n(.*?)\n```").FindStringSubmatch(string(data))
		if m == nil {
			t.Fatalf("README.md has no block %s", kind)
		}
		return m[1]
	}
	var p parser
	got := rowText(&p, []byte(block("line")))
	for shown := range strings.Lines(block("row")) {
		name, value, _ := strings.Cut(strings.TrimSpace(shown), " ")
		if value = strings.TrimSpace(value); value != "NULL" {
			value = quote(value)
		}
		if got[name] != value {
			t.Errorf("README shows %s = %s, the row has %s", name, value, got[name])
		}
	}
}
