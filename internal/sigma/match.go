package sigma

// Matcher judges one record after the other.
type Matcher struct {
	hits []int32
}

type program struct{}

type node struct{}

func newMatcher(p *program) *Matcher { return &Matcher{} }

// Match returns the indexes in Set.Rules of the rules that match r, in
// ascending order. The slice is valid until the next call.
func (m *Matcher) Match(r Record) []int32 { return m.hits[:0] }
