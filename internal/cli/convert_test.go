package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// generated makes a folder of logs and goes to where it is.
func generated(t *testing.T) *generate.Truth {
	t.Helper()
	t.Chdir(t.TempDir())
	code, out, errs := sluice(t, "", "generate", "--lines", "3000", "--events", "300", "--days", "2")
	if code != 0 {
		t.Fatal(out, errs)
	}
	wants(t, "generate", out, "S3 access logs", "CloudTrail", "forged-lines", "Next: sluice convert logs")
	b, err := os.ReadFile(filepath.Join("logs", generate.TruthFile))
	if err != nil {
		t.Fatal(err)
	}
	var truth generate.Truth
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	return &truth
}

func convert(t *testing.T, wantCode int, args ...string) report {
	t.Helper()
	code, out, errs := sluice(t, "", append([]string{"convert", "--json"}, args...)...)
	if code != wantCode {
		t.Fatalf("exit code %d, want %d\n%s%s", code, wantCode, out, errs)
	}
	return parse(t, out)
}

func parse(t *testing.T, out string) (r report) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("report: %v\n%s", err, out)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("more than one document:\n%s", out)
	}
	if sum := r.Converted + r.AlreadyDone + r.Skipped + r.Failed + r.NotReached; sum != r.Files {
		t.Errorf("%d files, and the parts are %d", r.Files, sum)
	}
	if r.Unaccounted != 0 || r.Lines != r.Rows+r.Rejected {
		t.Errorf("lines %d, rows %d, rejected %d, unaccounted %d", r.Lines, r.Rows, r.Rejected, r.Unaccounted)
	}
	return r
}

// contents reads the visible objects of a lake.
func contents(t *testing.T, lake string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(lake, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), "_") {
			return fs.SkipDir
		}
		if e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(p)
		m[strings.TrimPrefix(p, lake)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %d bytes, want %d", name, len(got[name]), len(want[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: not wanted", name)
		}
	}
}

func TestConvert(t *testing.T) {
	truth := generated(t)
	r := convert(t, 0, "logs")
	access, trail := truth.Access, truth.CloudTrail
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"converted", r.Converted, access.Files + trail.Files},
		{"skipped", r.Skipped, truth.Skipped + 1}, // the truth itself
		{"lines", r.Lines, access.Lines + trail.Lines},
		{"rows", r.Rows, access.Rows + trail.Rows},
		{"rejected", r.Rejected, access.Rejected + trail.Rejected},
		{"ambiguous", r.Ambiguous, access.Ambiguous + trail.Ambiguous},
		{"bytes in", r.BytesIn, access.Bytes + trail.Bytes},
		{"failed", r.Failed, 0},
		{"already done", r.AlreadyDone, 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	for _, x := range r.Tables {
		want := map[string]generate.Table{"s3_access_logs": access, "cloudtrail_events": trail}[x.Name]
		if x.Name != "rejected" && (x.Rows != want.Rows || x.Days != len(want.RowsByDay)) {
			t.Errorf("%s: %d rows on %d days, want %d on %d", x.Name, x.Rows, x.Days, want.Rows, len(want.RowsByDay))
		}
	}
	if !r.Complete || len(r.Tables) != 3 || len(r.Skips) != int(r.Skipped) || r.BytesOut == 0 {
		t.Errorf("report: %+v", r)
	}
	before := contents(t, "lake")

	again := convert(t, 0, "logs")
	if again.AlreadyDone != r.Converted || again.Converted != 0 || again.Skipped != r.Skipped || again.Lines != 0 {
		t.Errorf("again: %+v", again)
	}
	elsewhere, err := filepath.Abs("logs")
	if err != nil {
		t.Fatal(err)
	}
	if again = convert(t, 0, elsewhere, "logs/*", "./logs/."); again.AlreadyDone != r.Converted {
		t.Errorf("by other names: %+v", again)
	}
	same(t, contents(t, "lake"), before)

	code, out, errs := sluice(t, "", "convert", "logs", "-o", "other")
	if code != 0 || errs != "" {
		t.Errorf("exit code %d, stderr %q", code, errs)
	}
	wants(t, "report", out, "Skipped", "digest", "Rejected records", "converted", "ambiguous", "Written to the lake in other", "s3_access_logs", "--lake other")
	if strings.Contains(out, "unaccounted") {
		t.Errorf("unaccounted is shown:\n%s", out)
	}
	same(t, contents(t, "other"), before)
}

