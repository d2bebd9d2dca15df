package logs_test

import (
	"bytes"
	"strconv"
	"testing"
	"unicode/utf8"

	"sluice/internal/logs"
)

func TestAppendEscaped(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain é 漢 😀", "plain é 漢 😀"},
		{"\xff", `\xFF`},
		{"a\x80b\xc3", `a\x80b\xC3`},
		{`C:\x41` + "\xfe", `C:\\x41\xFE`},
		{"\ufffd\xff", "\ufffd" + `\xFF`}, // the replacement character itself is UTF-8
		{"\xed\xa0\x80", `\xED\xA0\x80`},  // half a surrogate pair is not
		{"\x00\n\x1b", "\x00\n\x1b"},      // ugly, but UTF-8
	} {
		if got := string(logs.AppendEscaped(nil, []byte(c.in))); got != c.want {
			t.Errorf("AppendEscaped(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := string(logs.AppendEscaped([]byte("dst:"), []byte(c.in))); got != "dst:"+c.want {
			t.Errorf("AppendEscaped behind dst (%q) = %q", c.in, got)
		}
	}
}

func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"", "a", `\`, "\xff\\x", `\\x41` + "\xc3\x28", "\ufffd"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		esc := logs.AppendEscaped(nil, b)
		if !utf8.Valid(esc) {
			t.Fatalf("AppendEscaped(%q) = %q is not UTF-8", b, esc)
		}
		if back := unescape(t, esc); !bytes.Equal(back, b) {
			t.Fatalf("%q escaped and read back is %q", b, back)
		}
	})
}

// unescape reads the escapes as a person would who has only their description.
func unescape(t *testing.T, b []byte) []byte {
	t.Helper()
	var out []byte
	for len(b) > 0 {
		switch {
		case b[0] != '\\':
			out, b = append(out, b[0]), b[1:]
		case b[1] == '\\':
			out, b = append(out, '\\'), b[2:]
		default:
			v, err := strconv.ParseUint(string(b[2:4]), 16, 8)
			if err != nil || b[1] != 'x' {
				t.Fatalf("%q is no escape", b)
			}
			out, b = append(out, byte(v)), b[4:]
		}
	}
	return out
}
