package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"sluice/internal/testaws"
)

// stack is CloudFormation around the function as it is deployed: it sends
// requests, and receives the answers under their presigned address.
type stack struct {
	t        *testing.T
	function *testaws.Function
	buckets  *testaws.Buckets
	state    *testaws.DynamoDB
	url      string
	mu       sync.Mutex
	answers  []answer
	status   int // of what receives answers
}

type answer struct {
	Status, RequestId, StackId, LogicalResourceId, PhysicalResourceId, Reason string
	Data                                                                      map[string]string
	size                                                                      int
}

func start(t *testing.T, names ...string) *stack {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the function")
	}
	s := &stack{t: t, buckets: testaws.NewBuckets(t, append(names, "example-logs", "example-lake")...), state: testaws.NewDynamoDB(t), status: 200}
	s.buckets.Set("example-logs", "policy", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::example-logs/*"}]}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		a := answer{size: len(body)}
		if err != nil || json.Unmarshal(body, &a) != nil || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
			t.Errorf("%s with type %q: %s", r.Method, r.Header.Get("Content-Type"), body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answers = append(s.answers, a)
		w.WriteHeader(s.status)
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.function = testaws.Start(t, compile(t), append(append(s.buckets.Environ(), s.state.Environ()...), "SLUICE_STATE_TABLE=state", "SLUICE_ACCOUNT=111122223333", "AWS_LAMBDA_FUNCTION_NAME=enroll")...)
	return s
}

// compile builds the function as it is deployed, for the machine of the test.
func compile(t *testing.T) string {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-o", bootstrap, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
	return bootstrap
}

const stackID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/sluice/5f0c1b00-0000-4000-8000-000000000000"

func (s *stack) event(kind, id string, properties map[string]string) []byte {
	p := map[string]string{"ServiceToken": "arn:aws:lambda:eu-central-1:111122223333:function:enroll", "LogBucket": "example-logs", "LakeBucket": "example-lake", "TrailBucket": "", "ExcludedBuckets": "", "ForeignLogging": "keep"}
	for k, v := range properties {
		p[k] = v
	}
	payload, err := json.Marshal(map[string]any{
		"RequestType": kind, "RequestId": "b0c1d2e3-0000-4000-8000-000000000001", "ResponseURL": s.url + "/answer?signature=x", "StackId": stackID,
		"ResourceType": "Custom::Enrolment", "LogicalResourceId": "Enrolment", "PhysicalResourceId": id, "ResourceProperties": p,
		"OldResourceProperties": map[string]string{},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return payload
}

// ask sends a request and returns the one answer to it.
func (s *stack) ask(kind, id string, properties map[string]string) answer {
	s.t.Helper()
	before := len(s.answers)
	if a := s.function.Invoke(s.event(kind, id, properties), time.Minute); a.Failed || a.Dead {
		s.t.Fatalf("%s: %+v\n%s", kind, a, s.function.Output())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) != before+1 {
		s.t.Fatalf("%s: %d answers", kind, len(s.answers)-before)
	}
	a := s.answers[before]
	if a.RequestId != "b0c1d2e3-0000-4000-8000-000000000001" || a.StackId != stackID || a.LogicalResourceId != "Enrolment" || a.PhysicalResourceId == "" || a.size > 4096 {
		s.t.Errorf("%s: answer %+v", kind, a)
	}
	return a
}

func (s *stack) holds(what string, logs map[string]string) {
	s.t.Helper()
	for bucket, want := range logs {
		got := s.buckets.Get(bucket, "logging")
		if (want == "") != !strings.Contains(got, "LoggingEnabled") || !strings.Contains(got, want) {
			s.t.Errorf("%s: %s logs %q, want %q", what, bucket, got, want)
		}
	}
}

const (
	elsewhere = `<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LoggingEnabled><TargetBucket>example-audit</TargetBucket><TargetPrefix>a/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>`
	here      = "<PartitionDateSource>EventTime</PartitionDateSource>"
)

// TestLifeOfAStack: created, created once more because the answer was late,
// changed, rolled back, deleted; at the end all is as it was.
func TestLifeOfAStack(t *testing.T) {
	s := start(t, "example-photos", "example-videos", "example-audited")
	s.buckets.Set("example-audited", "logging", elsewhere)
	first := map[string]string{"SourceBuckets": "example-photos,example-audited,example-fotos"}

	a := s.ask("Create", "", first)
	id := a.PhysicalResourceId
	if a.Status != "SUCCESS" || a.Data["Enrolled"] != "1" ||
		a.Data["NotEnrolled"] != "example-audited: logs to s3://example-audit/a/ (simple) already; example-fotos: is no bucket of this account" {
		t.Errorf("created: %+v", a)
	}
	s.holds("created", map[string]string{"example-photos": here, "example-audited": "example-audit", "example-videos": ""})
	if a := s.ask("Create", "", first); a.PhysicalResourceId != id || a.Data["Enrolled"] != "1" {
		t.Errorf("created again: %+v", a)
	}
	second := map[string]string{"SourceBuckets": "example-videos,example-audited", "ForeignLogging": "replace"}
	if a := s.ask("Update", id, second); a.PhysicalResourceId != id || a.Data["Enrolled"] != "2" || a.Data["NotEnrolled"] != "nothing" {
		t.Errorf("updated: %+v", a)
	}
	s.holds("updated", map[string]string{"example-photos": "", "example-audited": here, "example-videos": here})
	s.ask("Update", id, first)
	s.holds("rolled back", map[string]string{"example-photos": here, "example-audited": here, "example-videos": ""})
	s.ask("Update", id, map[string]string{"SourceBuckets": "*", "ExcludedBuckets": "example-audited"})
	s.holds("all but one", map[string]string{"example-photos": here, "example-videos": here, "example-audited": "example-audit", "example-logs": "", "example-lake": ""})

	s.buckets.Move("example-videos", "") // deleted by its owner
	if a := s.ask("Delete", id, first); a.Status != "SUCCESS" || a.PhysicalResourceId != id {
		t.Errorf("deleted: %+v", a)
	}
	s.holds("deleted", map[string]string{"example-photos": "", "example-audited": "example-audit"})
	if left := s.state.Keys(); len(left) > 0 {
		t.Errorf("still remembered: %v", left)
	}
	if a := s.ask("Delete", id, first); a.Status != "SUCCESS" {
		t.Errorf("deleted again: %+v", a)
	}
}

// TestOnlyACreationFails, and only where no bucket can log: an update or a
// deletion that failed would leave the stack stuck.
func TestOnlyACreationFails(t *testing.T) {
	s := start(t, "example-photos")
	s.buckets.Set("example-logs", "encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)
	all := map[string]string{"SourceBuckets": "*"}
	a := s.ask("Create", "", all)
	if a.Status != "FAILED" || !strings.HasPrefix(a.Reason, "example-logs is encrypted with aws:kms by default") {
		t.Errorf("created: %+v", a)
	}
	id := a.PhysicalResourceId
	if a := s.ask("Update", id, all); a.Status != "SUCCESS" || !strings.HasPrefix(a.Data["NotEnrolled"], "example-photos: example-logs is encrypted") || a.Data["Enrolled"] != "0" {
		t.Errorf("updated: %+v", a)
	}
	s.buckets.Deny("GET ?", 403)
	if a := s.ask("Create", "", all); a.Status != "FAILED" || !strings.HasPrefix(a.Reason, "list buckets: ") {
		t.Errorf("no rights: %+v", a)
	}
	for _, kind := range []string{"Update", "Delete"} {
		if a := s.ask(kind, id, all); a.Status != "SUCCESS" || !strings.HasPrefix(a.Data["NotEnrolled"], "nothing was changed: list buckets: ") {
			t.Errorf("no rights: %s %+v", kind, a)
		}
	}
	if a := s.ask("Create", "", map[string]string{"SourceBuckets": "*", "LogBucket": ""}); a.Status != "FAILED" || !strings.Contains(a.Reason, "LogBucket") {
		t.Errorf("no properties: %+v", a)
	}
	for _, r := range s.buckets.Requests() {
		if strings.HasPrefix(r, "PUT") {
			t.Errorf("changed in spite of all: %s", r)
		}
	}
}

// TestOneBucketRefused is told, and the others are enrolled.
func TestOneBucketRefused(t *testing.T) {
	s := start(t, "example-photos", "example-videos", "example-virginia")
	s.buckets.Move("example-virginia", "us-east-1")
	s.buckets.Deny("PUT example-photos?logging", 403)
	a := s.ask("Create", "", map[string]string{"SourceBuckets": "*"})
	if a.Status != "SUCCESS" || a.Data["Enrolled"] != "1" || !strings.HasPrefix(a.Data["NotEnrolled"], "example-photos: set logging of example-photos: ") ||
		!strings.Contains(a.Data["NotEnrolled"], "; example-virginia: is in us-east-1") {
		t.Errorf("%+v", a)
	}
	s.holds("created", map[string]string{"example-videos": here, "example-photos": ""})
}

// TestAnAnswerAlways: in time for a deadline that is near, and however much there
// is to tell; and again when the answer could not be delivered.
func TestAnAnswerAlways(t *testing.T) {
	names := []string{"example-photos"}
	for i := range 400 {
		names = append(names, "example-with-a-rather-long-name-number-"+strings.Repeat("x", i%20)+string(rune('a'+i%26))+strings.Repeat("y", i/26))
	}
	s := start(t, names...)
	for _, n := range names[1:] {
		s.buckets.Set(n, "logging", strings.Replace(elsewhere, "a/", n+"/", 1)) // each for a reason of its own
	}
	a := s.ask("Create", "", map[string]string{"SourceBuckets": "*"})
	if a.Status != "SUCCESS" || a.Data["Enrolled"] != "1" || !strings.HasSuffix(a.Data["NotEnrolled"], " …") {
		t.Errorf("much to tell: %d bytes, %+v", a.size, a)
	}
	// Less is left than what answering takes.
	if a := s.function.Invoke(s.event("Update", a.PhysicalResourceId, map[string]string{"SourceBuckets": "*"}), answerTime/2); a.Failed || a.Dead {
		t.Errorf("no time: %+v", a)
	}
	if a := s.answers[len(s.answers)-1]; a.Status != "SUCCESS" || !strings.Contains(a.Data["NotEnrolled"], "deadline exceeded") {
		t.Errorf("no time: %+v", a)
	}
	s.status = 503
	if a := s.function.Invoke(s.event("Update", a.PhysicalResourceId, map[string]string{"SourceBuckets": "*"}), time.Minute); !a.Failed {
		t.Errorf("the answer did not arrive, and Lambda is not told to invoke again: %+v", a)
	}
}

func TestNoSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the function")
	}
	f := testaws.Start(t, compile(t))
	if !f.Exited(time.Minute) || !strings.Contains(f.Output(), `SLUICE_STATE_TABLE \"\" must be`) && !strings.Contains(f.Output(), `SLUICE_STATE_TABLE "" must be`) {
		t.Errorf("printed %s", f.Output())
	}
}

// TestPanicIsAnswered as a failure of the creation, and as done otherwise.
func TestPanicIsAnswered(t *testing.T) {
	r := &resource{log: slog.New(slog.DiscardHandler)} // nothing to work with
	for kind, fails := range map[cfn.RequestType]bool{cfn.RequestCreate: true, cfn.RequestUpdate: false, cfn.RequestDelete: false} {
		id, data, err := r.handle(t.Context(), cfn.Event{RequestType: kind, StackID: stackID, LogicalResourceID: "Enrolment", ResourceProperties: map[string]any{
			"LogBucket": "example-logs", "LakeBucket": "example-lake", "SourceBuckets": "*",
		}})
		if (err != nil) != fails || id != stackID+"/Enrolment" || !strings.Contains(fmt.Sprint(err, data["NotEnrolled"]), "BUG: ") {
			t.Errorf("%s: %s, %v, %v", kind, id, data, err)
		}
	}
}
