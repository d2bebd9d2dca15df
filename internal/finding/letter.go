package finding

import (
	"strings"
	"unicode/utf8"
)

// mailWidth is how many characters a line of prose has: what a mail client shows
// without breaking it again.
const mailWidth = 72

// letter is plain text in the making.
type letter struct{ strings.Builder }

func (m *letter) line(s string) { m.WriteString(s + "\n") }

func (m *letter) head(s string) { m.line("\n" + strings.ToUpper(s)) }

// prose wraps paragraphs, indented by two.
func (m *letter) prose(s string) {
	for i, p := range strings.Split(s, "\n\n") {
		if i > 0 {
			m.line("")
		}
		m.wrap("  ", "  ", p)
	}
}

func (m *letter) item(s string) { m.wrap("  - ", "    ", strings.ReplaceAll(s, "\n\n", " ")) }

// wrap breaks s at spaces; a word that is longer than a line stays whole, for it
// is to be copied.
func (m *letter) wrap(first, next, s string) {
	line, width := first, utf8.RuneCountInString(first)
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > mailWidth:
			m.line(line)
			line, width = next, utf8.RuneCountInString(next)
		default:
			line, width = line+" ", width+1
		}
		line, width = line+word, width+n
	}
	m.line(line)
}

func (m *letter) pairs(all []Pair) {
	width := 0
	for _, p := range all {
		width = max(width, utf8.RuneCountInString(p.Name))
	}
	for _, p := range all {
		m.line("  " + p.Name + strings.Repeat(" ", width-utf8.RuneCountInString(p.Name)+2) + p.Value)
	}
}
