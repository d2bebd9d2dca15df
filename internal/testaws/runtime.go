package testaws

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Function is a compiled Lambda function that runs as it does in Lambda: a
// process that asks a local HTTP server for its next invocation.
type Function struct {
	PID     int // of the process
	t       testing.TB
	calls   chan *call
	stop    func()        // ends the process and waits for it
	exited  chan struct{} // closed when the process has ended
	mu      sync.Mutex
	current *call
	output  bytes.Buffer
}

type call struct {
	id       string
	payload  []byte
	deadline time.Time
	answer   chan Answer
}

// Answer is what a function made of an invocation.
type Answer struct {
	Body   string // the response, or the error as the runtime library reports it
	Failed bool   // the function returned an error
	Dead   bool   // the process ended, or ran out of time, without an answer
}

// Start runs the executable until the test ends. Only env is in its environment,
// with what the runtime itself adds.
func Start(t testing.TB, bootstrap string, env ...string) *Function {
	f := &Function{t: t, calls: make(chan *call), exited: make(chan struct{})}
	mux := http.NewServeMux()
	const base = "/2018-06-01/runtime/"
	mux.HandleFunc("GET "+base+"invocation/next", f.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { f.answer(w, r, false) })
	mux.HandleFunc("POST "+base+"invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { f.answer(w, r, true) })
	mux.HandleFunc("POST "+base+"init/error", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(f, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	srv := httptest.NewServer(mux)

	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bootstrap)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(srv.URL, "http://"),
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "TZ=:UTC",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
	}, env...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		t.Fatalf("start function: %v", err)
	}
	f.PID = cmd.Process.Pid
	go func() {
		cmd.Wait() // its exit status says nothing that an answer does not say
		close(f.exited)
	}()
	f.stop = func() {
		cancel()
		<-f.exited
	}
	t.Cleanup(func() {
		f.stop()
		srv.CloseClientConnections()
		srv.Close()
	})
	return f
}

// Invoke gives the function one payload and waits for the answer, no longer
// than the function's time limit.
func (f *Function) Invoke(payload []byte, limit time.Duration) Answer {
	f.t.Helper()
	c := &call{id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", payload: payload, deadline: time.Now().Add(limit), answer: make(chan Answer, 1)}
	timeout := time.After(limit)
	select {
	case f.calls <- c:
	case <-f.exited:
		return Answer{Dead: true}
	case <-timeout:
		return Answer{Dead: true}
	}
	select {
	case a := <-c.answer:
		return a
	case <-f.exited:
	case <-timeout:
	}
	return Answer{Dead: true}
}

// Exited waits for the process to end by itself.
func (f *Function) Exited(limit time.Duration) bool {
	select {
	case <-f.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// Write collects what the function prints.
func (f *Function) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.output.Write(p)
}

// Ended ends the process and returns all that it printed. An answer may arrive
// before what was printed ahead of it.
func (f *Function) Ended() string {
	f.stop()
	return f.Output()
}

// Output returns what the function has printed so far.
func (f *Function) Output() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.output.String()
}

func (f *Function) next(w http.ResponseWriter, r *http.Request) {
	select {
	case c := <-f.calls:
		f.mu.Lock()
		f.current = c
		f.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:ingest")
		h.Set("Content-Type", "application/json")
		w.Write(c.payload)
	case <-r.Context().Done():
	}
}

func (f *Function) answer(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(r.Body)
	f.mu.Lock()
	c := f.current
	f.current = nil
	f.mu.Unlock()
	if err != nil || c == nil || c.id != r.PathValue("id") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	c.answer <- Answer{Body: string(body), Failed: failed}
}
