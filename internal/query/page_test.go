//go:build cgo

package query_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/query"
)

// TestQueriesPage: the page shows the queries as they are. After a change to
// one, make generate writes it again.
func TestQueriesPage(t *testing.T) {
	const file = "../../docs/queries.md"
	want, err := query.Page()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(is) != want {
		t.Errorf("%s is not what the queries say; run make generate:\n%s",
			file, cmp.Diff(strings.Split(string(is), "\n"), strings.Split(want, "\n")))
	}
	for _, q := range must(query.All()) {
		for _, part := range []string{"\n### " + q.Name + "\n", q.Title, q.SQL} {
			if !strings.Contains(want, part) {
				t.Errorf("%s: the page lacks %q", q.Name, part)
			}
		}
	}
}
