package sigma

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestFold: eight bytes at once fold as one character after the other does, wherever
// in a text a letter, a byte of no text or a character beyond ASCII stands.
func TestFold(t *testing.T) {
	slow := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b.WriteByte(s[i])
			} else {
				b.WriteRune(unicode.ToLower(unicode.ToUpper(r)))
			}
			i += n
		}
		return b.String()
	}
	check := func(s string) {
		t.Helper()
		if got := string(fold(nil, []byte(s))); got != slow(s) {
			t.Fatalf("%q: got %q, want %q", s, got, slow(s))
		}
	}
	for c := range 256 { // each byte at each of eight places
		for at := range 19 {
			check(strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("b", 18-at))
			check(strings.Repeat("A", at) + string([]byte{byte(c)}) + strings.Repeat("B", 18-at))
		}
	}
	parts := []string{"A", "z", "Z", "@", "[", "`", "{", "0", "\x7f", "\x00", "\x80", "\xff", "é", "É", "\u212a", "ß", "İ", "lower case", "UPPER"}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var s string
		for range rnd.IntN(12) {
			s += parts[rnd.IntN(len(parts))]
		}
		check(s)
	}
}

// TestEndsOnly: that the last byte alone refutes most texts changes no answer.
func TestEndsOnly(t *testing.T) {
	for _, cased := range []bool{false, true} {
		for _, end := range []string{"k", ".pem", "0", "-é", ".PEM"} {
			p := parsePattern(end)
			if !cased {
				p = p.each(foldString)
			}
			ends := newTexts([]pattern{p.behind()}, nil)
			if !ends.endsOnly {
				t.Fatal("not taken for one that has ends only")
			}
			for _, text := range []string{"", "k", "K", "a\u212a", "a.pem", "a.PEM", "a.pen", "0", "a0", "a-é", "a-É", "a-e", "\x80", "pem"} {
				var s slot
				s.set(Value{Kind: Text, Present: true, Text: []byte(text)})
				want := strings.HasSuffix(text, end)
				if !cased {
					want = strings.HasSuffix(foldString(text), foldString(end))
				}
				if got := ends.match(&s, cased); got != want {
					t.Errorf("%q ends with %q, cased %v: got %v, want %v", text, end, cased, got, want)
				}
			}
		}
	}
}
