package sigma

import (
	"encoding/base64"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// encodings applies the encoding modifiers to a pattern. One value can become
// several.
func encodings(p pattern, steps []string) ([]pattern, error) {
	out := []pattern{p}
	for _, step := range steps {
		var next []pattern
		for _, p := range out {
			if step == "windash" {
				more, err := dashes(p)
				if err != nil {
					return nil, err
				}
				next = append(next, more...)
				continue
			}
			s, ok := p.whole()
			if !ok {
				return nil, fmt.Errorf("%s cannot encode a value with wildcards", step)
			}
			for _, e := range encode(s, step) {
				next = append(next, literal(e))
			}
		}
		out = next
	}
	return out, nil
}

func encode(s, step string) []string {
	switch step {
	case "utf16le":
		return []string{utf16Text(s, false)}
	case "utf16be":
		return []string{utf16Text(s, true)}
	case "utf16":
		return []string{"\xff\xfe" + utf16Text(s, false)}
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	}
	// base64offset: what stays the same wherever s begins within three bytes. The
	// first and last characters also encode bits of what stands beside s.
	var out []string
	for shift, lost := range []int{0, 2, 3} {
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
		cut := []int{0, 3, 2}[(len(s)+shift)%3]
		if lost < len(whole)-cut {
			out = append(out, whole[lost:len(whole)-cut])
		}
	}
	return out
}

func utf16Text(s string, big bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

var dashKinds = []string{"-", "/", "–", "—", "―"}

// dashes varies each dash that begins a word, as options of a command do.
func dashes(p pattern) ([]pattern, error) {
	var fixed []string // what stands between the dashes to vary
	var owner []int    // which text of p the piece before a dash belongs to
	count := 1
	for t, text := range p.text {
		from := 0
		last := ' '
		for i, r := range text {
			n := utf8.RuneLen(r)
			if isDash(r) && !isWord(last) {
				if next, _ := utf8.DecodeRuneInString(text[i+n:]); isWord(next) {
					fixed, owner = append(fixed, text[from:i]), append(owner, t)
					from = i + n
					if count *= len(dashKinds); count > maxValues {
						return nil, fmt.Errorf("windash makes more than %d values of one", maxValues)
					}
				}
			}
			last = r
		}
		fixed, owner = append(fixed, text[from:]), append(owner, t)
	}
	out := make([]pattern, count)
	for v := range out {
		texts := make([]string, len(p.text))
		choice := v
		for i, piece := range fixed {
			texts[owner[i]] += piece
			if i+1 < len(fixed) && owner[i+1] == owner[i] {
				texts[owner[i]] += dashKinds[choice%len(dashKinds)]
				choice /= len(dashKinds)
			}
		}
		out[v] = pattern{texts, p.gaps}
	}
	return out, nil
}

func isDash(r rune) bool {
	return r == '-' || r == '/' || r == '–' || r == '—' || r == '―'
}

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= 0x80 && !isDash(r) && r != utf8.RuneError
}
