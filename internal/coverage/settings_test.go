package coverage

import (
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	env := map[string]string{"SLUICE_LOG_BUCKET": "logs", "SLUICE_TRAIL_BUCKET": "trail", "SLUICE_SILENCE_HOURS": "48"}
	s, err := Load(func(name string) string { return env[name] })
	if err != nil || s.Silence != 48*time.Hour || len(s.Keeps("lake")) != 3 || s.Converted()[0] != "logs" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := Load(func(name string) string { return map[string]string{"SLUICE_LOG_BUCKET": "logs"}[name] }); err != nil || s.Silence != DefaultSilence || len(s.Keeps("")) != 1 {
		t.Errorf("defaults: %+v, %v", s, err)
	}
}

func TestLoadHours(t *testing.T) {
	for text, ok := range map[string]bool{"1": true, "720": true, "0": false, "-3": false, "721": false, "1.5": false} {
		_, err := Load(func(name string) string {
			return map[string]string{"SLUICE_LOG_BUCKET": "logs", "SLUICE_SILENCE_HOURS": text}[name]
		})
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLoadReportsAllFaults(t *testing.T) {
	env := map[string]string{"SLUICE_TRAIL_BUCKET": "s3://trail", "SLUICE_SILENCE_HOURS": "soon"}
	_, err := Load(func(name string) string { return env[name] })
	for name := range map[string]bool{"SLUICE_LOG_BUCKET": true, "SLUICE_TRAIL_BUCKET": true, "SLUICE_SILENCE_HOURS": true} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}
