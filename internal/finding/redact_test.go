package finding

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"2026/report.csv", "2026/report.csv"},
		{"GET /a?X-Amz-Signature=deadbeef&X-Amz-Expires=60 HTTP/1.1", "GET /a?X-Amz-Signature=REDACTED&X-Amz-Expires=60 HTTP/1.1"},
		{"/a?AWSAccessKeyId=AKIAEXAMPLE&Signature=ab%2Bc%3D&Expires=1", "/a?AWSAccessKeyId=AKIAEXAMPLE&Signature=REDACTED&Expires=1"},
		{"x-amz-security-token=FwoG//+=", "x-amz-security-token=REDACTED"},
		{"/a?%58-Amz-%53ignature=abc#x", "/a?%58-Amz-%53ignature=REDACTED#x"},
		{"u=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Dabc%26x%3D1", "u=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3DREDACTED%26x%3D1"},
		{"u=%253FX-Amz-Signature%253Dabc%2526x", "u=%253FX-Amz-Signature%253DREDACTED%2526x"},
		{"u=%2525253FSignature%2525253Dabc", "u=%2525253FSignature%2525253DREDACTED"},
		{`{"sessionToken":"abc","a":1}`, `{"sessionToken":"REDACTED","a":1}`},
		{`"{\"sessionToken\": \"abc\"}"`, `"{\"sessionToken\": \"REDACTED\"}"`},
		{`link?X-Amz-Signature\u003dabc\u0026b`, `link?X-Amz-Signature\u003dREDACTED\u0026b`},
		{"Authorization: AWS4-HMAC-SHA256 Credential=AK/d, Signature=abc", "Authorization: AWS4-HMAC-SHA256 Credential=AK/d, Signature=REDACTED"},
		{"a Signature=1 b Signature=2", "a Signature=REDACTED b Signature=REDACTED"},
		{"Signature=", "Signature="},
		{"SignatureDoesNotMatch: The request signature we calculated", "SignatureDoesNotMatch: The request signature we calculated"},
		{"signatures/2026", "signatures/2026"},
		{"100%", "100%"},
	} {
		if got := redact(c.in); got != c.want {
			t.Errorf("redact(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

// FuzzRedact: however often a link is escaped as a parameter of another, and
// whatever stands around it, its signature does not come through.
func FuzzRedact(f *testing.F) {
	f.Add("GET /", "&b", uint8(0))
	f.Add("%25", "\"", uint8(3))
	f.Add(`\u00`, "3d", uint8(1))
	f.Fuzz(func(t *testing.T, before, after string, times uint8) {
		link := "?X-Amz-Signature=5ec2e7&X-Amz-Security-Token=5ec2e7"
		for range times % 5 {
			link = url.QueryEscape(link)
		}
		s := before + link + after
		if strings.Contains(before+after, "5ec2e7") {
			return
		}
		got := redact(s)
		if strings.Contains(got, "5ec2e7") {
			t.Fatalf("redact(%q) = %q", s, got)
		}
		if again := redact(got); again != got {
			t.Fatalf("redact(%q) = %q, and again %q", s, got, again)
		}
	})
}

func TestDefang(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"reports/2026.11/q1-v1.2", "reports/2026.11/q1-v1.2"},
		{"arn:aws:iam::111122223333:user/kim", "arn:aws:iam::111122223333:user/kim"},
		{"2001:db8::7", "2001:db8::7"},
		{"https://evil.example/a.b", "https[:]//evil[.]example/a[.]b"},
		{"www.evil。example", "www[.]evil[.]example"},
		{"kim@evil.example", "kim[@]evil[.]example"},
		{"mailto:kim tel:1 Javascript:x", "mailto[:]kim tel[:]1 Javascript[:]x"},
		{"metadata:1", "metadata:1"},
		{`\\evil\share`, `\u{5c}\evil\share`},
		{"file:/a", "file[:]/a"},
		{"<b>*x*`|", `\u{3c}b\u{3e}\u{2a}x\u{2a}\u{60}\u{7c}`},
		{"[x](y) _z_", "[x](y) _z_"},
	} {
		if got := defang(c.in); got != c.want {
			t.Errorf("defang(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
	if got, want := defangChat("[x](y) _z_ &lt;!here&gt;"), `\u{5b}x\u{5d}\u{28}y\u{29} \u{5f}z\u{5f} \u{26}lt;\u{21}here\u{26}gt;`; got != want {
		t.Errorf("defangChat\n got %q\nwant %q", got, want)
	}
}

func FuzzShown(f *testing.F) {
	f.Add("a\u202eb", 5)
	f.Add("\xff\xfe", 1)
	f.Add("日本語", 2)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max = max&0xfff + 1
		got := shown(s, max)
		if n := len([]rune(got)); n > max {
			t.Fatalf("shown(%q, %d) has %d characters", s, max, n)
		}
		for _, text := range []string{got, defang(got), defangChat(got)} {
			for _, r := range text {
				if !unicode.IsPrint(r) {
					t.Fatalf("shown(%q) = %q: keeps %U", s, text, r)
				}
			}
		}
	})
}
