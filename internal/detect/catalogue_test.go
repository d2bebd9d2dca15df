package detect_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

var updateCatalogue = flag.Bool("update-catalogue", false, "rewrite testdata/cross.golden and the generated parts of docs/rules.md")

func TestTheCatalogueLoads(t *testing.T) {
	rules, problems := detect.Load(detect.Options{Site: detect.ExampleSite()})
	for _, p := range problems {
		t.Error(p)
	}
	for _, idle := range rules.Set.Idle {
		t.Errorf("%s is idle: %s", idle.About.Called(), idle.Reason)
	}
}

// Without a site file the shipped rules load too; those that ask about the site
// are idle.
func TestTheCatalogueLoadsWithoutASite(t *testing.T) {
	rules, problems := detect.Load(detect.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	for _, idle := range rules.Set.Idle {
		if len(idle.About.Sluice.Requires) == 0 {
			t.Errorf("%s is idle: %s", idle.About.Called(), idle.Reason)
		}
	}
	if len(rules.Set.Idle) == 0 {
		t.Error("no rule is idle, though some require values of a site")
	}
}

func shippedDocuments(r *detect.Rules) []*sigma.About {
	var all []*sigma.About
	for _, d := range r.Set.Rules {
		all = append(all, &d.About)
	}
	for _, d := range r.Set.Correlations {
		all = append(all, &d.About)
	}
	return all
}

func TestEveryRuleDoesWhatItsExamplesSay(t *testing.T) {
	o := detect.Options{Site: detect.ExampleSite()}
	verdicts, _ := detect.Try(t.Context(), o)
	type have struct{ hits, misses int }
	count := map[string]have{}
	for _, v := range verdicts {
		h := count[v.About.ID]
		if v.Example.Hit {
			h.hits++
		} else {
			h.misses++
		}
		count[v.About.ID] = h
		if !v.OK() {
			t.Errorf("%s, line %d: hit %v, matched %v, error %v", v.About.File, v.Example.Line, v.Example.Hit, v.Matched, v.Err)
		}
	}
	rules, _ := detect.Load(o)
	for _, about := range shippedDocuments(rules) {
		if h := count[about.ID]; h.hits == 0 || h.misses == 0 {
			t.Errorf("%s has %d hits and %d misses: want one of each at least", about.File, h.hits, h.misses)
		}
	}
}

// A rule that does not do what its examples say is told, or Try proves nothing.
func TestTryTellsARuleThatDoesNotDoWhatItSays(t *testing.T) {
	line := strings.TrimSpace(firstExample(t, "anonymous_read"))
	doc := func(status int, hit string) []sigma.Source {
		return []sigma.Source{{Name: "own.yml", Text: fmt.Appendf(nil, "title: T\nname: own\nlogsource: {product: aws, service: s3_server_access}\n"+
			"detection: {sel: {http_status: %d}, condition: sel}\nsluice:\n  hits:\n    - '%s'\n", status, hit)}}
	}
	for _, c := range []struct {
		name string
		docs []sigma.Source
		ok   bool
		err  bool
	}{
		{"matches", doc(200, line), true, false},
		{"does not match", doc(404, line), false, false},
		{"is no record", doc(200, "some text"), false, true},
	} {
		verdicts, problems := detect.Try(t.Context(), detect.Options{NoShipped: true, User: c.docs})
		if len(problems) > 0 || len(verdicts) != 1 {
			t.Fatalf("%s: verdicts %v, problems %v", c.name, verdicts, problems)
		}
		if v := verdicts[0]; v.OK() != c.ok || (v.Err != nil) != c.err {
			t.Errorf("%s: ok %v, error %v", c.name, v.OK(), v.Err)
		}
	}
}

func firstExample(t *testing.T, name string) string {
	t.Helper()
	rules, _ := detect.Load(detect.Options{})
	for _, d := range shippedDocuments(rules) {
		if d.Name == name {
			examples, err := detect.Examples(d)
			if err != nil || len(examples) == 0 {
				t.Fatalf("%s: %d examples, error %v", name, len(examples), err)
			}
			return examples[0].Steps[0].Record
		}
	}
	t.Fatalf("no rule %s", name)
	return ""
}

// TestHitsOfEachRuleAgainstAll keeps a list of every rule that matches an example
// of another, so that a change which makes a rule match more is seen in review.
func TestHitsOfEachRuleAgainstAll(t *testing.T) {
	crossings, err := detect.Cross(t.Context(), detect.Options{Site: detect.ExampleSite()})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# rule, example: the rules that match it (of a run: the correlations that find something), by the shipped examples.\n")
	b.WriteString("# Written by make generate; read the difference in review.\n")
	for _, c := range crossings {
		fmt.Fprintf(&b, "%s %d: %s\n", c.About.Name, c.Example.Number, strings.Join(c.Matched, " "))
	}
	golden := filepath.Join("testdata", "cross.golden")
	if *updateCatalogue {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, old := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(old)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(old) {
			w = old[i]
		}
		if g != w {
			t.Fatalf("line %d of %s:\ngot  %s\nwant %s\nmake generate writes it anew", i+1, golden, g, w)
		}
	}
}
