package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

const mixedRules = `detection:
  op: {operation: [REST.GET.OBJECT, REST.HEAD.OBJECT], http_status|gte: 200}
  key: {key_name|contains: [secret, .pem, Ärger], key_name|re|i: '(ransom|pay)_?note.*txt$'}
  net: {remote_ip|cidr: [192.0.2.0/24, '2001:db8::/32']}
  agent: {user_agent|contains: [curl, wget]}
  list: {params.list|contains: evil, params.size|gt: 10}
  time: {request_time|hour|gte: 22, request_time|startswith: '2026'}
  ref: {requester|fieldref|contains: bucket_name}
  words: [alpha, 'b?ta']
  condition: op and (key or net or agent) or list or time or ref or words`

func mixedRecords(s *fakeSchema) []*fakeRecord {
	var out []*fakeRecord
	for i := range 64 {
		out = append(out, s.record(map[string]any{
			"operation":    []string{"REST.GET.OBJECT", "REST.PUT.OBJECT", "BATCH.DELETE.OBJECT"}[i%3],
			"http_status":  200 + i%5,
			"key_name":     fmt.Sprintf("Some/ÄRger/path%d/ransom_note.TXT", i),
			"remote_ip":    []string{"192.0.2.7", "2001:DB8::7", "not an address", "198.51.100.9"}[i%4],
			"user_agent":   fmt.Sprintf("Agent/%d", i%7),
			"requester":    "arn:aws:iam::111122223333:user/Ann",
			"bucket_name":  "example-bucket",
			"request_time": moment(1772497062123 + int64(i)*1000),
			"params":       `{"list":["Good","\u0065vil"],"size":12.5}`,
			"params.list":  `["Good",["\u0065vil"],{"a":1}]`,
			"params.size":  []string{"12.5", "9", `"11"`, "null"}[i%4],
		}))
	}
	return out
}

// TestNoAllocation: a record costs no memory, whatever it holds.
func TestNoAllocation(t *testing.T) {
	schema := newSchema()
	set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection(mixedRules))
	m := set.Matcher("s3_server_access")
	records := mixedRecords(schema)
	for _, r := range records { // fill buffers and memos
		m.Match(r)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { m.Match(records[i%len(records)]); i++ }); n > 0 {
		t.Errorf("%v allocations per record", n)
	}
}

// TestMemoBounded: a sender who never repeats a value does not fill our memory,
// and the results stay right.
func TestMemoBounded(t *testing.T) {
	schema := newSchema()
	schema.few = true
	set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection("detection:\n  a: {user_agent|endswith: '7'}\n  b: {http_status: 207}\n  c: {params.list: '9'}\n  condition: a or b or c"))
	m := set.Matcher("s3_server_access")
	for i := range 5 * maxMemo {
		agent := fmt.Sprint("agent-", i)
		if i%100 == 0 {
			agent = strings.Repeat("x", maxMemoValue) + agent // too long to keep
		}
		list := fmt.Sprintf("[%d, %d]", i, i%10)
		want := strings.HasSuffix(agent, "7") || i == 207 || i%10 == 9
		if got := len(m.Match(schema.record(map[string]any{"user_agent": agent, "http_status": i, "params.list": list}))) == 1; got != want {
			t.Fatalf("%s: matches %v", agent, got)
		}
		for _, e := range m.memos {
			if kept := len(e.texts) + len(e.nums) + len(e.jsons); kept > maxMemo || e.classes() > maxClasses {
				t.Fatalf("after %d records a memo keeps %d values and %d classes", i+1, kept, e.classes())
			}
		}
	}
	for _, e := range m.memos {
		for text := range e.texts {
			if len(text) > maxMemoValue {
				t.Errorf("memo keeps a value of %d bytes", len(text))
			}
		}
	}
}

// TestManyClasses: a field may have more classes of values, and more ways through
// them, than a Matcher keeps; the results stay right.
func TestManyClasses(t *testing.T) {
	schema := newSchema()
	var docs []string
	const n = maxClasses + 50
	for i := range n {
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {user_agent: agent-%d, http_status|gte: %d}, condition: a}\n", i, i, i%90))
	}
	m := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...).Matcher("s3_server_access")
	m.patience = 1000
	starts := 0
	for i := range 20_000 {
		agent, status := i%n, i*7%100
		before := len(m.decisions)
		got := m.Match(schema.record(map[string]any{"user_agent": fmt.Sprint("agent-", agent), "http_status": status}))
		if want := status >= agent%90; len(got) == 1 != want || want && got[0] != int32(agent) {
			t.Fatalf("agent-%d with %d: matches %v", agent, status, got)
		}
		if len(m.decisions) < before {
			starts++
		}
		if size := m.bytes(); size > 4*(m.room+1<<14) {
			t.Fatalf("%d bytes are kept", size)
		}
		m.room = 1 << 16 // less than all ways take
	}
	if most := max(m.memos[0].classes(), m.memos[1].classes()); starts == 0 || starts > 20_000/m.patience || most != maxClasses {
		t.Errorf("%d new starts, and a field with %d classes, want some and %d", starts, most, maxClasses)
	}
}

