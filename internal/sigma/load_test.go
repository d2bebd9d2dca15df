package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProblems: what is refused, where, and in which words.
func TestProblems(t *testing.T) {
	item := func(s string) string { return detection("detection:\n  sel:\n    " + s + "\n  condition: sel\n") }
	condition := func(s string) string {
		return detection("detection:\n  sel_a: {key_name: a}\n  sel_b: {key_name: b}\n  condition: " + s + "\n")
	}
	base := item("key_name: a")
	correlation := func(s string) string {
		return base + "---\ntitle: C\nid: c\ncorrelation: {rules: [a_rule], group-by: [bucket_name], timespan: 1h, " + s + "}\n"
	}
	for _, c := range []struct{ doc, want string }{
		{"title: [", "test.yml:1: document without a name: not YAML"},
		{"- a\n- b\n", "document is no mapping"},
		{"title: T\nid: x\n", "has no detection, no correlation and no filter"},
		{"title: T\nid: x\ndetecton: {a: b}\n", "did you mean detection where it says detecton?"},
		{"title: T\nid: x\ndetection: {}\nfilter: {}\n", "document has a detection and a filter"},
		{"id: x\n" + base, "key occurs twice"},
		{strings.Replace(base, "key_name: a", "key_name: a\n    key_name: b", 1), "test.yml:9: test.yml"},
		{strings.Replace(base, "title: A rule", "", 1), "a_rule: title: title is missing"},
		{strings.Replace(strings.Replace(base, "id: a-rule", "", 1), "name: a_rule", "", 1), "id is missing"},
		{strings.Replace(base, "level: low", "level: hihg", 1), `test.yml:5: a_rule: level: no level is named "hihg"; did you mean high?`},
		{base + "status: tset\n", "did you mean test?"},
		{strings.Replace(base, "s3_server_access", "s3_server_acess", 1), `no service is named "s3_server_acess"; did you mean s3_server_access?`},
		{strings.Replace(base, "product: aws", "product: windows", 1), "product is aws"},
		{strings.Replace(base, "detection:", "tags: &x [a.b]\ndetection:", 1), "anchors and aliases are not allowed"},
		{strings.Replace(base, "detection:", "tags: !!set {a}\ndetection:", 1), "tags such as !!set are not allowed"},
		{strings.Replace(base, "key_name: a", "<<: {key_name: a}", 1), "merge keys are not allowed"},
		{base + "padding: " + strings.Repeat("x", maxDocument), "more than 65536"},
		{base + "deep: " + strings.Repeat("[", 120) + strings.Repeat("]", 120) + "\n", "nested deeper than 100"},

		{item("ky_name: a"), `test.yml:8: a_rule: ky_name: s3_server_access has no field "ky_name"; did you mean key_name?`},
		{item("zzz: a"), `has no field "zzz"`},
		{item("key_name|contians: a"), "did you mean contains?"},
		{item("key_name|: a"), "no modifier"},
		{item("key_name|contains|contains: a"), "occurs twice"},
		{item("key_name|contains|startswith: a"), "exclude each other"},
		{item("key_name|i: a"), "only goes behind re"},
		{item("key_name|contains|base64: a"), "base64 goes before contains"},
		{item("key_name|base64|wide: a"), "wide goes before base64"},
		{item("key_name|base64|base64offset: a"), "exclude each other"},
		{item("key_name|base64|re: a"), "exclude each other"},
		{item("key_name|base64: 'a*'"), "cannot encode a value with wildcards"},
		{item("key_name|re: '('"), "not a regular expression (RE2): missing closing )"},
		{item("key_name|re: '(?=a)'"), "not a regular expression (RE2): lookahead (?=...) is not supported"},
		{item("key_name|re: '(?<=a)b'"), "not a regular expression (RE2): lookbehind (?<=...) is not supported"},
		{item(`key_name|re: '[]\(?=](a)\1'`), `not a regular expression (RE2): a reference to a group (\1) is not supported`},
		{item("key_name|re: '" + strings.Repeat("a", 1001) + "'"), "more than 1000"},
		{item("key_name|re: '" + strings.Repeat("a{1000}", 100) + "'"), "repeat less"},
		{item("key_name|re|cased: a"), "exclude each other"},
		{item("key_name|lt: 5"), "compares numbers and times, and the field is text"},
		{item("http_status|lt: five"), "want a number"},
		{item("http_status: abc"), `field is a number, never "abc"`},
		{item("http_status: '0200'"), `field is a number, never "0200"`},
		{item("http_status|contains: a4"), "never has"},
		{item("http_status|cidr: 10.0.0.0/8"), "cidr needs an address, and the field is a number"},
		{item("http_status|base64: a"), "changes text"},
		{item("http_status|hour: 3"), "needs a time"},
		{item("authenticated: maybe"), "field is true or false"},
		{item("authenticated|contains: tr"), "field is a boolean"},
		{item("request_time: yesterday"), "want a time as"},
		{item("request_time|gt: yesterday"), "want a time such as"},
		{item("request_time|hour: 24"), "want a number from 0 to 23"},
		{item("request_time|hour|contains: 2"), "exclude each other"},
		{item("remote_ip|cidr: 10.0.0.1/8"), "did you mean 10.0.0.0/8?"},
		{item("remote_ip|cidr: ten"), "is no network"},
		{item("remote_ip|cidr: '::ffff:10.0.0.0/104'"), "write it as IPv4"},
		{item("key_name|fieldref: bucket"), "did you mean bucket_name?"},
		{item("key_name|exists: yes please"), "exists is true or false"},
		{item("key_name|exists|neq: true"), "exclude each other"},
		{item("key_name|contains|all: a"), "all needs a list"},
		{item("key_name|contains: [a, null]"), "null goes with no other modifier than neq"},
		{item("key_name|all: [a, null]"), "null goes with no other modifier than neq"},
		{item("bytes_sent: [a, null]"), "field is a number, never"},
		{item("key_name|contains: null"), "null goes with no other modifier"},
		{item("key_name: {a: b}"), "want a value, not a mapping"},
		{item("key_name: []"), "list is empty"},
		{item("key_name: [" + strings.Repeat("a,", 2001) + "]"), "more than 2000"},
		{item("key_name: " + strings.Repeat("a", 5000)), "more than 4096"},
		{item("key_name|windash: '-a -b -c -d -e'"), "windash makes more than 2000"},
		{item("bucket_name|expand: '%public_bukets%'"), "did you mean public_buckets?"},
		{item("remote_ip|cidr|expand: '%public_buckets%'"), `"open-1" is no network such as 192.0.2.0/24: this value is left out`},
		{item("bucket_name|expand: plain"), "needs a placeholder"},
		{item("'|startswith': a"), "a keyword is searched in whole records"},

		{condition("sel_a and"), "ends where a selection's name is due"},
		{condition("sel_x"), `no selection is named "sel_x"; did you mean sel_a?`},
		{condition("(sel_a"), "a ) is missing"},
		{condition("sel_a)"), `unexpected ")"`},
		{condition("sel_a sel_b"), `unexpected "sel_b"`},
		{condition("sel_a | count() > 5"), "write a correlation document"},
		{condition("1 of zel_*"), "no selection's name fits"},
		{condition("3 of sel_*"), "more than the 2 selections"},
		{condition("0 of sel_*"), "want a number from 1"},
		{condition("''"), "condition is empty"},
		{condition("and sel_a"), "where a selection's name is due"},
		{condition(strings.Repeat("(", 200) + "sel_a" + strings.Repeat(")", 200)), "nested deeper than 100"},
		{condition(strings.Repeat("not ", 200) + "sel_a"), "nested deeper than 100"},
		{detection("detection:\n  sel: {key_name: a}\n"), "condition is missing"},
		{detection("detection:\n  sel: {key_name: a}\n  condition: [sel, [sel]]\n"), "condition: want text, not a list"},
		{detection("detection:\n  sel: {key_name: a}\n  condition: []\n"), "condition is empty"},
		{detection("detection: [a]\n"), "want a mapping of selections"},
		{detection("detection:\n  sel:\n  condition: sel\n"), "sel: selection is empty"},
		{detection("detection:\n  sel: [[a]]\n  condition: sel\n"), "a list of mappings and keywords, not a list"},
		{detection("detection:\n  sel: []\n  condition: sel\n"), "selection is empty"},
		{"title: [a]\n" + strings.Replace(base, "title: A rule", "", 1), "title: want text, not a list"},
		{base + "tags: {a: b}\n", "tags: want a list, not a mapping"},
		{base + "tags: [[a]]\n", "tags: want text, not a list"},
		{base + "sluice: [a]\n", "sluice: want a mapping, not a list"},
		{base + "sluice: {period: soon}\n", "is no time span"},
		{strings.Replace(base, "logsource:", "source:", 1), "logsource is missing"},
		{item("key_name|base64offset: ''"), "no value is left"},
		{item("request_time|hour|cased: 3"), "exclude each other"},
		{item("key_name|expand|re: '%public_buckets%'"), "exclude each other"},
		{item("key_name|fieldref|cidr: bucket_name"), "exclude each other"},
		{detection("detection:\n  sel: {}\n  condition: sel\n"), "selection is empty"},
		{detection("detection:\n  sel: {key_name: a}\n  timeframe: 5m\n  condition: sel\n"), "timeframe: is of an old Sigma"},

		{base + "sluice: {respond: x}\n", `no key of sluice is named "respond"; did you mean response?`},
		{base + "sluice: {period: 7h}\n", "must divide a day"},
		{base + "sluice: {period: 30m}\n", "must divide a day"},
		{base + "sluice: {alert: often}\n", "want true or false"},
		{base + "sluice: {group-by: [ky_name]}\n", "did you mean key_name?"},
		{base + "sluice: {requires: [own_acounts]}\n", "did you mean own_accounts?"},
		{base + "sluice: {learn: 7d}\n", "is for correlations of type first_seen"},
		{base + "sluice: {hits: x}\n", "want a list"},

		{correlation("type: event_cont, condition: {gte: 5}"), "did you mean event_count?"},
		{correlation("type: value_percentile, condition: {field: key_name, gte: 5}"), "value_percentile needs all values at once"},
		{correlation("type: event_count"), "condition is missing"},
		{correlation("type: event_count, condition: {lt: 5}"), "would be true until the rest of the log arrives"},
		{correlation("type: value_avg, condition: {field: bytes_sent, lte: 5}"), "would be true until"},
		{correlation("type: event_count, condition: {gte: 0}"), "want 1 or more"},
		{correlation("type: event_count, condition: {gte: 5, gt: 5}"), "exclude each other"},
		{correlation("type: event_count, condition: {field: key_name, gte: 5}"), "counts events"},
		{correlation("type: value_count, condition: {gte: 5}"), "value_count needs the field"},
		{correlation("type: value_count, condition: {field: ky_name, gte: 5}"), "did you mean key_name?"},
		{correlation("type: value_sum, condition: {field: key_name, gte: 5}"), "value_sum needs numbers"},
		{correlation("type: temporal, condition: {gte: 2}"), "more than the 1 rules"},
		{correlation("type: first_seen, condition: {field: requester, gte: 2}"), "no number"},
		{correlation("type: first_seen, condition: {field: requester}") + "sluice: {learn: 2h}\n", "learn: is longer than the timespan"},
		{correlation("type: event_count, condition: {gte: many}"), "want a whole number"},
		{correlation("type: event_count, condition: {more: 5}"), "no key of condition is named"},
		{correlation("type: event_count, condition: 5"), "want a mapping such as gte: 100"},
		{correlation("type: event_count, condition: {}"), "says no number to reach"},
		{correlation("type: value_sum, condition: {field: [bytes_sent, http_status], gte: 5}"), "needs one field"},
		{correlation("type: event_count, condition: {gte: 5}, aliases: [a]"), "aliases: want a mapping"},
		{correlation("type: event_count, condition: {gte: 5}, aliases: {a: b}"), "want a mapping of rules to fields"},
		{correlation("type: event_count, condition: {gte: 5}, aliases: {a: {b: [c]}}"), "want a field's name"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "timespan: 1h, ", "", 1), "timespan is missing"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "[a_rule]", "[]", 1), "rules is empty"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "[a_rule]", "[a_rule, a_rule]", 1), "occurs twice"},
		{correlation("type: value_count, condition: {field: key_name, gte: 5}") + "---\ntitle: D\nid: d\ncorrelation: {type: value_sum, rules: [c], group-by: [], timespan: 1h, condition: {field: bucket_name, gte: 5}}\n", "value_sum counts records, and c is a correlation"},
		{correlation("type: value_count, condition: {field: key_name, gte: 5}") + "---\ntitle: D\nid: d\ncorrelation: {type: temporal, rules: [c, a_rule], group-by: [key_name], timespan: 1h}\n", "c is a correlation and not grouped by key_name"},
		{strings.Replace(correlation("type: temporal"), "[a_rule]", "[a_rule, f]", 1) + "---\ntitle: F\nname: f\nlogsource: {service: s3_server_access}\nfilter: {rules: any, sel: {key_name: a}, condition: sel}\n", "f is a filter, no rule"},
		{correlation("type: event_count, window: 1h, condition: {gte: 5}"), `no key of correlation is named "window"`},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "1h", "1y", 1), "months and years differ"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "1h", "1000d", 1), "longer than 400d"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "[a_rule]", "[b_rule]", 1), "did you mean a_rule?"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "[bucket_name]", "[bucket]", 1), "did you mean bucket_name?"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "group-by: [bucket_name], ", "", 1), "group-by is missing"},
		{strings.Replace(correlation("type: event_count, condition: {gte: 5}"), "[a_rule]", "[c]", 1), "built on this correlation itself"},
		{correlation("type: event_count, condition: {gte: 5}, aliases: {bucket_name: {other: x}}"), "alias says nothing of a_rule"},

		{base + "---\ntitle: F\nid: f\nlogsource: {service: s3_server_access}\nfilter: {rules: [b_rule], sel: {key_name: a}, condition: not sel}\n", "did you mean a_rule?"},
		{base + "---\ntitle: F\nid: f\nlogsource: {service: cloudtrail}\nfilter: {rules: [a_rule], sel: {eventName: a}, condition: not sel}\n", "rule for s3_server_access and the filter is for cloudtrail"},
		{base + "---\ntitle: F\nid: f\nlogsource: {service: cloudtrail}\nfilter: {sel: {eventName: a}, condition: not sel}\n", "rules is missing"},
		{base + "---\ntitle: F\nid: f\nlogsource: {service: s3_server_access}\nfilter: {rules: [], sel: {key_name: a}, condition: not sel}\n", "rules is empty"},
		{base + "---\ntitle: F\nid: f\nsluice: {}\nlogsource: {service: s3_server_access}\nfilter: {rules: any, sel: {key_name: a}, condition: not sel}\n", "a filter has no sluice part"},
		{base + "---\n" + base, "id a-rule is that of test.yml:1, too"},
		{base + "---\n" + strings.Replace(base, "id: a-rule", "id: other", 1), "name is that of test.yml:1, too"},
	} {
		_, problems := load(t, Options{Site: testSite, Known: []string{"own_accounts"}}, c.doc)
		if c.want == "test.yml:9: test.yml" { // duplicate key: only the line matters
			c.want = "test.yml:9:"
		}
		if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.Error(), c.want) }) {
			t.Errorf("want %q, got %v of\n%.400s", c.want, problems, c.doc)
		}
	}
}

