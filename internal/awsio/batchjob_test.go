package awsio

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice/internal/backfill"
	"sluice/internal/testaws"
)

var exampleJob = backfill.Job{
	Function: "arn:aws:lambda:eu-central-1:111122223333:function:sluice-BackfillFunction-EXAMPLE",
	Role:     "arn:aws:iam::111122223333:role/sluice-BackfillJobRole-EXAMPLE",
	Lake:     "lake-example", Manifest: "backfill/manifests/20261123T010203Z-old-logs-example.csv",
	ETag: "60b725f10c9c85c70d97880dfe8191b3", Token: "EXAMPLETOKEN", About: "Sluice: old log files of s3://old-logs-example/logs",
}

// jobsAt returns Jobs whose requests, to whatever host, end at a handler.
func jobsAt(t *testing.T, h http.HandlerFunc) *Jobs {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	return NewJobs(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://example.com"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "example", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{DialContext: dial}},
	}, "eu-central-1")
}

// element is XML without its white space and the token, for comparison.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

func parsed(t *testing.T, text []byte) element {
	t.Helper()
	var e element
	if err := xml.Unmarshal(text, &e); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var trim func(*element)
	trim = func(e *element) {
		e.Text = strings.TrimSpace(e.Text)
		for i := range e.Children {
			trim(&e.Children[i])
		}
	}
	trim(&e)
	return e
}

// TestCreateJob holds the request against the shape that the API reference of S3
// gives it (CreateJob).
func TestCreateJob(t *testing.T) {
	want, err := os.ReadFile("testdata/create-job.xml")
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	j := jobsAt(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/v20180820/jobs" || r.Header.Get("x-amz-account-id") != "111122223333" ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/s3/aws4_request") {
			t.Errorf("%s %s of account %s, %s", r.Method, r.URL.Path, r.Header.Get("x-amz-account-id"), r.Header.Get("Authorization"))
		}
		io.WriteString(w, `<CreateJobResult><JobId>00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c</JobId></CreateJobResult>`)
	})
	id, err := j.Create(t.Context(), exampleJob)
	if err != nil || id != "00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c" {
		t.Fatalf("%q, %v", id, err)
	}
	unordered := cmpopts.SortSlices(func(a, b element) bool { return a.XMLName.Local < b.XMLName.Local })
	if d := cmp.Diff(parsed(t, got), parsed(t, want), unordered); d != "" {
		t.Errorf("request (-got +want):\n%s", d)
	}

	rowsOnly := exampleJob
	rowsOnly.RowsOnly = true
	if _, err := j.Create(t.Context(), rowsOnly); err != nil || !strings.Contains(string(got), "<UserArguments><entry><key>findings</key><value>none</value></entry></UserArguments>") {
		t.Errorf("rows only: %v, %s", err, got)
	}

	j = jobsAt(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(403)
		io.WriteString(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
	})
	if _, err := j.Create(t.Context(), exampleJob); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("denied: %v", err)
	}
}

// TestCommandsCreateTheSameJob: what is printed for the AWS CLI is what would be
// asked for here. The shell puts the commands together.
func TestCommandsCreateTheSameJob(t *testing.T) {
	rowsOnly := exampleJob
	rowsOnly.RowsOnly = true
	for _, job := range []backfill.Job{exampleJob, rowsOnly} {
		sameJob(t, job)
	}
}

