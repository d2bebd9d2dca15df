package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wrote writes files by name, in folders that are made.
func wrote(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLinks holds that a file's rows come once, whatever leads to it, and that
// no link ends or outlives a conversion.
func TestLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	files := accessFiles(t, 2)
	wrote(t, map[string]string{"in/deep/a": files["in/000"], "out/b": files["in/001"], "out/folder/c": files["in/001"]})
	for name, to := range map[string]string{
		"in/again": "deep/a", "in/deep/again": "../again", "in/b": "../out/b", "in/b2": "b",
		"in/dangling": "nowhere", "in/self": "self", "in/x": "y", "in/y": "x", "in/up": "..", "in/folder": "../out/folder",
		"in/below": "deep/a/none",
	} {
		if err := os.Symlink(filepath.FromSlash(to), filepath.FromSlash(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := convert(t, 0, "in", "-o", "lake")
	if r.Converted != 2 || r.Rows != 100 || r.Skipped != 7 || !r.Complete {
		t.Errorf("report: %+v", r)
	}
	whys := map[string]string{}
	for _, f := range r.Skips {
		whys[filepath.Base(f.File)] = f.Reason
	}
	for name, want := range map[string]string{
		"dangling": "a link to what is not there", "self": "a link that leads nowhere", "x": "a link that leads nowhere", "y": "a link that leads nowhere",
		"below": "a link that leads nowhere", "up": "a link to a folder, which is not followed", "folder": "a link to a folder, which is not followed",
	} {
		if whys[name] != want {
			t.Errorf("%s: %q, want %q", name, whys[name], want)
		}
	}
	if r = convert(t, 0, "in/dangling", "in/self", "out", "-o", "named"); r.Converted != 2 || r.Skipped != 2 {
		t.Errorf("links that are named: %+v", r)
	}
	if r = convert(t, 0, "in", "in/*", "in/again", "out/b"); r.AlreadyDone != 2 || r.Converted != 1 { // in/folder is named now
		t.Errorf("by other names: %+v", r)
	}
}

// TestNames holds that files are read or listed whatever they are called.
func TestNames(t *testing.T) {
	t.Chdir(t.TempDir())
	log := accessFiles(t, 4)
	wrote(t, map[string]string{
		"in/_logs/a": log["in/000"], "in/_b": log["in/001"], "in/c/_sluice": log["in/002"], "in/.hidden/a": log["in/003"], "in/.hidden/b": "x", "in/.c": "x",
	})
	if r := convert(t, 0, "in"); r.Converted != 3 || r.Skipped != 2 || r.Skips[0].Reason != "hidden: its name starts with a dot" {
		t.Errorf("report: %+v", r)
	}
	if r := convert(t, 0, "in/.hidden"); r.Converted != 1 || r.Skipped != 1 {
		t.Errorf("a hidden folder that is named: %+v", r)
	}
	wrote(t, map[string]string{"only/.hidden": "x"})
	if r := convert(t, 0, "only"); r.Skipped != 1 || r.Files != 1 {
		t.Errorf("nothing but a hidden file: %+v", r)
	}
}

func TestTouched(t *testing.T) {
	t.Chdir(t.TempDir())
	wrote(t, accessFiles(t, 3))
	if _, _, errs := sluice(t, "", "convert", "in"); errs != "" {
		t.Errorf("stderr %q", errs)
	}
	for _, name := range []string{"in/002", "in/001"} {
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := sluice(t, "", "convert", "in")
	const want = "sluice: warning: converted before with another size or time, so that rows may come twice: 2 files, first in/001\n"
	if code != 0 || errs != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, errs, want)
	}
	if _, _, errs := sluice(t, "", "convert", "in"); errs != "" {
		t.Errorf("once more: stderr %q", errs)
	}
}

// TestLostLedger loses what the lake knows of conversions.
func TestLostLedger(t *testing.T) {
	t.Chdir(t.TempDir())
	wrote(t, accessFiles(t, 3))
	convert(t, 0, "in")
	before := contents(t, "lake")
	for _, paths := range []string{"in", "in/001"} {
		if err := os.RemoveAll("lake/_sluice"); err != nil {
			t.Fatal(err)
		}
		code, out, errs := sluice(t, "", "convert", paths)
		if code != 0 || strings.Contains(errs, "no conversion that it knows") != (paths != "in") {
			t.Errorf("%s: exit code %d\n%s%s", paths, code, out, errs)
		}
		if paths == "in" {
			same(t, contents(t, "lake"), before)
		}
	}
}
