package sigma

import (
	"bytes"
	"unicode/utf8"
)

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
