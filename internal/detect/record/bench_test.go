package record_test

import (
	"strings"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

func ids(b *testing.B, s sigma.Schema, names string) []sigma.FieldID {
	b.Helper()
	var all []sigma.FieldID
	for _, name := range strings.Fields(names) {
		all = append(all, lookup(b, s, name).ID)
	}
	return all
}

func fields(b *testing.B, set func(), r sigma.Record, all []sigma.FieldID) {
	b.ReportAllocs()
	for b.Loop() {
		set()
		for _, id := range all {
			if v := r.Field(id); !v.Present {
				b.Fatal("a field is absent")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/field")
}

// BenchmarkAccess asks for the fields that most rules ask for.
func BenchmarkAccess(b *testing.B) {
	row := first(b, s3access.Format, line+"\n")
	var r record.Access
	fields(b, func() { r.Set(row) }, &r, ids(b, record.AccessSchema(),
		"operation http_status bucket_name key_name requester remote_ip user_agent tls_version error_code authenticated"))
}

// BenchmarkColumns asks for what CloudTrail has columns for.
func BenchmarkColumns(b *testing.B) {
	s := record.NewTrailSchema(nil)
	all := ids(b, s, "eventName eventSource userAgent sourceIPAddress userIdentity.type userIdentity.arn requestParameters.bucketName recipientAccountId")
	row := first(b, cloudtrail.Format, `{"Records":[`+event+`]}`)
	r := record.NewTrail(s)
	fields(b, func() { r.Set(row) }, r, all)
}

// BenchmarkPaths reads the JSON of one column once, for all its paths.
func BenchmarkPaths(b *testing.B) {
	s := record.NewTrailSchema(nil)
	all := ids(b, s, "requestParameters.containerDefinitions.command requestParameters.enable requestParameters.nested.a.b.c requestParameters.text")
	row := first(b, cloudtrail.Format, `{"Records":[`+event+`]}`)
	r := record.NewTrail(s)
	fields(b, func() { r.Set(row) }, r, all)
}

// BenchmarkPolicy judges a policy of three statements.
func BenchmarkPolicy(b *testing.B) {
	s := record.NewTrailSchema([]string{"111122224444"})
	all := ids(b, s, "derived.policy_public derived.policy_external")
	row := first(b, cloudtrail.Format, `{"Records":[`+call("PutBucketPolicy", `{"bucketName":"example","policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::example/*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}},`+
		`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::999900001111:root"]},"Action":"s3:*","Resource":"*"},`+
		`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}}`)+`]}`)
	r := record.NewTrail(s)
	fields(b, func() { r.Set(row) }, r, all)
}
