package detect_test

import (
	"testing"

	"sluice/internal/detect"
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
