package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// sluice runs a command line in this process.
func sluice(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return sluiceWith(t, t.Context(), nil, stdin, args...)
}

func sluiceWith(t *testing.T, ctx context.Context, r remote, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(stdin), stdout: screenOf(&out), stderr: screenOf(&errs),
		connect: func(context.Context) (remote, error) {
			if r == nil {
				t.Error("connects to S3 for local files")
			}
			return r, nil
		},
	}
	code = a.run(ctx, args)
	return code, out.String(), errs.String()
}

func wants(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s: no %q in:\n%s", what, p, text)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string // on standard error when code is not 0
	}{
		{"--help", 0, "Exit codes: 0 all done"},
		{"", 0, "convert"},
		{"convert --help", 0, "Exit codes: 0 all converted"},
		{"query --help", 0, "s3_access_logs"},
		{"--version", 0, "sluice "},
		{"--nonsense", 2, "unknown flag --nonsense; see sluice --help"},
		{"convert", 2, "see sluice convert --help"},
		{"rules nonsense", 2, "see sluice rules --help"},
		{"rules show", 2, "see sluice rules show --help"},
		{"convert x --workers=-1", 2, "--workers: how many?"},
		{"convert x --workers -1", 2, "--workers: how many?"},
		{"convert x --workers=many", 2, "--workers: how many?"},
		{"convert x --workers", 2, "--workers: how many?"},
		{"nonsense", 2, "nonsense"},
		{"query", 2, "sluice query --list"},
		{"query nothing-of-the-kind", 2, "there are: acl-required, anonymous"},
		{"query daily -p form=2026-01-01", 2, `no parameter "form"; it has: from, limit, to`},
		{"query daily -p from=yesterday", 2, "is not a day"},
		{"query daily -p from", 2, "from"},
		{"query daily --format xml", 2, "--format"},
		{"inspect", 2, "which line"},
		{"inspect none.txt:x", 2, "is not the number of a line"},
		{"inspect none.txt:7", 1, "none.txt"},
		{"generate --start today", 2, "is not a day"},
		{"generate --scenario none-such", 2, "want all, or some of"},
		{"generate --lines=-1", 2, "negative"},
		{"inspect .", 2, ". is a folder"},
		{"rules explain web_probe .:1", 2, ". is a folder"},
		{"convert none-such -j 2", 1, "none-such"},
		{"convert none-such", 1, "there is no file or folder none-such"},
		{"convert none*such", 1, "no file matches"},
		{"scan", 2, "expected"},
		{"scan --help", 0, "critical (15)"},
		{"scan none-such", 1, "there is no file or folder none-such"},
		{"scan . --min-level grave", 2, `--min-level "grave" is none of informational, low, medium, high, critical`},
		{"scan . --since yesterday", 2, "is neither a day"},
		{"scan . --since 2026-03-02 --until 2026-03-01", 2, "is before"},
		{"rules", 2, "expected one of"},
		{"rules --help", 0, "rules explain"},
		{"rules lint --help", 0, "FILE:LINE: RULE: FIELD"},
		{"convert s3://", 2, "s3://bucket/prefix"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, out, errs := sluice(t, "", strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, c.code, out, errs)
			}
			if c.code == 0 {
				wants(t, "stdout", out, c.want)
			} else {
				wants(t, "stderr", errs, c.want, "sluice: ")
			}
		})
	}
}

func TestErrorsAreClean(t *testing.T) {
	t.Chdir(t.TempDir())
	_, _, errs := sluice(t, "", "convert", "evil\x1b[2J\u202etxt")
	wants(t, "stderr", errs, `evil\x1b[2J\u202etxt`)
	if strings.ContainsRune(errs, 0x1b) {
		t.Errorf("an escape sequence reached the terminal: %q", errs)
	}
}
