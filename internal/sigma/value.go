package sigma

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold makes texts equal that differ by case only. It returns src itself where
// nothing changes, else dst with the folded text.
func fold(dst, src []byte) []byte {
	i := 0
	for i < len(src) && src[i] < utf8.RuneSelf && !('A' <= src[i] && src[i] <= 'Z') {
		i++
	}
	if i == len(src) {
		return src
	}
	dst = append(dst[:0], src[:i]...)
	for i < len(src) {
		c := src[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c) // no UTF-8: nothing to fold
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
		}
		i += n
	}
	return dst
}

func foldString(s string) string { return string(fold(nil, []byte(s))) }

// pattern is a value of a rule: literal text with wildcards between. Of n+1
// pieces of text, gap i says what stands between pieces i and i+1.
type pattern struct {
	text []string
	gaps []gap
}

// gap is a run of wildcards: at least n characters, or exactly n.
type gap struct {
	n    int
	open bool // a * was among them
}

// parsePattern reads a value. A backslash takes the meaning from a wildcard or
// a backslash that follows it, and is itself elsewhere.
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
			i++
			lit.WriteByte(s[i])
			continue
		}
		if c != '*' && c != '?' {
			lit.WriteByte(c)
			continue
		}
		var g gap
		for ; i < len(s) && (s[i] == '*' || s[i] == '?'); i++ {
			if s[i] == '*' {
				g.open = true
			} else {
				g.n++
			}
		}
		i--
		p.text = append(p.text, lit.String())
		p.gaps = append(p.gaps, g)
		lit.Reset()
	}
	p.text = append(p.text, lit.String())
	return p
}

func literal(s string) pattern { return pattern{text: []string{s}} }

// whole returns the text of a pattern that has no wildcards.
func (p pattern) whole() (string, bool) {
	if len(p.gaps) > 0 {
		return "", false
	}
	return p.text[0], true
}

// behind returns p with anything before it, before with anything behind it.
func (p pattern) behind() pattern {
	if len(p.gaps) > 0 && p.text[0] == "" {
		p.gaps = append([]gap{{p.gaps[0].n, true}}, p.gaps[1:]...)
		return p
	}
	return pattern{append([]string{""}, p.text...), append([]gap{{0, true}}, p.gaps...)}
}

func (p pattern) before() pattern {
	last := len(p.gaps) - 1
	if last >= 0 && p.text[last+1] == "" {
		gaps := append([]gap{}, p.gaps...)
		gaps[last].open = true
		return pattern{p.text, gaps}
	}
	return pattern{append(append([]string{}, p.text...), ""), append(append([]gap{}, p.gaps...), gap{0, true})}
}

func (p pattern) each(f func(string) string) pattern {
	text := make([]string, len(p.text))
	for i, s := range p.text {
		text[i] = f(s)
	}
	return pattern{text, p.gaps}
}

func (p pattern) size() int {
	n := 0
	for _, s := range p.text {
		n += len(s)
	}
	return n
}

// key is equal for equal patterns.
func (p pattern) key() string {
	var b strings.Builder
	for i, s := range p.text {
		if i > 0 {
			g := p.gaps[i-1]
			b.WriteString(strings.Repeat("?", g.n))
			if g.open {
				b.WriteByte('*')
			}
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s))
	}
	return b.String()
}

// glob matches text against a pattern of any shape.
type glob struct {
	text [][]byte
	gaps []gap
}

func (p pattern) glob() glob {
	g := glob{gaps: p.gaps}
	for _, s := range p.text {
		g.text = append(g.text, []byte(s))
	}
	return g
}

// match needs no backtracking over a *: what stands behind one is looked for
// from left to right, and the first place that fits leaves most for the rest.
func (g glob) match(s []byte) bool {
	// A run is what stands between two gaps with a *: texts with ? between.
	from := 0
	anchored := true // the run must begin where s does
	for {
		to := from
		for to < len(g.gaps) && !g.gaps[to].open {
			to++
		}
		last := to == len(g.gaps)
		switch {
		case anchored && last:
			n, ok := g.run(s, from, to)
			return ok && n == len(s)
		case anchored:
			n, ok := g.run(s, from, to)
			if !ok {
				return false
			}
			s = s[n:]
		case last:
			return g.ends(s, from, to)
		default:
			n, ok := g.find(s, from, to)
			if !ok {
				return false
			}
			s = s[n:]
		}
		var ok bool
		if s, ok = skip(s, g.gaps[to].n); !ok {
			return false
		}
		from, anchored = to+1, false
	}
}

// run matches texts from..to, a fixed number of characters apart, where s begins.
func (g glob) run(s []byte, from, to int) (int, bool) {
	rest := s
	for i := from; i <= to; i++ {
		if !bytes.HasPrefix(rest, g.text[i]) {
			return 0, false
		}
		rest = rest[len(g.text[i]):]
		if i < to {
			var ok bool
			if rest, ok = skip(rest, g.gaps[i].n); !ok {
				return 0, false
			}
		}
	}
	return len(s) - len(rest), true
}

// find looks for the first place in s where the run fits and returns where it ends.
func (g glob) find(s []byte, from, to int) (int, bool) {
	for at := 0; ; {
		i := bytes.Index(s[at:], g.text[from])
		if i < 0 {
			return 0, false
		}
		at += i
		if n, ok := g.run(s[at:], from, to); ok {
			return at + n, true
		}
		if at == len(s) {
			return 0, false
		}
		at += width(s[at:])
	}
}

// ends tells whether the run fits so that it ends where s does.
func (g glob) ends(s []byte, from, to int) bool {
	for i := to; i >= from; i-- {
		if !bytes.HasSuffix(s, g.text[i]) {
			return false
		}
		s = s[:len(s)-len(g.text[i])]
		if i > from {
			for range g.gaps[i-1].n {
				if len(s) == 0 {
					return false
				}
				_, n := utf8.DecodeLastRune(s)
				s = s[:len(s)-n]
			}
		}
	}
	return true
}

// skip drops n characters of s.
func skip(s []byte, n int) ([]byte, bool) {
	for range n {
		if len(s) == 0 {
			return nil, false
		}
		s = s[width(s):]
	}
	return s, true
}

// width is how many bytes the first character of s has.
func width(s []byte) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(s)
	return n
}
