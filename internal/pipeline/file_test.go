package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSkipped(t *testing.T) {
	for _, c := range []struct{ key, content, reason string }{
		{"logs/", "20 1 x\n", "folder"},
		{"empty", "", "empty"},
		{"empty.gz", zipped(t, ""), "empty"},
		{"digest/x", "20 1 x\n", "a digest of said"},
		{"x.parquet", "PAR1\x00\x00", "Parquet"},
		{"x.json", ` {"a":1}`, "JSON"},
		{"x.html", "<html>", "HTML"},
		{"x.zip", "PK\x03\x04", "ZIP"},
		{"x.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"},
		{"x.jpg", "\xff\xd8\xff\x00", "image"},
		{"x.zst", "\x28\xb5\x2f\xfd", "zstd"},
		{"x.xz", "\xfd7zXZ\x00\x00", "xz compressed"},
		{"x.tar", "logs/a" + strings.Repeat("\x00", 94) + "0000644\x00" + strings.Repeat("\x00", 149) + "ustar\x0000" + strings.Repeat("\x00", 247), "tar archive: unpack"},
		{"x.utf16", "\xff\xfe2\x000\x00", "UTF-16"},
		{"x.bin", "\x00\x01\x02", "binary"},
		{"x.latin", "\xfc\xfe\xff\xfc", "binary"},
		{"x.txt", "Hello,\nworld\n", "text of no format"},
		{"blank", "\n\n", "blank"},
		{"twice.gz", zipped(t, zipped(t, "20 1 x\n")), "gzip inside gzip"},
	} {
		p := newPipeline(t)
		l := lake{}
		f := run(t, p, &l, source{c.key: text(c.content)}, c.key).Files[0]
		if f.Outcome != Skipped || !strings.Contains(f.Reason, c.reason) || f.Format != "" {
			t.Errorf("%s: %v, reason %q, format %q", c.key, f.Outcome, f.Reason, f.Format)
		}
		if c := l.commits; len(c) != 1 || len(c[0].Files) != 1 || len(c[0].Objects) > 0 {
			t.Errorf("%s: committed %+v", f.Object.Key, c)
		}
	}
}

func TestSkippedUnread(t *testing.T) {
	p := newPipeline(t)
	never := source{} // opening anything panics
	objs := []Object{{Key: "zero", Size: 0}, {Key: "dir/", Size: -1}}
	res, err := p.Run(t.Context(), never, &lake{t: t}, objs)
	if err != nil || res.Batch != "" {
		t.Fatal(res, err)
	}
	for _, f := range res.Files {
		if f.Outcome != Skipped || f.Reason == "" {
			t.Errorf("%+v", f)
		}
	}
}

