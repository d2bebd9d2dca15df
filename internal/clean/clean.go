// Package clean makes text that somebody else wrote fit to be shown.
//
// A requester writes keys, Referers and User-Agents into our input. Shown as
// they are, they could move the cursor, recolour a terminal, turn text around
// or hide a part of a name. What is cleaned is for eyes, and for the findings that
// are made to be shown: rows, CSV into a file and JSON answers keep every byte.
package clean

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks in a row are let through: living scripts
// need up to three or four, a column that grows over its neighbours needs more.
const maxMarks = 4

// Line returns s as one harmless line: printable characters stay; controls,
// line breaks, direction changes, invisible characters, odd spaces, piled-up
// accents and bytes that are not UTF-8 become visible escapes such as \n, \x1b
// or \u202e. It changes nothing that it has returned before.
func Line(s string) string { return line(s, escape) }

// Sealed is Line for text that other programs take on, through templates and
// parsers that nobody here has seen: its escapes \u{202e}, and \x1b for bytes
// that are not UTF-8, are none that JSON or a shell would undo.
func Sealed(s string) string { return line(s, seal) }

func line(s string, escape func(*strings.Builder, rune)) string {
	i := firstBad(s)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks := maxMarks // a mark at the start would sit on what stands before the cell
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
			marks = 0
		case unicode.Is(unicode.M, r) && marks < maxMarks && shown(r):
			b.WriteRune(r)
			marks++
		case !unicode.Is(unicode.M, r) && shown(r):
			b.WriteRune(r)
			marks = 0
		default:
			escape(&b, r)
			marks = 0
		}
		s = s[n:]
	}
	return b.String()
}

// firstBad is the index from which s needs a closer look, -1 when it is all
// printable ASCII, which nearly every value is.
func firstBad(s string) int {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return i
		}
	}
	return -1
}

// shown tells whether r occupies space on a screen and means what it looks like.
// IsPrint already refuses controls, formats (bidi, zero width, tags), private
// use and every space but the ASCII one.
func shown(r rune) bool {
	return unicode.IsPrint(r) &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) &&
		!unicode.Is(unicode.Variation_Selector, r) &&
		r != '\u2800' && // BRAILLE PATTERN BLANK: a symbol that shows nothing
		r != utf8.RuneError
}

func escape(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < 0x80:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

func seal(b *strings.Builder, r rune) { fmt.Fprintf(b, `\u{%x}`, r) }
