package cloudtrail

import (
	"bytes"
	"unicode/utf8"

	"sluice/internal/jsontext"
	"sluice/internal/logs"
)

// Why a record is a reject.
const (
	ReasonNotObject   logs.Reason = "not_an_object"      // an element of Records that is no JSON object
	ReasonNotUTF8     logs.Reason = "invalid_utf8"       // bytes or escapes that are not Unicode: no reader agrees with another on them
	ReasonDuplicate   logs.Reason = "duplicate_name"     // a field that occurs twice: each reader would pick its own
	ReasonAggregated  logs.Reason = "aggregated_event"   // a summary of many calls (AwsAggregatedEvent), which has no time of its own
	ReasonNoTime      logs.Reason = "no_event_time"      // eventTime is missing or null
	ReasonInvalidTime logs.Reason = "invalid_event_time" // eventTime is no RFC 3339 time in UTC
	ReasonWrongType   logs.Reason = "wrong_type"         // an object or array where one value belongs
)

// parser makes rows of records. Texts of a row point into the record, or into
// scratch where they had to be unescaped.
type parser struct {
	in      *logs.Input
	logKey  []byte
	source  logs.Again // of rows of the file
	row     Row
	nodes   []node
	at      places
	rec     []byte
	scratch []byte
	unknown []int32 // names of the record's fields that have no column
	bad     *logs.BadRecord
}

func (p *parser) begin(in *logs.Input) {
	p.in = in
	p.logKey, p.source = []byte(in.Key), logs.Again{} // a new one each file: rows of the last one may still be read
}

// parse makes a row of rec, whose nodes s holds. Row and reject are valid until
// the next call.
func (p *parser) parse(s *scanner, rec []byte) (*Row, *logs.BadRecord) {
	p.start(s.nodes, rec)
	if s.surrogate || s.high&tops != 0 && !utf8.Valid(rec) {
		p.reject(ReasonNotUTF8, "the record is not valid UTF-8")
	}
	if p.nodes[0].kind != object {
		p.reject(ReasonNotObject, "want an object, found "+p.nodes[0].kind.String())
	} else {
		p.members(0, "", topNames[:], p.at.top[:])
		p.record()
		p.nests()
		p.inside()
	}
	if p.bad == nil {
		return &p.row, nil
	}
	p.bad.Raw = rec
	p.bad.Time = p.in.Dated
	if t, ok := p.time(p.at.top[eventTime]); ok {
		p.bad.Time = t
	}
	return nil, p.bad
}

// start forgets the record before.
func (p *parser) start(nodes []node, rec []byte) {
	p.nodes, p.rec, p.bad = nodes, rec, nil
	p.scratch, p.unknown = p.scratch[:0], p.unknown[:0]
	p.row = Row{LogKey: p.logKey, Source: &p.source}
	p.at = places{}
}

// reject makes the record a reject. The first reason is the one that counts.
func (p *parser) reject(why logs.Reason, detail string) {
	if p.bad == nil {
		p.bad = &logs.BadRecord{Reason: why, Detail: detail}
	}
}

// members sets at[k] to the node of the value of names[k] in an object, and
// leaves it 0 where the object has none. Fields come in much the same order in every record,
// so the search starts where the last one ended.
func (p *parser) members(obj int32, path string, names []string, at []int32) {
	hint := 0
	for n := obj + 1; n < p.nodes[obj].next; n = p.nodes[n+1].next {
		name := p.bytes(n)
		k := find(names, name, hint)
		switch {
		case k < 0:
			if obj == 0 {
				p.unknown = append(p.unknown, n)
			}
		case at[k] != 0:
			p.reject(ReasonDuplicate, path+names[k]+" occurs twice")
		default:
			at[k] = n + 1
			hint = k + 1
		}
	}
	if obj == 0 {
		p.rejectTwins()
	}
}

func find(names []string, name []byte, hint int) int {
	for i := hint; i < len(names); i++ {
		if names[i] == string(name) {
			return i
		}
	}
	for i := range min(hint, len(names)) {
		if names[i] == string(name) {
			return i
		}
	}
	return -1
}

