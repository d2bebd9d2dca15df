package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// parameterSets are the stacks that people may have, one of each kind.
var parameterSets = map[string]map[string]any{
	"defaults": {},
	"mail":     {"AlertEmail": "alerts@example.com"},
	"everything": {
		"LogRetentionDays": 30, "LakeRetentionDays": 90, "AlertEmail": "alerts@example.com", "OperationsEmail": "ops@example.com",
		"SensitiveBuckets": "payroll-example,payroll-backup", "SensitiveCalls": "writes", "SourceBuckets": "*", "ExcludedBuckets": "scratch-example", "OrganizationId": "o-exampleorgid",
		"KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000",
		"BatchSize": 100, "BatchWindowSeconds": 60, "MemorySize": 512, "MaximumConcurrency": 2, "StateWriteLimit": 100,
		"BackfillBuckets": "old-logs-example,older-logs-example", "PackAfterDays": 7,
	},
	"named bucket":     {"LogBucketName": "logs-example"},
	"existing bucket":  {"ExistingLogBucket": "old-logs-example", "CentralFindingsTopicArn": "arn:aws:sns:eu-central-1:444455556666:findings"},
	"over eventbridge": {"ExistingLogBucket": "old-logs-example", "SourceBuckets": "photos-example,videos-example", "ForeignLogging": "replace", "ExistingLogBucketEvents": "eventbridge", "SensitiveBuckets": "payroll-example"},
}

