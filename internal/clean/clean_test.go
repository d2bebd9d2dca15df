package clean_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sluice/internal/clean"
)

func TestLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"photos/2026/kettle.png", "photos/2026/kettle.png"},
		{"Grüße/日本語.txt", "Grüße/日本語.txt"},
		{"e\u0301te\u0301", "e\u0301te\u0301"},
		{"a\nb\r\tc", `a\nb\r\tc`},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\u009b31m", `\u009b31m`}, // a CSI in one character
		{"invoice\u202efdp.exe", `invoice\u202efdp.exe`},
		{"\u2066a\u2069", `\u2066a\u2069`},
		{"pass\u200bword", `pass\u200bword`},
		{"soft\u00adhyphen", `soft\u00adhyphen`},
		{"a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"a\u00a0b\u3000c", `a\u00a0b\u3000c`},
		{"\U000e0041tag", `\U000e0041tag`},
		{"x\ufe0fy", `x\ufe0fy`},
		{"\u3164", `\u3164`}, // Hangul filler: a letter that shows nothing
		{"\u2800", `\u2800`},
		{"\xff\xfeab", `\xff\xfeab`},
		{"\ufffd", `\ufffd`},
		{"\u0301first", `\u0301first`},
		{"z" + strings.Repeat("\u0336", 6), "z" + strings.Repeat("\u0336", 4) + `\u0336` + "\u0336"},
		{"\x7f", `\x7f`},
		{"\x00", `\x00`},
	} {
		if got := clean.Line(c.in); got != c.want {
			t.Errorf("Line(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestSealed(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"photos/2026/kettle.png", "photos/2026/kettle.png"},
		{"Grüße/日本語.txt", "Grüße/日本語.txt"},
		{"a\nb\r\tc\x1b[0m", `a\u{a}b\u{d}\u{9}c\u{1b}[0m`},
		{"invoice\u202efdp.exe", `invoice\u{202e}fdp.exe`},
		{"\u2066a\u200b\u2028b\u00a0", `\u{2066}a\u{200b}\u{2028}b\u{a0}`},
		{"\ue000\ufe0f\U000e0041", `\u{e000}\u{fe0f}\u{e0041}`},
		{"\xff\xfeab", `\xff\xfeab`},
	} {
		if got := clean.Sealed(c.in); got != c.want {
			t.Errorf("Sealed(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"plain", "\x1b]0;title\x07", "a\u202eb\u202c", "\xc3\x28", "e\u0301\u0301\u0301\u0301\u0301\u0301", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean.Line(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Line(%q) = %q: not UTF-8", s, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("Line(%q) = %q: keeps %U", s, got, r)
			}
		}
		if again := clean.Line(got); again != got {
			t.Fatalf("Line(%q) = %q, and cleaned again %q", s, got, again)
		}
		sealed := clean.Sealed(s)
		for _, r := range sealed {
			if !unicode.IsPrint(r) {
				t.Fatalf("Sealed(%q) = %q: keeps %U", s, sealed, r)
			}
		}
		if again := clean.Sealed(sealed); again != sealed || !utf8.ValidString(sealed) {
			t.Fatalf("Sealed(%q) = %q, and sealed again %q", s, sealed, again)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"plain", strings.Repeat("Mozilla/5.0 (X11; Linux x86_64) ", 4)},
		{"hostile", strings.Repeat("\x1b[31m\u202e", 20)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.in)))
			for b.Loop() {
				if clean.Line(c.in) == "" {
					b.Fatal("nothing left")
				}
			}
		})
	}
}
