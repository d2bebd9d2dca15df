package findingtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// valid is a document with every kind of thing that Faults looks at.
const valid = `{"activity_id":1,"category_uid":2,"class_uid":2004,"type_uid":200401,"time":1,"count":1,
"severity_id":4,"severity":"High","is_alert":true,"metadata":{"version":"1.8.0","profiles":["cloud"],"product":{"name":"x"}},
"cloud":{"provider":"AWS"},"finding_info":{"uid":"u","attacks":[{"technique":{"uid":"T1"}}],"analytic":{"type_id":1,"uid":"r"}},
"evidences":[{"src_endpoint":{"ip":"192.0.2.1"},"api":{"operation":"o"},"data":{"any":[1]}}],"unmapped":{"any":{"thing":1}}}`

// TestFaultsFindsFaults: what says yes to everything proves nothing.
func TestFaultsFindsFaults(t *testing.T) {
	if faults := Faults([]byte(valid)); len(faults) > 0 {
		t.Fatalf("faults in a valid document: %q", faults)
	}
	const del = "DELETE"
	for _, c := range []struct{ path, value, want string }{
		{"activity_id", del, "activity_id: required"},
		{"cloud", del, "cloud: required"},
		{"finding_info.uid", del, "finding_info.uid: required"},
		{"evidences.0.api.operation", del, "evidences[0].api.operation: required"},
		{"nonsense", `1`, "nonsense: unknown"},
		{"finding_info.nonsense", `1`, "finding_info.nonsense: unknown"},
		{"evidences.0.api.nonsense", `1`, "unknown"},
		{"severity_id", `7`, "none of the enum"},
		{"severity_id", `"4"`, "no integer"},
		{"severity", `"high"`, "severity is"},
		{"class_uid", `2005`, "none of the enum"},
		{"type_uid", `200402`, "type_uid: 200402 is not"},
		{"count", `1.5`, "no integer"},
		{"count", `4294967296`, "32 bits"},
		{"time", `"2026"`, "no integer"},
		{"is_alert", `1`, "no boolean"},
		{"message", `1`, "no text"},
		{"message", `null`, "no text"},
		{"metadata", `[]`, "no object"},
		{"metadata.version", `"1.7.0"`, "not the version"},
		{"metadata.profiles", `"cloud"`, "no array"},
		{"metadata.product", `{}`, "has 0 of"},
		{"finding_info.analytic.type_id", del, "required"},
		{"finding_info.attacks.0", `{"version":"19"}`, "has 0 of"},
		{"evidences.0", `{"uid":"x"}`, "has 0 of"},
		{"evidences.0.src_endpoint.ip", `"nowhere"`, "no address"},
		{"evidences", `{}`, "no array"},
	} {
		var v any
		if err := json.Unmarshal([]byte(valid), &v); err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(change(v, strings.Split(c.path, "."), c.value, del))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Faults(doc), "; "); !strings.Contains(got, c.want) {
			t.Errorf("%s = %s: faults %q, want one with %q", c.path, c.value, got, c.want)
		}
	}
	for _, doc := range []string{"", "[]", "{", valid + valid, strings.Replace(valid, `"u"`, "\"\xff\"", 1)} {
		if len(Faults([]byte(doc))) == 0 {
			t.Errorf("no faults in %.20q", doc)
		}
	}
}

// change returns v with the value at path replaced or deleted.
func change(v any, path []string, value, del string) any {
	if len(path) == 0 {
		return json.RawMessage(value)
	}
	switch v := v.(type) {
	case []any:
		var i int
		if _, err := fmt.Sscan(path[0], &i); err != nil {
			panic(err)
		}
		v[i] = change(v[i], path[1:], value, del)
	case map[string]any:
		if len(path) == 1 && value == del {
			delete(v, path[0])
			return v
		}
		v[path[0]] = change(v[path[0]], path[1:], value, del)
	}
	return v
}
