package record_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/sigma"
)

// call is a record of an API call to a bucket of account 111122223333.
func call(name, parameters string) string {
	return fmt.Sprintf(`{"eventTime":"2026-11-22T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":%q,"requestParameters":%s,`+
		`"recipientAccountId":"111122223333","resources":[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::example","accountId":"111122223333"}]}`, name, parameters)
}

// holds fails the test unless the derived field of the record is want.
func holds(t *testing.T, field, event string, want sigma.Value) {
	t.Helper()
	schema := record.NewTrailSchema([]string{"111122224444", "0123456789abcdef"})
	f := lookup(t, schema, "derived."+field)
	r := parsed(t, schema, event)
	got := r.Field(f.ID)
	if got.Present != want.Present || want.Present && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v, of %s", field, got, want, event)
	}
	if again := r.Field(f.ID); !reflect.DeepEqual(again, got) {
		t.Errorf("%s: asked again got %+v, want %+v", field, again, got)
	}
}

var absent = sigma.Value{}

// TestPolicies judges one statement a line, as an object and as text.
func TestPolicies(t *testing.T) {
	const (
		neither = iota
		public
		external
		both = public | external
	)
	for _, c := range []struct {
		statement string
		want      int
	}{
		{`"Effect":"Allow","Principal":"*"`, public},
		{`"Effect":"Allow","Principal":{"AWS":"*"}`, public},
		{`"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","*"]}`, public},
		{`"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com","AWS":["*"]}`, public},
		{`"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/a"}`, public},
		{`"effect":"allow","principal":"*"`, public},
		{`"Effect":"Deny","Principal":"*"`, neither},
		{`"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::999900001111:root"}`, neither},
		{`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}`, neither},
		{`"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"}`, neither},
		{`"Effect":"Allow","Action":"*"`, neither},

		{`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900001111:root"}`, external},
		{`"Effect":"Allow","Principal":{"AWS":"999900001111"}`, external},
		{`"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws-cn:sts::999900001111:assumed-role/r/s"]}`, external},
		{`"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122224444:role/r"]}`, neither}, // own_accounts
		{`"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::999900001111:root"}`, neither},
		{`"Effect":"Allow","Principal":{"CanonicalUser":"fedcba9876543210"}`, external},
		{`"Effect":"Allow","Principal":{"CanonicalUser":"0123456789abcdef"}`, neither}, // own_accounts
		{`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE"}`, neither},
		{`"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::999900001111:saml-provider/p"}`, external},
		{`"Effect":"Allow","Principal":{"AWS":["*","999900001111"]}`, both},

		// Conditions that leave the public out.
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32","198.51.100.7"]}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"AWS:sourcevpc":["vpc-1","vpc-2"]}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-example"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-example/*"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudfront::111122223333:distribution/*"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::example"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:eu-central-1:111122223333:accesspoint/*"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:SourceAccount":"111122223333"}}`, neither},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":["111122223333","111122224444"]}}`, neither},

		// Conditions that leave everyone in.
		{`"Effect":"Allow","Principal":"*","Condition":{}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:SourceVpce":[]}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","::/0"]}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"2001::/16"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"IpAddressIfExists":{"aws:SourceIp":"192.0.2.0/24"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:SourceVpce":"*"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:SourceVpce":["vpce-1","vpce-*"]}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-example"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-example"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"Null":{"aws:PrincipalOrgID":"false"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"${aws:PrincipalOrgID}"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:Referer":"https://example.com/*"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/reader"}}`, public},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:userid":"*:session"}}`, public},

		// Everyone, tied to somebody else's account.
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"999900001111"}}`, external},
		{`"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/a","arn:aws:iam::999900001111:role/*"]}}`, external},
		{`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"},"StringLike":{"aws:PrincipalArn":"arn:aws:iam::999900001111:role/*"}}`, neither},
	} {
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"}},{` + c.statement + `}]}`
		quoted, err := json.Marshal(policy)
		if err != nil {
			t.Fatal(err)
		}
		for _, parameters := range []string{
			`{"policy":[""],"bucketPolicy":` + policy + `}`,
			`{"bucketPolicy":{"Statement":{` + c.statement + `}},"policy":""}`, // one statement is no list
			`{"policy":` + string(quoted) + `}`,
			`{"PutAccessPointPolicyRequest":{"Policy":` + string(quoted) + `}}`,
		} {
			event := call("PutBucketPolicy", parameters)
			holds(t, "policy_public", event, boolean(c.want&public != 0))
			holds(t, "policy_external", event, boolean(c.want&external != 0))
		}
	}
	for _, parameters := range []string{
		`{}`, `null`, `"omitted"`, `{"bucketPolicy":null}`, `{"policy":""}`, `{"policy":[""]}`, `{"bucketPolicy":{"Version":"2012-10-17"}}`,
		`{"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\""}`, // cut: no JSON
		`{"policyDocument":{"Statement":[{"Effect":"Allow","Principal":"*"}]}}`,
	} {
		holds(t, "policy_public", call("PutBucketPolicy", parameters), absent)
		holds(t, "policy_external", call("PutBucketPolicy", parameters), absent)
	}
}

// TestWhoseBucket: what is external depends on who owns the bucket, not on whose
// trail recorded the call.
func TestWhoseBucket(t *testing.T) {
	event := func(bucket string) string {
		return `{"eventTime":"2026-11-22T12:00:00Z","recipientAccountId":"999900001111","requestParameters":{"bucketPolicy":{"Statement":` +
			`{"Effect":"Allow","Principal":{"AWS":"999900001111"}}}},"resources":[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::example","accountId":"` + bucket + `"}]}`
	}
	holds(t, "policy_external", event("111122223333"), boolean(true))
	holds(t, "policy_external", event("999900001111"), boolean(false))
	holds(t, "policy_external", event(""), boolean(false))
}

// TestNextRecord: nothing of a record is left in the one after it.
func TestNextRecord(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	days, path := lookup(t, schema, "derived.lifecycle_min_days"), lookup(t, schema, "requestParameters.LifecycleConfiguration.Rule.Expiration.Days")
	r := record.NewTrail(schema)
	for _, n := range []int64{3, 7} {
		r.Set(first(t, cloudtrail.Format, `{"Records":[`+call("PutBucketLifecycle", fmt.Sprintf(`{"LifecycleConfiguration":{"Rule":{"Expiration":{"Days":%d}}}}`, n))+`]}`))
		for _, f := range []sigma.Field{days, path} {
			if got := r.Field(f.ID); !reflect.DeepEqual(got, number(n)) {
				t.Errorf("got %+v, want %d", got, n)
			}
		}
	}
}

func TestACLPublic(t *testing.T) {
	const group = `http://acs.amazonaws.com/groups/global/`
	grant := func(grants string) string {
		return `{"AccessControlPolicy":{"AccessControlList":{"Grant":` + grants + `}}}`
	}
	for parameters, want := range map[string]sigma.Value{
		`{"x-amz-acl":"public-read"}`:                                                                               boolean(true),
		`{"x-amz-acl":["authenticated-read"]}`:                                                                      boolean(true),
		`{"accessControlList":{"x-amz-acl":"public-read-write"}}`:                                                   boolean(true),
		`{"x-amz-grant-read":"uri=\"` + group + `AllUsers\""}`:                                                      boolean(true),
		grant(`[{"Grantee":{"ID":"x"}},{"Grantee":{"URI":"` + group + `AuthenticatedUsers"},"Permission":"READ"}]`): boolean(true),
		grant(`{"Grantee":{"URI":"` + group + `AllUsers"}}`):                                                        boolean(true),
		`{"x-amz-acl":"private"}`:                                                                                   boolean(false),
		`{"x-amz-acl":"log-delivery-write"}`:                                                                        boolean(false),
		`{"x-amz-grant-write":"id=\"0123456789abcdef\""}`:                                                           boolean(false),
		grant(`{"Grantee":{"URI":"http://acs.amazonaws.com/groups/s3/LogDelivery"}}`):                               boolean(false),
		grant(`{"Grantee":{"ID":"AllUsers"}}`):                                                                      boolean(false),
		`{"acl":""}`:                                                                                                absent,
		`{"key":"public-read","accessControlList":""}`:                                                              absent,
	} {
		holds(t, "acl_public", call("PutBucketAcl", parameters), want)
	}
}

func TestBlockPublicAccessOff(t *testing.T) {
	block := func(settings string) string {
		return `{"publicAccessBlock":"","PublicAccessBlockConfiguration":{` + settings + `}}`
	}
	for parameters, want := range map[string]sigma.Value{
		block(`"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true`):       boolean(false),
		block(`"BlockPublicAcls":"true","IgnorePublicAcls":"true","BlockPublicPolicy":"TRUE","RestrictPublicBuckets":true`): boolean(false),
		block(`"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":false,"RestrictPublicBuckets":true`):      boolean(true),
		block(`"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true`):                                    boolean(true),
		block(``): boolean(true),
		`{}`:      absent,
		`{"PublicAccessBlockConfiguration":"omitted"}`: absent,
	} {
		holds(t, "block_public_access_off", call("PutBucketPublicAccessBlock", parameters), want)
	}
	for _, name := range []string{"DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock"} {
		holds(t, "block_public_access_off", call(name, `{"bucketName":"example"}`), boolean(true))
	}
	holds(t, "block_public_access_off", call("DeleteBucketPolicy", `{"bucketName":"example"}`), absent)
}

func TestLoggingDisabled(t *testing.T) {
	for parameters, want := range map[string]sigma.Value{
		`{"logging":"","BucketLoggingStatus":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"}}`: boolean(true),
		`{"logging":"","BucketLoggingStatus":{"LoggingEnabled":""}}`:                               boolean(true),
		`{"logging":[""],"BucketLoggingStatus":""}`:                                                boolean(true),
		`{"logging":""}`: boolean(true),
		`{"logging":"","BucketLoggingStatus":{"LoggingEnabled":{"TargetBucket":"logs","TargetPrefix":""}}}`:  boolean(false),
		`{"BucketLoggingStatus":{"xmlns":"x","LoggingEnabled":{"TargetBucket":"logs","TargetPrefix":"a/"}}}`: boolean(false),
		`{"bucketName":"example"}`: absent,
		`null`:                     absent,
	} {
		holds(t, "logging_disabled", call("PutBucketLogging", parameters), want)
	}
	holds(t, "logging_disabled", call("GetBucketLogging", `{"logging":""}`), absent)
}

func TestLifecycleMinDays(t *testing.T) {
	for rules, want := range map[string]sigma.Value{
		`{"Status":"Enabled","Expiration":{"Days":1}}`:                                                   number(1),
		`[{"Status":"Enabled","Expiration":{"Days":30}},{"Status":"Enabled","Expiration":{"Days":"3"}}]`: number(3),
		`[{"Status":"Enabled","Expiration":{"Days":30}},{"Status":"Disabled","Expiration":{"Days":1}}]`:  number(30),
		`{"Expiration":{"Days":7.0}}`: number(7),
		`{"Status":"Enabled","NoncurrentVersionExpiration":{"NoncurrentDays":2}}`:         number(2),
		`{"Status":"Enabled","Expiration":{"Date":"2026-11-25T00:00:00.000Z"}}`:           number(3),
		`{"Status":"Enabled","Expiration":{"Date":"2020-01-01"}}`:                         number(0),
		`{"Status":"Enabled","Expiration":{"ExpiredObjectDeleteMarker":true}}`:            absent,
		`{"Status":"Enabled","AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}`: absent,
		`{"Status":"Enabled","Transition":{"Days":1,"StorageClass":"GLACIER"}}`:           absent,
		`{"Status":"Enabled","Expiration":{"Days":"soon","Date":"soon"}}`:                 absent,
		`{"Status":"Disabled","Expiration":{"Days":1}}`:                                   absent,
	} {
		holds(t, "lifecycle_min_days", call("PutBucketLifecycle", `{"lifecycle":"","LifecycleConfiguration":{"Rule":`+rules+`,"xmlns":"x"}}`), want)
	}
	holds(t, "lifecycle_min_days", call("PutBucketLifecycle", `{"lifecycle":""}`), absent)
}

func TestReplicationExternal(t *testing.T) {
	for configuration, want := range map[string]sigma.Value{
		`{"Rule":{"Status":"Enabled","Destination":{"Bucket":"arn:aws:s3:::copies","Account":"999900001111"}}}`:                   boolean(true),
		`{"Rule":[{"Status":"Enabled","Destination":{"Bucket":"arn:aws:s3:::copies"}},{"Destination":{"Account":999900001111}}]}`: boolean(true),
		`{"Rule":{"Destination":{"EncryptionConfiguration":{"ReplicaKmsKeyID":"arn:aws:kms:eu-central-1:999900001111:key/k"}}}}`:  boolean(true),
		`{"Role":"arn:aws:iam::999900001111:role/r","Rule":{"Destination":{"Bucket":"arn:aws:s3:::copies"}}}`:                     boolean(true),
		`{"Role":"arn:aws:iam::111122223333:role/r","Rule":{"Status":"Enabled","Destination":{"Account":"111122224444"}}}`:        boolean(false),
		`{"Rule":{"Status":"Disabled","Destination":{"Account":"999900001111"}}}`:                                                 boolean(false),
		`{"Rule":{"Status":"Enabled","Destination":{"Bucket":"arn:aws:s3:::copies"}}}`:                                            boolean(false),
		`""`: absent,
	} {
		holds(t, "replication_external", call("PutBucketReplication", `{"replication":"","ReplicationConfiguration":`+configuration+`}`), want)
	}
}

func TestKMSExternal(t *testing.T) {
	encryption := func(key string) string {
		return `{"ServerSideEncryptionConfiguration":{"Rule":{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":` + strconv.Quote(key) + `}}}}`
	}
	const header = "x-amz-server-side-encryption-aws-kms-key-id"
	for parameters, want := range map[string]sigma.Value{
		encryption("arn:aws:kms:eu-central-1:999900001111:key/k"):   boolean(true),
		encryption("arn:aws:kms:eu-central-1:111122223333:key/k"):   boolean(false),
		encryption("arn:aws:kms:eu-central-1:111122224444:alias/a"): boolean(false),
		encryption("alias/a"): boolean(false),
		`{"` + header + `":"arn:aws:kms:eu-central-1:999900001111:key/k"}`:           boolean(true),
		`{"` + header + `":"arn:aws:kms:eu-central-1:111122223333:key/k"}`:           boolean(false),
		`{"x-amz-server-side-encryption":"AES256"}`:                                  absent,
		`{"ServerSideEncryptionConfiguration":{"Rule":[{"BucketKeyEnabled":true}]}}`: absent,
	} {
		holds(t, "kms_external", call("PutBucketEncryption", parameters), want)
	}
	holds(t, "kms_external", `{"eventTime":"2026-11-22T12:00:00Z","recipientAccountId":"111122223333",`+
		`"responseElements":{"`+header+`":"arn:aws:kms:eu-central-1:999900001111:key/k"}}`, boolean(true))
}

func TestCopyExternal(t *testing.T) {
	copied := func(source, resources, recipient string) string {
		return `{"eventTime":"2026-11-22T12:00:00Z","eventName":"CopyObject","requestParameters":{"bucketName":"copies","x-amz-copy-source":"` + source +
			`"},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::copies/a"},` + resources + `],"recipientAccountId":"` + recipient + `"}`
	}
	const ours = `{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::example"}`
	const theirs = `{"accountId":"999900001111","type":"AWS::S3::Bucket","arn":"arn:aws:s3:::copies"}`
	const known = `{"accountId":"111122224444","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::copies"}`
	holds(t, "copy_external", copied("example/a", theirs, "111122223333"), boolean(true))
	holds(t, "copy_external", copied("example/a", ours+","+theirs, "111122223333"), boolean(true))
	holds(t, "copy_external", copied("arn:aws:s3:eu-central-1:999900001111:accesspoint/ap/object/a", ours, "111122223333"), boolean(true))
	holds(t, "copy_external", copied("example/a", ours, "111122223333"), boolean(false))
	holds(t, "copy_external", copied("example/a", ours+","+known, "111122223333"), boolean(false))
	holds(t, "copy_external", copied("example/a", ours, ""), absent)
	holds(t, "copy_external", call("PutObject", `{"bucketName":"example","key":"a"}`), absent)
}