// TestParametersAreDescribed: in the template, for who deploys it, with what may
// be given, and in the README's table. The first deployment must ask for nothing.
func TestParametersAreDescribed(t *testing.T) {
	params := template(t).Parameters
	told := map[string]bool{}
	for l := range strings.Lines(read(t, "README.md")) {
		cells := strings.Split(l, "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range regexp.MustCompile("`([A-Z][A-Za-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			if _, ok := params[m[1]]; !ok {
				t.Errorf("README.md has parameter %s, the template has not", m[1])
			}
			told[m[1]] = true
		}
	}
	for name, p := range params {
		if p.Description == "" || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("parameter %s has no description, or half a one: %q", name, p.Description)
		}
		if p.Default == nil {
			t.Errorf("parameter %s has no default", name)
		}
		switch {
		case p.Type == "Number" && p.MinValue == nil && p.AllowedValues == nil:
			t.Errorf("parameter %s takes any number", name)
		case p.Type == "String" && p.AllowedPattern == "" && p.AllowedValues == nil:
			t.Errorf("parameter %s takes any text", name)
		case p.AllowedPattern != "" && p.ConstraintDescription == "":
			t.Errorf("parameter %s does not say in words what may be given", name)
		}
		if !told[name] {
			t.Errorf("the table of README.md does not have parameter %s", name)
		}
	}
}

// TestParametersAreChecked: the patterns take what they should, and nothing that
// would get into a policy, a pattern or a command.
func TestParametersAreChecked(t *testing.T) {
	params := template(t).Parameters
	for _, set := range parameterSets {
		for name, v := range set {
			p := params[name]
			if p.AllowedPattern != "" && !regexp.MustCompile(p.AllowedPattern).MatchString(fmt.Sprint(v)) {
				t.Errorf("%s refuses %v", name, v)
			}
		}
	}
	for name, p := range params {
		if p.AllowedPattern == "" {
			continue
		}
		re := regexp.MustCompile(p.AllowedPattern)
		if !re.MatchString(fmt.Sprint(p.Default)) {
			t.Errorf("%s refuses its default %q", name, p.Default)
		}
		for _, bad := range []string{"*", "a,", ",a", "a b", "a\"b", "a'b", "${a}", "a/*", "-", "Ä"} {
			if re.MatchString(bad) && !(name == "SourceBuckets" && bad == "*") {
				t.Errorf("%s takes %q", name, bad)
			}
		}
	}
}

// TestStackHasNoCircle: for each kind of stack, resources can be created one
// after the other, and none refers to what is not there.
func TestStackHasNoCircle(t *testing.T) {
	for name, parameters := range parameterSets {
		s := stackWith(t, parameters)
		left := maps.Clone(s.needs)
		for len(left) > 0 {
			before := len(left)
			for r, needs := range left {
				if !slices.ContainsFunc(needs, func(n string) bool { _, waits := left[n]; return waits }) {
					delete(left, r)
				}
			}
			if len(left) == before {
				t.Errorf("%s: wait for each other: %v", name, slices.Sorted(maps.Keys(left)))
				break
			}
		}
	}
}

// created are the properties with which a resource that holds data is made: to
// change one is to replace the resource by an empty one.
var created = map[string][]string{
	"AWS::S3::Bucket":      {"BucketName"},
	"AWS::DynamoDB::Table": {"TableName", "KeySchema", "AttributeDefinitions"},
	"AWS::SQS::Queue":      {"QueueName", "FifoQueue"},
	"AWS::SNS::Topic":      {"TopicName", "FifoTopic"},
	"AWS::Glue::Database":  {"DatabaseInput.Name"},
}

// mayReplace are the parameters whose description says so.
var mayReplace = map[string]string{"LogBucketName": "LogBucket", "DatabaseName": "Database", "ExistingLogBucket": "LogBucket"}

// another is a value that a later deployment may give a parameter.
var another = map[string]any{
	"LogBucketName": "logs-example", "ExistingLogBucket": "old-logs-example", "ExistingLogBucketEvents": "eventbridge",
	"SensitiveBuckets": "payroll-example", "SensitiveCalls": "reads", "LogRetentionDays": 30,
	"SourceBuckets": "*", "ExcludedBuckets": "scratch-example", "ForeignLogging": "replace",
	"DatabaseName": "logs", "LakeRetentionDays": 90, "ProjectionStart": "2020-01-01", "QueryScanLimitBytes": 20000000, "QueryResultRetentionDays": 1,
	"AlertEmail": "alerts@example.com", "AlertLevel": "high", "StateWriteLimit": 100,
	"OrganizationId": "o-exampleorgid", "CentralFindingsTopicArn": "arn:aws:sns:eu-central-1:444455556666:findings",
	"MemorySize": 512, "BatchSize": 100, "BatchWindowSeconds": 60, "MaximumConcurrency": 2, "LargeFileBytes": 1048576, "FunctionLogRetentionDays": 7,
	"PackAfterDays": 7, "AlertMaxAgeDays": 0, "BackfillBuckets": "older-logs-example", "BackfillConcurrency": 5, "BackfillInvocations": 0,
	"OperationsEmail": "ops@example.com", "SilenceHours": 48, "RejectedPercent": 5,
	"KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000",
}

// TestNothingIsReplaced: whatever a later deployment changes, buckets, tables,
// queues and topics stay the ones they are.
func TestNothingIsReplaced(t *testing.T) {
	was := template(t)
	for name := range was.Parameters {
		v, ok := another[name]
		if !ok || fmt.Sprint(v) == fmt.Sprint(was.Parameters[name].Default) {
			t.Errorf("%s: this test must know another value than %v", name, was.Parameters[name].Default)
			continue
		}
		parameters := map[string]any{name: v}
		is := stackWith(t, parameters)
		for id, r := range was.Resources {
			if _, ok := created[r.Type]; !ok || mayReplace[name] == id {
				continue
			}
			n, ok := is.Resources[id]
			if !ok {
				t.Errorf("%s: %s is gone", name, id)
				continue
			}
			for _, property := range created[r.Type] {
				if a, b := at(t, r.Properties, property), at(t, n.Properties, property); a != b {
					t.Errorf("%s: %s of %s was %s and is %s: it is replaced", name, property, id, a, b)
				}
			}
		}
	}
}

// at is a property as JSON text, by its path.
func at(t *testing.T, properties json.RawMessage, path string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(properties, &v); err != nil {
		t.Fatal(err)
	}
	for p := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDataAreKept when the stack, or the parameter that made what holds them, goes.
// Each bucket is closed to the public, encrypted and reached over TLS only.
func TestDataAreKept(t *testing.T) {
	for name, parameters := range parameterSets {
		s := stackWith(t, parameters)
		policies := map[string]string{}
		for _, id := range s.of("AWS::S3::BucketPolicy") {
			policies[strings.Trim(at(t, s.Resources[id].Properties, "Bucket"), `"`)] = at(t, s.Resources[id].Properties, "PolicyDocument.Statement")
		}
		for _, id := range append(s.of("AWS::S3::Bucket"), s.of("AWS::DynamoDB::Table")...) {
			r := s.Resources[id]
			if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s: %s is not kept: %q, %q", name, id, r.DeletionPolicy, r.UpdateReplacePolicy)
			}
		}
		for _, id := range s.of("AWS::S3::Bucket") {
			r := s.Resources[id]
			for path, want := range map[string]string{
				"PublicAccessBlockConfiguration": `{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true}`,
				"OwnershipControls.Rules":        `[{"ObjectOwnership":"BucketOwnerEnforced"}]`,
			} {
				if got := at(t, r.Properties, path); got != want {
					t.Errorf("%s: %s of %s is %s, want %s", name, path, id, got, want)
				}
			}
			if id != "LakeBucket" && !strings.Contains(at(t, r.Properties, "BucketEncryption"), `"SSEAlgorithm":"AES256"`) {
				t.Errorf("%s: %s must have SSE-S3: S3 delivers no logs otherwise", name, id)
			}
			if p := policies["${"+id+"}"]; !strings.Contains(p, `{"Bool":{"aws:SecureTransport":"false"}}`) {
				t.Errorf("%s: %s can be reached without TLS: %s", name, id, p)
			}
			if strings.Contains(string(r.Properties), "LoggingConfiguration") {
				t.Errorf("%s: %s logs: what reads the logs would be logged, without end", name, id)
			}
		}
	}
}

