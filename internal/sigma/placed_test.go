package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// placedRecord is a record that tells where its texts, numbers and truths are, and of
// most texts by a number which of them they are.
type placedRecord struct {
	*fakeRecord
	places  map[FieldID]Place
	groups  []placedTexts
	numbers map[string]uint64
	last    uint64
}

// placedTexts are texts of which one number says that all of them are the same again.
type placedTexts struct {
	again *uint64
	of    []FieldID
}

// placed makes a Placed of the kinds of s, to be set to one record after the other.
func (s *fakeSchema) placed() *placedRecord {
	p := &placedRecord{places: map[FieldID]Place{}, numbers: map[string]uint64{}}
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		f := s.fields[name]
		switch f.Kind {
		case Text:
			if n := len(p.groups); n == 0 || len(p.groups[n-1].of) == n {
				p.groups = append(p.groups, placedTexts{again: new(uint64)})
			}
			g := &p.groups[len(p.groups)-1]
			g.of = append(g.of, f.ID)
			p.places[f.ID] = Place{Text: new([]byte), Again: g.again}
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
		case place.Num != nil:
			*place.Num, *place.OK = v.Num, v.Present
		default:
			*place.Flag, *place.OK = v.Num != 0, v.Present
		}
	}
	for _, g := range p.groups {
		*g.again = p.number(g)
	}
	return p
}

// number is one for each value of some texts, until it has another one, and now and then
// none.
func (p *placedRecord) number(g placedTexts) uint64 {
	if p.last++; p.last%7 == 0 {
		return 0
	}
	text := fmt.Sprint(g.of)
	for _, id := range g.of {
		text += fmt.Sprintf(" %v %q", p.values[id].Present, p.values[id].Text)
	}
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
	known := 0
	for _, e := range fast.ends {
		if e.classes != (classes{}) {
			known++
		}
	}
	if known < 20 {
		t.Errorf("%d ways were remembered: shows nothing", known)
	}
}

// TestWays: records whose values have no class go the way of those without places, as do
// those of more fields than ways are known by; and what made room for other decisions is
// forgotten with them.
func TestWays(t *testing.T) {
	schema := newSchema()
	var docs []string
	const n = maxClasses + 20
	for i := range n {
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {user_agent: agent-%d, http_status|gte: %d}, condition: a}\n", i, i, i%90))
	}
	set := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...)
	plain, fast := set.Matcher("s3_server_access"), set.Matcher("s3_server_access")
	fast.room, fast.patience = 1<<15, 1000
	p := schema.placed()
	restarts := 0
	for i := range 20_000 {
		r := schema.record(map[string]any{"user_agent": fmt.Sprint("agent-", i%n), "http_status": i / n * 7 % 100})
		want, before := slices.Clone(plain.Match(r)), len(fast.decisions)
		if got := fast.Match(p.set(r)); !slices.Equal(got, want) {
			t.Fatalf("record %d: got %v, want %v", i, got, want)
		}
		if len(fast.decisions) < before {
			restarts++
		}
	}
	if restarts == 0 {
		t.Error("there was room for all decisions: shows nothing")
	}

	schema, docs = newSchema(), nil
	const many = 8*len(classes{}) + 1
	values := map[string]any{}
	for i := range many {
		name := fmt.Sprint("flag", i)
		schema.fields[name] = Field{ID: FieldID(len(schema.fields)), Kind: Bool, Few: true}
		values[name] = i%2 == 0
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {%s: true}, condition: a}\n", i, name))
	}
	m := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...).Matcher("s3_server_access")
	for range 2 {
		if got := m.Match(schema.placed().set(schema.record(values))); len(got) != (many+1)/2 {
			t.Errorf("got %v of %d flags of which every other one is true", got, many)
		}
	}
}
