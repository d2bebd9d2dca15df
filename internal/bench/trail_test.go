//go:build cgo && unix

package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"sluice/internal/generate"
)

// The goals of CloudTrail.
const (
	trailGunzipGoal = 3.5  // times the CPU of unzipping alone
	trailDuckGoal   = 0.09 // of DuckDB's CPU
)

// trailName is the name of a file as CloudTrail delivers it.
const trailName = "111122223333_CloudTrail_us-west-2_20260303T0005Z_Ab3dEf6hIj9lMn2p.json.gz"

// trail writes one zipped CloudTrail file of n records and returns its path.
func trail(tb testing.TB, n int64) string {
	tb.Helper()
	file, _ := create(tb, tb.TempDir()+"/"+trailName, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if err := generate.Events(z, 1, n); err != nil {
			return err
		}
		return z.Close()
	})
	return file
}

// BenchmarkCloudTrail converts one zipped CloudTrail file to Parquet, in turns
// with unzipping it and with DuckDB.
func BenchmarkCloudTrail(b *testing.B) {
	const n = 50_000
	file := trail(b, n)
	for range turns(b) {
		var zip, duck pairs
		var lake, dir string
		for i := range 9 {
			lake = b.TempDir()
			ours := spent(b, func() {
				r, err := convert(file, lake)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.whole(1, n); err != nil {
					b.Fatal(err)
				}
			})
			unzipped := spent(b, func() {
				if err := unzip(file); err != nil {
					b.Fatal(err)
				}
			})
			zip.add(ours.Seconds(), unzipped.Seconds())
			if i%3 != 0 { // it takes ten times as long
				continue
			}
			dir = b.TempDir()
			theirs := start(b, roleDuckTrail, file, dir+"/lake")
			if theirs.Rows != n {
				b.Fatalf("DuckDB wrote %d rows, want %d", theirs.Rows, n)
			}
			duck.add(start(b, roleSluice, file, dir+"/ours").cpu.Seconds(), theirs.cpu.Seconds())
		}
		if err := compareTrails(lake+"/cloudtrail_events", dir+"/lake"); err != nil {
			b.Fatal(err)
		}
		figures.add(figure{
			what: "CloudTrail .json.gz to Parquet, CPU µs per record", sluice: decimals(median(zip.ours)*1e6/n, 1),
			other: decimals(median(zip.theirs)*1e6/n, 1), name: "gunzip",
			ratio: decimals(zip.ratio(), 1), goal: "at most 3.5", met: zip.ratio() <= trailGunzipGoal,
		})
		figures.add(figure{
			what: "CloudTrail .json.gz to Parquet, CPU µs per record", sluice: decimals(median(duck.ours)*1e6/n, 1),
			other: decimals(median(duck.theirs)*1e6/n, 1), name: "DuckDB, a folder a day",
			ratio: decimals(duck.ratio(), 3), goal: "at most 0.090", met: duck.ratio() <= trailDuckGoal,
		})
		ours, theirs := perRow(bytesBelow(b, lake), n), perRow(bytesBelow(b, dir+"/lake"), n)
		figures.add(figure{
			what: "CloudTrail, bytes per row", sluice: decimals(ours, 1), other: decimals(theirs, 1), name: "DuckDB",
			ratio: decimals(ours/theirs, 3),
		})
		b.ReportMetric(median(zip.ours)*1e6/n, "cpu-µs/record")
		say(b, "trail-cpu/gunzip", zip.ratio())
		say(b, "trail-cpu/duckdb", duck.ratio())
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

func unzip(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, z)
	return err
}

// trailFields are the fields of a record that both results have a column for,
// with DuckDB's type: JSON is the text of an object as it stands there.
var trailFields = []struct{ name, kind string }{
	{"eventVersion", "VARCHAR"}, {"userIdentity", "JSON"}, {"eventTime", "TIMESTAMP"}, {"eventSource", "VARCHAR"},
	{"eventName", "VARCHAR"}, {"awsRegion", "VARCHAR"}, {"sourceIPAddress", "VARCHAR"}, {"userAgent", "VARCHAR"},
	{"errorCode", "VARCHAR"}, {"errorMessage", "VARCHAR"}, {"requestParameters", "JSON"}, {"responseElements", "JSON"},
	{"additionalEventData", "JSON"}, {"requestID", "VARCHAR"}, {"eventID", "VARCHAR"}, {"readOnly", "BOOLEAN"},
	{"resources", "JSON"}, {"eventType", "VARCHAR"}, {"managementEvent", "BOOLEAN"}, {"recipientAccountId", "VARCHAR"},
	{"sharedEventID", "VARCHAR"}, {"vpcEndpointId", "VARCHAR"}, {"vpcEndpointAccountId", "VARCHAR"},
	{"eventCategory", "VARCHAR"}, {"addendum", "JSON"}, {"serviceEventDetails", "JSON"},
	{"sessionCredentialFromConsole", "BOOLEAN"}, {"tlsDetails", "JSON"},
}

// trailColumns are the columns that both results have, and how DuckDB makes them
// of a record r and of what was extracted from its objects at once, which costs
// it least. Sluice's own are authenticated, extra, log_key and log_line.
var trailColumns = []struct{ column, from string }{
	{"event_time", "r.eventTime"}, {"event_id", "r.eventID"}, {"event_name", "r.eventName"},
	{"event_source", "r.eventSource"}, {"event_version", "r.eventVersion"}, {"event_type", "r.eventType"},
	{"event_category", "r.eventCategory"}, {"aws_region", "r.awsRegion"}, {"source_ip_address", "r.sourceIPAddress"},
	{"user_agent", "CASE WHEN r.userAgent LIKE '[%]' THEN r.userAgent[2:-2] ELSE r.userAgent END"},
	{"error_code", "r.errorCode"}, {"error_message", "r.errorMessage"}, {"request_id", "r.requestID"},
	{"read_only", "r.readOnly"}, {"management_event", "r.managementEvent"},
	{"recipient_account_id", "r.recipientAccountId"}, {"shared_event_id", "r.sharedEventID"},
	{"vpc_endpoint_id", "r.vpcEndpointId"}, {"vpc_endpoint_account_id", "r.vpcEndpointAccountId"},
	{"session_credential_from_console", "r.sessionCredentialFromConsole"},

	{"user_identity_type", "u[1]"}, {"user_identity_principal_id", "u[2]"}, {"user_identity_arn", "u[3]"},
	{"user_identity_account_id", "u[4]"}, {"user_identity_access_key_id", "u[5]"}, {"user_identity_user_name", "u[6]"},
	{"user_identity_invoked_by", "u[7]"}, {"session_issuer_type", "u[8]"}, {"session_issuer_arn", "u[9]"},
	{"session_issuer_account_id", "u[10]"}, {"session_issuer_user_name", "u[11]"},
	{"mfa_authenticated", "u[12] = 'true'"}, {"session_creation_date", "u[13]"},

	{"bucket_name", "p[1]"}, {"key_name", "p[2]"}, {"version_id", "p[3]"}, {"host_header", "p[4]"},
	{"list_type", "p[5]"}, {"prefix", "p[6]"}, {"copy_source", "p[7]"},

	{"bytes_in", "CAST(CAST(a[1] AS DOUBLE) AS BIGINT)"}, {"bytes_out", "CAST(CAST(a[2] AS DOUBLE) AS BIGINT)"},
	{"host_id", "a[3]"}, {"signature_version", "a[4]"}, {"cipher_suite", "a[5]"}, {"authentication_type", "a[6]"},
	{"sse_applied", "a[7]"}, {"acl_required", "a[8] = 'Yes'"},
	{"tls_version", "t[1]"}, {"tls_cipher_suite", "t[2]"}, {"tls_host", "t[3]"},

	{"bucket_arn", "list_filter(s, x -> x.type = 'AWS::S3::Bucket')[1].ARN"},
	{"bucket_account_id", "list_filter(s, x -> x.type = 'AWS::S3::Bucket')[1].accountId"},
	{"object_arn", "list_filter(s, x -> x.type = 'AWS::S3::Object' AND x.ARN IS NOT NULL)[1].ARN"},
	{"object_arn_prefix", "list_filter(s, x -> x.ARNPrefix IS NOT NULL)[1].ARNPrefix"},
	{"access_point_arn", "list_filter(s, x -> x.type = 'AWS::S3::AccessPoint')[1].ARN"},

	{"user_identity", "CAST(r.userIdentity AS VARCHAR)"}, {"request_parameters", "CAST(r.requestParameters AS VARCHAR)"},
	{"response_elements", "CAST(r.responseElements AS VARCHAR)"},
	{"additional_event_data", "CAST(r.additionalEventData AS VARCHAR)"}, {"resources", "CAST(r.resources AS VARCHAR)"},
	{"addendum", "CAST(r.addendum AS VARCHAR)"}, {"tls_details", "CAST(r.tlsDetails AS VARCHAR)"},
	{"service_event_details", "CAST(r.serviceEventDetails AS VARCHAR)"},
}

// duckTrail is the conversion of a CloudTrail file by DuckDB.
func duckTrail(file, to string) string {
	var fields, selected []string
	for _, f := range trailFields {
		fields = append(fields, fmt.Sprintf("%q %s", f.name, f.kind))
	}
	for _, c := range trailColumns {
		selected = append(selected, c.from+" AS "+c.column)
	}
	return fmt.Sprintf(`COPY (
  SELECT %s, strftime(r.eventTime, '%%Y-%%m-%%d') AS dt FROM (
    SELECT r,
      json_extract_string(r.userIdentity, ['/type', '/principalId', '/arn', '/accountId', '/accessKeyId', '/userName', '/invokedBy',
        '/sessionContext/sessionIssuer/type', '/sessionContext/sessionIssuer/arn', '/sessionContext/sessionIssuer/accountId',
        '/sessionContext/sessionIssuer/userName', '/sessionContext/attributes/mfaAuthenticated', '/sessionContext/attributes/creationDate']) AS u,
      json_extract_string(r.requestParameters, ['/bucketName', '/key', '/versionId', '/Host', '/list-type', '/prefix', '/x-amz-copy-source']) AS p,
      json_extract_string(r.additionalEventData, ['/bytesTransferredIn', '/bytesTransferredOut', '/x-amz-id-2', '/SignatureVersion',
        '/CipherSuite', '/AuthenticationMethod', '/SSEApplied', '/aclRequired']) AS a,
      json_extract_string(r.tlsDetails, ['/tlsVersion', '/cipherSuite', '/clientProvidedHostHeader']) AS t,
      from_json(r.resources, '[{"type":"VARCHAR","ARN":"VARCHAR","accountId":"VARCHAR","ARNPrefix":"VARCHAR"}]') AS s
    FROM (SELECT unnest(Records) AS r FROM read_json(%s, format = 'unstructured', maximum_object_size = 1000000000,
      timestampformat = '%%Y-%%m-%%dT%%H:%%M:%%SZ', columns = {'Records': 'STRUCT(%s)[]'}))
  )
) TO %s (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (dt))`,
		strings.Join(selected, ", "), quote(file), strings.Join(fields, ", "), quote(to))
}

// compareTrails says in which of the shared columns two results differ.
func compareTrails(ours, theirs string) error {
	var shared []column
	for _, c := range trailColumns {
		kind := "VARCHAR"
		if c.column == "event_time" {
			kind = "TIMESTAMP"
		}
		shared = append(shared, column{c.column, kind})
	}
	return compareColumns(shared, ours, theirs, nil, nil)
}

// TestTrailsAgree: Sluice and DuckDB make the same of CloudTrail, and a value that
// is another is noticed.
func TestTrailsAgree(t *testing.T) {
	const n = 3000
	file, dir := trail(t, n), t.TempDir()
	r, err := convert(file, dir+"/ours")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.whole(1, n); err != nil {
		t.Fatal(err)
	}
	ours := dir + "/ours/cloudtrail_events"
	for to, c := range map[string]struct{ old, new, want string }{
		"same":    {"", "", ""},
		"another": {"THEN r.userAgent[2:-2]", "THEN r.userAgent[2:-3]", "checksum of user_agent"},
		"NULL":    {"a[2] AS DOUBLE", "nullif(a[2], '0') AS DOUBLE", "number of bytes_out"},
	} {
		statement := duckTrail(file, dir+"/"+to)
		changed := strings.Replace(statement, c.old, c.new, 1)
		if c.old != "" && changed == statement {
			t.Fatalf("nothing to change for %s", to)
		}
		if got, err := duckConvert(changed); err != nil || got != n {
			t.Fatalf("DuckDB wrote %d rows, want %d: %v", got, n, err)
		}
		err := compareTrails(ours, dir+"/"+to)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want+" ")) {
			t.Errorf("%s: compare: %v, want a difference in %q", to, err, c.want)
		}
	}
}
