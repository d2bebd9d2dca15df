package sigma

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLoad: any text is rules or problems, and what loads can be matched and
// explained.
func FuzzLoad(f *testing.F) {
	for _, c := range modifierCases {
		f.Add([]byte(detection("detection:\n  sel:\n    " + c.item + "\n  condition: sel\n")))
	}
	f.Add([]byte("title: C\nname: c\ncorrelation: {type: value_count, rules: [a_rule], group-by: [x], aliases: {x: {a_rule: key_name}}, timespan: 1h, condition: {field: x, gte: 2}}\n---\n" + detection("detection: {a: {key_name: a}, condition: a}")))
	f.Add([]byte("title: F\nid: f\nlogsource: {service: s3_server_access}\nfilter: {rules: any, selection: {key_name: b}, condition: not selection}\n---\n" + detection("detection: {a: {key_name: a}, condition: a}")))
	f.Fuzz(func(t *testing.T, src []byte) {
		schema := newSchema()
		set, problems := Load([]Source{{Name: "f", Text: src}}, Options{Schemas: []Schema{schema, fakeTrail{}}, Site: testSite})
		for _, p := range problems {
			if p.Reason == "" || p.File != "f" || p.Line < 1 || strings.Contains(p.Error(), "%!") {
				t.Errorf("problem says too little: %+v", p)
			}
		}
		m := set.Matcher("s3_server_access")
		for _, values := range []map[string]any{
			{},
			{"operation": "REST.GET.OBJECT", "key_name": "a/b", "http_status": 200, "params": `{"a":[1,"x",{"b":null}]}`, "remote_ip": "192.0.2.1"},
		} {
			r := schema.record(values)
			matched := map[int32]bool{}
			for _, i := range m.Match(r) {
				matched[i] = true
			}
			for i, rule := range set.Rules {
				if rule.Service == "s3_server_access" && set.Explain(rule, r).Matched != matched[int32(i)] {
					t.Errorf("%s: matches %v and is explained otherwise", rule.ID, matched[int32(i)])
				}
			}
		}
	})
}

// FuzzCondition: any text is a condition or an error.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and not (b or 1 of c*)", "all of them", "2 of *", "not not a", "((a))", "a | count()", "1 of", "of of of"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseCondition(text, []string{"a", "b", "c1", "c2", "_d"}, func(string) *node { return constant(true) })
		if (n == nil) == (err == nil) {
			t.Fatalf("%v and %v", n, err)
		}
		if n != nil {
			if s := simplify(n); s.op != opConst {
				t.Errorf("constants do not simplify to one: %+v", s)
			}
		}
	})
}

// FuzzAddr: an address is what net/netip says it is.
func FuzzAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "1.2.3.4.5", "01.2.3.4", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4", "fe80::1%eth0", "1::2::3", "12345::", "1:2:3:4:5:6:1.2.3.4", ":1", "1:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseAddr([]byte(s))
		want, err := netip.ParseAddr(s)
		if valid := err == nil && want.Zone() == ""; ok != valid || ok && got != want.Unmap() {
			t.Errorf("%q: %v, %v; netip says %v, %v", s, got, ok, want, err)
		}
	})
}

// FuzzGlob: wildcards match what the same regular expression matches.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*x?y*", "xx-yy")
	f.Add("??*", "ä")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) || len(p) > 200 || strings.ContainsRune(p, utf8.RuneError) || strings.ContainsRune(s, utf8.RuneError) {
			t.Skip()
		}
		if got, want := parsePattern(p).glob().match([]byte(s)), likeCased(s, p); got != want {
			t.Errorf("%q on %q: %v, want %v", p, s, got, want)
		}
	})
}

// FuzzElements: any bytes are walked to an end.
func FuzzElements(f *testing.F) {
	f.Add([]byte(`["a",1,{"b":"}"},[null,"\u00e4\ud83d\ude00"]]`))
	f.Add([]byte(`[{`))
	f.Add([]byte(`["\`))
	f.Fuzz(func(t *testing.T, src []byte) {
		e := elements{rest: src}
		var s slot
		for n := 0; e.next(); n++ {
			if n > len(src) {
				t.Fatal("more elements than bytes")
			}
			s.set(e.value())
			s.fold()
		}
	})
}
