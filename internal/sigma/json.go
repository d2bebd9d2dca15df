package sigma

// elements walks the scalars and objects in an array, and in arrays in it. It
// trusts nothing: text that is no JSON ends the walk.
type elements struct {
	rest []byte
	at   []byte
}

// next goes to the next element.
func (e *elements) next() bool {
	for len(e.rest) > 0 {
		switch c := e.rest[0]; c {
		case '[', ']', ',', ' ', '\t', '\r', '\n': // arrays in arrays are laid flat
			e.rest = e.rest[1:]
			continue
		}
		n := valueLen(e.rest)
		if n == 0 {
			break
		}
		e.at, e.rest = e.rest[:n], e.rest[n:]
		return true
	}
	e.rest = nil
	return false
}

func (e *elements) value() Value { return Value{Kind: JSON, Present: true, Text: e.at} }

// valueLen is how long the string, the object or the word is that s begins with.
func valueLen(s []byte) int {
	switch s[0] {
	case '"':
		return stringLen(s)
	case '{':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			case '"':
				n := stringLen(s[i:])
				if n == 0 {
					return 0
				}
				i += n - 1
			}
		}
		return 0
	}
	i := 0
	for i < len(s) && s[i] != ',' && s[i] != ']' && s[i] != '}' && s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n' {
		i++
	}
	return i
}

func stringLen(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
