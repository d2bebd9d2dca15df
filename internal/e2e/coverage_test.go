//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
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
	"github.com/google/go-cmp/cmp"

	"sluice/internal/testaws"
)

// unseenByLook are the grants of CoverageRole that no call can show here.
var unseenByLook = map[string]string{
	"WriteLog logs:CreateLogStream": "Lambda's own log agent calls it; there is none here",
	"WriteLog logs:PutLogEvents":    "Lambda's own log agent calls it; there is none here",
}

// TestCoverage: the daily look under its own role. Lines that the function has
// converted tell a bucket that is used from one that has fallen silent; what is
// switched off between two looks reaches a person, once.
func TestCoverage(t *testing.T) {
	t.Parallel()
	s := deploy(t, "AlertEmail=alerts@example.com", "BatchWindowSeconds=1")
	mails := s.mails()
	for _, b := range []string{"example-photos", "example-reports", "example-new", "example-plain"} {
		if _, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(s.Region),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC()
	s.put(s.Resources["LogBucket"].ID, "a/"+now.Format("2006-01-02-15-04-05")+"-0A1B2C3D4E5F6071", hourly("example-photos", now, 0))
	s.put(s.Resources["LogBucket"].ID, "a/"+now.Format("2006-01-02-15-04-05")+"-0A1B2C3D4E5F6072", hourly("example-reports", now, 72))
	s.drain()
	// From here on moto writes files of its own, which nobody converts.
	log := func(bucket string, to *s3types.LoggingEnabled) {
		t.Helper()
		if _, err := s.s3.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &s3types.BucketLoggingStatus{LoggingEnabled: to}}); err != nil {
			t.Fatalf("set logging of %s: %v", bucket, err)
		}
	}
	for _, b := range []string{"example-photos", "example-reports", "example-new"} {
		log(b, &s3types.LoggingEnabled{TargetBucket: aws.String(s.Resources["LogBucket"].ID), TargetPrefix: aws.String("a/")})
	}

	proxy := testaws.NewProxy(t, s.URL, s.Account)
	env, limit := s.environOf("CoverageFunction", "CoverageRole", proxy.URL)
	function := testaws.Start(t, looker, env...)
	look := func() {
		t.Helper()
		if a := function.Invoke([]byte(`{"source":"aws.events","detail-type":"Scheduled Event"}`), limit); a.Failed || a.Dead {
			t.Fatalf("look: %+v\n%s", a, function.Output())
		}
	}
	subjects := func() (all []string) {
		for _, m := range mails() {
			all = append(all, m.Subject)
		}
		slices.Sort(all)
		return all
	}
	look()
	silent := "[MEDIUM] Access logs of a bucket have stopped - example-reports"
	if d := cmp.Diff(subjects(), []string{silent}); d != "" {
		t.Errorf("mails of the first look (-got +want):\n%s", d)
	}
	log("example-photos", nil)
	look()
	look()
	if d := cmp.Diff(subjects(), []string{"[HIGH] Access logging of a bucket was switched off - example-photos", silent}); d != "" {
		t.Errorf("mails of three looks (-got +want):\n%s", d)
	}

	l := s.open()
	rows := l.query("SELECT bucket_name, status, silent_hours, usual_hours, dt = strftime(checked_time, '%Y-%m-%d') FROM coverage ORDER BY bucket_name")
	want := [][]string{
		{s.Resources["LogBucket"].ID, "exempt", "null", "null", "true"}, {"example-new", "waiting", "null", "null", "true"},
		{"example-photos", "logging", "0", "24", "true"}, {"example-plain", "off", "null", "null", "true"},
		{"example-reports", "silent", "71", "24", "true"}, {s.Resources["LakeBucket"].ID, "exempt", "null", "null", "true"},
	}
	slices.SortFunc(want, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	if d := cmp.Diff(rows, want); d != "" {
		t.Errorf("rows of a day with three looks (-got +want):\n%s", d)
	}
	if n := l.counts("SELECT rule_id, count(*) FROM findings WHERE type LIKE 'Sluice:Coverage/%' GROUP BY rule_id"); len(n) != 2 {
		t.Errorf("findings %v", n)
	}
	t.Run("role", func(t *testing.T) { s.granted(t, "CoverageRole", proxy.Calls(), unseenByLook) })
	t.Run("laptop", func(t *testing.T) { testCoverageCommand(t, s) })
	t.Run("denied", func(t *testing.T) { testLookDenied(t, s) })
}

