package cloudtrail

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

const (
	maxDepth  = 10_000  // of nested containers: no more than the reference parser takes
	maxNodes  = 1 << 20 // of one value: bounds the memory of the index, not of any real record
	flatDepth = 4       // levels below a record that have columns: userIdentity.sessionContext.attributes.creationDate
)

var (
	errTooDeep  = errors.New("value is nested too deep")
	errTooLarge = errors.New("value is too large")
)

// errShort says that the bytes end before the value does: come again with more.
var errShort = errors.New("value goes on")

// syntaxError is a byte that no JSON document has at this place.
type syntaxError struct {
	at   int // offset from the start of the value
	want string
}

func (e *syntaxError) Error() string { return "not JSON: want " + e.want }

const tops = 0x8080808080808080 // the top bits of eight bytes

type kind byte

const (
	object kind = '{'
	array  kind = '['
	text   kind = '"'
	number kind = '0'
	yes    kind = 't'
	no     kind = 'f'
	null   kind = 'n'
)

// node is one value of the scanned text, in the order of the text: an object is
// followed by name, value, name, value …, an array by its elements.
type node struct {
	kind       kind
	escaped    bool  // a string with backslashes
	start, end int32 // in the scanned text, quotes and brackets included
	next       int32 // node after this one and all that is inside it
}

// scanner checks that bytes are JSON and notes where its values are, in one pass
// and without copying. It takes what RFC 8259 takes. Text that is not UTF-8 and
// names that occur twice do not hide where a value ends: they are left to the
// caller, who loses one record by them and not the file.
type scanner struct {
	b     []byte
	nodes []node
	depth int // levels that get nodes; what is deeper is checked only

	high      uint64 // its top bits are set when a byte above 0x7f was seen
	escapes   int    // escape sequences seen
	surrogate bool   // an escaped surrogate without its other half was seen
	secret    bool   // a member was seen whose value must not be kept
}

// scan reads the value that b begins with and returns its length. On errShort
// and on a syntaxError the nodes are those of the values begun so far.
func (s *scanner) scan(b []byte, depth int) (int, error) {
	*s = scanner{b: b, nodes: s.nodes[:0], depth: depth}
	return s.value(0, 0)
}

func (s *scanner) fault(i int, want string) (int, error) {
	if i >= len(s.b) {
		return 0, errShort
	}
	return 0, &syntaxError{i, want}
}

// begin notes a value that starts at i and returns its node, or -1 for one that
// is too deep to have a column.
func (s *scanner) begin(k kind, i, depth int) int {
	if depth > s.depth {
		return -1
	}
	s.nodes = append(s.nodes, node{kind: k, start: int32(i), end: -1, next: -1})
	return len(s.nodes) - 1
}

func (s *scanner) finish(n, end int) {
	if n >= 0 {
		s.nodes[n].end = int32(end)
		s.nodes[n].next = int32(len(s.nodes))
	}
}

// value reads the value at i, where white space is behind us, and returns what follows it.
func (s *scanner) value(i, depth int) (end int, err error) {
	if i >= len(s.b) {
		return 0, errShort
	}
	if len(s.nodes) >= maxNodes {
		return 0, errTooLarge
	}
	switch c := s.b[i]; c {
	case '"':
		return s.text(i, depth)
	case '{', '[':
		if depth >= maxDepth {
			return 0, errTooDeep
		}
		n := s.begin(kind(c), i, depth)
		if c == '{' {
			end, err = s.object(i, depth+1)
		} else {
			end, err = s.array(i, depth+1)
		}
		if err != nil {
			return 0, err
		}
		s.finish(n, end)
		return end, nil
	case 't':
		return s.literal(i, depth, "true")
	case 'f':
		return s.literal(i, depth, "false")
	case 'n':
		return s.literal(i, depth, "null")
	default:
		return s.number(i, depth)
	}
}

func (s *scanner) object(i, depth int) (end int, err error) {
	i = skipSpace(s.b, i+1)
	if i < len(s.b) && s.b[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(s.b) || s.b[i] != '"' {
			return s.fault(i, "a name")
		}
		escapes := s.escapes
		if end, err = s.text(i, depth); err != nil {
			return 0, err
		}
		s.secret = s.secret || isSecret(s.b[i+1:end-1], s.escapes != escapes)
		i = skipSpace(s.b, end)
		if i >= len(s.b) || s.b[i] != ':' {
			return s.fault(i, "a colon after a name")
		}
		if end, err = s.value(skipSpace(s.b, i+1), depth); err != nil {
			return 0, err
		}
		i = skipSpace(s.b, end)
		if i >= len(s.b) || s.b[i] != ',' {
			break
		}
		i = skipSpace(s.b, i+1)
	}
	if i >= len(s.b) || s.b[i] != '}' {
		return s.fault(i, "a comma or the end of an object")
	}
	return i + 1, nil
}

