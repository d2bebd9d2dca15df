package record_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/detect/record"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/sigma"
)

// FuzzPath holds what paths lead to against encoding/json.
func FuzzPath(f *testing.F) {
	parameters := event[strings.Index(event, `{"bucketName"`):strings.Index(event, `,"responseElements"`)]
	for _, path := range []string{"text", "nested.a.b.c", "containerDefinitions.command", "dotted.name", "ratio", "big", "lists.l", "key", "nested"} {
		f.Add([]byte(parameters), path, "nested.a")
	}
	f.Add([]byte(`[{"a":[[{"a":1e2}]]},{"a":-0.0,"a":[null]}]`), "a", "a.a")
	f.Add([]byte(`{"a.b":1,"a":{"b":2,"b.c":3}}`), "a.b", "a.b.c")
	f.Add([]byte(`{"\ud800":"\udc00\ud83d\ude00\u00e9\/"}`), "\ufffd", "x")
	f.Fuzz(func(t *testing.T, doc []byte, path, other string) {
		if !json.Valid(doc) || !utf8.Valid(doc) {
			t.Skip()
		}
		schema := record.NewTrailSchema(nil)
		r := record.NewTrail(schema)
		paths := []string{path, other, path}
		fields := make([]sigma.Field, len(paths))
		for i, p := range paths {
			var ok bool
			if fields[i], ok = schema.Lookup("responseElements." + p); !ok {
				t.Skip()
			}
		}
		r.Set(&cloudtrail.Row{ResponseElements: bytes.TrimSpace(doc)})
		for i, p := range paths {
			var all []json.RawMessage
			collect(t, doc, p, 0, &all)
			same(t, r.Field(fields[i].ID), all)
		}
	})
}

// collect is the slow way to the values at path below doc.
func collect(t *testing.T, doc json.RawMessage, path string, nested int, all *[]json.RawMessage) {
	doc = bytes.TrimSpace(doc)
	if doc[0] != '{' && doc[0] != '[' {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	first, rest, deeper := strings.Cut(path, ".")
	for dec.More() {
		var name any
		if doc[0] == '{' {
			name, _ = dec.Token()
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		switch {
		case doc[0] == '[':
			if v[0] == '{' || v[0] == '[' && nested < 8 {
				collect(t, v, path, nested+1, all)
			}
		case name == path:
			if string(v) != "null" {
				*all = append(*all, v)
			}
		case name == first && deeper:
			collect(t, v, rest, 0, all)
		}
	}
}

func same(t *testing.T, got sigma.Value, all []json.RawMessage) {
	t.Helper()
	if len(all) > 1 {
		var want, have []json.RawMessage
		for _, v := range all {
			var elements []json.RawMessage
			if v[0] != '[' {
				elements = append(elements, v)
			} else if err := json.Unmarshal(v, &elements); err != nil {
				t.Fatal(err)
			}
			want = append(want, elements...)
		}
		if err := json.Unmarshal(got.Text, &have); err != nil || got.Kind != sigma.JSON {
			t.Fatalf("got %+v %q, want a list: %v", got, got.Text, err)
		}
		if !slices.EqualFunc(have, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("got %q, want %q", have, want)
		}
		return
	}
	if len(all) == 0 {
		if got.Present {
			t.Fatalf("got %+v, want nothing", got)
		}
		return
	}
	if !got.Present {
		t.Fatalf("got nothing, want %s", all[0])
	}
	var want any
	dec := json.NewDecoder(bytes.NewReader(all[0]))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	switch want := want.(type) {
	case string:
		if got.Kind != sigma.Text || string(got.Text) != want {
			t.Fatalf("got %+v %q, want %q", got, got.Text, want)
		}
	case bool:
		if got.Kind != sigma.Bool || (got.Num == 1) != want {
			t.Fatalf("got %+v, want %t", got, want)
		}
	case json.Number:
		if len(want) > 40 || strings.ContainsAny(string(want), "eE") && len(want) > 12 {
			return // too long to be worked out here
		}
		exact, ok := new(big.Rat).SetString(string(want))
		if !ok {
			t.Fatalf("%s is no number", want)
		}
		if got.Kind == sigma.Int && exact.Cmp(new(big.Rat).SetInt64(got.Num)) != 0 {
			t.Fatalf("got %d, want %s", got.Num, want)
		}
		small := exact.IsInt() && exact.Num().IsInt64() && len(want) < 16
		if got.Kind != sigma.Int && (small && !strings.ContainsAny(string(want), "eE") || string(got.Text) != string(want)) {
			t.Fatalf("got %+v %q, want %s", got, got.Text, want)
		}
	default:
		if got.Kind != sigma.JSON || !bytes.Equal(got.Text, all[0]) {
			t.Fatalf("got %+v %q, want %s", got, got.Text, all[0])
		}
	}
}

// FuzzDerived: whatever stands in the JSON columns, JSON or not, every field
// ends in a value of its kind, and nothing is public that names nobody.
func FuzzDerived(f *testing.F) {
	for _, parameters := range []string{
		`{"bucketPolicy":{"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]},"Condition":{"IpAddress":{"aws:SourceIp":["0.0.0.0/0"]}}}}}`,
		`{"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"NotPrincipal\":\"x\"}]}"}`,
		`{"LifecycleConfiguration":{"Rule":[{"Status":"Enabled","Expiration":{"Days":1,"Date":"2026-01-01"}}]},"x-amz-acl":["public-read"]}`,
		`{"AccessControlPolicy":{"AccessControlList":{"Grant":{"Grantee":{"URI":"http://acs.amazonaws.com/groups/global/AllUsers"}}}}}`,
		`{"ReplicationConfiguration":{"Role":"arn:aws:iam::999900001111:role/r","Rule":{"Destination":{"Account":"999900001111"}}}}`,
		`{"a":[[[{"b":`, `{"a"`, `[[[`, `"\u12`, `{"policy":"\`, `{,:}`, `}{`, `{"accessControlList":{"accessControlList":{}}}`,
	} {
		f.Add([]byte(parameters), "PutBucketPolicy")
	}
	f.Fuzz(func(t *testing.T, parameters []byte, name string) {
		schema := record.NewTrailSchema([]string{"111122224444"})
		var fields []sigma.Field
		for _, n := range append(schema.Names(), "requestParameters.a.b", "resources.ARN", "requestParameters.policy") {
			fields = append(fields, lookup(t, schema, n))
		}
		public := lookup(t, schema, "derived.policy_public")
		r := record.NewTrail(schema)
		r.Set(&cloudtrail.Row{EventName: []byte(name), RequestParameters: parameters, Resources: parameters, ResponseElements: parameters,
			UserIdentity: parameters, CopySource: []byte(name), RecipientAccountID: []byte("111122223333")})
		for _, field := range fields {
			v := r.Field(field.ID)
			if v.Present && field.Kind != sigma.JSON && v.Kind != field.Kind {
				t.Errorf("got %+v, want kind %s", v, field.Kind)
			}
		}
		open := bytes.Contains(parameters, []byte("*")) || bytes.ContainsAny(parameters, `\`) ||
			bytes.Contains(bytes.ToLower(parameters), []byte("notprincipal"))
		if v := r.Field(public.ID); v.Num == 1 && !open {
			t.Errorf("public, and lets nobody in: %q", parameters)
		}
	})
}
