package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// placedRecord is a record that tells where its texts, numbers and truths are, and of
// most texts by a number which of them they are.
type placedRecord struct {
	*fakeRecord
	places  map[FieldID]Place
	numbers map[string]uint64
	last    uint64
}

// placed makes a Placed of the kinds of s, to be set to one record after the other.
func (s *fakeSchema) placed() *placedRecord {
	p := &placedRecord{places: map[FieldID]Place{}, numbers: map[string]uint64{}}
	for _, f := range s.fields {
		switch f.Kind {
		case Text:
			p.places[f.ID] = Place{Text: new([]byte), Again: new(uint64)}
		case Int:
			p.places[f.ID] = Place{Num: new(int64), OK: new(bool)}
		case Bool:
			p.places[f.ID] = Place{Flag: new(bool), OK: new(bool)}
		}
	}
	return p
}

func (p *placedRecord) set(r *fakeRecord) *placedRecord {
	p.fakeRecord = r
	for id, place := range p.places {
		v := r.values[id]
		switch {
		case place.Text != nil:
			*place.Text = v.Text
			*place.Again = p.number(v)
		case place.Num != nil:
			*place.Num, *place.OK = v.Num, v.Present
		default:
			*place.Flag, *place.OK = v.Num != 0, v.Present
		}
	}
	return p
}

// number is one for each text, until it has another one, and now and then none.
func (p *placedRecord) number(v Value) uint64 {
	if p.last++; p.last%7 == 0 {
		return 0
	}
	text := fmt.Sprint(v.Present, string(v.Text))
	if p.last%5 == 0 || p.numbers[text] == 0 {
		p.numbers[text] = p.last
	}
	return p.numbers[text]
}

func (p *placedRecord) Place(id FieldID) Place { return p.places[id] }

// TestPlaced: a record that tells where its fields are is judged as one that is
// asked for each, and a Matcher takes one after the other.
func TestPlaced(t *testing.T) {
	schema := newSchema()
	schema.fields["closed"] = Field{ID: FieldID(len(schema.fields)), Kind: Bool, Few: true}
	set := mustLoad(t, Options{Schemas: []Schema{schema}},
		detection("detection: {a: {user_agent|startswith: 'curl'}, b: {bucket_name: null}, c: {http_status|gte: 400}, condition: a and b or c}"),
		strings.Replace(detection("detection: {a: {key_name|contains: [secret, '']}, b: {operation: ''}, condition: a and not b}"), "a-rule\nname: a_rule", "b-rule\nname: b_rule", 1),
		strings.Replace(detection("detection: {a: {requester|fieldref: user_agent}, condition: a}"), "a-rule\nname: a_rule", "c-rule\nname: c_rule", 1),
		strings.Replace(detection("detection: {a: {closed: true}, b: {closed: null, http_status: 0}, c: {http_status|lt: 0}, condition: 1 of them}"), "a-rule\nname: a_rule", "d-rule\nname: d_rule", 1))
	plain, fast, mixed := set.Matcher("s3_server_access"), set.Matcher("s3_server_access"), set.Matcher("s3_server_access")
	one, other := schema.placed(), schema.placed()
	statuses := []any{nil, 0, 200, 404, 500, smallInts - 1, smallInts, -1}
	values := []any{nil, "", "curl", "curl/8", "Curl/8", "a secret", strings.Repeat("x", maxMemoValue+1)}
	n := 0
	for i := range 4000 {
		at := func(k int) any { return values[i/k%len(values)] }
		r := schema.record(map[string]any{
			"user_agent": at(1), "bucket_name": at(7), "requester": at(3), "operation": at(5), "key_name": at(11), "http_status": statuses[i/13%len(statuses)], "closed": []any{nil, true, false}[i/2%3],
		})
		want := slices.Clone(plain.Match(r))
		n += len(want)
		if got := fast.Match(one.set(r)); !slices.Equal(got, want) {
			t.Fatalf("record %d: got %v of a placed record, want %v", i, got, want)
		}
		next := []Record{r, one, other.set(r)}[i%3]
		if got := mixed.Match(next); !slices.Equal(got, want) {
			t.Fatalf("record %d: got %v from one record after the other, want %v", i, got, want)
		}
	}
	if n < 1000 {
		t.Errorf("only %d matches", n)
	}
}