// rejectTwins looks for unknown fields of one name. There are few, save where
// somebody wants to see us count.
func (p *parser) rejectTwins() {
	if len(p.unknown) > 16 {
		seen := make(map[string]bool, len(p.unknown))
		for _, n := range p.unknown {
			name := string(p.bytes(n))
			if seen[name] {
				p.reject(ReasonDuplicate, "a field without a column occurs twice")
				return
			}
			seen[name] = true
		}
		return
	}
	for i, n := range p.unknown {
		for _, m := range p.unknown[:i] {
			if bytes.Equal(p.bytes(n), p.bytes(m)) {
				p.reject(ReasonDuplicate, "a field without a column occurs twice")
				return
			}
		}
	}
}

// unquote returns what the string n of b says.
func (s *scanner) unquote(b []byte, n int32) []byte {
	nd := s.nodes[n]
	v := b[nd.start+1 : nd.end-1]
	if nd.escaped {
		return jsontext.Unescape(nil, v)
	}
	return v
}

// bytes returns what the string n says. It is not nil.
func (p *parser) bytes(n int32) []byte {
	nd := &p.nodes[n]
	v := p.rec[nd.start+1 : nd.end-1 : nd.end-1]
	if !nd.escaped {
		return v
	}
	from := len(p.scratch)
	p.scratch = jsontext.Unescape(p.scratch, v)
	return p.scratch[from:len(p.scratch):len(p.scratch)]
}

// raw returns the value n as logged, NULL where it is absent or null.
func (p *parser) raw(n int32) logs.Text {
	if n == 0 || p.nodes[n].kind == null {
		return nil
	}
	return p.rec[p.nodes[n].start:p.nodes[n].end:p.nodes[n].end]
}

// scalar returns the value n as text: numbers and booleans as logged. What is
// an object or array is NULL; its JSON column has it.
func (p *parser) scalar(n int32) logs.Text {
	switch {
	case n == 0:
		return nil
	case p.nodes[n].kind == text:
		return p.bytes(n)
	case p.nodes[n].kind == object || p.nodes[n].kind == array:
		return nil
	}
	return p.raw(n)
}

// field returns a top-level field as text, which must be one value: there is no
// other column to keep it in.
func (p *parser) field(k int) logs.Text {
	n := p.at.top[k]
	if n != 0 && (p.nodes[n].kind == object || p.nodes[n].kind == array) {
		p.reject(ReasonWrongType, topNames[k]+": want one value, found "+p.nodes[n].kind.String())
	}
	return p.scalar(n)
}

// truth returns the value n as boolean, from a boolean or from the words that
// CloudTrail and S3 use for one.
func (p *parser) truth(n int32) logs.Bool {
	if n == 0 {
		return logs.Bool{}
	}
	switch p.nodes[n].kind {
	case yes:
		return logs.SomeBool(true)
	case no:
		return logs.SomeBool(false)
	case text:
		switch v := p.bytes(n); {
		case len(v) == 4 && foldEqual(v, "true"), len(v) == 3 && foldEqual(v, "yes"):
			return logs.SomeBool(true)
		case len(v) == 5 && foldEqual(v, "false"), len(v) == 2 && foldEqual(v, "no"):
			return logs.SomeBool(false)
		}
	}
	return logs.Bool{}
}

// truthField returns a top-level field as boolean, and leaves what is none of
// them to extra.
func (p *parser) truthField(k int) logs.Bool {
	n := p.at.top[k]
	v := p.truth(n)
	if !v.OK && p.raw(n) != nil {
		p.unknown = append(p.unknown, n-1)
	}
	return v
}

// count returns the value n as whole number, from a number or digits in a string.
func (p *parser) count(n int32) logs.Int {
	if v, ok := wholeNumber(p.scalar(n)); ok {
		return logs.SomeInt(v)
	}
	return logs.Int{}
}

// time returns the value n as time; not ok where it is none.
func (p *parser) time(n int32) (logs.Time, bool) {
	if n == 0 || p.nodes[n].kind != text {
		return 0, false
	}
	return parseTime(p.bytes(n))
}

func (k kind) String() string {
	switch k {
	case object:
		return "an object"
	case array:
		return "an array"
	case text:
		return "a string"
	case number:
		return "a number"
	case null:
		return "null"
	}
	return "a boolean"
}
