//go:build cgo && unix

// Package e2e runs the whole stack on loopback: the template as it is deployed,
// moto as AWS with IAM switched on, and the compiled function under the
// credentials of its own role. make e2e runs it.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What TestMain makes once, for all tests.
var (
	bootstrap  string // the function as it is deployed, for this machine
	looker     string // the function of the daily look, the same
	announcer  string // and the one that a job of S3 Batch Operations invokes
	sluice     string // the program of a laptop
	translated string // the template as CloudFormation sees it
	python     string
)

func TestMain(m *testing.M) {
	if os.Getenv("SLUICE_E2E") != "1" && os.Getenv("SLUICE_TRINO") != "1" {
		fmt.Println("skipped: make e2e runs the whole stack on loopback; it needs python3 with moto (tools/requirements.txt)")
		os.Exit(0)
	}
	code, err := run(m)
	if err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "sluice-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if python = os.Getenv("PYTHON"); python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import moto, samtranslator, werkzeug").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s has no moto or no SAM translator: %s -m pip install -r tools/requirements.txt\n%s", python, python, out)
	}
	if bootstrap, err = compile(dir, "bootstrap", "functions/ingest"); err != nil {
		return 0, err
	}
	if looker, err = compile(dir, "looker", "functions/coverage"); err != nil {
		return 0, err
	}
	if announcer, err = compile(dir, "announcer", "functions/backfill"); err != nil {
		return 0, err
	}
	if sluice, err = compile(dir, "sluice", "cmd/sluice"); err != nil {
		return 0, err
	}
	translate := exec.Command(python, "../../tools/translate.py", "../../template.yaml")
	translate.Env = append(os.Environ(), "AWS_DEFAULT_REGION=eu-central-1")
	translate.Stderr = os.Stderr
	text, err := translate.Output()
	if err != nil {
		return 0, fmt.Errorf("translate template: %w", err)
	}
	translated = filepath.Join(dir, "translated.json")
	if err := os.WriteFile(translated, text, 0o600); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// compile builds a program as make build-IngestFunction does.
func compile(dir, name, program string, env ...string) (string, error) {
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", out, "../../"+program)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile %s: %w\n%s", program, err, text)
	}
	return out, nil
}
