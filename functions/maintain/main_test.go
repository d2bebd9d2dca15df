package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"sluice/internal/maintain"
)

// fake is a worker that answers from a list.
type fake struct {
	runs, asked int
	answers     []error // of Ready, the last one again and again
	panics      bool
	ends        time.Time // of the context of Ready
}

func (f *fake) Handle(context.Context) error { f.runs++; return nil }

func (f *fake) Ready(ctx context.Context) error {
	f.ends, _ = ctx.Deadline()
	if f.panics {
		panic("made up")
	}
	err := f.answers[min(f.asked, len(f.answers)-1)]
	f.asked++
	return err
}

type answer struct{ Status, Reason, PhysicalResourceId string }

// ask is one request of CloudFormation.
func ask(t *testing.T, f *fake, kind string) (a answer, rests int) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	h := handler{f, func(context.Context, time.Duration) error { rests++; return nil }}
	event := fmt.Sprintf(`{"RequestType": %q, "ResponseURL": %q, "StackId": "stack", "LogicalResourceId": "Packing", "RequestId": "1"}`, kind, srv.URL)
	if _, err := h.handle(t.Context(), json.RawMessage(event)); err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	return a, rests
}

func TestTheClock(t *testing.T) {
	f := &fake{}
	if _, err := (handler{f, nil}).handle(t.Context(), json.RawMessage(`{"source":"aws.events","detail-type":"Scheduled Event"}`)); err != nil || f.runs != 1 || f.asked != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestADeployment(t *testing.T) {
	failed := errors.New("no permission yet")
	for _, c := range []struct {
		name, kind  string
		answers     []error
		want        string
		asked, rest int
	}{
		{"ready", "Create", []error{nil}, "SUCCESS", 1, 0},
		{"ready after a while", "Update", []error{failed, failed, nil}, "SUCCESS", 3, 2},
		{"never ready", "Create", []error{failed}, "FAILED", 4, 3},
		{"packed days would be missing", "Update", []error{maintain.ErrPacked}, "FAILED", 1, 0},
		{"long words", "Create", []error{errors.New(strings.Repeat("é", 5000))}, "FAILED", 4, 3},
		{"the stack goes", "Delete", nil, "SUCCESS", 0, 0},
		{"something else", "Dance", nil, "FAILED", 0, 0},
	} {
		f := &fake{answers: c.answers}
		a, rests := ask(t, f, c.kind)
		if a.Status != c.want || f.asked != c.asked || rests != c.rest || f.runs != 0 || a.PhysicalResourceId != "stack/Packing" || len(a.Reason) > 3000 {
			t.Errorf("%s: %+v, asked %d times, %d rests", c.name, a, f.asked, rests)
		}
	}
	if a, _ := ask(t, &fake{panics: true}, "Create"); a.Status != "FAILED" || !strings.Contains(a.Reason, "BUG: made up") {
		t.Errorf("a panic: %+v", a)
	}
}

// The answer to CloudFormation has its own time before Lambda ends the function.
func TestTimeToAnswer(t *testing.T) {
	f := &fake{answers: []error{nil}}
	end := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	event := cfn.Event{RequestType: cfn.RequestCreate, StackID: "stack", LogicalResourceID: "Packing", PhysicalResourceID: "as it was"}
	id, _, err := handler{f, nil}.resource(ctx, event)
	if left := end.Sub(f.ends); err != nil || left < 10*time.Second || left > time.Minute || id != "as it was" {
		t.Errorf("%v is left to answer as %q, %v", left, id, err)
	}
}
