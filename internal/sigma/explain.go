package sigma

// Explanation is why a rule matched a record, or not.
type Explanation struct {
	Matched bool
	Steps   []Step // the condition, then what it is made of
}

// Step is one part of a rule in an Explanation: the condition, a selection, an
// item of a selection.
type Step struct {
	Depth   int    // of the part in the condition: what it belongs to stands before it, one less deep
	Part    string // and, or, not, at least N of, selection, item, keyword
	Text    string // as the rule has it
	Matched bool
	Field   string // items only
	Present bool   // the record has the field
	Value   string // what the record holds
	Why     string // items that did not match: what was missing
}

// Explain judges one record by one rule and says how the judgement came about.
// It allocates as it likes: it is for a person who asks.
func (s *Set) Explain(rule *Rule, r Record) Explanation { return Explanation{} }
