package sigma

import "slices"

// test is how an atom judges a value that is there.
type test uint8

const (
	testPresent test = iota // the field is there
	testText                // the value fits one of the patterns of text
	testRegexp              // one of res is found in the value
	testNetwork             // the value is an address in one of nets
	testNumber              // the value compares with num as cmp says
	testMoment              // the value is a time that compares with num as cmp says
	testPart                // minute, hour ... of the time compares with num as cmp says
	testOther               // the value compares with that of another field
)

// compare is an order between a value and a number of a rule.
type compare uint8

const (
	equal compare = iota
	less
	lessEqual
	greater
	greaterEqual
)

// atom is the smallest part of a condition: one test of one field. Rules that
// ask the same share one, known by its key.
type atom struct {
	key   string
	field Field
	test  test

	text  *texts
	res   []*expression
	nets  networks
	cmp   compare
	num   number
	unit  string // testPart
	other Field  // testOther
	side  string // testOther: "" equal, startswith, endswith, contains
	cased bool   // testText, testOther

	wants string // for Explain: what the test asks for
}

// texts are patterns sorted by shape, each the cheapest way to match it. All
// are folded unless the atom is cased.
type texts struct {
	any      bool // matches whatever is there
	whole    map[string]struct{}
	starts   [][]byte
	ends     [][]byte
	last     [4]uint64 // a bit a byte: one of ends ends with it, or with the small letter
	endsOnly bool      // there is nothing but ends
	contains [][]byte
	seek     *pairs // of contains, if it is asked of each record
	globs    []glob
	within   []glob   // those of globs that anything may stand before and behind
	numbers  []number // values that the rule writes as numbers: equal JSON numbers match too
}

func newTexts(patterns []pattern, numbers []number) *texts {
	t := &texts{numbers: numbers}
	for _, p := range patterns {
		if n := len(p.gaps); n > 1 && p.text[0] == "" && p.text[n] == "" && p.gaps[0].open && p.gaps[n-1].open {
			t.within = append(t.within, p.glob())
		}
		switch {
		case len(p.gaps) == 0:
			if t.whole == nil {
				t.whole = map[string]struct{}{}
			}
			t.whole[p.text[0]] = struct{}{}
		case slices.ContainsFunc(p.gaps, func(g gap) bool { return !g.open || g.n > 0 }):
			t.globs = append(t.globs, p.glob())
		case len(p.gaps) == 1 && p.text[0] == "" && p.text[1] == "":
			t.any = true
		case len(p.gaps) == 1 && p.text[0] == "":
			t.ends = append(t.ends, []byte(p.text[1]))
			c := p.text[1][len(p.text[1])-1]
			t.last[c>>6] |= 1 << (c & 63)
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
				t.last[c>>6] |= 1 << (c & 63)
			}
		case len(p.gaps) == 1 && p.text[1] == "":
			t.starts = append(t.starts, []byte(p.text[0]))
		case len(p.gaps) == 2 && p.text[0] == "" && p.text[2] == "":
			t.contains = append(t.contains, []byte(p.text[1]))
		default:
			t.globs = append(t.globs, p.glob())
		}
	}
	t.endsOnly = len(t.ends) > 0 && !t.any && len(t.whole)+len(t.starts)+len(t.contains)+len(t.globs)+len(t.numbers) == 0
	return t
}