// TestGoodBesideBad: a document that cannot be used leaves the others as they are.
func TestGoodBesideBad(t *testing.T) {
	good := detection("detection:\n  sel: {key_name: a}\n  condition: sel\n")
	bad := "title: B\nid: b\nlogsource: {service: s3_server_access}\ndetection: {sel: {nothing: 1}, condition: sel}\n"
	set, problems := load(t, Options{}, bad, "title: [", good, "\x00")
	if len(set.Rules) != 1 || len(problems) != 3 {
		t.Fatalf("%d rules and %v", len(set.Rules), problems)
	}
	if line := problems[0].Line; line != 4 {
		t.Errorf("problem in line %d, want 4", line)
	}
	if set.Rules[0].Line == 0 || !strings.Contains(set.Rules[0].Text, "key_name: a") {
		t.Errorf("rule does not know where it is from: line %d, %q", set.Rules[0].Line, set.Rules[0].Text)
	}
}

func TestOverride(t *testing.T) {
	rule := func(id, key, more string) string {
		return fmt.Sprintf("title: T\nid: %s\nlogsource: {service: s3_server_access}\ndetection: {sel: {key_name: %s}, condition: sel}\n%s", id, key, more)
	}
	source := func(layer int, text string) Source {
		return Source{Name: fmt.Sprint("layer", layer), Text: []byte(text), Layer: layer}
	}
	for _, c := range []struct {
		name     string
		user     string
		keys     string // that match
		problems int
	}{
		{"another rule", rule("r2", "b", ""), "ab", 0},
		{"replaced", rule("r1", "b", ""), "b", 0},
		{"a broken replacement", strings.Replace(rule("r1", "b", ""), "key_name", "no_name", 1), "a", 1},
		{"replaced under its name", rule("r1", "b", "") + "---\ntitle: C\nname: c\ncorrelation: {type: event_count, rules: [first], group-by: [], timespan: 1h, condition: {gte: 2}}\n", "b", 0},
		{"switched off", rule("r1", "b", "status: deprecated\n"), "", 0},
	} {
		schema := newSchema()
		set, problems := Load([]Source{source(1, c.user), source(0, rule("r1", "a", "name: first\n"))}, Options{Schemas: []Schema{schema}})
		if len(problems) != c.problems {
			t.Errorf("%s: %v", c.name, problems)
		}
		got := ""
		m := set.Matcher("s3_server_access")
		for _, key := range []string{"a", "b"} {
			if len(m.Match(schema.record(map[string]any{"key_name": key}))) > 0 {
				got += key
			}
		}
		if got != c.keys {
			t.Errorf("%s: matches %q, want %q", c.name, got, c.keys)
		}
	}
}

