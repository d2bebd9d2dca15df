// Package sigma is the rule language: Sigma 2.1 documents in, judged records
// out (https://github.com/SigmaHQ/sigma-specification).
//
// It reads detection, correlation and filter documents, checks them against the
// fields that a log has, and compiles the detections so that a record is judged
// without allocating. It knows no log format: a Schema says which fields there
// are and a Record says what they hold. It counts nothing either: correlations
// are checked and resolved here, their windows are kept by whoever has the
// events.
//
// A rule is data that somebody else wrote, and a record is data that somebody
// else sent, so both are bounded. A document, a value, a regular expression, a
// list and the whole set have limits (see limits.go), regular expressions run
// in linear time, and a record costs at most one test of each condition of the
// set: no loop in a rule, no recursion deeper than its document.
package sigma

// Kind is what a value is. Text compares without regard to case, numbers and
// times compare by size, and JSON is looked into.
type Kind uint8

// The kinds of values.
const (
	Text Kind = iota // any text
	Int              // whole number
	Bool             // true or false
	Time             // milliseconds since 1970-01-01 UTC
	JSON             // raw JSON text: object, array, or a number that is no Int
)

// String names the kind in messages and in docs.
func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Int:
		return "number"
	case Bool:
		return "boolean"
	case Time:
		return "time"
	case JSON:
		return "JSON"
	}
	return "unknown"
}

// FieldID is a field of a schema: what a Record is asked for.
type FieldID uint16

// Field is how a schema describes a field to the compiler.
type Field struct {
	ID   FieldID
	Kind Kind // what values are; a field of Kind JSON may yield values of any kind
	Few  bool // values repeat from record to record: what was found out about one is kept
	Key  bool // asked first, because it rules out most rules: such as the operation

	Derived bool // worked out of other fields: keywords are not searched in it
}

// Value is what a record holds in a field. The zero Value is absent, which is
// neither "" nor 0. JSON null is absent, too.
type Value struct {
	Kind    Kind
	Present bool
	Num     int64  // Int; Bool as 0 or 1; Time in milliseconds
	Text    []byte // Text and JSON; valid as long as the record
}

// Record is one event. Field is asked at most once per field and record by a
// Matcher, and only for fields that rules name. An array is a value of Kind
// JSON that begins with '['; a rule then matches if it matches any element.
type Record interface {
	Field(FieldID) Value
}

// Placed is a Record, a pointer, that has some fields at places that stay the same
// from one event to the next: a Matcher then looks there for what is asked of each
// record, instead of asking for it.
type Placed interface {
	Record
	// Place is where a field is, the zero Place where it is not to be had that way.
	Place(FieldID) Place
}

// Place is where a Placed has what Field would return: a text, or a number or a truth
// with whether it is there.
type Place struct {
	Text *[]byte // nil at the place is an absent value
	Num  *int64
	Flag *bool
	OK   *bool // of Num and Flag: false there is an absent value
	// Again, where it is not nil, is where a number stands by which the field's value is
	// known again: it is the same in all events that have that number. 0 is none.
	Again *uint64
}

// Embedder is a Record some of whose JSON holds documents as text, such as a
// policy in a parameter. A rule that asks what such a field contains is written
// for the document, so contains and keywords are tried on it as well.
type Embedder interface {
	// Embedded returns the documents in a field as they read, nil where there are
	// none; valid until the next call.
	Embedded(FieldID) []byte
}

// Schema says which fields the records of one log have.
type Schema interface {
	// Service is the logsource.service of the rules that the schema serves.
	Service() string
	// Lookup finds a field by the name that rules use. It is only called while
	// rules are loaded, and may take note of names that it had not heard before.
	Lookup(name string) (Field, bool)
	// Names lists the fields that have a fixed name: those that keywords are
	// searched in, unless they are derived, and those offered in place of a
	// misspelt one.
	Names() []string
}

// Source is one file of documents.
type Source struct {
	Name string // shown in problems, such as a path
	Text []byte
	// Layer orders sources that may override each other: a document replaces
	// one of a lower layer that has the same id, and two of the same layer with
	// one id are a Problem. Shipped rules are layer 0, a user's layer 1.
	Layer int
}

// Options is what Load must know beside the documents.
type Options struct {
	Schemas []Schema
	Site    Site // values of placeholders
	// SiteFile is what Problems call the file that Site is from.
	SiteFile string
	Known    []string // placeholders that are empty, not unknown, when Site lacks them
}

// Set is a loaded set of rules. It never changes; Matchers share it.
type Set struct {
	Rules        []*Rule        // detections that run; Match yields indexes into it
	Correlations []*Correlation // bases before those that are built upon them
	Filters      []*Filter
	Idle         []Idle // documents that are in order and do nothing, with the reason

	programs map[string]*program
}

// Matcher judges records of one service against the rules of a set. It keeps
// caches: make one a goroutine.
func (s *Set) Matcher(service string) *Matcher { return newMatcher(s.programs[service]) }
