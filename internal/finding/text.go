package finding

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/internal/clean"
)

// maxInput is how many bytes of a value are looked at: more than S3 allows a key
// or a header, so that a value of any length costs the same at most.
const maxInput = 16 << 10

// shown is s without secrets, as one harmless line of at most max characters.
func shown(s string, max int) string {
	if len(s) > maxInput {
		cut := maxInput
		for cut > maxInput-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	// Cleaning makes nothing shorter: what the limit cuts need not be cleaned.
	return limit(clean.Sealed(limit(redact(s), max)), max)
}

// limit cuts s to max characters, the last of which then says so; not inside an
// escape, of which a part would be as live as what it stands for.
func limit(s string, max int) string {
	if len(s) <= max {
		return s
	}
	n, keep := 0, 0
	for i := range s {
		if n == max-1 {
			keep = i
		}
		if n++; n > max {
			return unfinished.ReplaceAllString(s[:keep], "") + "…"
		}
	}
	return s
}

// unfinished is the beginning of what defuse and clean write for a character.
var unfinished = regexp.MustCompile(`(\[[@.:]?|\\(u(\{[0-9a-f]*)?)?)$`)

// prose is text that the author of a rule wrote: cleaned line by line, with its
// paragraphs kept.
func prose(s string, max int) string {
	var paragraphs []string
	for _, p := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			paragraphs = append(paragraphs, clean.Sealed(redact(limit(p, max))))
		}
	}
	return limit(strings.Join(paragraphs, "\n\n"), max)
}

// defang makes shown text dead: no mail client turns it into a link, whatever
// it takes for one. What is changed stays readable, and can be told from text
// that came like that: a replaced character stands in brackets, [.], or as an
// escape, \u{2a}.
func defang(s string) string { return defuse(s, "<>`*|") }

// defangChat is defang for chat, where more characters make a format.
func defangChat(s string) string { return defuse(s, "<>`*|_~[]()&#!") }

// defuse breaks links and writes the characters of risky as escapes.
func defuse(s, risky string) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case !isLive(s, i, risky):
			b.WriteString(s[i : i+n])
		case strings.ContainsRune(dots, r):
			b.WriteString("[.]")
		case strings.ContainsRune(ats, r):
			b.WriteString("[@]")
		case strings.ContainsRune(colons, r):
			b.WriteString("[:]")
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		i += n
	}
	return b.String()
}

// isLive tells whether the character at s[i] makes a link or a format. A
// backslash does only in front of another: \\server is a link to some.
func isLive(s string, i int, risky string) bool {
	r, n := utf8.DecodeRuneInString(s[i:])
	next, _ := utf8.DecodeRuneInString(s[i+n:])
	switch {
	case r == '.':
		return unicode.IsLetter(next)
	case r == ':':
		return next == '/' || next == '\\' || isScheme(s[:i])
	case r == '\\':
		// What follows may become an escape, which begins with another.
		return next == '\\' || strings.ContainsRune(risky, next) && i+n < len(s)
	}
	return strings.ContainsRune(dots+ats+colons+risky, r)
}

// dots, ats and colons are what software reads as ".", "@" and ":" in an
// address: also the wide, small and ideographic ones.
const (
	dots   = ".\u3002\uff0e\uff61\u2024\ufe52"
	ats    = "@\uff20\ufe6b"
	colons = ":\uff1a\ufe55\ufe13"
)

// schemes are links without slashes.
var schemes = []string{
	"mailto", "tel", "sms", "callto", "facetime", "sip", "sips", "skype", "xmpp", "im",
	"javascript", "data", "vbscript", "file", "cid", "mid", "news", "magnet", "geo", "maps",
	"slack", "msteams", "zoommtg", "onenote", "outlook", "notes", "webcal", "bitcoin",
}

func isScheme(before string) bool {
	word := before
	for i := len(before); i > 0 && i > len(before)-12; i-- {
		if c := before[i-1] | 0x20; c < 'a' || c > 'z' {
			word = before[i:]
			break
		}
	}
	for _, s := range schemes {
		if strings.EqualFold(word, s) {
			return true
		}
	}
	return false
}