func (s *scanner) array(i, depth int) (end int, err error) {
	i = skipSpace(s.b, i+1)
	if i < len(s.b) && s.b[i] == ']' {
		return i + 1, nil
	}
	for {
		if end, err = s.value(i, depth); err != nil {
			return 0, err
		}
		i = skipSpace(s.b, end)
		if i >= len(s.b) || s.b[i] != ',' {
			break
		}
		i = skipSpace(s.b, i+1)
	}
	if i >= len(s.b) || s.b[i] != ']' {
		return s.fault(i, "a comma or the end of an array")
	}
	return i + 1, nil
}

func (s *scanner) literal(i, depth int, word string) (int, error) {
	rest := s.b[i:]
	for k := range len(word) {
		if k >= len(rest) || rest[k] != word[k] {
			return s.fault(i+k, word)
		}
	}
	s.finish(s.begin(kind(word[0]), i, depth), i+len(word))
	return i + len(word), nil
}

// number needs one byte behind the number to know that it has ended.
func (s *scanner) number(start, depth int) (int, error) {
	b, i := s.b, start
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && isDigit(b[i]):
		i = skipDigits(b, i)
	default:
		return s.fault(i, "a value")
	}
	if i < len(b) && b[i] == '.' {
		if i++; i >= len(b) || !isDigit(b[i]) {
			return s.fault(i, "a digit after the point")
		}
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || !isDigit(b[i]) {
			return s.fault(i, "a digit of the exponent")
		}
		i = skipDigits(b, i)
	}
	if i >= len(b) {
		return 0, errShort
	}
	s.finish(s.begin(number, start, depth), i)
	return i, nil
}

// text reads the string whose opening quote is at start.
func (s *scanner) text(start, depth int) (int, error) {
	n := s.begin(text, start, depth)
	b, i := s.b, start+1
	for {
		i = s.plain(i)
		if i >= len(b) {
			return 0, errShort
		}
		switch c := b[i]; {
		case c == '"':
			s.finish(n, i+1)
			return i + 1, nil
		case c == '\\':
			s.escapes++
			if n >= 0 {
				s.nodes[n].escaped = true
			}
			end, err := s.escape(i)
			if err != nil {
				return 0, err
			}
			i = end
		default:
			return s.fault(i, "no control character in a string")
		}
	}
}

// plain skips, eight at a time, the bytes of a string that stand for themselves.
// A comparison can light up bytes above a true hit by its borrow, never below:
// the lowest light is always right.
func (s *scanner) plain(i int) int {
	const ones = 0x0101010101010101
	b := s.b
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^('"'*ones), w^('\\'*ones)
		stop := ((w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & tops
		if stop != 0 {
			k := bits.TrailingZeros64(stop) >> 3
			s.high |= w & (1<<(8*k) - 1) // what is behind the stop is another string's
			return i + k
		}
		s.high |= w
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
		s.high |= uint64(b[i])
		i++
	}
	return i
}

// escape reads the escape sequence whose backslash is at i.
func (s *scanner) escape(i int) (int, error) {
	b := s.b
	if i+1 >= len(b) {
		return 0, errShort
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
	default:
		return s.fault(i+1, "an escape sequence")
	}
	for k := i + 2; k < i+6; k++ {
		if k >= len(b) || hexDigit(b[k]) < 0 {
			return s.fault(k, "four hex digits")
		}
	}
	switch r := hex4(b[i+2:]); {
	case r&0xfc00 == 0xd800: // its other half must follow, as an escape too
		rest := b[i+6:]
		for k, c := range []byte(`\u`) {
			if k >= len(rest) {
				return 0, errShort
			}
			if rest[k] != c {
				s.surrogate = true
				return i + 6, nil
			}
		}
		if len(rest) < 6 {
			return 0, errShort
		}
		if allHex(rest[2:6]) && hex4(rest[2:])&0xfc00 == 0xdc00 {
			return i + 12, nil
		}
		s.surrogate = true // what follows is looked at for itself
	case r&0xfc00 == 0xdc00:
		s.surrogate = true
	}
	return i + 6, nil
}
