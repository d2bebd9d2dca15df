package awsio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/testaws"
)

// TestConfigRegion: who set no Region is told how, before anything is asked of
// AWS; a profile is as good as the environment.
func TestConfigRegion(t *testing.T) {
	testaws.NewS3(t).Setenv(t)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	file := filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", file) // which is not there yet
	_, err := Connect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no Region is set") || !strings.Contains(err.Error(), "AWS_REGION=") {
		t.Errorf("got %v, want advice", err)
	}
	if err := os.WriteFile(file, []byte("[default]\nregion = eu-north-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := Config(t.Context()); err != nil || cfg.Region != "eu-north-1" {
		t.Errorf("by profile: got %q, %v", cfg.Region, err)
	}
	t.Setenv("AWS_REGION", "eu-central-1")
	if cfg, err := Config(t.Context()); err != nil || cfg.Region != "eu-central-1" {
		t.Errorf("by environment: got %q, %v", cfg.Region, err)
	}
}
