package sigma

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold makes texts equal that differ by case only. It returns src itself where
// nothing changes, else dst with the folded text.
func fold(dst, src []byte) []byte {
	i := 0
	for len(src)-i >= 8 {
		x := binary.LittleEndian.Uint64(src[i:])
		if x&notASCII != 0 || capitals(x) != 0 {
			break
		}
		i += 8
	}
	for i < len(src) && src[i] < utf8.RuneSelf && !('A' <= src[i] && src[i] <= 'Z') {
		i++
	}
	if i == len(src) {
		return src
	}
	dst = append(dst[:0], src[:i]...)
	for i < len(src) {
		if len(src)-i >= 8 {
			if x := binary.LittleEndian.Uint64(src[i:]); x&notASCII == 0 {
				dst = binary.LittleEndian.AppendUint64(dst, x|capitals(x)>>2) // 'a' is 'A' with the bit 0x20
				i += 8
				continue
			}
		}
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

// Eight bytes at once, as one number: folding is of all that a rule asks of keys and
// ids.
const (
	eachByte = 0x0101010101010101
	notASCII = 0x80 * eachByte
)

// capitals has the highest bit of each of eight bytes of ASCII that is one of A to Z.
func capitals(x uint64) uint64 {
	return ((x + (0x80-'A')*eachByte) ^ (x + (0x80-'Z'-1)*eachByte)) & notASCII
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

// escapes writes what stands for itself as a pattern has it. To make one takes longer than
// all else that is done for a value.
var escapes = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

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
		b.WriteString(escapes.Replace(s))
	}
	return b.String()
}
