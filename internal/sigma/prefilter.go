package sigma

import (
	"bytes"
	"regexp"
	"regexp/syntax"
)

// expression is a regular expression, and the texts of which one must be there
// for it to match: looking for those is much cheaper.
type expression struct {
	*regexp.Regexp
	need [][]byte // folded; empty: not known
}

func (e *expression) match(s *slot) bool {
	if len(e.need) > 0 && !containsAny(s.fold(), e.need) {
		return false
	}
	return e.Match(s.text())
}

func containsAny(text []byte, any [][]byte) bool {
	for _, p := range any {
		if bytes.Contains(text, p) {
			return true
		}
	}
	return false
}

// needed finds texts of which every match has one. Only ASCII counts: there,
// what (?i) takes for equal is equal when folded.
func needed(re *syntax.Regexp) [][]byte {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r >= 0x80 {
				return nil
			}
		}
		return [][]byte{[]byte(foldString(string(re.Rune)))}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpAlternate:
		const most = 32
		var all [][]byte
		for _, sub := range re.Sub {
			n := needed(sub)
			if len(n) == 0 || len(all)+len(n) > most {
				return nil
			}
			all = append(all, n...)
		}
		return all
	case syntax.OpConcat:
		var best [][]byte
		for _, sub := range re.Sub {
			if n := needed(sub); shortest(n) > shortest(best) {
				best = n
			}
		}
		return best
	}
	return nil
}

// shortest is the length of the shortest text, 0 when there is none.
func shortest(texts [][]byte) int {
	if len(texts) == 0 {
		return 0
	}
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}
