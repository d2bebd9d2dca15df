//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// TestVerify: a bucket that is set to log is followed to the row. S3 is the test
// here, which delivers the line of the request in AWS's format; moto delivers a
// file, too, in one of its own.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := deploy(t, "BatchWindowSeconds=1")
	const bucket = "example-photos"
	if _, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(s.Region),
	}}); err != nil {
		t.Fatal(err)
	}
	program, err := compile(t.TempDir(), "sluice", "cmd/sluice", "CGO_ENABLED=1") // with what reads the lake
	if err != nil {
		t.Fatal(err)
	}
	verify := func(wants []string, more ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"verify", bucket, "--table", s.Resources["StateTable"].ID, "--timeout", "0s", "--json"}, more...)...)
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_REGION="+s.Region, "AWS_ACCESS_KEY_ID="+s.Admin.ID, "AWS_SECRET_ACCESS_KEY="+s.Admin.Secret, "AWS_SESSION_TOKEN=")
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		var got struct {
			Sound  bool
			Probe  string
			Checks []struct{ Step, State string }
		}
		if jerr := json.Unmarshal(out, &got); jerr != nil {
			t.Fatalf("%v, %v\n%s%s", jerr, err, out, errs.String())
		}
		var steps []string
		for _, c := range got.Checks {
			steps = append(steps, c.Step+" "+c.State)
		}
		if d := cmp.Diff(steps, wants); d != "" || got.Sound != (err == nil) {
			t.Fatalf("%v (-got +want):\n%s\n%s", err, d, out)
		}
		return got.Probe
	}
	verify([]string{"logging failed"})
	if _, err := s.s3.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: aws.String(bucket), BucketLoggingStatus: &s3types.BucketLoggingStatus{
		LoggingEnabled: &s3types.LoggingEnabled{TargetBucket: aws.String(s.Resources["LogBucket"].ID), TargetPrefix: aws.String("a/")},
	}}); err != nil {
		t.Fatal(err)
	}
	ready := []string{"logging ok", "log bucket ok", "announcement ok", "request ok"}
	probe := verify(append(ready, "delivery waiting"))
	now := time.Now().UTC()
	key := "sluice-probe-" + probe
	s.put(s.Resources["LogBucket"].ID, "a/"+now.Format("2006-01-02-15-04-05")+"-0A1B2C3D4E5F6071", fmt.Appendf(nil,
		"7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 %s [%s] 198.51.100.23 arn:aws:iam::111122223333:user/ana "+
			"5D1E0C9B7A000001 REST.HEAD.OBJECT %s \"HEAD /%s HTTP/1.1\" 404 NoSuchKey - - 31 29 \"-\" \"sluice\" - aG9zdCBpZA== "+
			"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader %s.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n",
		bucket, now.Format("02/Jan/2006:15:04:05 -0700"), key, key, bucket))
	verify(append(ready, "delivery ok", "batch waiting"), "--probe", probe)
	s.drain()
	verify(append(ready, "delivery ok", "batch ok", "row unknown"), "--probe", probe)
	verify(append(ready, "delivery ok", "batch ok", "row unknown"), "--probe", probe, "--lake-bucket", s.Resources["LogBucket"].ID) // no such object
	verify(append(ready, "delivery ok", "batch ok", "row ok"), "--probe", probe, "--lake-bucket", s.Resources["LakeBucket"].ID)
	if n := s.open().counts("SELECT key_name, count(*) FROM s3_access_logs WHERE key_name = '" + key + "' GROUP BY 1"); n[key] != 1 {
		t.Errorf("rows of the request: %v", n)
	}
}
