package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const (
	plainLine = `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be kettle-photos [22/Nov/2026:08:15:30 +0000] 192.0.2.7 arn:aws:iam::111122223333:user/ann 3E57427F3EXAMPLE REST.GET.OBJECT a%2520b.png "GET /a%20b.png HTTP/1.1" 200 - 113 113 7 6 "-" "aws-cli/2.15.30" - s9lzHYrFp76ZVxRcpX9EXAMPLE= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader kettle-photos.s3.us-west-2.amazonaws.com TLSv1.3 - - us-west-2`
	// The Referer pretends to be the fields behind it.
	forgedLine = `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be kettle-photos [22/Nov/2026:08:15:31 +0000] 192.0.2.66 - 3E57427F4EXAMPLE REST.GET.OBJECT a.png "GET /a.png HTTP/1.1" 403 AccessDenied 243 - 7 6 "x" "y" "aws-cli/2.15.30` + "\x1b[2J" + `" - s9lzHYrFp76ZVxRcpX9EXAMPLE= - TLS_AES_128_GCM_SHA256 - kettle-photos.s3.us-west-2.amazonaws.com TLSv1.3 - - -`
)

func TestInspect(t *testing.T) {
	t.Chdir(t.TempDir())
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(plainLine + "\r\n" + strings.Repeat("x", 1<<17) + "\n" + forgedLine)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"log": plainLine + "\n" + forgedLine + "\n", "log.gz": zipped.String(), "a:b": plainLine,
		"cut.gz": zipped.String()[:zipped.Len()-9], "longer.gz": zipped.String() + "x", "half.gz": zipped.String()[:200],
		"doc.pdf": "%PDF-1.7\n%\xe2\xe3\n", "x.parquet": "PAR1\x15\x04", "nul": forgedLine + "\x00\x00\n" + plainLine, "trail.json": `{"Records":[]}`, "empty": "",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		stdin, args string
		code        int
		want        string // in the output, or in the error
	}{
		{"", "log", 0, "3E57427F3EXAMPLE"},
		{"", "log:2", 0, "3E57427F4EXAMPLE"},
		{"", "log.gz:1", 0, "us-west-2\n"},
		{"", "log.gz:3", 0, "3E57427F4EXAMPLE"},
		{"", "log.gz:2", 0, "rejected  too_few_fields: "},
		{"", "a:b", 0, "kettle-photos"},
		{"", "a:b:1", 0, "kettle-photos"},
		{plainLine, "-", 0, "kettle-photos"},
		{plainLine + "\n" + forgedLine, "--|-:2", 0, "192.0.2.66"},
		{"", "--line|" + plainLine, 0, "clean"},
		{"", "log:3", 1, "it has no line 3"},
		{"", "empty", 1, "it has no line 1"},
		{"", "half.gz:1", 1, "half.gz: line 1: unzip: unexpected EOF"},
		{"", "cut.gz:1", 1, "cut.gz: line 1 could be read, but the file is broken and none of it is converted: unzip: unexpected EOF"},
		{"", "cut.gz:2|--json", 1, "line 2 could be read"},
		{"", "longer.gz", 1, "none of it is converted: unzip: bytes follow"},
		{"", "doc.pdf", 1, "doc.pdf: this is a PDF file; inspect takes"},
		{"", "x.parquet", 1, "this is a Parquet file"},
		{"", "nul:2", 0, "kettle-photos"},
		{zipped.String()[:zipped.Len()-9], "-", 1, "line 1 could be read"},
		{"", "trail.json", 1, "this is JSON"},
		{"", "log:0", 2, "is not the number of a line"},
		{"", "log|--line|x", 2, "which line"},
	} {
		code, out, errs := sluice(t, c.stdin, append([]string{"inspect"}, strings.Split(c.args, "|")...)...)
		text := out
		if c.code != 0 {
			text = errs
		}
		if code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: exit code %d, want %q in\n%s%s", c.args, code, c.want, out, errs)
		}
		if shown := strings.Contains(errs, "could be read, but"); shown && !strings.Contains(out, "3E57427F3EXAMPLE") && !strings.Contains(out, "too_few_fields") {
			t.Errorf("%s: the line is not shown:\n%s", c.args, out)
		}
		if strings.ContainsRune(out, 0x1b) {
			t.Errorf("%s: an escape sequence is shown as it is", c.args)
		}
	}
}

func TestInspectShows(t *testing.T) {
	_, out, _ := sluice(t, "", "inspect", "--line", plainLine)
	wants(t, "clean line", out, "clean  the line can be read in one way only", "Fields", "Derived",
		"key_name               a b.png", "error_code             NULL", "requester_name         ann", "http_status            200")
	_, out, _ = sluice(t, "", "inspect", "--line", forgedLine)
	wants(t, "forged line", out, "ambiguous  the line can be read in ", "columns on which they differ are NULL", "Way 1 of ", "Way 2 of ", `\x1b[2J`)

	var x explanation
	for line, want := range map[string]string{plainLine: "clean", forgedLine: "ambiguous", "x": "rejected"} {
		_, out, _ := sluice(t, "", "inspect", "--json", "--line", line)
		x = explanation{}
		if err := json.Unmarshal([]byte(out), &x); err != nil || x.Status != want {
			t.Errorf("%.20s: status %s, want %s (%v)\n%s", line, x.Status, want, err, out)
		}
		if (want == "ambiguous") != (x.Splits > 1) || (want == "rejected") != (x.Reason != "") {
			t.Errorf("%.20s: %+v", line, x)
		}
	}
}