// TestWhoMaySend: the queue takes messages from the log buckets of this stack
// only, and log files come from S3 for this account and from the stack's trail.
func TestWhoMaySend(t *testing.T) {
	for name, want := range map[string]string{
		"defaults":         "arn:aws:s3:::111122223333-s3-access-logs-eu-central-1",
		"named bucket":     "arn:aws:s3:::logs-example",
		"existing bucket":  "arn:aws:s3:::old-logs-example",
		"over eventbridge": "${DeliveredRule.Arn}",
		"everything":       "arn:aws:s3:::111122223333-s3-access-logs-eu-central-1 ${DeliveredRule.Arn}",
	} {
		s := stackWith(t, parameterSets[name])
		var from []string
		for _, st := range statements(t, s, "QueuePolicy") {
			if st.Effect == "Allow" {
				from = append(from, fmt.Sprint(st.Condition["ArnEquals"]["aws:SourceArn"]))
			}
		}
		if got := strings.Join(from, " "); got != want {
			t.Errorf("%s: the queue takes messages from %s, want %s", name, got, want)
		}
		for _, bucket := range []string{"LogBucketPolicy", "TrailBucketPolicy"} {
			if _, ok := s.Resources[bucket]; !ok {
				continue
			}
			for _, st := range statements(t, s, bucket) {
				source := fmt.Sprint(st.Condition["ArnLike"]["aws:SourceArn"], st.Condition["ArnEquals"]["aws:SourceArn"], st.Condition["StringEquals"]["aws:SourceAccount"])
				if st.Effect == "Allow" && !strings.Contains(source, "111122223333") {
					t.Errorf("%s: %s of %s is not limited to this account: %v", name, st.Sid, bucket, st.Condition)
				}
			}
		}
	}
}

type statement struct {
	Sid, Effect string
	Condition   map[string]map[string]any
}

func statements(t *testing.T, s stack, policy string) []statement {
	t.Helper()
	var p struct {
		PolicyDocument struct{ Statement []statement }
	}
	s.properties(t, policy, &p)
	if len(p.PolicyDocument.Statement) == 0 {
		t.Fatalf("%s has no statements", policy)
	}
	return p.PolicyDocument.Statement
}

// TestTrail: only objects of the named buckets, and files that prove themselves.
func TestTrail(t *testing.T) {
	if names := template(t).of("AWS::CloudTrail::Trail"); len(names) > 0 {
		t.Errorf("a trail nobody asked for: %v", names)
	}
	s := stackWith(t, parameterSets["everything"])
	if got, want := at(t, s.Resources["Trail"].Properties, "AdvancedEventSelectors"),
		`[{"FieldSelectors":[{"Equals":["Data"],"Field":"eventCategory"},{"Equals":["AWS::S3::Object"],"Field":"resources.type"},`+
			`{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::payroll-example/","arn:aws:s3:::payroll-backup/"]},`+
			`{"Equals":["false"],"Field":"readOnly"}],"Name":"Objects of the sensitive buckets"}]`; got != want {
		t.Errorf("selectors %s\nwant %s", got, want)
	}
	if got := at(t, s.Resources["Trail"].Properties, "EnableLogFileValidation"); got != "true" {
		t.Errorf("EnableLogFileValidation is %s", got)
	}
	if got, want := at(t, s.Resources["DeliveredRule"].Properties, "EventPattern.detail.bucket.name"), `["${TrailBucket}"]`; got != want {
		t.Errorf("rule is about %s, want %s", got, want)
	}
}
