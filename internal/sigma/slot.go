package sigma

import (
	"bytes"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"sluice/internal/jsontext"
)

// slot holds a value, and what was worked out about it.
type slot struct {
	epoch uint64 // of the record that the value is from
	place Place  // of the value, where a Placed record told it
	v     Value
	have  uint8 // which of what follows is worked out

	txt, folded []byte
	address     netip.Addr
	isAddress   bool

	unescaped, rendered, low []byte // buffers
}

const (
	haveText = 1 << iota
	haveFolded
	haveAddress
)

// set takes a value. A scalar in JSON becomes what it is: text, a whole number,
// a boolean, or absent.
func (s *slot) set(v Value) {
	s.have = 0
	if v.Present && v.Kind == JSON {
		v = s.plain(v)
	}
	s.v = v
}

func (s *slot) plain(v Value) Value {
	text := bytes.TrimSpace(v.Text)
	v.Text = text
	switch {
	case len(text) == 0 || text[0] == '[' || text[0] == '{':
	case text[0] == '"':
		said := text[1:]
		if n := stringLen(text); n > 0 {
			said = text[1 : n-1]
		}
		s.unescaped = jsontext.Unescape(s.unescaped[:0], said)
		return Value{Kind: Text, Present: true, Text: s.unescaped}
	case string(text) == "null":
		return Value{}
	case string(text) == "true":
		return Value{Kind: Bool, Present: true, Num: 1}
	case string(text) == "false":
		return Value{Kind: Bool, Present: true}
	default:
		if n, ok := wholeText(text); ok {
			return Value{Kind: Int, Present: true, Num: n}
		}
	}
	return v
}

// wholeText reads a number that strconv would write in the same way.
func wholeText(s []byte) (int64, bool) {
	digits := s
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// text is the value as patterns see it.
func (s *slot) text() []byte {
	if s.have&haveText != 0 {
		return s.txt
	}
	s.have |= haveText
	switch s.v.Kind {
	case Int:
		s.rendered = strconv.AppendInt(s.rendered[:0], s.v.Num, 10)
		s.txt = s.rendered
	case Bool:
		s.rendered = strconv.AppendBool(s.rendered[:0], s.v.Num != 0)
		s.txt = s.rendered
	case Time:
		s.rendered = appendMoment(s.rendered[:0], s.v.Num)
		s.txt = s.rendered
	default:
		s.txt = s.v.Text
	}
	return s.txt
}

// fold is text without regard to case.
func (s *slot) fold() []byte {
	if s.have&haveFolded == 0 {
		s.have |= haveFolded
		text := s.text()
		s.folded = fold(s.low, text)
		if len(s.folded) > 0 && len(text) > 0 && &s.folded[0] != &text[0] {
			s.low = s.folded // the buffer may have grown
		}
	}
	return s.folded
}

func (s *slot) addr() (netip.Addr, bool) {
	if s.have&haveAddress == 0 {
		s.have |= haveAddress
		s.isAddress = false
		if s.v.Kind == Text {
			s.address, s.isAddress = parseAddr(s.v.Text)
		}
	}
	return s.address, s.isAddress
}

// number is the value as numbers compare: a number, or a text that is one, as
// parameters often are.
func (s *slot) number() (number, bool) {
	switch s.v.Kind {
	case Int:
		return wholeNumber(s.v.Num), true
	case Text, JSON:
		return parseNumber(s.v.Text)
	}
	return number{}, false
}

// moment is the value as a time: a time, or a text that is one.
func (s *slot) moment() (int64, bool) {
	switch s.v.Kind {
	case Time:
		return s.v.Num, true
	case Text:
		return parseMoment(s.v.Text)
	}
	return 0, false
}

// match tells whether the value fits one of the patterns.
func (t *texts) match(s *slot, cased bool) bool {
	if t.any {
		return true
	}
	text := s.text()
	if t.endsOnly {
		if c := lastByte(text); c < utf8.RuneSelf && !t.ended(c) {
			return false // most ids and keys: no need to fold them
		}
	}
	if !cased {
		text = s.fold()
	}
	if _, ok := t.whole[string(text)]; ok {
		return true
	}
	for _, p := range t.starts {
		if bytes.HasPrefix(text, p) {
			return true
		}
	}
	if t.ended(lastByte(text)) {
		for _, p := range t.ends {
			if bytes.HasSuffix(text, p) {
				return true
			}
		}
	}
	if len(t.contains) > 0 && containsAny(text, t.contains, t.seek) {
		return true
	}
	for _, g := range t.globs {
		if g.match(text) {
			return true
		}
	}
	if len(t.numbers) > 0 && s.v.Kind == JSON {
		if n, ok := s.number(); ok {
			for _, want := range t.numbers {
				if n.compare(want) == 0 {
					return true
				}
			}
		}
	}
	return false
}

// ended tells whether one of ends may end with a byte, in either case.
func (t *texts) ended(c byte) bool {
	return t.last[c>>6]>>(c&63)&1 != 0
}

// lastByte is the last byte of a text, 0 of an empty one.
func lastByte(text []byte) byte {
	if len(text) == 0 {
		return 0
	}
	return text[len(text)-1]
}

// sides compares the texts of two fields.
func sides(s, o *slot, side string, cased bool) bool {
	a, b := s.fold, o.fold
	if cased {
		a, b = s.text, o.text
	}
	switch side {
	case "startswith":
		return bytes.HasPrefix(a(), b())
	case "endswith":
		return bytes.HasSuffix(a(), b())
	case "contains":
		return bytes.Contains(a(), b())
	}
	return bytes.Equal(a(), b())
}
