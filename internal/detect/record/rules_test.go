package record_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// TestTrailRules: what rules written elsewhere take for granted of CloudTrail
// records holds for these.
func TestTrailRules(t *testing.T) {
	matching := []string{
		`userAgent: TruffleHog`, // CloudTrail wrapped it in brackets
		`userAgent|contains: truffle`,
		`readOnly: true`,
		`readOnly: 'true'`,
		`requestParameters.enable: false`,
		`requestParameters.enable: 'false'`,
		`userIdentity.sessionContext.attributes.mfaAuthenticated: false`,
		`userIdentity.sessionContext.attributes.mfaAuthenticated: 'false'`,
		`requestParameters|contains: '"enable":false'`,
		`responseElements|contains: Success`,
		`responseElements.ConsoleLogin: success`,
		`requestParameters.containerDefinitions.command|contains: curl`,
		`requestParameters.containerDefinitions.command: '-c'`,
		`requestParameters.containerDefinitions.cpu: 1`,
		`requestParameters.containerDefinitions.cpu|gte: 1`,
		`requestParameters.count|lt: 354`,
		`requestParameters.count: 353`,
		`requestParameters.none: null`,
		`requestParameters.missing|exists: false`,
		`requestParameters.key|exists: true`,
		`requestParameters.key|contains: '"pk"'`,
		`requestParameters.empty: ''`,
		`errorCode: null`,
		`resources.ARN: arn:two`,
		`resources.arn|endswith: ':one'`,
		`recipientAccountId|fieldref: userIdentity.accountId`,
		`sourceIPAddress|cidr: 192.0.2.0/24`,
		`eventTime|hour: 8`,
		`extra.novelty.deep.er: 7`,
	}
	missing := []string{
		`userAgent: '[TruffleHog]'`,
		`readOnly: false`,
		`requestParameters.enable: true`,
		`requestParameters.containerDefinitions.command: wget`,
		`requestParameters.count|gt: 353`,
		`requestParameters.none|exists: true`,
		`requestParameters.empty: null`,
		`derived.policy_public: false`, // absent: there is no policy
		`derived.lifecycle_min_days|lt: 8`,
		`resources.ARN: arn:three`,
	}
	schema := record.NewTrailSchema(nil)
	got := matches(t, schema, append(slices.Clone(matching), missing...), func() sigma.Record { return parsed(t, schema, event) })
	if !slices.Equal(got, matching) {
		t.Errorf("got  %q\nwant %q", got, matching)
	}
}

func TestAccessRules(t *testing.T) {
	matching := []string{
		`operation: REST.GET.OBJECT`,
		`http_status: 403`,
		`http_status|gte: 400`,
		`object_size: null`,
		`key_name|endswith: '.PDF'`,
		`authenticated: true`,
		`presigned: 'true'`,
		`remote_ip|cidr: 192.0.2.16/28`,
	}
	missing := []string{`http_status: 200`, `referer|exists: true`, `object_size: 0`, `remote_ip|cidr: 192.0.2.0/28`}
	got := matches(t, record.AccessSchema(), append(slices.Clone(matching), missing...), func() sigma.Record {
		a := new(record.Access)
		a.Set(first(t, s3access.Format, line+"\n"))
		return a
	})
	if !slices.Equal(got, matching) {
		t.Errorf("got  %q\nwant %q", got, matching)
	}
}

// matches makes a rule of each item and returns those that match the record,
// which is made once rules are loaded.
func matches(t *testing.T, s sigma.Schema, items []string, r func() sigma.Record) []string {
	t.Helper()
	var docs strings.Builder
	for i, item := range items {
		fmt.Fprintf(&docs, "---\ntitle: %d\nid: 00000000-0000-4000-8000-%012d\nlogsource: {product: aws, service: %s}\ndetection:\n  s:\n    %s\n  condition: s\nlevel: low\n",
			i, i, s.Service(), item)
	}
	set, problems := sigma.Load([]sigma.Source{{Name: "rules.yml", Text: []byte(docs.String())}}, sigma.Options{Schemas: []sigma.Schema{s}})
	for _, p := range problems {
		t.Error(p)
	}
	var got []string
	for _, i := range set.Matcher(s.Service()).Match(r()) {
		var n int
		if _, err := fmt.Sscan(set.Rules[i].Title, &n); err != nil {
			t.Fatal(err)
		}
		got = append(got, items[n])
	}
	return got
}

// TestRulesOnPolicies: a policy is a document within a text, whose quotes are
// escaped; a rule that looks for what stands in quotes in it finds that. An
// object's key is no policy, whatever it says.
func TestRulesOnPolicies(t *testing.T) {
	const policy = `{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\"],\"Resource\":\"arn:aws:s3:::<YOUR-BUCKET-NAME>/*\"}]}`
	items := []string{
		`requestParameters|contains|all: ['"arn:aws:s3:::<YOUR-BUCKET-NAME>/*"', '"s3:GetObject"', '"Allow"']`,
		`'|all': ['"s3:GetObject"', '"Allow"']`,
		`requestParameters|contains: '\"s3:GetObject\"'`, // as it stands in the record
		`requestParameters|startswith: '{"Statement"'`,
		`requestParameters|contains: '"s3:PutObject"'`,
		`userIdentity|contains: '"s3:GetObject"'`,
	}
	for parameters, want := range map[string][]string{
		`{"userName":"b","policyName":"x","policyDocument":"` + policy + `"}`: items[:3],
		`{"bucketName":"example","key":"` + policy + `"}`:                     items[1:3], // keywords are searched in the key itself, too
		`{"bucketName":"example","policyDocument":{"key":"` + policy + `"}}`:  items[2:3],
	} {
		schema := record.NewTrailSchema(nil)
		event := `{"eventTime":"2026-11-22T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","requestParameters":` + parameters + `}`
		got := matches(t, schema, items, func() sigma.Record { return parsed(t, schema, event) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: got  %q\nwant %q", parameters, got, want)
		}
	}
}
