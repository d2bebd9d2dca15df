package detect_test

import (
	"testing"

	"sluice/internal/detect"
	"sluice/internal/sigma"
)

func TestTheCatalogueLoads(t *testing.T) {
	rules, problems := detect.Load(detect.Options{Site: detect.ExampleSite()})
	for _, p := range problems {
		t.Error(p)
	}
	for _, idle := range rules.Set.Idle {
		t.Errorf("%s is idle: %s", idle.About.Called(), idle.Reason)
	}
}

func documents(r *detect.Rules) []*sigma.About {
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
	for _, about := range documents(rules) {
		if h := count[about.ID]; h.hits == 0 || h.misses == 0 {
			t.Errorf("%s has %d hits and %d misses: want one of each at least", about.File, h.hits, h.misses)
		}
	}
}