// TestDecisionsBounded: what is left of conditions takes no more room than it may,
// however many of them are left.
func TestDecisionsBounded(t *testing.T) {
	schema := newSchema()
	var docs []string
	const n = 60
	for i := range n {
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {http_status|gte: %d}, b: {user_agent|contains: '%c'}, c: {key_name|contains: k%d}, d: {bytes_sent|gte: %d}, condition: (a and c) or (b and d)}\n", i, i, 'a'+i%16, i, i))
	}
	m := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...).Matcher("s3_server_access")
	m.room = 1 << 16
	fresh := m.kept()
	const slack = n * 64 // what one more decision may take
	for i := range 5000 {
		var agent []byte
		for c := range 16 {
			if i>>c&1 != 0 {
				agent = append(agent, 'a'+byte(c))
			}
		}
		status, sent := i%100, i*7%100
		got := m.Match(schema.record(map[string]any{"user_agent": string(agent), "http_status": status, "bytes_sent": sent, "key_name": fmt.Sprint("k", i%n)}))
		var want []int32
		for r := range n {
			if status >= r && strings.Contains(fmt.Sprint("k", i%n), fmt.Sprint("k", r)) || i>>(r%16)&1 != 0 && sent >= r {
				want = append(want, int32(r))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("record %d: matches %v, want %v", i, got, want)
		}
		if size := m.bytes(); size > 4*(m.room+slack) {
			t.Fatalf("%d bytes are kept after %d records, want at most %d", size, i+1, 4*m.room)
		}
	}
	if m.lost == 0 {
		t.Error("there was room for all")
	}
	if m.start(); m.kept() != fresh || m.lost > 0 {
		t.Errorf("%d numbers are kept after a new start, %d after the first", m.kept(), fresh)
	}
}

// TestUntouchedConditions: what a decision does not touch of a condition, and all that
// it leaves of one, is not written once more for it.
func TestUntouchedConditions(t *testing.T) {
	for _, condition := range []string{"not c", "c and d", "c or b and d", "b and not (c and d)", "not a or c", "a and c"} {
		schema := newSchema()
		docs := []string{"title: T\nid: first\nlogsource: {service: s3_server_access}\ndetection: {a: {user_agent|startswith: a}, condition: a}\n"}
		for i := range 50 {
			docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {user_agent|startswith: a}, b: {bytes_sent: 3}, c: {key_name|contains: k%d}, d: {bytes_sent|gte: %d}, condition: %s}\n", i, i, i, condition))
		}
		m := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...).Matcher("s3_server_access")
		before := len(m.nodes)
		for _, agent := range []string{"a", "b", ""} {
			m.Match(schema.record(map[string]any{"user_agent": agent, "key_name": "k1"}))
		}
		if n := len(m.nodes) - before; n > 0 || len(m.decisions) != 3 {
			t.Errorf("%s: %d nodes more for %d decisions, want none", condition, n, len(m.decisions))
		}
	}
}

// bytes is what decisions and conditions take.
func (m *Matcher) bytes() int {
	size := int(unsafe.Sizeof(flat{}))*len(m.nodes) + 4*len(m.kids)
	for _, d := range m.decisions {
		size += int(unsafe.Sizeof(d)) + 4*len(d.next) + int(unsafe.Sizeof(open{}))*len(d.open)
	}
	return size
}

// TestHostileDocuments: what is written to be expensive is refused, or is cheap
// enough for the test to end.
func TestHostileDocuments(t *testing.T) {
	value := strings.Repeat("-a ", 1000)
	many := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	site := Site{}
	for i := range 4 {
		for j := range maxValues {
			site[fmt.Sprint("p", i)] = append(site[fmt.Sprint("p", i)], fmt.Sprint("value-", j))
		}
	}
	for _, c := range []struct{ body, refused string }{
		{"a: {key_name|windash|contains: '" + value + "'}", "windash makes more"},
		{"a: {key_name|contains: '" + value + "'}", ""},
		{"a: {key_name: '" + strings.Repeat("*a?", 1300) + "'}", ""},
		{"a: {key_name|expand: '%p0%%p1%%p2%%p3%'}", "values after expansion"},
		{"a: {key_name|contains|expand: '%p0%'}", ""},
		{"a: " + many(1900, "k%d"), ""},
		{"a: {'|all': " + many(1900, "k%d") + "}", ""},
		{"a: {key_name|re: " + many(150, "'(x+x+)+y%d'") + "}", ""},
		{"a: {key_name|re: " + many(10, "'(x{1,30}y{1,30}){30}%d'") + "}", "repeat less"},
		{"a: {key_name|re: " + many(120, "'x{900}%d'") + "}", "all regular expressions together"},
		{"a: {key_name: b}\n  condition: " + strings.Repeat("not ", 90) + "a", ""},
	} {
		schema := newSchema()
		doc := detection("detection:\n  " + c.body + "\n")
		if !strings.Contains(doc, "condition") {
			doc += "  condition: a\n"
		}
		set, problems := load(t, Options{Schemas: []Schema{schema}, Site: site}, doc)
		if got := fmt.Sprint(problems); c.refused == "" && len(problems) > 0 || !strings.Contains(got, c.refused) {
			t.Errorf("%.60s: %.300s", c.body, got)
		}
		m := set.Matcher("s3_server_access")
		for _, text := range []string{strings.Repeat("xa", 4000), strings.Repeat("-a ", 3000), strings.Repeat("ä", 4000)} {
			m.Match(schema.record(map[string]any{"key_name": text, "user_agent": text, "params": `["` + text + `"]`}))
		}
	}
}

// BenchmarkMatch judges mixed records by one rule that asks for all there is.
func BenchmarkMatch(b *testing.B) {
	schema := newSchema()
	set := mustLoad(b, Options{Schemas: []Schema{schema}}, detection(mixedRules))
	m := set.Matcher("s3_server_access")
	records := mixedRecords(schema)
	matches, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		matches += len(m.Match(records[i%len(records)]))
		i++
	}
	if matches == 0 {
		b.Fatal("nothing matches")
	}
}
