package enroll

import (
	"strings"
	"testing"
)

func TestTargetAdmits(t *testing.T) {
	statement := func(effect, who, action, resource, condition string) string {
		return `{"Sid":"S","Effect":"` + effect + `","Principal":` + who + `,"Action":` + action + `,"Resource":` + resource + `,"Condition":` + condition + `}`
	}
	const (
		service = `{"Service":"logging.s3.amazonaws.com"}`
		put     = `"s3:PutObject"`
		objects = `"arn:aws:s3:::example-logs/*"`
	)
	allow := func(condition string) string { return statement("Allow", service, put, objects, condition) }
	deny := func(condition string) string {
		return statement("Deny", `"*"`, `"s3:*"`, `["arn:aws:s3:::example-logs",`+objects+`]`, condition)
	}
	for _, c := range []struct {
		name, statements string
		acl              bool
		prefix           string
		want             string // part of the reason; "" is admitted
		everywhere       bool
	}{
		{name: "no policy", want: "has no policy by which logging.s3.amazonaws.com may put", everywhere: true},
		{name: "ACL of old", acl: true},
		{name: "TLS only, and an ACL", acl: true, statements: deny(`{"Bool":{"aws:SecureTransport":"false"}}`)},
		{name: "TLS only", statements: deny(`{"Bool":{"aws:SecureTransport":"false"}}`), want: "has no policy by which", everywhere: true},
		{name: "as S3 documents it", statements: allow(`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-photos"},"StringEquals":{"aws:SourceAccount":"111122223333"}}`)},
		{name: "and TLS only", statements: allow(`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`) + "," + deny(`{"Bool":{"aws:SecureTransport":"false"}}`)},
		{name: "of another bucket", statements: allow(`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-videos"}}`), want: "does not let"},
		{name: "of all but this bucket, as the stack's has it", statements: allow(`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"},"ArnNotEquals":{"aws:SourceArn":["arn:aws:s3:::example-lake","arn:aws:s3:::example-photos"]}}`), want: "does not let"},
		{name: "of another account", statements: allow(`{"StringEquals":{"aws:SourceAccount":["444455556666"]}}`), want: "does not let"},
		{name: "below another prefix", statements: statement("Allow", service, put, `"arn:aws:s3:::example-logs/logs/*"`, `{}`), want: "has no policy by which", everywhere: true},
		{name: "below this prefix", statements: statement("Allow", service, put, `"arn:aws:s3:::example-logs/logs/*"`, `{}`), prefix: "logs/"},
		{name: "another service", statements: statement("Allow", `{"Service":"cloudtrail.amazonaws.com"}`, put, objects, `{}`), want: "has no policy by which", everywhere: true},
		{name: "several services and actions", statements: statement("Allow", `{"Service":["a.amazonaws.com","logging.s3.amazonaws.com"]}`, `["s3:GetBucketAcl","s3:Put*"]`, objects, `{}`)},
		{name: "to everybody, which S3 shall judge", statements: statement("Allow", `"*"`, put, objects, `{}`)},
		{name: "another action", statements: statement("Allow", service, `"s3:GetObject"`, objects, `{}`), want: "has no policy by which", everywhere: true},
		{name: "a single statement", statements: "one", want: ""},
		{name: "denied outside of a network", statements: allow(`{}`) + "," + deny(`{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`), want: "denies logging.s3.amazonaws.com s3:PutObject (statement S)"},
		{name: "denied outside of the organization", statements: allow(`{}`) + "," + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-example"}}`), want: "denies"},
		{name: "the same, but not for services", statements: allow(`{}`) + "," + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-example"},"Bool":{"aws:PrincipalIsAWSService":"false"}}`)},
		{name: "the same, where there is one", statements: allow(`{}`) + "," + deny(`{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-example"},"Null":{"aws:PrincipalOrgID":"false"}}`)},
		{name: "denied to all but two", statements: allow(`{}`) + `,{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":"*"}`},
		{name: "denied but for reading", statements: allow(`{}`) + `,{"Effect":"Deny","Principal":{"AWS":"*"},"NotAction":"s3:Get*","NotResource":"arn:aws:s3:::example-logs/other/*"}`, want: "denies logging.s3.amazonaws.com s3:PutObject (statement 2)"},
		{name: "behind statements about others", statements: statement("Allow", `{"Service":"cloudtrail.amazonaws.com"}`, put, objects, `{}`) + "," + statement("Deny", `"*"`, `"s3:GetObject"`, objects, `{}`) + "," + allow(`{}`)},
		{name: "to all but one, which S3 shall judge", statements: `{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:PutObject","Resource":"*"}`},
		{name: "on a condition that is not known here", statements: allow(`{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}`)},
		{name: "on an operator that is not known here", statements: allow(`{"DateGreaterThan":{"aws:SourceAccount":"2026-01-01"}}`)},
		{name: "no JSON", statements: "broken", want: "cannot be read", everywhere: true},
	} {
		target := Target{Name: "example-logs", Region: "eu-central-1", Account: "111122223333", ACL: c.acl}
		switch c.statements {
		case "":
		case "one":
			target.Policy = `{"Statement":` + allow(`{}`) + `}`
		case "broken":
			target.Policy = `{"Statement":`
		default:
			target.Policy = `{"Version":"2012-10-17","Statement":[` + c.statements + `]}`
		}
		why, everywhere := target.admits("example-photos", c.prefix)
		if (why == "") != (c.want == "") || !strings.Contains(why, c.want) || everywhere != c.everywhere {
			t.Errorf("%s: %q, everywhere %v, want %q, %v", c.name, why, everywhere, c.want, c.everywhere)
		}
	}
}

func TestTargetInOtherPartitions(t *testing.T) {
	for region, partition := range map[string]string{"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "eu-central-1": "aws"} {
		target := Target{Name: "example-logs", Region: region, Account: "111122223333", Policy: `{"Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},` +
			`"Action":"s3:PutObject","Resource":"arn:` + partition + `:s3:::example-logs/*","Condition":{"ArnLike":{"aws:SourceArn":"arn:` + partition + `:s3:::*"}}}]}`}
		if why, _ := target.admits("example-photos", ""); why != "" {
			t.Errorf("%s: %s", region, why)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"a", "", false}, {"", "a", false},
		{"a*c", "abbc", true}, {"a*c", "abbcd", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"*b*", "abc", true}, {"a**", "a", true}, {"a.c", "abc", false}, {"**a", "bba", true}, {"*ab", "aab", true},
	} {
		if got := like(c.pattern, c.text); got != c.want {
			t.Errorf("%q like %q: %v", c.text, c.pattern, got)
		}
	}
	// Many stars take the product of two lengths, not more: this ends.
	if like(strings.Repeat("*a", 5000)+"b", strings.Repeat("a", 10000)) {
		t.Error("a text without b is like a pattern that ends in b")
	}
}
