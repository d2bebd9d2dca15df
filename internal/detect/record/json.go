package record

// JSON here is text that a parser has checked already, save for documents inside
// strings. So what follows never reports an error; of bytes that are no JSON it
// makes something, always ends, and reads none outside.

// skipSpace returns the index of the first byte from i on that is no white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string whose opening quote is at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b)
}

// skipValue returns the index behind the value that begins at i. It looks at
// every byte once, however deep the value is.
func skipValue(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ' ', '\n', '\t', '\r', ',', ':':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i < len(b) && !ends(b[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(b)
}

// ends reports whether c ends a number or a word.
func ends(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', ',', ':', '{', '}', '[', ']', '"':
		return true
	}
	return false
}

// list steps through the elements of an array or the members of an object.
type list struct {
	b       []byte
	i       int
	members bool
	once    []byte // the only element of what is no array
	name    []byte // of the member, between its quotes
	value   []byte
}

// each starts a list of the elements of v, or of v itself: CloudTrail renders
// XML, in which a list of one and one value are the same.
func each(v []byte) list {
	if len(v) > 0 && v[0] != '[' {
		return list{once: v}
	}
	return in(v)
}

// in starts a list of what is in v; a scalar has nothing in it.
func in(v []byte) list {
	l := list{b: v, i: len(v)}
	if i := skipSpace(v, 0); i < len(v) && (v[i] == '{' || v[i] == '[') {
		l.i, l.members = i+1, v[i] == '{'
	}
	return l
}

// next steps to the next element or member, and reports whether there is one.
func (l *list) next() bool {
	l.name = nil
	if l.once != nil {
		l.value, l.once = l.once, nil
		return true
	}
	i := l.separator()
	if i >= len(l.b) || l.b[i] == '}' || l.b[i] == ']' {
		l.i = len(l.b)
		return false
	}
	if l.members {
		end := skipValue(l.b, i)
		l.name = within(l.b[i:end])
		l.i = end
		i = l.separator()
	}
	end := skipValue(l.b, i)
	if end == i { // no value: no JSON
		l.i = len(l.b)
		return false
	}
	l.value, l.i = l.b[i:end:end], end
	return true
}

// separator returns where the next name or value begins.
func (l *list) separator() int {
	i := skipSpace(l.b, l.i)
	if i < len(l.b) && (l.b[i] == ',' || l.b[i] == ':') {
		i = skipSpace(l.b, i+1)
	}
	return i
}

// member returns the value of the member called name, nil where there is none or
// it is null.
func member(v []byte, name string) []byte {
	for l := in(v); l.next(); {
		if string(l.name) == name && l.value[0] != 'n' {
			return l.value
		}
	}
	return nil
}

// within returns what stands between the quotes of the string v.
func within(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}
