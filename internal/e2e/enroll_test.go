//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"sluice/internal/testaws"
)

// cloudFormation asks the function that enrolls buckets, as the template has it,
// with the credentials of its own role.
type cloudFormation struct {
	s        *stack
	proxy    *testaws.Proxy
	function *testaws.Function
	resource map[string]any // its properties
	answers  chan enrolled
	url      string
}

type enrolled struct {
	Status, Reason, PhysicalResourceId string
	Data                               map[string]string
}

func (s *stack) cloudFormation() *cloudFormation {
	s.t.Helper()
	dir := s.t.TempDir()
	bootstrap, err := compile(dir, "enroll", "functions/enroll")
	if err != nil {
		s.t.Fatal(err)
	}
	c := &cloudFormation{s: s, proxy: testaws.NewProxy(s.t, s.URL, s.Account), answers: make(chan enrolled, 1)}
	s.properties("Enrolment", &c.resource)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a enrolled
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &a) != nil {
			s.t.Errorf("answer %s, %v", body, err)
		}
		c.answers <- a
	}))
	s.t.Cleanup(srv.Close)
	c.url = srv.URL
	var f struct {
		Environment struct{ Variables map[string]string }
	}
	s.properties("EnrollFunction", &f)
	role := s.Roles["EnrollRole"]
	env := []string{
		"AWS_ENDPOINT_URL=" + c.proxy.URL, "AWS_REGION=" + s.Region, "AWS_LAMBDA_FUNCTION_NAME=enroll",
		"AWS_ACCESS_KEY_ID=" + role.ID, "AWS_SECRET_ACCESS_KEY=" + role.Secret, "AWS_SESSION_TOKEN=" + role.Token,
	}
	for k, v := range f.Environment.Variables {
		env = append(env, k+"="+v)
	}
	c.function = testaws.Start(s.t, bootstrap, env...)
	return c
}

func (c *cloudFormation) ask(kind, id string, changed map[string]any) enrolled {
	c.s.t.Helper()
	p := maps.Clone(c.resource)
	maps.Copy(p, changed)
	payload, err := json.Marshal(map[string]any{
		"RequestType": kind, "RequestId": "1", "ResponseURL": c.url, "StackId": "arn:aws:cloudformation:" + c.s.Region + ":" + c.s.Account + ":stack/sluice/1",
		"LogicalResourceId": "Enrolment", "PhysicalResourceId": id, "ResourceType": "Custom::Enrolment", "ResourceProperties": p,
	})
	if err != nil {
		c.s.t.Fatal(err)
	}
	if a := c.function.Invoke(payload, time.Minute); a.Failed || a.Dead {
		c.s.t.Fatalf("%s: %+v\n%s", kind, a, last([]byte(c.function.Output()), 4000))
	}
	return <-c.answers
}

// day is the rule about new buckets, once.
func (c *cloudFormation) day() {
	c.s.t.Helper()
	var rule struct{ Targets []struct{ Input string } }
	c.s.properties("NewBucketsRule", &rule)
	if a := c.function.Invoke([]byte(rule.Targets[0].Input), time.Minute); a.Failed || a.Dead {
		c.s.t.Fatalf("new buckets: %+v\n%s", a, last([]byte(c.function.Output()), 4000))
	}
}

func (s *stack) switchOff(bucket string) {
	s.t.Helper()
	if _, err := s.s3.PutBucketLogging(s.t.Context(), &s3.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &s3types.BucketLoggingStatus{}}); err != nil {
		s.t.Fatal(err)
	}
}

// logging is what the administrator reads of a bucket: its target and, of one
// that partitions by event time, a mark.
func (s *stack) logging(bucket string) string {
	s.t.Helper()
	out, err := s.s3.GetBucketLogging(s.t.Context(), &s3.GetBucketLoggingInput{Bucket: &bucket})
	if err != nil {
		s.t.Fatal(err)
	}
	l := out.LoggingEnabled
	if l == nil {
		return ""
	}
	text := aws.ToString(l.TargetBucket) + "/" + aws.ToString(l.TargetPrefix)
	if f := l.TargetObjectKeyFormat; f != nil && f.PartitionedPrefix != nil {
		text += " by " + string(f.PartitionedPrefix.PartitionDateSource)
	}
	return text
}