func TestIdle(t *testing.T) {
	doc := func(name, body string) string {
		return "title: T " + name + "\nname: " + name + "\nlogsource: {service: s3_server_access}\n" + body
	}
	matches := "detection: {sel: {key_name: a}, condition: sel}\n"
	set := mustLoad(t, Options{Known: []string{"own_accounts", "threat_networks"}},
		doc("live", matches),
		doc("old", matches+"status: deprecated\n"),
		doc("needs", matches+"sluice: {requires: [own_accounts]}\n"),
		doc("empty", "detection: {sel: {remote_ip|cidr|expand: '%threat_networks%'}, condition: sel}\n"),
		doc("never", "detection: {sel: {key_name: a}, no: {remote_ip|cidr|expand: '%threat_networks%'}, condition: sel and not no}\n"),
		"title: C1\nname: c1\ncorrelation: {type: event_count, rules: [needs], group-by: [], timespan: 1h, condition: {gte: 2}}",
		"title: C2\nname: c2\ncorrelation: {type: event_count, rules: [needs, live], group-by: [], timespan: 1h, condition: {gte: 2}}",
		"title: C3\nname: c3\ncorrelation: {type: temporal, rules: [needs, live], group-by: [], timespan: 1h}",
		"title: C4\nname: c4\ncorrelation: {type: event_count, rules: [c3], group-by: [], timespan: 1h, condition: {gte: 2}}",
	)
	var idle []string
	for _, i := range set.Idle {
		idle = append(idle, i.About.Name+": "+i.Reason)
	}
	want := []string{
		"old: status deprecated",
		"needs: the site file has no own_accounts",
		"empty: the site file has no threat_networks",
		"c1: needs is idle: the site file has no own_accounts",
		"c3: needs is idle: the site file has no own_accounts",
		"c4: c3 is idle: needs is idle: the site file has no own_accounts",
	}
	if !slices.Equal(idle, want) {
		t.Errorf("idle\n%q, want\n%q", idle, want)
	}
	if len(set.Rules) != 2 || len(set.Correlations) != 1 || len(set.Correlations[0].Rules) != 1 {
		t.Errorf("%d rules, %d correlations run", len(set.Rules), len(set.Correlations))
	}
}

