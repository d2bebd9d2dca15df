package testaws

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The fake's own small language: what DynamoDB's documentation says of each form.
func TestExpressions(t *testing.T) {
	const was = `{"pk":{"S":"p"},"sk":{"S":"5"},"n":{"N":"7"},"s":{"SS":["a","b"]},"t":{"S":"text"}}`
	const names, values = `{"#n":"n"}`, `{":seven":{"N":"7"},":ten":{"N":"10"},":a":{"S":"a"},":te":{"S":"te"},":bc":{"SS":["b","c"]}}`
	for text, want := range map[string]bool{
		"attribute_exists(pk)":                                         true,
		"attribute_not_exists(pk) OR #n = :seven":                      true,
		"attribute_not_exists(pk) AND #n = :seven":                     false,
		"NOT attribute_not_exists(pk) AND (#n < :seven OR #n>=:seven)": true,
		"#n BETWEEN :seven AND :ten AND n <> :ten":                     true,
		"n < :ten":            true, // as numbers: "10" sorts before "7"
		"gone = :ten":         false,
		"gone <> :ten":        true,
		"gone < :ten":         false,
		"contains(s, :a)":     true,
		"begins_with(t, :te)": true,
		"n IN (:ten, :seven)": true,
		"size(s) < :seven":    true,
	} {
		x := expressionOn(t, was, names, values)
		if got, err := x.condition(text); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"SET n = :ten, u = if_not_exists(u, :a)":    `{"n":{"N":"10"},"pk":{"S":"p"},"s":{"SS":["a","b"]},"sk":{"S":"5"},"t":{"S":"text"},"u":{"S":"a"}}`,
		"SET n = n + :ten REMOVE t":                 `{"n":{"N":"17"},"pk":{"S":"p"},"s":{"SS":["a","b"]},"sk":{"S":"5"}}`,
		"ADD s :bc, n :ten, m :ten DELETE gone :bc": `{"m":{"N":"10"},"n":{"N":"17"},"pk":{"S":"p"},"s":{"SS":["a","b","c"]},"sk":{"S":"5"},"t":{"S":"text"}}`,
		"DELETE s :bc SET t = if_not_exists(n, :a)": `{"n":{"N":"7"},"pk":{"S":"p"},"s":{"SS":["a"]},"sk":{"S":"5"},"t":{"N":"7"}}`,
	} {
		x := expressionOn(t, was, names, values)
		is := x.item
		if err := x.update(text, is); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got, err := json.Marshal(is)
		if diff := cmp.Diff(string(got), want); diff != "" || err != nil {
			t.Errorf("%s: %v, item (-got +want):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "n", "n =", "n = :gone", "#gone = :a", "n = :a extra", "state = :a", "a.b = :a", "attribute_exists(pk"} {
		x := expressionOn(t, was, names, values)
		if got, err := x.condition(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
	for _, text := range []string{"n = :a", "SET n :a", "SET pk = :a", "SET n = gone", "SET n = t + :ten", "ADD t :ten", "ADD s :a", "SET n = :ten SET"} {
		x := expressionOn(t, was, names, values)
		if err := x.update(text, x.item); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	x := expressionOn(t, was, names, values)
	if _, err := x.condition("#n = :seven"); err != nil || x.unused() == nil {
		t.Errorf("%v, and values that nobody uses: %v", err, x.unused())
	}
}

func expressionOn(t *testing.T, was, names, values string) *expression {
	t.Helper()
	x := &expression{}
	for text, into := range map[string]any{was: &x.item, names: &x.names, values: &x.values} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	return x
}