// TestBrokenFileAlone breaks a file in every way it can break, between two
// that are sound.
func TestBrokenFileAlone(t *testing.T) {
	broken := errors.New("line went dead")
	long := strings.Repeat("20 1 some words that fill pages\n", 9000) + "20 ?\n"
	gz := zipped(t, long)
	bad := func(s string) string { return s[:len(s)-8] + "\x00\x00\x00\x00" + s[len(s)-4:] }
	dies := func(s string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(s), iotest.ErrReader(broken))), nil
		}
	}
	for _, c := range []struct {
		name string
		open func() (io.ReadCloser, error)
		size int64
		want string
	}{
		{"not there", func() (io.ReadCloser, error) { return nil, os.ErrNotExist }, -1, "open broken: file does not exist"},
		{"dies at once", dies(""), -1, "line went dead"},
		{"dies in the head", dies("20 1 x\n"), -1, "line went dead"},
		{"dies later", dies(long), -1, "line went dead"},
		{"dies zipped", dies(gz[:len(gz)/2]), -1, "line went dead"},
		{"zip header cut", text(gz[:5]), -1, "unzip: unexpected EOF"},
		{"zip cut in the head", text(gz[:40]), -1, "unzip: unexpected EOF"},
		{"zip cut in the checksum", text(gz[:len(gz)-3]), -1, "unzip: unexpected EOF"},
		{"zip checksum wrong", text(bad(gz)), -1, "unzip: gzip: invalid checksum"},
		{"small zip checksum wrong", text(bad(zipped(t, "20 1 x\n"))), -1, "unzip: gzip: invalid checksum"},
		{"rubbish behind the zip", text(gz + "rubbish in the bucket"), -1, "unzip: bytes follow the last gzip member"},
		{"one byte behind the zip", text(gz + "\n"), -1, "unzip: bytes follow the last gzip member"},
		{"zeros behind the zip", text(gz + "\x00\x00\x00"), -1, "unzip: bytes follow the last gzip member"},
		{"rubbish behind two members", text(gz + gz + "x"), -1, "unzip: bytes follow the last gzip member"},
		{"dies behind the zip", dies(gz), -1, "line went dead"},
		{"second member cut in its first bytes", text(gz + gz[:2]), -1, "unzip: unexpected EOF"},
		{"second member cut", text(gz + gz[:99]), -1, "unzip: unexpected EOF"},
		{"short", text("20 1 x\n"), 8, "short read: 7 of 8 bytes"},
		{"long", text("20 1 x\n"), 6, "short read: 7 of 6 bytes"},
		{"zip short", text(gz), int64(len(gz)) + 1, "short read"},
		{"line lost", text("20 1 x\n20 lost\n20 ?\n"), -1, "1 of 3 lines are neither row nor reject"},
		{"row no table can hold", text("20 1 x\n20 9999999 x\n"), -1, "has no date"},
		{"reader stops early", text("20 1 x\n20 stop\n" + long), -1, "left unread"},
		{"parser panics", text("20 1 x\n20 ?\n20 panic\n"), -1, "BUG: panic: no such word (in sluice/internal/pipeline.one, line "},
		{"source panics", func() (io.ReadCloser, error) { return io.NopCloser(nil), nil }, -1, "BUG: panic: runtime error: invalid memory address"},
		{"close fails", func() (io.ReadCloser, error) {
			return struct {
				io.Reader
				badCloser
			}{strings.NewReader("20 1 x\n"), badCloser{broken}}, nil
		}, -1, "read broken: line went dead"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPipeline(t)
			l := lake{t: t}
			src := source{"a": text("20 1 a\n20 ?\n"), "broken": c.open, "z": text("20 1 z\n")}
			objs := []Object{object("a"), object("broken"), object("z")}
			objs[1].Size = c.size
			res, err := p.Run(t.Context(), src, &l, objs)
			if err != nil {
				t.Fatal(err)
			}
			f := res.Files[1]
			if f.Outcome != Failed || f.Err == nil || !strings.Contains(f.Err.Error(), c.want) {
				t.Errorf("%v, error %v, want one with %q", f.Outcome, f.Err, c.want)
			}
			if f.Rows != 0 || f.Rejected != 0 || f.Reasons != nil || f.Ambiguous != 0 {
				t.Errorf("a failed file counts %+v", f)
			}
			if got, want := l.rows["said"], []string{"86400000|20 1 a|a", "86400000|20 1 z|z"}; !slices.Equal(got, want) {
				t.Errorf("rows %q, want %q", got, want)
			}
			if got := l.rows["rejected"]; len(got) != 1 {
				t.Errorf("rejected %q", got)
			}
			if c := l.commits[0]; len(c.Files) != 3 || c.Files[1].Outcome != Failed || res.Batch != c.Batch || l.open != 0 {
				t.Errorf("batch %s of %v, %d open", res.Batch, c.Files, l.open)
			}
		})
	}
}

type badCloser struct{ err error }

func (c badCloser) Close() error { return c.err }

// TestCutAnywhere cuts a zipped file at every byte: nothing of it may be seen.
func TestCutAnywhere(t *testing.T) { everyWay(t, testCutAnywhere) }

func testCutAnywhere(t *testing.T, p *Pipeline) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "20 %d line %x\n", i%3, i*i*7919)
	}
	gz := zipped(t, b.String())
	for n := 1; n < len(gz); n++ {
		l := lake{}
		f := run(t, p, &l, source{"a": text(gz[:n])}, "a").Files[0]
		if f.Outcome != Failed || len(l.rows) > 0 {
			t.Fatalf("cut at %d of %d: %v, rows %q", n, len(gz), f.Outcome, l.rows)
		}
	}
	l := lake{}
	if f := run(t, p, &l, source{"a": text(gz)}, "a").Files[0]; f.Outcome != Converted || f.Rows != 200 {
		t.Fatalf("whole: %+v", f)
	}
}