// terminal runs sluice as the administrator would.
func (s *stack) terminal(args ...string) (code int, out string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), sluice, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_REGION="+s.Region, "AWS_ACCESS_KEY_ID="+s.Admin.ID,
		"AWS_SECRET_ACCESS_KEY="+s.Admin.Secret, "AWS_SESSION_TOKEN=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	text, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		s.t.Fatal(err)
	} else if ok {
		code = e.ExitCode()
	}
	return code, string(text)
}

func (s *stack) bucket(name string) {
	s.t.Helper()
	if _, err := s.s3.CreateBucket(s.t.Context(), &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(s.Region),
	}}); err != nil {
		s.t.Fatal(err)
	}
}

// TestEnrolment: the stack makes buckets log, a person at a terminal others, each
// gives back what it took, and the role allows what is done and nothing else.
func TestEnrolment(t *testing.T) {
	t.Parallel()
	s := deploy(t, "SourceBuckets=*", "ExcludedBuckets=example-excluded", "SensitiveBuckets=example-photos")
	logs, lake := s.Resources["LogBucket"].ID, s.Resources["LakeBucket"].ID
	for _, name := range []string{"example-photos", "example-audit", "example-audited", "example-excluded"} {
		s.bucket(name)
	}
	if _, err := s.s3.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String("example-audit"), ACL: "log-delivery-write"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.s3.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: aws.String("example-audited"), BucketLoggingStatus: &s3types.BucketLoggingStatus{
		LoggingEnabled: &s3types.LoggingEnabled{TargetBucket: aws.String("example-audit"), TargetPrefix: aws.String("a/")},
	}}); err != nil {
		t.Fatal(err)
	}
	holds := func(when string, want map[string]string) {
		t.Helper()
		for bucket, w := range want {
			if got := s.logging(bucket); got != w {
				t.Errorf("%s: %s logs to %q, want %q", when, bucket, got, w)
			}
		}
	}
	here := logs + "/ by EventTime"
	nobody := map[string]string{"example-photos": "", "example-audit": "", "example-excluded": "", "example-audited": "example-audit/a/", logs: "", lake: "", s.Resources["TrailBucket"].ID: ""}

	c := s.cloudFormation()
	a := c.ask("Create", "", nil)
	if a.Status != "SUCCESS" || a.Data["Enrolled"] != "2" || a.Data["NotEnrolled"] != "example-audited: logs to s3://example-audit/a/ (simple) already" {
		t.Errorf("created: %+v\n%s", a, c.function.Output())
	}
	holds("created", map[string]string{"example-photos": here, "example-audit": here, "example-excluded": "", "example-audited": "example-audit/a/", logs: "", lake: ""})
	before := len(c.proxy.Calls())
	if b := c.ask("Update", a.PhysicalResourceId, nil); b.Status != "SUCCESS" || b.Data["Enrolled"] != "2" {
		t.Errorf("updated: %+v", b)
	}
	for _, call := range c.proxy.Calls()[before:] {
		if call.Action == "s3:PutBucketLogging" {
			t.Errorf("the second time, what is right is set once more: %+v", call)
		}
	}
	// example-audit logs here, and so do those that log to it: no way back to it.
	if b := c.ask("Update", a.PhysicalResourceId, map[string]any{"ForeignLogging": "replace"}); b.Data["Enrolled"] != "3" || b.Data["NotEnrolled"] != "nothing" {
		t.Errorf("replaced: %+v", b)
	}

	// At a terminal, what the stack has excluded, with the same memory.
	code, out := s.terminal("enroll", "example-excluded", "example-photos", "--yes", "--target", logs, "--lake-bucket", lake, "--table", s.Resources["StateTable"].ID)
	if code != 0 || !strings.Contains(out, "1 bucket changed, 0 failed") || !strings.Contains(out, "1 bucket as they should be") {
		t.Errorf("sluice enroll: exit code %d\n%s", code, out)
	}
	holds("by hand", map[string]string{"example-excluded": here})
	if code, out := s.terminal("enroll", lake, logs, "--yes", "--target", logs, "--lake-bucket", lake, "--table", s.Resources["StateTable"].ID); code != 3 || strings.Count(out, "refuse") != 2 {
		t.Errorf("sluice enroll of lake and log bucket: exit code %d\n%s", code, out)
	}

	// One that is made later: the day's rule says so, as the template has it.
	s.bucket("example-later")
	s.switchOff("example-photos")
	c.day()
	holds("a day later", map[string]string{"example-later": here, "example-photos": ""})

	if a := c.ask("Delete", a.PhysicalResourceId, nil); a.Status != "SUCCESS" {
		t.Errorf("deleted: %+v", a)
	}
	nobody["example-later"] = ""
	after := maps.Clone(nobody)
	after["example-excluded"] = here // the stack gives back what it took only
	holds("deleted", after)
	if code, out := s.terminal("enroll", "--restore", "--all", "--yes", "--target", logs, "--lake-bucket", lake, "--table", s.Resources["StateTable"].ID); code != 0 {
		t.Errorf("sluice enroll --restore: exit code %d\n%s", code, out)
	}
	holds("given back by hand", nobody)

	t.Run("role", func(t *testing.T) {
		s.granted(t, "EnrollRole", c.proxy.Calls(), map[string]string{
			"WriteLog logs:CreateLogStream": "Lambda's own log agent calls it; there is none here",
			"WriteLog logs:PutLogEvents":    "Lambda's own log agent calls it; there is none here",
		})
	})
	t.Run("denied", func(t *testing.T) { testEnrollDenied(t, s) })
}

