package sigma

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// official checks a document against the schema of its kind.
func official(t *testing.T, doc string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
		return err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	kind := "detection-rule"
	for key, name := range map[string]string{"correlation": "correlation-rules", "filter": "filters"} {
		if m, ok := v.(map[string]any); ok && m[key] != nil {
			kind = name
		}
	}
	text, err := os.ReadFile("testdata/schema/sigma-" + kind + "-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(kind, schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(kind)
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// TestOfficialSchemas: what is official Sigma loads, and what these tests load
// is official Sigma.
func TestOfficialSchemas(t *testing.T) {
	docs := map[string]string{
		"detection": "title: T\nname: base\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\nstatus: stable\ndate: '2026-03-03'\nlevel: low\ntags: [attack.t1530]\nreferences: [https://example.com/]\nfalsepositives: [none known]\nlogsource: {product: aws, service: s3_server_access}\nfields: [key_name]\nrelated: [{id: df0841c0-9846-4e9f-ad8a-7df91571771b, type: similar}]\nlicense: MIT\nscope: [server]\nsluice: {alert: true, response: look}\ndetection: {sel: {key_name: a}, words: [a, b], maps: [{key_name: b}], condition: 1 of them}",
		"filter":    "title: F\nid: df0841c0-9846-4e9f-ad8a-7df91571771b\nlogsource: {product: aws, service: s3_server_access}\nfilter: {rules: [base], selection: {key_name: b}, condition: not selection}",
	}
	for _, c := range []string{
		"type: event_count, condition: {gte: 2}",
		"type: value_count, condition: {field: key_name, gt: 2}",
		"type: value_sum, condition: {field: bytes_sent, gte: 2}",
		"type: value_avg, condition: {field: bytes_sent, gte: 2}",
		"type: temporal",
		"type: temporal_ordered",
	} {
		docs[c] = "title: C\nid: 0e95725d-7320-415d-80f7-004da920fc11\nstatus: test\nlevel: high\nfalsepositives: none known\ngenerate: true\ncorrelation: {rules: [base], group-by: [bucket_name], timespan: 1h, " + c + "}"
	}
	for name, doc := range docs {
		if err := official(t, doc); err != nil {
			t.Errorf("%s is not official: %v", name, err)
		}
		all := []string{doc}
		if name != "detection" {
			all = append(all, docs["detection"])
		}
		set := mustLoad(t, Options{}, all...)
		if strings.HasPrefix(name, "type:") && (!set.Correlations[0].Generate || !set.Rules[0].Standalone) {
			t.Errorf("%s: generate is not seen", name)
		}
	}
	for name, doc := range map[string]string{
		"a level that does not exist": strings.Replace(docs["detection"], "level: low", "level: lowest", 1),
		"a filter without rules":      strings.Replace(docs["filter"], "rules: [base], ", "", 1),
		"a type that does not exist":  strings.Replace(docs["type: temporal"], "type: temporal", "type: spatial", 1),
		"first_seen, which is ours":   strings.Replace(docs["type: temporal"], "type: temporal", "type: first_seen", 1),
	} {
		if official(t, doc) == nil {
			t.Errorf("the schema has no objection to %s", name)
		}
	}
}
