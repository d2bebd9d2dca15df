package jsontext_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"sluice/internal/jsontext"
)

func TestUnescape(t *testing.T) {
	for s, want := range map[string]string{
		``: ``, `plain`: `plain`, `a\nb\tc\rd\be\ff`: "a\nb\tc\rd\be\ff", `\"\\\/`: `"\/`,
		`\u0041\u00e9\u20AC`: "Aé€", `\ud83d\ude00!`: "😀!", `\ud83d`: "\ufffd", `\ude00x`: "\ufffdx",
		`\ud83d\u0041`: "\ufffdA", `\ud83d\ud83d\ude00`: "\ufffd😀", `\ud83d\n`: "\ufffd\n",
		// no JSON
		`\q`: `q`, `\u12`: `\u12`, `\u12x4`: `\u12x4`, `\`: `\`, `a\`: `a\`, `\ud83d\u12`: "\ufffd\\u12", `\\u0041`: `\u0041`,
		"\xff": "\xff",
	} {
		if got := string(jsontext.Unescape([]byte("-"), []byte(s))); got != "-"+want {
			t.Errorf("%s: got %q, want %q behind what was there", s, got[1:], want)
		}
	}
}

// FuzzUnescape: what encoding/json takes for a string says the same here, and what it
// does not take ends.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`a\n\u0041`, `\ud83d\ude00`, `\ud83d\u0041`, `\ude00\ud83d`, `\/`, `\u12`, "é\\\\"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		got := jsontext.Unescape(nil, s)
		var want string
		if !utf8.Valid(s) || json.Unmarshal([]byte(`"`+string(s)+`"`), &want) != nil {
			return
		}
		if string(got) != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	})
}
