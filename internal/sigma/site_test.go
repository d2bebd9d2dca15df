package sigma

import (
	"slices"
	"strings"
	"testing"
)

func said(problems []Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Error())
	}
	return all
}

// A typing error in one value leaves out that value, and is told once however
// many rules ask for it.
func TestBadValueOfASite(t *testing.T) {
	doc := func(name, item string) string {
		return "title: T " + name + "\nname: " + name + "\nlogsource: {service: s3_server_access}\ndetection: {sel: {" + item + "}, condition: sel}\n"
	}
	schema := newSchema()
	rules := []string{doc("one", "remote_ip|cidr|expand: '%approved_networks%'"), doc("two", "remote_ip|cidr|expand: '%approved_networks%'"),
		doc("three", "http_status|expand: '%odd%'"), doc("four", "bytes_sent|gte|expand: '%odd%'"), doc("five", "request_time|hour|expand: '%odd%'"), doc("six", "request_time|gte|expand: '%days%'")}
	set, problems := load(t, Options{Schemas: []Schema{schema}, SiteFile: "our-site.yml", Site: Site{
		"approved_networks": {"192.0.2.0/24", "10.0.0/8"}, "odd": {"3", "x"}, "days": {"2026-03-02", "someday"},
	}}, rules...)
	want := []string{
		`our-site.yml: one: approved_networks: "10.0.0/8" is no network such as 192.0.2.0/24: this value is left out`,
		`our-site.yml: three: odd: field is a number, never "x": this value is left out`,
		`our-site.yml: four: odd: modifier gte: want a number, not "x": this value is left out`,
		`our-site.yml: five: odd: modifier hour: want a number from 0 to 23, not x: this value is left out`,
		`our-site.yml: six: days: want a time such as 2026-03-03T00:17:42Z, not someday: this value is left out`,
	}
	if got := said(problems); !slices.Equal(got, want) {
		t.Errorf("problems\n%q, want\n%q", got, want)
	}
	if len(set.Rules) != 6 || len(set.Idle) != 0 {
		t.Errorf("%d rules run, idle %v", len(set.Rules), set.Idle)
	}
	m := set.Matcher(schema.Service())
	for address, want := range map[string]int{"192.0.2.1": 2, "10.0.0.1": 0} {
		if got := m.Match(schema.record(map[string]any{"remote_ip": address})); len(got) != want {
			t.Errorf("%s: %v match, want %d", address, got, want)
		}
	}
}

// An allow-list of which nothing can be used is no allow-list: a rule that asks
// whether an address is not in it must not find all of them.
func TestSiteOfBadValuesOnly(t *testing.T) {
	for _, values := range [][]string{{"10.0.0/8"}, {}} {
		set, _ := load(t, Options{Site: Site{"approved_networks": values}},
			"title: T\nname: outside\nlogsource: {service: s3_server_access}\ndetection: {sel: {remote_ip|exists: true}, in: {remote_ip|cidr|expand: '%approved_networks%'}, condition: sel and not in}\nsluice: {requires: [approved_networks]}\n")
		if len(set.Rules) != 0 || len(set.Idle) != 1 || set.Idle[0].Reason != "the site file has no approved_networks" {
			t.Errorf("of %q: %d rules run, idle %v", values, len(set.Rules), set.Idle)
		}
	}
}

func TestMisspeltListOfASite(t *testing.T) {
	o := Options{Known: []string{"own_accounts", "public_buckets"}, Site: Site{"public_bukets": {"a"}, "Own_Accounts": {"1"}, "our_accounts": {"2"}, "harbor_hosts": {"b"}}}
	uses := "title: T\nname: uses\nlogsource: {service: s3_server_access}\ndetection: {sel: {key_name|expand: '%our_accounts%'}, condition: sel}\n"
	_, problems := load(t, o, uses)
	want := []string{
		"site file: Own_Accounts: no rule uses this list; did you mean own_accounts?",
		"site file: public_bukets: no rule uses this list; did you mean public_buckets?",
	}
	if got := said(problems); !slices.Equal(got, want) {
		t.Errorf("problems\n%q, want\n%q", got, want)
	}
}

func TestSiteWithoutItsBadValues(t *testing.T) {
	site, problems := ParseSite("site.yml", []byte("own_accounts: [a, {b: c}, null, "+strings.Repeat("x", maxValue+1)+", d]\n"))
	if !slices.Equal(site["own_accounts"], []string{"a", "d"}) || len(problems) != 3 {
		t.Errorf("%q, %v", site["own_accounts"], problems)
	}
}

// embedding is a record whose JSON field has a document in it.
type embedding struct {
	Record
	field FieldID
	text  string
}

func (e embedding) Embedded(f FieldID) []byte {
	if f != e.field || e.text == "" {
		return nil
	}
	return []byte(e.text)
}

// What a rule asks of a document is found in it though JSON holds it as text.
// Only contains and keywords look there, so that nothing is taken for the field.
func TestEmbeddedDocuments(t *testing.T) {
	schema := newSchema()
	for item, want := range map[string]bool{
		`params|contains: '"s3:GetObject"'`:                  true,
		`params|contains: '"S3:getobject"'`:                  true,
		`params|contains|cased: '"S3:getobject"'`:            false,
		`params|contains|all: ['"Allow"', '"s3:GetObject"']`: true,
		`params|contains|all: ['"Deny"', '"s3:GetObject"']`:  false,
		`params|contains: '"All*tObj?ct"'`:                   true,
		`params|startswith: '{"Effect"'`:                     false,
		`params|endswith: '}]}'`:                             false,
		`params|re: '"s3:GetObject"'`:                        false,
		`'|all': ['"s3:GetObject"', '"Allow"']`:              true,
		`key_name|contains: '"s3:GetObject"'`:                false,
	} {
		set := mustLoad(t, Options{Schemas: []Schema{schema}}, detection("detection:\n  sel:\n    "+item+"\n  condition: sel\n"))
		m := set.Matcher(schema.Service())
		r := schema.record(map[string]any{"params": `{"policyDocument":"{\"Effect\"...}"}`, "key_name": "x"})
		for range 2 {
			if got := len(m.Match(embedding{r, schema.fields["params"].ID, `{"Effect":"Allow","Action":["s3:GetObject"]}]}`})) == 1; got != want {
				t.Errorf("%s: %v, want %v", item, got, want)
			}
			if m.Match(embedding{r, schema.fields["params"].ID, ""}); len(m.hits) != 0 {
				t.Errorf("%s matches without the document", item)
			}
		}
	}
}

// The documents of one field are not taken for those of another.
func TestEmbeddedDocumentsOfTwoFields(t *testing.T) {
	schema := newSchema()
	m := mustLoad(t, Options{Schemas: []Schema{schema}}, detection("detection: {a: {params|contains: '\"s3:'}, b: {params.y|contains: '\"s3:'}, c: {params.z|contains: '\"s3:'}, condition: a or b or c}")).Matcher(schema.Service())
	for _, field := range []string{"params", "params.y", "params.z", "key_name"} {
		r := schema.record(map[string]any{"params": `{"a":1}`, "params.y": `{"a":2}`, "params.z": `{"a":3}`})
		f, _ := schema.Lookup(field)
		if got, want := len(m.Match(embedding{r, f.ID, `{"Action":"s3:GetObject"}`})) == 1, field != "key_name"; got != want {
			t.Errorf("in %s: matches %v, want %v", field, got, want)
		}
	}
}