// hourly is an access log with a line an hour, for 15 days until some hours ago.
func hourly(bucket string, now time.Time, until int) []byte {
	var b strings.Builder
	for h := 15 * 24; h >= until; h-- {
		fmt.Fprintf(&b, "7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 %s [%s] 198.51.100.23 arn:aws:iam::111122223333:user/ana "+
			"5D1E0C9B7A%06X REST.GET.OBJECT a/%d.jpg \"GET /a/%d.jpg HTTP/1.1\" 200 - 48211 48211 31 29 \"-\" \"curl/8.5.0\" - aG9zdCBpZA== "+
			"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader %s.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n",
			bucket, now.Add(-time.Duration(h)*time.Hour).Format("02/Jan/2006:15:04:05 -0700"), h, h, h, bucket)
	}
	return []byte(b.String())
}

// testLookDenied: who has the credentials of the look cannot read logs, tables or
// what is in buckets, and cannot make a file look converted.
func testLookDenied(t *testing.T, s *stack) {
	cfg := s.config(s.URL, s.Roles["CoverageRole"])
	cfg.RetryMaxAttempts = 1
	o, d, ctx := s3.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), t.Context()
	lake, table := s.Resources["LakeBucket"].ID, s.Resources["StateTable"].ID
	s.put("example-plain", "secret", []byte("x"))
	put := func(key string) error {
		_, err := o.PutObject(ctx, &s3.PutObjectInput{Bucket: &lake, Key: &key, Body: strings.NewReader("x")})
		return err
	}
	query := func(pk string) error {
		_, err := d.Query(ctx, &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: aws.String("pk = :pk"),
			ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: pk}}})
		return err
	}
	update := func(pk string) error {
		_, err := d.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &table, UpdateExpression: aws.String("SET v = :v"),
			Key:                       map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: pk}, "sk": &dynamotypes.AttributeValueMemberS{Value: "x"}},
			ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":v": &dynamotypes.AttributeValueMemberS{Value: "x"}}})
		return err
	}
	for name, err := range map[string]error{"what came": query("s#2026-11-22"), "the looks": query("w#"), "a look": update("w#"), "rows": put("lake/coverage/dt=2006-01-01/x.parquet")} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"read an object": func() error {
			_, err := o.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("example-plain"), Key: aws.String("secret")})
			return err
		}(),
		"list a bucket": func() error {
			_, err := o.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("example-plain")})
			return err
		}(),
		"switch logging off": func() error {
			_, err := o.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: aws.String("example-new"), BucketLoggingStatus: &s3types.BucketLoggingStatus{}})
			return err
		}(),
		"forge rows of logs":         put("lake/s3_access_logs/dt=2026-11-22/x.parquet"),
		"write a rule":               put("rules/poisoned.yml"),
		"read which files there are": query("f#0123"),
		"claim a file":               update("f#0123"),
		"forge what came":            update("s#2026-11-22"),
	} {
		e, ok := errors.AsType[smithy.APIError](err)
		if !ok || !slices.Contains([]string{"AccessDenied", "AccessDeniedException"}, e.ErrorCode()) {
			t.Errorf("the role may %s: %v", name, err)
		}
	}
}

// testCoverageCommand: the same look from a terminal.
func testCoverageCommand(t *testing.T, s *stack) {
	cmd := exec.CommandContext(t.Context(), sluice, "coverage", "--table", s.Resources["StateTable"].ID, "--json")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_REGION="+s.Region, "AWS_ACCESS_KEY_ID="+s.Admin.ID, "AWS_SECRET_ACCESS_KEY="+s.Admin.Secret, "AWS_SESSION_TOKEN=")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var got struct {
		Counts  map[string]int
		Buckets []struct{ Bucket, Status string }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(got.Counts, map[string]int{"silent": 1, "off": 2, "waiting": 1, "exempt": 2}); d != "" || got.Buckets[0].Bucket != "example-reports" {
		t.Errorf("counts (-got +want):\n%s\n%s", d, out)
	}
}
