//go:build cgo && unix

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sluice/internal/ledger"
	"sluice/internal/testaws"
)

// stack is the deployed template, and the function between its queue and its
// lake.
type stack struct {
	t     *testing.T
	URL   string `json:"url"`
	Admin keys   `json:"admin"`
	Roles map[string]keys
	Twins map[string]keys // users who may do what a role may
	// Account and Region are those of every resource.
	Account, Region string
	Resources       map[string]resource
	Outputs         map[string]string

	proxy  *testaws.Proxy // between AWS and what has the role: function and poller
	poller *testaws.Poller
	s3     *s3.Client // the administrator's, past the proxy
	sqs    *sqs.Client
	stage  string

	limit       time.Duration // of an invocation, where it is not the template's
	command     []string      // that starts the function
	settings    []string      // of its environment, that stand over those of the template
	mu          sync.Mutex
	function    *testaws.Function // nil until it is invoked, and after it died
	printed     bytes.Buffer      // by those that died
	invocations int
	died        int
	held        time.Time // until then files may be left to an invocation that died
	wait        bool      // and some are
}

type keys struct{ ID, Secret, Token string }

type resource struct {
	Type, ID   string
	Attributes map[string]string
	Properties json.RawMessage
}

// property reads some of a resource's properties, as they were deployed.
func (s *stack) properties(name string, into any) {
	s.t.Helper()
	r, ok := s.Resources[name]
	if !ok {
		s.t.Fatalf("the template has no %s", name)
	}
	if err := json.Unmarshal(r.Properties, into); err != nil {
		s.t.Fatalf("properties of %s: %v", name, err)
	}
}

// deploy starts an AWS of its own with the stack in it. It ends with the test.
func deploy(t *testing.T, parameters ...string) *stack {
	t.Helper()
	s := &stack{t: t, stage: t.TempDir(), command: []string{bootstrap}}
	cmd := exec.Command(python, append([]string{"../../tools/e2e/aws.py", translated}, parameters...)...)
	cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close() // which ends it
		cmd.Wait()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("aws.py: %s", last(stderr.Bytes(), 4000))
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		cmd.Wait()
		t.Fatalf("deploy: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(line, s); err != nil {
		t.Fatalf("deploy: %v", err)
	}
	s.proxy = testaws.NewProxy(t, s.URL, s.Account)
	s.s3 = s3.NewFromConfig(s.config(s.URL, s.Admin))
	s.sqs = sqs.NewFromConfig(s.config(s.URL, s.Admin))

	s.poller = s.connect("Queue", "IngestFunctionDelivered")
	return s
}

// connect is what brings the messages of a queue to the function, as an event
// source mapping of the template says.
func (s *stack) connect(queue, mapped string) *testaws.Poller {
	s.t.Helper()
	q := s.Resources[queue]
	p := &testaws.Poller{
		SQS:   sqs.NewFromConfig(s.config(s.proxy.URL, s.Roles["IngestRole"])),
		Queue: q.ID, ARN: q.Attributes["Arn"], Quiet: time.Second,
		Invoke: s.invoke, Again: func(ctx context.Context, handles []string) error { return s.show(ctx, q.ID, handles) },
	}
	var mapping struct {
		EventSourceArn                 string
		BatchSize                      json.Number
		MaximumBatchingWindowInSeconds json.Number
		FunctionResponseTypes          []string
	}
	s.properties(mapped, &mapping)
	size, _ := mapping.BatchSize.Int64()
	window, _ := mapping.MaximumBatchingWindowInSeconds.Int64()
	p.BatchSize, p.Window = int(size), time.Duration(window)*time.Second
	if mapping.EventSourceArn != p.ARN || len(mapping.FunctionResponseTypes) != 1 || mapping.FunctionResponseTypes[0] != "ReportBatchItemFailures" || size == 0 {
		s.t.Fatalf("event source mapping: %s", s.Resources[mapped].Properties)
	}
	if err := p.Check(s.t.Context()); err != nil {
		s.t.Fatalf("connect function to queue: %v", err)
	}
	return p
}

// config is for a client with these credentials.
func (s *stack) config(url string, k keys) aws.Config {
	return aws.Config{
		Region: s.Region, BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(k.ID, k.Secret, k.Token),
	}
}

// environ is the environment of the function that converts, and how long an
// invocation may take.
func (s *stack) environ() ([]string, time.Duration) {
	env, limit := s.environOf("IngestFunction", "IngestRole", s.proxy.URL)
	return append(env, s.settings...), cmp.Or(s.limit, limit)
}

// environOf is the environment of a function and how long an invocation may take:
// what the template says, and what Lambda adds.
func (s *stack) environOf(function, role, url string) ([]string, time.Duration) {
	var f struct {
		Timeout     json.Number
		MemorySize  json.Number
		Environment struct{ Variables map[string]string }
	}
	s.properties(function, &f)
	seconds, err := f.Timeout.Int64()
	if err != nil {
		s.t.Fatalf("timeout of %s: %v", function, err)
	}
	k := s.Roles[role]
	env := []string{
		"AWS_ENDPOINT_URL=" + url, "AWS_REGION=" + s.Region, "AWS_LAMBDA_FUNCTION_NAME=" + s.Resources[function].ID,
		"AWS_ACCESS_KEY_ID=" + k.ID, "AWS_SECRET_ACCESS_KEY=" + k.Secret, "AWS_SESSION_TOKEN=" + k.Token,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + string(f.MemorySize),
	}
	f.Environment.Variables["SLUICE_STAGE"] = s.stage // there is one /tmp here for all
	for k, v := range f.Environment.Variables {
		env = append(env, k+"="+v)
	}
	return env, time.Duration(seconds) * time.Second
}

