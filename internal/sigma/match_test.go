package sigma

import (
	"fmt"
	"testing"
)

// modifierCases are an item, records it must match and records it must not.
var modifierCases = []struct {
	item   string
	hits   []map[string]any
	misses []map[string]any
}{
	{"key_name: a/B.pem",
		[]map[string]any{{"key_name": "a/b.pem"}, {"key_name": "A/B.PEM"}},
		[]map[string]any{{"key_name": "a/b.pe"}, {"key_name": "xa/b.pem"}, {"key_name": ""}, {}}},
	{"key_name: [one, two]",
		[]map[string]any{{"key_name": "ONE"}, {"key_name": "two"}},
		[]map[string]any{{"key_name": "onetwo"}, {}}},
	{"key_name: ''",
		[]map[string]any{{"key_name": ""}},
		[]map[string]any{{"key_name": " "}, {}}},
	{"key_name: null",
		[]map[string]any{{}},
		[]map[string]any{{"key_name": ""}, {"key_name": "null"}}},
	{"key_name|neq: null",
		[]map[string]any{{"key_name": ""}},
		[]map[string]any{{}}},
	{"key_name: ÄRGER-ΣΊΣΥΦΟΣ",
		[]map[string]any{{"key_name": "ärger-σίσυφος"}, {"key_name": "Ärger-ΣΊΣΥΦΟς"}},
		[]map[string]any{{"key_name": "arger-σίσυφος"}}},
	{"key_name: [Kiss, '*ſet?', x-\u212A]", // U+212A, the Kelvin sign, and a long s
		[]map[string]any{{"key_name": "\u212AIſS"}, {"key_name": "kiss"}, {"key_name": "aSET\u212A"}, {"key_name": "X-k"}},
		[]map[string]any{{"key_name": "ki\u00DF"}, {"key_name": "x-\u043A"}, {"key_name": "Iset"}}},
	{"key_name|cased: Kiss",
		[]map[string]any{{"key_name": "Kiss"}},
		[]map[string]any{{"key_name": "\u212Aiss"}, {"key_name": "kiss"}, {"key_name": "Kiſs"}}},
	{"params.size: [1024, -5]",
		[]map[string]any{{"params.size": "1024"}, {"params.size": "-5"}, {"params.size": "1.024e3"}},
		[]map[string]any{{"params.size": "false"}, {"params.size": "5"}, {"params.size": "true"}, {"params.size": "1023"}, {"params.size": "1025"}}},
	{"params.size|gt: 10",
		[]map[string]any{{"params.size": "9999999999999999999"}, {"params.size": "999999999999999999"}, {"params.size": "11"}},
		[]map[string]any{{"params.size": "-9999999999999999999"}, {"params.size": "-999999999999999999"}, {"params.size": "10"}}},
	{"user_agent|fieldref: bucket_name\n    user_agent|startswith: a", // one asks one field, the other two
		[]map[string]any{{"user_agent": "ab", "bucket_name": "AB"}},
		[]map[string]any{{"user_agent": "ab", "bucket_name": "b"}, {"user_agent": "ab"}, {"user_agent": "b", "bucket_name": "b"}}},
	{"params.size: false",
		[]map[string]any{{"params.size": "false"}, {"params.size": `"FALSE"`}},
		[]map[string]any{{"params.size": "1024"}, {"params.size": "0"}, {"params.size": "1025"}, {"params.size": "null"}}},
	{"key_name: 'a*z'",
		[]map[string]any{{"key_name": "az"}, {"key_name": "a/b/c/Z"}},
		[]map[string]any{{"key_name": "a/z/b"}, {"key_name": "za"}}},
	{"key_name: 'a*b*c'",
		[]map[string]any{{"key_name": "abc"}, {"key_name": "a-bb-b-cc"}},
		[]map[string]any{{"key_name": "acb"}, {"key_name": "ab"}}},
	{"key_name: 'a?c*'",
		[]map[string]any{{"key_name": "abc"}, {"key_name": "aüc/d"}},
		[]map[string]any{{"key_name": "ac"}, {"key_name": "abbc"}}},
	{"key_name: '*x?y'",
		[]map[string]any{{"key_name": "x-y"}, {"key_name": "aaxöy"}, {"key_name": "x-yx-y"}},
		[]map[string]any{{"key_name": "xy"}, {"key_name": "x-yz"}}},
	{`key_name: 'a\*b\?'`,
		[]map[string]any{{"key_name": "a*b?"}},
		[]map[string]any{{"key_name": "axb?"}, {"key_name": `a\*b\?`}}},
	{`key_name: 'a\\*'`,
		[]map[string]any{{"key_name": `a\b`}, {"key_name": `a\`}},
		[]map[string]any{{"key_name": "ab"}, {"key_name": "a*"}}},
	{`key_name: 'a\b'`,
		[]map[string]any{{"key_name": `A\B`}},
		[]map[string]any{{"key_name": "ab"}}},
	{"key_name: '*'",
		[]map[string]any{{"key_name": ""}, {"key_name": "x"}},
		[]map[string]any{{}}},
	{"key_name|startswith: Logs/",
		[]map[string]any{{"key_name": "logs/1"}},
		[]map[string]any{{"key_name": "a/logs/"}}},
	{"key_name|startswith: 'l?gs'",
		[]map[string]any{{"key_name": "lags-1"}},
		[]map[string]any{{"key_name": "lgs"}}},
	{"key_name|endswith: [.pem, .KEY]",
		[]map[string]any{{"key_name": "a.PEM"}, {"key_name": ".key"}},
		[]map[string]any{{"key_name": "a.pem.txt"}}},
	{"key_name|contains: secret",
		[]map[string]any{{"key_name": "my/SECRETS/1"}},
		[]map[string]any{{"key_name": "sec-ret"}}},
	{"key_name|contains|all: [a, b]",
		[]map[string]any{{"key_name": "b-a"}},
		[]map[string]any{{"key_name": "aa"}, {"key_name": "b"}}},
	{"key_name|contains|cased: Secret",
		[]map[string]any{{"key_name": "a/Secret"}},
		[]map[string]any{{"key_name": "a/secret"}}},
	{"key_name|cased: Ab",
		[]map[string]any{{"key_name": "Ab"}},
		[]map[string]any{{"key_name": "ab"}}},
	{"key_name|exists: true",
		[]map[string]any{{"key_name": ""}},
		[]map[string]any{{}}},
	{"key_name|exists: false",
		[]map[string]any{{}},
		[]map[string]any{{"key_name": ""}}},
	{"key_name|neq: a",
		[]map[string]any{{"key_name": "b"}, {}},
		[]map[string]any{{"key_name": "A"}}},
	{"key_name|contains|neq: [a, b]",
		[]map[string]any{{"key_name": "xyz"}},
		[]map[string]any{{"key_name": "xAx"}, {"key_name": "b"}}},
	{"user_agent|windash|contains: ' -k '",
		[]map[string]any{{"user_agent": "x /k y"}, {"user_agent": "x –K y"}, {"user_agent": "x ―k y"}, {"user_agent": "x -k y"}},
		[]map[string]any{{"user_agent": "x +k y"}}},
	{"user_agent|contains|windash: ' -ab-c '",
		[]map[string]any{{"user_agent": "x /ab-c y"}},
		[]map[string]any{{"user_agent": "x -ab/c y"}}},
	{"key_name|re: '^a.c$'",
		[]map[string]any{{"key_name": "abc"}},
		[]map[string]any{{"key_name": "ABC"}, {"key_name": "a\nc"}, {"key_name": "xabc"}}},
	{"key_name|re|i: '^A.c$'",
		[]map[string]any{{"key_name": "abC"}},
		[]map[string]any{{"key_name": "abd"}}},
	{"key_name|re|m: '^b$'",
		[]map[string]any{{"key_name": "a\nb"}},
		[]map[string]any{{"key_name": "a-b"}}},
	{"key_name|re|s: '^a.b$'",
		[]map[string]any{{"key_name": "a\nb"}},
		[]map[string]any{{"key_name": "a--b"}}},
	{"key_name|re: [x, y]",
		[]map[string]any{{"key_name": "ax"}, {"key_name": "ay"}},
		[]map[string]any{{"key_name": "az"}, {}}},
	{"key_name|re|all: [x, y]",
		[]map[string]any{{"key_name": "yx"}},
		[]map[string]any{{"key_name": "ax"}}},
	{"key_name|base64: foobar",
		[]map[string]any{{"key_name": "Zm9vYmFy"}},
		[]map[string]any{{"key_name": "foobar"}, {"key_name": "xZm9vYmFy"}}},
	{"key_name|base64offset|contains: /bin/bash",
		[]map[string]any{{"key_name": "L2Jpbi9iYXNo"}, {"key_name": "xx9iaW4vYmFzaaa"}, {"key_name": "y91YmluL2Jhc2gvYmluL2Jhc2g"}},
		[]map[string]any{{"key_name": "L2Jpbi9iY"}, {"key_name": "/bin/bash"}}},
	{"key_name|wide|base64offset|contains: http",
		[]map[string]any{{"key_name": "xxaAB0AHQAcAxx"}},
		[]map[string]any{{"key_name": "aHR0cA=="}}},
	{"key_name|utf16le: ab",
		[]map[string]any{{"key_name": "a\x00b\x00"}},
		[]map[string]any{{"key_name": "ab"}}},
	{"key_name|utf16be: ab",
		[]map[string]any{{"key_name": "\x00a\x00b"}},
		[]map[string]any{{"key_name": "a\x00b\x00"}}},
	{"key_name|utf16: ab",
		[]map[string]any{{"key_name": "\xff\xfea\x00b\x00"}},
		[]map[string]any{{"key_name": "a\x00b\x00"}}},
	{"http_status: 403",
		[]map[string]any{{"http_status": 403}},
		[]map[string]any{{"http_status": 40}, {}}},
	{"http_status: '403'",
		[]map[string]any{{"http_status": 403}},
		[]map[string]any{{"http_status": 4030}}},
	{"http_status: '4?3'",
		[]map[string]any{{"http_status": 403}, {"http_status": 413}},
		[]map[string]any{{"http_status": 404}}},
	{"http_status|startswith: 4",
		[]map[string]any{{"http_status": 4}, {"http_status": 499}},
		[]map[string]any{{"http_status": 204}}},
	{"http_status|lt: 400",
		[]map[string]any{{"http_status": 399}},
		[]map[string]any{{"http_status": 400}, {}}},
	{"http_status|lte: 400",
		[]map[string]any{{"http_status": 400}},
		[]map[string]any{{"http_status": 401}, {}}},
	{"http_status|gt: 400",
		[]map[string]any{{"http_status": 401}},
		[]map[string]any{{"http_status": 400}, {}}},
	{"http_status|gte: 400",
		[]map[string]any{{"http_status": 400}},
		[]map[string]any{{"http_status": 399}, {}}},
	{"bytes_sent|gt: 1.5",
		[]map[string]any{{"bytes_sent": 2}},
		[]map[string]any{{"bytes_sent": 1}}},
	{"bytes_sent: 0",
		[]map[string]any{{"bytes_sent": 0}},
		[]map[string]any{{"bytes_sent": 1}, {}}},
	{"bytes_sent|neq: 0",
		[]map[string]any{{"bytes_sent": 1}, {}},
		[]map[string]any{{"bytes_sent": 0}}},
	{"authenticated: false",
		[]map[string]any{{"authenticated": false}},
		[]map[string]any{{"authenticated": true}, {}}},
	{"authenticated: 'TRUE'",
		[]map[string]any{{"authenticated": true}},
		[]map[string]any{{"authenticated": false}, {}}},
	{"request_time|gte: 2026-03-03T00:17:42Z",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772497061999)}, {}}},
	{"request_time|lt: 2026-03-03",
		[]map[string]any{{"request_time": moment(1772495999999)}},
		[]map[string]any{{"request_time": moment(1772496000000)}}},
	{"request_time: '2026-03-03T00:17:42Z'",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772497062001)}}},
	{"request_time|startswith: '2026-03-03T00:1'",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772499062000)}}},
	{"request_time|minute: 17",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772497122000)}, {}}},
	{"request_time|hour|lt: 1",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772507062000)}}},
	{"request_time|day: 3",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1772597062000)}}},
	{"request_time|week: 10",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1773497062000)}}},
	{"request_time|month: [3, 4]",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1792497062000)}}},
	{"request_time|year|neq: 2025",
		[]map[string]any{{"request_time": moment(1772497062000)}},
		[]map[string]any{{"request_time": moment(1752497062000)}}},
	{"remote_ip|cidr: 192.0.2.0/24",
		[]map[string]any{{"remote_ip": "192.0.2.0"}, {"remote_ip": "192.0.2.255"}, {"remote_ip": "::ffff:192.0.2.7"}},
		[]map[string]any{{"remote_ip": "192.0.3.0"}, {"remote_ip": "192.0.2"}, {"remote_ip": "s3.amazonaws.com"}, {"remote_ip": "2001:db8::1"}, {}}},
	{"remote_ip|cidr: ['198.51.100.7', '2001:db8::/32', 203.0.113.0/24, 203.0.113.128/25]",
		[]map[string]any{{"remote_ip": "198.51.100.7"}, {"remote_ip": "2001:DB8:1::1"}, {"remote_ip": "203.0.113.200"}, {"remote_ip": "203.0.113.1"}},
		[]map[string]any{{"remote_ip": "198.51.100.8"}, {"remote_ip": "2001:db9::1"}, {"remote_ip": "203.0.114.0"}, {"remote_ip": "::"}, {"remote_ip": "255.255.255.255"}}},
	{"remote_ip|cidr|neq: 192.0.2.0/24",
		[]map[string]any{{"remote_ip": "192.0.3.0"}, {}},
		[]map[string]any{{"remote_ip": "192.0.2.1"}}},
	{"key_name|fieldref: bucket_name",
		[]map[string]any{{"key_name": "A", "bucket_name": "a"}},
		[]map[string]any{{"key_name": "a", "bucket_name": "ab"}, {"key_name": "a"}, {"bucket_name": "a"}, {}}},
	{"key_name|fieldref|cased: bucket_name",
		[]map[string]any{{"key_name": "a", "bucket_name": "a"}},
		[]map[string]any{{"key_name": "A", "bucket_name": "a"}}},
	{"key_name|fieldref|startswith: bucket_name",
		[]map[string]any{{"key_name": "Logs/1", "bucket_name": "logs"}},
		[]map[string]any{{"key_name": "a/logs", "bucket_name": "logs"}}},
	{"key_name|endswith|fieldref: bucket_name",
		[]map[string]any{{"key_name": "a/logs", "bucket_name": "logs"}},
		[]map[string]any{{"key_name": "logs/a", "bucket_name": "logs"}}},
	{"key_name|fieldref|contains: bucket_name",
		[]map[string]any{{"key_name": "a/Logs/b", "bucket_name": "logs"}},
		[]map[string]any{{"key_name": "a/log", "bucket_name": "logs"}}},
	{"key_name|fieldref|neq: bucket_name",
		[]map[string]any{{"key_name": "a", "bucket_name": "b"}, {}},
		[]map[string]any{{"key_name": "a", "bucket_name": "a"}}},
	{"bytes_sent|fieldref: http_status",
		[]map[string]any{{"bytes_sent": 200, "http_status": 200}},
		[]map[string]any{{"bytes_sent": 20, "http_status": 200}}},
	{"bucket_name|expand: '%public_buckets%'",
		[]map[string]any{{"bucket_name": "open-1"}, {"bucket_name": "site-x"}},
		[]map[string]any{{"bucket_name": "open-2"}, {}}},
	{"key_name|expand: 'a/%public_buckets%/b'",
		[]map[string]any{{"key_name": "a/open-1/b"}, {"key_name": "a/site-9/b"}},
		[]map[string]any{{"key_name": "open-1"}}},
	{`key_name|expand: '\%plain%public_buckets%'`,
		[]map[string]any{{"key_name": "%plainopen-1"}},
		[]map[string]any{{"key_name": "plainopen-1"}}},
	{"remote_ip|cidr|expand: '%approved_networks%'",
		[]map[string]any{{"remote_ip": "192.0.2.9"}},
		[]map[string]any{{"remote_ip": "192.0.3.9"}}},
	{"key_name|contains|expand: '%public_buckets%'",
		[]map[string]any{{"key_name": "x open-1 y"}},
		[]map[string]any{{"key_name": "x"}}},
	{"key_name: '%public_buckets%'",
		[]map[string]any{{"key_name": "%public_buckets%"}},
		[]map[string]any{{"key_name": "open-1"}}},
	{"params.name: Ab",
		[]map[string]any{{"params.name": `"aB"`}, {"params.name": `["x","aB"]`}, {"params.name": `[["\u0061b"]]`}},
		[]map[string]any{{"params.name": `["x"]`}, {"params.name": `[]`}, {"params.name": `null`}, {"params.name": `{"a":"ab"}`}, {}}},
	{"params.size: 10",
		[]map[string]any{{"params.size": "10"}, {"params.size": "10.0"}, {"params.size": "1e1"}, {"params.size": `"10"`}, {"params.size": "[1,10]"}},
		[]map[string]any{{"params.size": "100"}, {"params.size": `"10.0"`}}},
	{"params.size|gte: 10",
		[]map[string]any{{"params.size": "10"}, {"params.size": "10.5"}, {"params.size": `"11"`}, {"params.size": "[1,11]"}, {"params.size": "123456789012345678901"}},
		[]map[string]any{{"params.size": "9.99"}, {"params.size": `"ten"`}, {"params.size": "[1,2]"}, {"params.size": "true"}, {}}},
	{"params.on: true",
		[]map[string]any{{"params.on": "true"}, {"params.on": `"True"`}, {"params.on": `[false,true]`}},
		[]map[string]any{{"params.on": "false"}, {"params.on": "1"}}},
	{"params.on: 'false'",
		[]map[string]any{{"params.on": "false"}, {"params.on": `"false"`}},
		[]map[string]any{{"params.on": "true"}}},
	{"params.on: null",
		[]map[string]any{{"params.on": "null"}, {}},
		[]map[string]any{{"params.on": `""`}, {"params.on": "[]"}}},
	{"params|contains: '\"status\":\"suspended\"'",
		[]map[string]any{{"params": `{"VersioningConfiguration":{"Status":"Suspended"}}`}},
		[]map[string]any{{"params": `{"VersioningConfiguration":{"Status":"Enabled"}}`}}},
	{"params.list|contains: evil",
		[]map[string]any{{"params.list": `["ok","is Evil"]`}, {"params.list": `[{"a":"evil"}]`}},
		[]map[string]any{{"params.list": `["ev","il"]`}}},
	{"params.when|gte: 2026-01-01",
		[]map[string]any{{"params.when": `"2026-01-01T00:00:00Z"`}, {"params.when": `"2026-01-01T01:00:00.5+01:00"`}},
		[]map[string]any{{"params.when": `"2025-12-31T23:59:59Z"`}, {"params.when": `"2026"`}, {"params.when": `"2026-13-01T00:00:00Z"`}}},
	{"params.when|hour: 3",
		[]map[string]any{{"params.when": `"2026-01-01T03:59:59Z"`}},
		[]map[string]any{{"params.when": `"2026-01-01T04:00:00Z"`}, {"params.when": `3`}}},
	{"params.ip|cidr: 192.0.2.0/24",
		[]map[string]any{{"params.ip": `["x","192.0.2.1"]`}},
		[]map[string]any{{"params.ip": `["x"]`}}},
	{"params.a|fieldref: key_name",
		[]map[string]any{{"params.a": `["x","y"]`, "key_name": "Y"}},
		[]map[string]any{{"params.a": `["x","y"]`, "key_name": "z"}}},
	{"params.a|re: '^y$'",
		[]map[string]any{{"params.a": `["x","y"]`}},
		[]map[string]any{{"params.a": `["xy"]`}}},
	{"key_name: [a, null]",
		[]map[string]any{{"key_name": "A"}, {}},
		[]map[string]any{{"key_name": "b"}, {"key_name": ""}}},
	{"key_name|neq: [a, null]",
		[]map[string]any{{"key_name": "b"}},
		[]map[string]any{{"key_name": "a"}, {}}},
	{"http_status: [null, 200]",
		[]map[string]any{{"http_status": 200}, {}},
		[]map[string]any{{"http_status": 404}}},
	{"'|all': [curl, '*secret*txt']",
		[]map[string]any{{"user_agent": "CURL/8", "key_name": "secret.txt"}},
		[]map[string]any{{"user_agent": "curl/8"}, {"key_name": "secret.txt"}}},
	{"'|re': 'cu.l'",
		[]map[string]any{{"user_agent": "curl/8"}, {"params": `{"a":"curl"}`}},
		[]map[string]any{{"user_agent": "CURL/8"}, {"http_status": 200}}},
}

var testSite = Site{
	"public_buckets":    {"open-1", "site-*"},
	"approved_networks": {"192.0.2.0/24"},
}

// TestModifiers: by decisions and without, an item matches the same.
func TestModifiers(t *testing.T) {
	for _, c := range modifierCases {
		both(t, c.item, func(t *testing.T, schema *fakeSchema) {
			set := mustLoad(t, Options{Schemas: []Schema{schema}, Site: testSite}, detection("detection:\n  sel:\n    "+c.item+"\n  condition: sel\n"))
			m := set.Matcher("s3_server_access")
			check := func(values map[string]any, want bool) {
				t.Helper()
				r := schema.record(values)
				got := len(m.Match(r)) == 1
				if got != want {
					t.Errorf("%v: matches %v, want %v", values, got, want)
				}
				if e := set.Explain(set.Rules[0], r); e.Matched != want {
					t.Errorf("%v: explained as %v, want %v", values, e.Matched, want)
				}
			}
			if len(c.hits) == 0 || len(c.misses) == 0 {
				t.Fatal("a case needs a hit and a miss")
			}
			for range 2 { // buffers and memos are used again
				for i := range max(len(c.hits), len(c.misses)) {
					check(c.hits[i%len(c.hits)], true)
					check(c.misses[i%len(c.misses)], false)
				}
			}
		})
	}
}

func TestConditions(t *testing.T) {
	const selections = `detection:
  sel_a: {key_name|contains: a}
  sel_b: {key_name|contains: b}
  sel_c: {key_name|contains: c}
  _hidden: {key_name|contains: h}
  words: [x, y]
  maps:
    - key_name|contains: m
      http_status: 200
    - key_name|contains: "n"
  condition: `
	for _, c := range []struct {
		condition string
		hits      []string
		misses    []string
	}{
		{"sel_a", []string{"a"}, []string{"b"}},
		{"not sel_a", []string{"b"}, []string{"a"}},
		{"not not sel_a", []string{"a"}, []string{"b"}},
		{"sel_a and sel_b", []string{"ab"}, []string{"a", "b"}},
		{"sel_a or sel_b", []string{"a", "b"}, []string{"c"}},
		{"sel_a or sel_b and sel_c", []string{"a", "bc"}, []string{"b", "c"}},
		{"(sel_a or sel_b) and sel_c", []string{"ac", "bc"}, []string{"a", "c"}},
		{"not sel_a and sel_b", []string{"b"}, []string{"ab", "c"}},
		{"not (sel_a or sel_b)", []string{"c"}, []string{"a", "b"}},
		{"sel_a AND NOT sel_b", []string{"a"}, []string{"ab"}},
		{"1 of sel_*", []string{"a", "b", "c"}, []string{"x", "h"}},
		{"any of sel_*", []string{"a"}, []string{"x"}},
		{"2 of sel_*", []string{"ab", "bc", "abc"}, []string{"a", "b"}},
		{"all of sel_*", []string{"abc"}, []string{"ab"}},
		{"1 of them", []string{"a", "x"}, []string{"h"}},
		{"1 of _*", []string{"h"}, []string{"a"}},
		{"1 of sel*c", []string{"c"}, []string{"a"}},
		{"not 1 of sel_*", []string{"x"}, []string{"a"}},
		{"words", []string{"x", "Y"}, []string{"a"}},
		{"maps", []string{"m", "n"}, []string{"a"}},
		{"[sel_a, sel_b and sel_c]", []string{"a", "bc"}, []string{"b", "c"}},
	} {
		both(t, c.condition, func(t *testing.T, schema *fakeSchema) {
			set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection(selections+c.condition))
			m := set.Matcher("s3_server_access")
			for _, key := range c.hits {
				if len(m.Match(schema.record(map[string]any{"key_name": key, "http_status": 200}))) != 1 {
					t.Errorf("%q does not match", key)
				}
			}
			for _, key := range c.misses {
				if len(m.Match(schema.record(map[string]any{"key_name": key, "http_status": 200}))) != 0 {
					t.Errorf("%q matches", key)
				}
			}
		})
	}
}

// TestFieldsOnce: records may be costly to ask.
func TestFieldsOnce(t *testing.T) {
	schema := newSchema()
	set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection(`detection:
  a: {operation|startswith: REST., key_name|contains: a}
  b: {key_name|endswith: b, user_agent: [x, y], user_agent|exists: true}
  c: {key_name|fieldref|neq: user_agent}
  condition: (a or b or c) and not (a and b and c)`))
	m := set.Matcher("s3_server_access")
	for i := range 10 {
		r := schema.record(map[string]any{"operation": "REST.GET.OBJECT", "key_name": fmt.Sprint("ab", i%2), "user_agent": "x"})
		m.Match(r)
		for id, n := range r.asked {
			if n > 1 {
				t.Errorf("field %d asked %d times", id, n)
			}
		}
	}
}

// TestValuesWithNUL: values that hold what stands between values are not taken for
// other lists of them.
func TestValuesWithNUL(t *testing.T) {
	schema := newSchema()
	var docs []string
	for i, item := range []string{`key_name: "a\0b"`, `key_name: [a, b]`, `key_name|re: "^a\0b"`, `key_name|re: [^a, b]`} {
		docs = append(docs, fmt.Sprintf("title: T\nid: r%d\nlogsource: {service: s3_server_access}\ndetection: {a: {%s}, condition: a}\n", i, item))
	}
	m := mustLoad(t, Options{Schemas: []Schema{schema}}, docs...).Matcher("s3_server_access")
	for key, want := range map[string]string{"a\x00b": "[0 2 3]", "b": "[1 3]", "a": "[1 3]"} {
		if got := fmt.Sprint(m.Match(schema.record(map[string]any{"key_name": key}))); got != want {
			t.Errorf("%q: matches %s, want %s", key, got, want)
		}
	}
}