func sameJob(t *testing.T, job backfill.Job) {
	t.Helper()
	script := `aws() { if [ "$1" = s3api ]; then printf '%s\n' "$@" >"$OUT.put"; echo '"60b725f10c9c85c70d97880dfe8191b3"'; else printf '%s\0' "$@" >"$OUT"; fi; }
` + strings.Join(job.Commands("it's a list.csv"), "\n")
	out := t.TempDir() + "/args"
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "OUT="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, text, script)
	}
	put, err := os.ReadFile(out + ".put")
	if err != nil || !strings.Contains(string(put), "\nit's a list.csv\n") || !strings.Contains(string(put), "\n"+job.Manifest+"\n") {
		t.Errorf("put-object %s, %v", put, err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	if args[0] != "s3control" || args[1] != "create-job" {
		t.Fatalf("%q", args)
	}
	values := map[string]string{}
	for i := 2; i < len(args); i++ {
		if i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
			values[args[i]] = args[i+1]
			i++
		} else {
			values[args[i]] = ""
		}
	}
	want := jobInput(job)
	var operation types.JobOperation
	var list types.JobManifest
	var report types.JobReport
	for flag, into := range map[string]any{"--operation": &operation, "--manifest": &list, "--report": &report} {
		if err := json.Unmarshal([]byte(values[flag]), into); err != nil {
			t.Errorf("%s %s: %v", flag, values[flag], err)
		}
	}
	opts := cmpopts.IgnoreUnexported(types.JobOperation{}, types.LambdaInvokeOperation{}, types.JobManifest{}, types.JobManifestSpec{}, types.JobManifestLocation{}, types.JobReport{})
	for _, d := range []string{cmp.Diff(&operation, want.Operation, opts), cmp.Diff(&list, want.Manifest, opts), cmp.Diff(&report, want.Report, opts)} {
		if d != "" {
			t.Errorf("-printed +asked for here:\n%s", d)
		}
	}
	for flag, v := range map[string]string{
		"--account-id": *want.AccountId, "--role-arn": *want.RoleArn, "--client-request-token": *want.ClientRequestToken,
		"--description": *want.Description, "--priority": "10", "--no-confirmation-required": "", "--region": "eu-central-1",
	} {
		if got, ok := values[flag]; !ok || got != v {
			t.Errorf("%s is %q, want %q", flag, got, v)
		}
	}
}

func TestJobState(t *testing.T) {
	body, err := os.ReadFile("testdata/describe-job.xml")
	if err != nil {
		t.Fatal(err)
	}
	j := jobsAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v20180820/jobs/00e123a4" {
			w.WriteHeader(404)
			io.WriteString(w, `<ErrorResponse><Error><Code>NoSuchJob</Code></Error></ErrorResponse>`)
			return
		}
		w.Write(body)
	})
	got, err := j.State(t.Context(), "111122223333", "00e123a4")
	want := backfill.State{
		ID: "00e123a4", Status: "Failed", Total: 1500, Succeeded: 400, Failed: 1100,
		Why: []string{"JobFailed: more than half of the tasks failed"}, Description: "Sluice: old log files of s3://old-logs-example/logs",
		Created: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC), Ended: time.Date(2026, 11, 23, 2, 3, 4, 0, time.UTC),
		ReportFolder: "s3://lake-example/backfill/reports/job-00e123a4/",
	}
	if d := cmp.Diff(got, want); d != "" || err != nil {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
	if _, err := j.State(t.Context(), "111122223333", "another"); !errors.Is(err, backfill.ErrNoJob) {
		t.Errorf("unknown job: %v", err)
	}
	for answer, gone := range map[string]bool{
		"<ErrorResponse><Error><Code>NoSuchJob</Code></Error></ErrorResponse>":             true,
		"<ErrorResponse><Error><Code>NotFoundException</Code></Error></ErrorResponse>":     true,
		"<ErrorResponse><Error><Code>InvalidRequest</Code></Error></ErrorResponse>":        false,
		"<DescribeJobResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"/>": false,
	} {
		j := jobsAt(t, func(w http.ResponseWriter, _ *http.Request) {
			if strings.Contains(answer, "Error") {
				w.WriteHeader(400)
			}
			io.WriteString(w, answer)
		})
		if _, err := j.State(t.Context(), "111122223333", "another"); err == nil || errors.Is(err, backfill.ErrNoJob) != gone || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestUpload(t *testing.T) {
	_, fake := start(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	j := NewJobs(cfg, "eu-central-1")
	fake.Fail("PUT", "lake-example", "list.csv", testaws.SlowDown)
	etag, err := j.Upload(t.Context(), "lake-example", "list.csv", strings.NewReader("b,k\n"), 4)
	body, _ := fake.Get("lake-example", "list.csv")
	if err != nil || string(body) != "b,k\n" || etag == "" || strings.Contains(etag, `"`) {
		t.Errorf("%q, %v, %q", etag, err, body)
	}
	if _, err := j.Upload(t.Context(), "lake-example", "list.csv", nil, 6<<30); err == nil || !strings.Contains(err.Error(), "--since") {
		t.Errorf("too large: %v", err)
	}
}