func TestCorrelation(t *testing.T) {
	set := mustLoad(t, Options{},
		"title: Both\nname: both\ncorrelation: {type: temporal_ordered, rules: [many, trail], group-by: [address], timespan: 2w, aliases: {address: {many: remote_ip, trail: sourceIPAddress}}}\nlevel: critical",
		"title: Many\nname: many\ncorrelation: {type: value_count, rules: [reads], group-by: [bucket_name, remote_ip], timespan: 90m, condition: {field: [key_name, requester], gt: 10}}",
		"title: New\nname: new\ncorrelation: {type: first_seen, rules: [reads, writes], group-by: [bucket_name], timespan: 60d, condition: {field: requester}, generate: true}\nsluice: {learn: 14d, alert: true}",
		"title: Reads\nname: reads\nlogsource: {service: s3_server_access}\ndetection: {sel: {key_name: a}, condition: sel}\nsluice: {group-by: [bucket_name], period: 6h}",
		"title: Writes\nname: writes\nlogsource: {service: s3_server_access}\ndetection: {sel: {key_name: b}, condition: sel}\nlevel: high",
		"title: Trail\nname: trail\nlogsource: {product: aws, service: cloudtrail}\ndetection: {sel: {eventName: b}, condition: sel}",
	)
	by := map[string]*Correlation{}
	for i, c := range set.Correlations {
		by[c.Name] = c
		if c.Index != i {
			t.Errorf("%s has index %d, stands at %d", c.Name, c.Index, i)
		}
	}
	both, many, first := by["both"], by["many"], by["new"]
	if both.Index < many.Index {
		t.Error("a correlation stands before what it is built on")
	}
	if both.Service != "" || many.Service != "s3_server_access" || both.Timespan != 14*24*time.Hour || many.Timespan != 90*time.Minute {
		t.Errorf("both: %q, %v; many: %q, %v", both.Service, both.Timespan, many.Service, many.Timespan)
	}
	if both.Condition.Least() != 2 || many.Condition.Least() != 11 {
		t.Errorf("both needs %d, many %d", both.Condition.Least(), many.Condition.Least())
	}
	if r := both.Rules[0]; r.Correlation != many || !slices.Equal(r.GroupFrom, []int{1}) {
		t.Errorf("first rule of both: %+v", r)
	}
	if r := both.Rules[1]; r.Rule == nil || r.Rule.Name != "trail" || len(r.Group) != 1 || r.Group[0].ID != 1 {
		t.Errorf("second rule of both: %+v", r)
	}
	if r := many.Rules[0]; len(r.Group) != 2 || len(r.Values) != 2 || r.Values[0].ID != 1 {
		t.Errorf("rule of many: %+v", r)
	}
	if first.Sluice.Learn != 14*24*time.Hour || !first.Alerts() {
		t.Errorf("new: %+v", first.Sluice)
	}
	alone := map[string]bool{"reads": true, "writes": true, "trail": false} // new generates
	for _, r := range set.Rules {
		if r.Standalone != alone[r.Name] {
			t.Errorf("%s: standalone %v", r.Name, r.Standalone)
		}
		if set.Rules[r.Index] != r {
			t.Errorf("%s: index %d", r.Name, r.Index)
		}
	}
	if many.Standalone || !both.Standalone || !first.Standalone {
		t.Error("only many serves another correlation")
	}
	reads := set.Rules[0]
	if !slices.Equal(reads.Group, []string{"bucket_name"}) || reads.GroupFields[0].ID != 3 || reads.Sluice.Period != 6*time.Hour || reads.Alerts() {
		t.Errorf("reads: %+v", reads)
	}
	if writes := set.Rules[1]; writes.Sluice.Period != 24*time.Hour || !writes.Alerts() || writes.Group != nil {
		t.Errorf("writes: %+v", writes)
	}
}