// TestRejectReasons holds the counts of reasons, in the report and for a person,
// against files whose faults are known.
func TestRejectReasons(t *testing.T) {
	t.Chdir(t.TempDir())
	good := accessFiles(t, 1)["in/000"]
	first, _, _ := strings.Cut(good, "\n")
	files := map[string]string{
		"in/short": good + "a b [02/Mar/2026:00:00:00 +0000] 192.0.2.1\n" + "too few\n",
		"in/time":  strings.Replace(first, "/Mar/", "/Mer/", 1) + "\n" + good + "too few\n",
		"in/whole": good,
		"in/trail": `{"Records":[{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1"}]}`,
	}
	for i := range 9 {
		files[fmt.Sprintf("in/short%d", i)] = good + "too few\n"
	}
	for name, text := range files {
		if err := errors.Join(os.MkdirAll("in", 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	r := convert(t, 0, "in", "-o", "first")
	want := []reasons{{"s3_access_logs", "too_few_fields", 12}, {"cloudtrail_events", "no_event_time", 1}, {"s3_access_logs", "bad_time", 1}}
	if !slices.Equal(r.Reasons, want) || r.Rejected != 14 {
		t.Errorf("%d rejected: %v, want %v", r.Rejected, r.Reasons, want)
	}
	byFile := map[string]map[logs.Reason]int64{}
	for _, f := range r.Rejects {
		byFile[filepath.Base(f.File)] = f.Reasons
	}
	if len(byFile) != 12 || !maps.Equal(byFile["time"], map[logs.Reason]int64{"bad_time": 1, "too_few_fields": 1}) || byFile["short"]["too_few_fields"] != 2 {
		t.Errorf("by file: %v", byFile)
	}
	_, out, _ := sluice(t, "", "convert", "in")
	wants(t, "report", out, `Rejected records (sluice query rejects tells more)
  12 records: too_few_fields (s3_access_logs)
    short
    short0
    short1
    and 8 more files (--json lists all)
  1 record: no_event_time (cloudtrail_events)
    trail
  1 record: bad_time (s3_access_logs)
    time

`)
	if r = convert(t, 0, "in/whole", "-o", "third"); r.Reasons == nil || len(r.Reasons) != 0 {
		t.Errorf("nothing is rejected: %v", r.Reasons)
	}
}

// TestShortNames holds how files are named for a person.
func TestShortNames(t *testing.T) {
	t.Chdir(t.TempDir())
	wd, err := filepath.EvalSymlinks(".")
	if err == nil {
		wd, err = filepath.Abs(wd)
	}
	if err = errors.Join(err, os.MkdirAll("a/b", 0o755), os.WriteFile("a/f", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths      []string
		file, want string
	}{
		{[]string{"a"}, wd + "/a/b/f", "b/f"},
		{[]string{"a/b/.."}, wd + "/a/b/f", "b/f"},
		{[]string{"a", "a/b"}, wd + "/a/b/f", "a/b/f"},
		{[]string{"a/f"}, wd + "/a/f", "a/f"},
		{[]string{"a/*"}, wd + "/a/b/f", "a/b/f"},
		{[]string{"/"}, "/elsewhere/f", "elsewhere/f"},
		{[]string{"a"}, "/elsewhere/f", "/elsewhere/f"},
		{[]string{"-"}, "stdin/0123", "stdin/0123"},
		{[]string{"s3://logs"}, "s3://logs/in/f", "in/f"},
		{[]string{"s3://logs/in/2026-"}, "s3://logs/in/2026-03", "2026-03"},
	} {
		r := report{below: below(c.paths)}
		if got := r.short(c.file); got != c.want {
			t.Errorf("%q below %q: %q, want %q", c.file, c.paths, got, c.want)
		}
	}
}

// TestJunk points sluice at a folder that holds all sorts of things.
func TestJunk(t *testing.T) {
	generated(t)
	good := convert(t, 0, "logs")
	for name, content := range map[string]string{
		"notes.md": "# Notes\n", "empty": "", "photo.jpg": "\xff\xd8\xff\x00\x01", ".hidden": "x", ".git/config": "x", ".git/HEAD": "x",
		"cut.gz": "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc", "evil\x1b[2J.txt": "hello\n",
		"_sluice/commits/x.json": "{}", "_sluice/lock": "", "lake2/s3_access_logs/x": "x",
	} {
		p := filepath.Join("logs", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/nowhere/at/all", "logs/dangling"); err != nil {
		t.Fatal(err)
	}
	r := convert(t, exitPartial, "logs", "-o", "logs/lake2")
	if r.Converted != good.Converted || r.Rows != good.Rows || r.Skipped != good.Skipped+8 || r.Failed != 1 || r.Complete {
		t.Errorf("report: %+v\n%v\n%v", r, r.Skips, r.Failures)
	}
	code, out, errs := sluice(t, "", "convert", "logs", "-o", "logs/lake2")
	if code != exitPartial {
		t.Errorf("exit code %d", code)
	}
	wants(t, "stderr", errs, "1 file could not be read; the same command again tries it")
	wants(t, "stdout", out, "Failed: nothing of them is in the lake", "unzip", "\n    cut.gz\n", ": text of no format", "hidden", "\n    .git\n",
		"1 file: what sluice knows of a lake\n    _sluice\n", "1 file: a link to what is not there\n    dangling\n", "\n    evil\\x1b[2J.txt\n")
	if err := os.Remove("logs/cut.gz"); err != nil {
		t.Fatal(err)
	}
	convert(t, 0, "logs", "-o", "logs/lake2")
}

func TestNothingReadable(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("cut.gz", []byte("\x1f\x8b\x08\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := convert(t, exitError, "cut.gz"); r.Error != "no file could be read" || r.Failed != 1 {
		t.Errorf("report: %+v", r)
	}
	if err := os.Mkdir("nothing", 0o755); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := sluice(t, "", "convert", "nothing"); code != exitError {
		t.Errorf("empty folder: %d %s", code, errs)
	}
}

func TestStandardInput(t *testing.T) {
	generated(t)
	var line string
	err := filepath.WalkDir("logs/access", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		line = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := int64(strings.Count(line, "\n"))
	stdin := func(text string) report {
		code, out, errs := sluice(t, text, "convert", "--json", "-")
		if code != 0 {
			t.Fatal(code, out, errs)
		}
		return parse(t, out)
	}
	if r := stdin(line); r.Converted != 1 || r.Lines != lines {
		t.Errorf("first: %+v", r)
	}
	if r := stdin(line); r.AlreadyDone != 1 || r.Lines != 0 {
		t.Errorf("the same again: %+v", r)
	}
	if r := stdin(line + line); r.Converted != 1 || r.Lines != 2*lines {
		t.Errorf("other input: %+v", r)
	}
}

func TestLockedLake(t *testing.T) {
	generated(t)
	convert(t, 0, "logs")
	lock, err := os.ReadDir("lake/_sluice")
	if err != nil || len(lock) == 0 {
		t.Fatal(lock, err)
	}
	slow := &bucket{files: map[string]string{"a": "x"}, open: func(string) error {
		if code, _, errs := sluice(t, "", "convert", "logs"); code != exitError || !strings.HasSuffix(errs, "another sluice is writing to it; wait until that is done, or write to another lake\n") {
			t.Errorf("second writer: %d %s", code, errs)
		}
		return nil
	}}
	sluiceWith(t, t.Context(), slow, "", "convert", "s3://b/")
}

// bucket is a remote with files in memory. Sizes are not told, so each file is
// a batch of its own.
type bucket struct {
	files map[string]string
	open  func(key string) error
}

func (b *bucket) List(_ context.Context, name, prefix string) iter.Seq2[pipeline.Object, error] {
	return func(yield func(pipeline.Object, error) bool) {
		for key, text := range b.files {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			if text == "list breaks off" {
				yield(pipeline.Object{}, errors.New("list breaks off"))
				return
			}
			if !yield(pipeline.Object{Bucket: name, Key: key, Version: "1", Size: -1}, nil) {
				return
			}
		}
	}
}

func (b *bucket) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	if b.open != nil {
		if err := b.open(o.Key); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(strings.NewReader(b.files[o.Key])), nil
}

func accessFiles(t *testing.T, n int) map[string]string {
	t.Helper()
	files := map[string]string{}
	for i := range n {
		var b strings.Builder
		if err := generate.Lines(&b, int64(i), 50); err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("in/%03d", i)] = b.String()
	}
	return files
}

// TestInterrupt ends a conversion in the middle, at every file in turn, and
// runs it again: the lake is the one of a run that was not interrupted.
func TestInterrupt(t *testing.T) {
	t.Chdir(t.TempDir())
	files := accessFiles(t, 6)
	code, out, errs := sluiceWith(t, t.Context(), &bucket{files: files}, "", "convert", "--json", "s3://logs/in/", "-o", "whole")
	if code != 0 {
		t.Fatal(out, errs)
	}
	whole := parse(t, out)
	if whole.Converted != 6 || whole.Lines != 300 {
		t.Fatalf("report: %+v", whole)
	}
	want := contents(t, "whole")
	for stop := range 6 {
		lake := fmt.Sprintf("lake%d", stop)
		ctx, cancel := context.WithCancel(t.Context())
		opened := 0
		breaking := &bucket{files: files, open: func(string) error {
			if opened++; opened > stop {
				cancel()
			}
			return nil
		}}
		code, out, errs := sluiceWith(t, ctx, breaking, "", "convert", "--json", "--workers=1", "s3://logs/in/", "-o", lake)
		r := parse(t, out)
		if code != exitError || r.Complete || r.Converted != int64(stop) || r.NotReached != int64(6-stop) {
			t.Errorf("stopped at %d: exit code %d, %+v", stop, code, r)
		}
		wants(t, "stderr", errs, "interrupted", "the same command again continues")
		code, out, errs = sluiceWith(t, t.Context(), &bucket{files: files}, "", "convert", "--json", "--workers=3", "s3://logs/in/", "-o", lake)
		if r := parse(t, out); code != 0 || r.AlreadyDone != int64(stop) || r.Converted != int64(6-stop) {
			t.Errorf("continued at %d: %+v %s", stop, r, errs)
		}
		same(t, contents(t, lake), want)
	}
}

func TestRemote(t *testing.T) {
	t.Chdir(t.TempDir())
	files := accessFiles(t, 2)
	files["in/denied"] = "x"
	b := &bucket{files: files, open: func(key string) error {
		if key == "in/denied" {
			return errors.New("access denied")
		}
		return nil
	}}
	code, out, errs := sluiceWith(t, t.Context(), b, "", "convert", "s3://logs/in/")
	if code != exitPartial {
		t.Errorf("exit code %d", code)
	}
	wants(t, "stdout", out, "1 file: access denied", "\n    denied\n")
	wants(t, "stderr", errs, "1 file could not be read; the same command again tries it")

	b.files["in/list"] = "list breaks off"
	if code, _, errs := sluiceWith(t, t.Context(), b, "", "convert", "s3://logs/in/", "-o", "other"); code != exitError || !strings.Contains(errs, "list breaks off") {
		t.Errorf("half a list: %d %s", code, errs)
	}
	if _, err := os.Stat("other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a list made a lake: %v", err)
	}
}

// TestProgress holds that a terminal sees how far things are.
func TestProgress(t *testing.T) {
	generated(t)
	var out, errs bytes.Buffer
	a := &app{stdout: screenOf(&out), stderr: screen{Writer: &errs, terminal: true, redraws: true, width: 100}}
	for _, args := range []string{"generate more --lines 500 --events 0", "convert more"} {
		errs.Reset()
		if code := a.run(t.Context(), strings.Fields(args)); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", args, code, errs.String())
		}
		wants(t, args, errs.String(), "%", "lines")
		if !strings.HasSuffix(errs.String(), "\r") && !strings.HasSuffix(errs.String(), "\x1b[2K\r") && !strings.HasSuffix(errs.String(), "\x1b[0K") {
			t.Errorf("%s: the bar is left behind: %q", args, errs.String()[max(0, errs.Len()-80):])
		}
	}
	wants(t, "report", out.String(), "Written to the lake in lake", "Next: sluice query --list\n")

	// A terminal that only types, TERM=dumb, is spared what moves.
	a.stderr.redraws = false
	errs.Reset()
	for _, args := range []string{"generate again --lines 500 --events 0", "convert again", "scan again --exit-zero", "report -o r.html"} {
		if code := a.run(t.Context(), strings.Fields(args)); code != 0 {
			t.Fatalf("%s: exit code %d\n%s", args, code, errs.String())
		}
	}
	if strings.ContainsAny(errs.String(), "\r\x1b%") {
		t.Errorf("a dumb terminal is given %q", errs.String())
	}
}

func TestGenerateInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	code, out, errs := sluiceWith(t, ctx, nil, "", "generate", "logs", "--lines", "3000")
	if code != exitError || out != "" || !strings.Contains(errs, "interrupted; the same command again") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs = sluice(t, "", "generate", "logs", "--lines", "3000"); code != 0 {
		t.Errorf("again: exit code %d\n%s", code, errs)
	}
}
