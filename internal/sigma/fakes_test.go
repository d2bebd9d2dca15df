package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fakeSchema is a log with a field of each kind, and JSON with any path below.
type fakeSchema struct {
	fields map[string]Field
	names  []string
	few    bool // of the paths below params
}

func newSchema() *fakeSchema {
	s := &fakeSchema{fields: map[string]Field{}}
	for _, f := range []struct {
		name string
		Field
	}{
		{"operation", Field{Kind: Text, Few: true, Key: true}},
		{"key_name", Field{Kind: Text}},
		{"user_agent", Field{Kind: Text, Few: true}},
		{"bucket_name", Field{Kind: Text, Few: true}},
		{"requester", Field{Kind: Text}},
		{"remote_ip", Field{Kind: Text}},
		{"http_status", Field{Kind: Int, Few: true}},
		{"bytes_sent", Field{Kind: Int}},
		{"authenticated", Field{Kind: Bool}},
		{"request_time", Field{Kind: Time}},
		{"params", Field{Kind: JSON}},
	} {
		f.ID = FieldID(len(s.fields))
		s.fields[f.name] = f.Field
		s.names = append(s.names, f.name)
	}
	return s
}

// both runs a test on two schemas: in one the values of every field repeat, and so
// are judged by decisions, in the other those of none do.
func both(t *testing.T, name string, do func(t *testing.T, schema *fakeSchema)) {
	for _, few := range []bool{false, true} {
		t.Run(fmt.Sprint(name, " few ", few), func(t *testing.T) {
			s := newSchema()
			s.few = few
			for name, f := range s.fields {
				f.Few, f.Key = few, f.Key && few
				s.fields[name] = f
			}
			do(t, s)
		})
	}
}

func (s *fakeSchema) Service() string { return "s3_server_access" }
func (s *fakeSchema) Names() []string { return s.names }

func (s *fakeSchema) Lookup(name string) (Field, bool) {
	f, ok := s.fields[name]
	if !ok && strings.HasPrefix(name, "params.") {
		f, ok = Field{ID: FieldID(len(s.fields)), Kind: JSON, Few: s.few}, true
		s.fields[name] = f
	}
	return f, ok
}

// fakeRecord is a record by field names. Asking twice is an error of ours.
type fakeRecord struct {
	values map[FieldID]Value
	asked  map[FieldID]int
}

// record makes a record of s: string is text, or JSON in a JSON field; int,
// bool and moment are what they say; nil is absent.
func (s *fakeSchema) record(values map[string]any) *fakeRecord {
	r := &fakeRecord{values: map[FieldID]Value{}, asked: map[FieldID]int{}}
	for name, v := range values {
		f, ok := s.Lookup(name)
		if !ok {
			panic("no field " + name)
		}
		r.values[f.ID] = valueOf(f, v)
	}
	return r
}

type moment int64

func valueOf(f Field, v any) Value {
	switch v := v.(type) {
	case string:
		kind := Text
		if f.Kind == JSON {
			kind = JSON
		}
		return Value{Kind: kind, Present: true, Text: []byte(v)}
	case int:
		return Value{Kind: Int, Present: true, Num: int64(v)}
	case moment:
		return Value{Kind: Time, Present: true, Num: int64(v)}
	case bool:
		n := int64(0)
		if v {
			n = 1
		}
		return Value{Kind: Bool, Present: true, Num: n}
	}
	return Value{}
}

func (r *fakeRecord) Field(id FieldID) Value {
	r.asked[id]++
	return r.values[id]
}

// fakeTrail is a second log, so that correlations can span two.
type fakeTrail struct{}

func (fakeTrail) Service() string { return "cloudtrail" }
func (fakeTrail) Names() []string { return []string{"eventName", "sourceIPAddress"} }
func (t fakeTrail) Lookup(name string) (Field, bool) {
	i := slices.Index(t.Names(), name)
	return Field{ID: FieldID(max(i, 0)), Kind: Text}, i >= 0
}

// detection is a document with the given detection part.
func detection(body string) string {
	return "title: A rule\nid: a-rule\nname: a_rule\nlogsource: {product: aws, service: s3_server_access}\nlevel: low\n" + body
}

func load(tb testing.TB, o Options, docs ...string) (*Set, []Problem) {
	tb.Helper()
	if o.Schemas == nil {
		o.Schemas = []Schema{newSchema(), fakeTrail{}}
	}
	return Load([]Source{{Name: "test.yml", Text: []byte(strings.Join(docs, "\n---\n"))}}, o)
}

// mustLoad fails the test on any Problem.
func mustLoad(tb testing.TB, o Options, docs ...string) *Set {
	tb.Helper()
	s, problems := load(tb, o, docs...)
	for _, p := range problems {
		tb.Errorf("%v", p)
	}
	if len(problems) > 0 {
		tb.FailNow()
	}
	return s
}