func TestCycle(t *testing.T) {
	c := func(name, rule string) string {
		return "title: T\nname: " + name + "\ncorrelation: {type: event_count, rules: [" + rule + "], group-by: [], timespan: 1h, condition: {gte: 2}}"
	}
	set, problems := load(t, Options{}, c("a", "b"), c("b", "c"), c("c", "a"), c("d", "a"))
	if len(set.Correlations) != 0 || len(problems) != 4 {
		t.Errorf("%d correlations, %v", len(set.Correlations), problems)
	}
}

// TestFilter: the condition of a filter is joined by "and" as it is written.
func TestFilter(t *testing.T) {
	rule := func(name string) string {
		return "title: T\nname: " + name + "\nlogsource: {product: aws, service: s3_server_access}\ndetection: {sel: {key_name: a}, condition: sel or sel}"
	}
	filter := func(rules, condition string) string {
		return "title: F\nid: f\nlogsource: {product: aws, service: s3_server_access}\nfilter: {rules: " + rules + ", selection: {requester|startswith: backup}, condition: " + condition + "}"
	}
	for _, c := range []struct {
		filter        string
		backup, else_ string // rules that match
	}{
		{filter("[r1]", "not selection"), "r2", "r1 r2"},
		{filter("[r1, r2]", "not selection"), "", "r1 r2"},
		{filter("any", "not selection"), "", "r1 r2"},
		{filter("[r1]", "selection"), "r1 r2", "r2"},
	} {
		schema := newSchema()
		set := mustLoad(t, Options{Schemas: []Schema{schema}}, rule("r1"), c.filter, rule("r2"))
		m := set.Matcher("s3_server_access")
		match := func(requester string) string {
			var names []string
			for _, i := range m.Match(schema.record(map[string]any{"key_name": "a", "requester": requester})) {
				names = append(names, set.Rules[i].Name)
			}
			return strings.Join(names, " ")
		}
		if got := match("backup-role"); got != c.backup {
			t.Errorf("%s: backup matches %q, want %q", c.filter, got, c.backup)
		}
		if got := match("someone"); got != c.else_ {
			t.Errorf("%s: another matches %q, want %q", c.filter, got, c.else_)
		}
		if len(set.Filters) != 1 || len(set.Rules[0].Filters) != 1 {
			t.Errorf("%s: not listed", c.filter)
		}
	}
}