// invoke takes a payload to the function, in a new process after one that died.
func (s *stack) invoke(payload []byte) testaws.Answer {
	env, limit := s.environ()
	s.mu.Lock()
	s.invocations++
	if s.function == nil {
		s.function = testaws.Start(s.t, s.command[0], env...)
	}
	f := s.function
	s.mu.Unlock()
	end, before := time.Now().Add(limit), len(f.Output())
	a := f.Invoke(payload, limit)
	s.mu.Lock()
	switch {
	case strings.Contains(f.Output()[before:], "another worker is converting it"):
		s.wait = true
	case a.Dead:
		s.held, s.wait = end, true
	default:
		s.held = end // in case that it could not give a file back
	}
	s.mu.Unlock()
	if a.Dead {
		s.mu.Lock()
		s.printed.WriteString(f.Ended())
		s.function = nil
		s.died++
		s.mu.Unlock()
	}
	return a
}

// kill ends the function as a crash does: without a last word.
func (s *stack) kill() {
	s.mu.Lock()
	f := s.function
	s.mu.Unlock()
	if f != nil {
		f.Ended()
	}
}

// output is what the function has printed, in all its processes.
func (s *stack) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.function == nil {
		return s.printed.String()
	}
	return s.printed.String() + s.function.Output()
}

// show lets the time pass after which messages that failed come again. It is
// longer than the lease on the files of a function that died.
func (s *stack) show(ctx context.Context, queue string, handles []string) error {
	if err := s.rest(ctx); err != nil {
		return err
	}
	for _, h := range handles {
		_, err := s.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &queue, ReceiptHandle: &h, VisibilityTimeout: 0,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rest waits until no file is left to an invocation that died.
func (s *stack) rest(ctx context.Context) error {
	s.mu.Lock()
	wait, until := s.wait, s.held
	s.wait = false
	s.mu.Unlock()
	if !wait {
		return nil
	}
	select {
	case <-time.After(time.Until(until)): // the clock of another process cannot be set
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sweep invokes the function as the schedule of the template does, and returns
// what it said it did.
func (s *stack) sweep() ledger.Swept {
	s.t.Helper()
	var rule struct {
		ScheduleExpression string
		Targets            []struct{ Arn, Input string }
	}
	s.properties("IngestFunctionSweep", &rule)
	if len(rule.Targets) != 1 || rule.Targets[0].Arn != s.Resources["IngestFunction"].Attributes["Arn"] || rule.ScheduleExpression == "" {
		s.t.Fatalf("schedule of the sweep: %+v", rule)
	}
	before := len(s.output())
	if a := s.invoke([]byte(rule.Targets[0].Input)); a.Failed || a.Dead {
		s.t.Fatalf("sweep: %+v\n%s", a, last([]byte(s.output()), 4000))
	}
	// The answer may be here before what was printed ahead of it.
	for range 500 {
		for text := range strings.Lines(s.output()[before:]) {
			var l struct {
				Msg string
				ledger.Swept
			}
			if json.Unmarshal([]byte(text), &l) == nil && l.Msg == "swept" {
				return l.Swept
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-s.t.Context().Done():
		}
	}
	s.t.Fatalf("the sweep does not say what it did: %s", s.output()[before:])
	return ledger.Swept{}
}

// pending are the objects of batches that are not done.
func (s *stack) pending() (keys []string) {
	s.t.Helper()
	for key := range s.objects(s.t.Context()) {
		if strings.HasPrefix(key, "lake/_sluice/") {
			keys = append(keys, key)
		}
	}
	return keys
}

// depth is how many messages a queue holds, whoever works on them.
func (s *stack) depth(url string) int {
	s.t.Helper()
	out, err := s.sqs.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	if err != nil {
		s.t.Fatalf("depth of queue: %v", err)
	}
	n := 0
	for _, v := range out.Attributes {
		var i int
		if err := json.Unmarshal([]byte(v), &i); err != nil {
			s.t.Fatal(err)
		}
		n += i
	}
	return n
}

// drain polls until the queue is empty. Nothing may end as a dead letter.
func (s *stack) drain() {
	s.t.Helper()
	s.empty(s.poller)
}

// empty polls a queue until it is.
func (s *stack) empty(p *testaws.Poller) {
	s.t.Helper()
	for idle := 0; s.depth(p.Queue) > 0; {
		began := time.Now()
		b, err := p.Poll(s.t.Context())
		s.t.Logf("%d messages, %d failed, %v", b.Messages, b.Failed, time.Since(began).Round(time.Millisecond))
		if err != nil {
			s.t.Fatalf("poll: %v", err)
		}
		if idle++; b.Messages > 0 {
			idle = 0
		}
		if idle > 10 {
			s.t.Fatal("messages in the queue that nobody gets")
		}
	}
	if n := s.depth(s.Resources["DeadLetterQueue"].ID); n > 0 {
		s.t.Fatalf("%d dead letters\n%s", n, last([]byte(s.output()), 8000))
	}
}

func last(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