// testEnrollDenied tries with the role's credentials what a thief of them would.
func testEnrollDenied(t *testing.T, s *stack) {
	cfg := s.config(s.URL, s.Roles["EnrollRole"])
	cfg.RetryMaxAttempts = 1
	o, d, ctx := s3.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), t.Context()
	logs, lake, table := s.Resources["LogBucket"].ID, s.Resources["LakeBucket"].ID, s.Resources["StateTable"].ID
	s.put(logs, "secret", []byte("x"))
	set := func(bucket string) error {
		_, err := o.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &s3types.BucketLoggingStatus{}})
		return err
	}
	key := func(pk string) map[string]dynamotypes.AttributeValue {
		return map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: pk}, "sk": &dynamotypes.AttributeValueMemberS{Value: "x"}}
	}
	write := func(pk string) error {
		_, err := d.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: key(pk)})
		return err
	}
	// Without one that is allowed, a broken probe would look like a denied one.
	for name, err := range map[string]error{"logging of a bucket": set("example-photos"), "what buckets did before": write("e#")} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	probes := map[string]func() error{
		"make the log bucket log":   func() error { return set(logs) },
		"make the lake log":         func() error { return set(lake) },
		"make the trail bucket log": func() error { return set(s.Resources["TrailBucket"].ID) },
		"write what was converted":  func() error { return write("f#00") },
		"write what a look found":   func() error { return write("w#") },
		"forget what was converted": func() error {
			_, err := d.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: key("f#00")})
			return err
		},
		"read what was counted": func() error {
			_, err := d.Query(ctx, &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: aws.String("pk = :pk"),
				ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "c#x"}}})
			return err
		},
		"read the table": func() error {
			_, err := d.Scan(ctx, &dynamodb.ScanInput{TableName: &table})
			return err
		},
		"read a log file": func() error {
			_, err := o.GetObject(ctx, &s3.GetObjectInput{Bucket: &logs, Key: aws.String("secret")})
			return err
		},
		"write a log file": func() error {
			_, err := o.PutObject(ctx, &s3.PutObjectInput{Bucket: &logs, Key: aws.String("forged"), Body: strings.NewReader("x")})
			return err
		},
		"list a bucket": func() error {
			_, err := o.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("example-photos")})
			return err
		},
		"change the policy of the log bucket": func() error {
			_, err := o.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &logs, Policy: aws.String("{}")})
			return err
		},
		"read the policy of another bucket": func() error {
			_, err := o.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("example-photos")})
			return err
		},
	}
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		err := probes[name]()
		e, ok := errors.AsType[smithy.APIError](err)
		if !ok || !slices.Contains([]string{"AccessDenied", "AccessDeniedException"}, e.ErrorCode()) {
			t.Errorf("the role may %s: %v", name, err)
		}
	}
}