func TestSite(t *testing.T) {
	site, problems := ParseSite("site.yml", []byte("own_accounts: ['011122223333', 111122223333]\nempty:\none: x\nbad: {a: b}\n9x: [a]\nnested: [[a]]\n"))
	if got := site["own_accounts"]; !slices.Equal(got, []string{"011122223333", "111122223333"}) {
		t.Errorf("own_accounts: %q", got)
	}
	if v, ok := site["empty"]; !ok || len(v) != 0 {
		t.Errorf("empty: %q, %v", v, ok)
	}
	if !slices.Equal(site["one"], []string{"x"}) {
		t.Errorf("one: %q", site["one"])
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Error())
	}
	want := []string{
		"site.yml:4: bad: want a list of values",
		"site.yml:5: 9x: a placeholder's name is letters, digits and _",
		"site.yml:6: nested: want text or a number, not a list",
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems\n%q, want\n%q", got, want)
	}
}

func TestTooManyRules(t *testing.T) {
	var docs []string
	for i := range maxRules + 5 {
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {sel: {key_name: a%d}, condition: sel}", i, i))
	}
	set, problems := load(t, Options{}, docs...)
	if len(set.Rules) != maxRules || len(problems) != 1 {
		t.Errorf("%d rules, %v", len(set.Rules), problems)
	}
}

func TestExplain(t *testing.T) {
	schema := newSchema()
	set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection(`detection:
  read: {operation: [REST.GET.OBJECT, REST.HEAD.OBJECT], http_status|gte: 400}
  own: {requester|startswith: svc}
  condition: read and not own`))
	e := set.Explain(set.Rules[0], schema.record(map[string]any{"operation": "REST.GET.OBJECT", "http_status": 200}))
	var got []string
	for _, s := range e.Steps {
		got = append(got, fmt.Sprintf("%d %s|%s|%v|%s|%s", s.Depth, s.Part, s.Text, s.Matched, s.Value, s.Why))
	}
	want := []string{
		"0 condition|read and not own|false||",
		"1 and||false||",
		"2 selection|read|false||",
		"3 item|operation: [REST.GET.OBJECT, REST.HEAD.OBJECT]|true|REST.GET.OBJECT|",
		"3 item|http_status|gte: 400|false|200|wants >= 400",
		"2 not||true||",
		"3 selection|own|false||",
		"4 item|requester|startswith: svc|false||the record does not have the field",
	}
	if e.Matched || !slices.Equal(got, want) {
		t.Errorf("explained\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
