package athena

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"sluice/internal/pack"
)

// server is an Athena that answers from lists.
type server struct {
	states  []string // of a statement, one a look
	pages   [][][]any
	started []map[string]any
	looks   int
	refuses string // a call
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out any
	if s.refuses != "" && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+s.refuses) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"__type": "InvalidRequestException", "message": "made up"})
		return
	}
	switch _, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); call {
	case "StartQueryExecution":
		s.started = append(s.started, in)
		out = map[string]any{"QueryExecutionId": "id-1"}
	case "GetQueryExecution":
		state := s.states[min(s.looks, len(s.states)-1)]
		s.looks++
		out = map[string]any{"QueryExecution": map[string]any{"Status": map[string]any{"State": state, "StateChangeReason": "because"}}}
	case "GetQueryResults":
		n := 0
		if token, ok := in["NextToken"].(string); ok {
			fmt.Sscan(token, &n)
		}
		var rows []any
		for _, cells := range s.pages[n] {
			var data []any
			for _, c := range cells {
				if c == nil {
					data = append(data, map[string]any{})
				} else {
					data = append(data, map[string]any{"VarCharValue": c})
				}
			}
			rows = append(rows, map[string]any{"Data": data})
		}
		answer := map[string]any{"ResultSet": map[string]any{"Rows": rows}}
		if n+1 < len(s.pages) {
			answer["NextToken"] = fmt.Sprint(n + 1)
		}
		out = answer
	default:
		http.Error(w, call, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(out)
}

func over(t *testing.T, s *server) *Athena {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	a := New(aws.Config{Region: "eu-central-1", BaseEndpoint: &h.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, "sluice", "logs")
	a.rest = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return a
}

func TestRun(t *testing.T) {
	s := &server{states: []string{"QUEUED", "RUNNING", "QUEUED", "SUCCEEDED"}}
	token := strings.Repeat("t", 40)
	if err := over(t, s).Run(t.Context(), token, "INSERT"); err != nil {
		t.Fatal(err)
	}
	in := s.started[0]
	if s.looks != 4 || in["ClientRequestToken"] != token || in["WorkGroup"] != "sluice" || in["QueryString"] != "INSERT" ||
		!reflect.DeepEqual(in["QueryExecutionContext"], map[string]any{"Database": "logs"}) {
		t.Errorf("%d looks, %v", s.looks, in)
	}
	for _, state := range []string{"FAILED", "CANCELLED"} {
		s := &server{states: []string{"RUNNING", state}}
		if err := over(t, s).Run(t.Context(), token, "INSERT"); !errors.Is(err, pack.ErrFailed) || !strings.Contains(err.Error(), "because") {
			t.Errorf("%s: %v", state, err)
		}
	}
}

// A call that is refused says nothing of the statement either: it may have been
// started before, by the same token.
func TestRefused(t *testing.T) {
	for _, call := range []string{"StartQueryExecution", "GetQueryExecution"} {
		err := over(t, &server{states: []string{"SUCCEEDED"}, refuses: call}).Run(t.Context(), strings.Repeat("t", 40), "INSERT")
		if err == nil || errors.Is(err, pack.ErrFailed) || !strings.Contains(err.Error(), "made up") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if rows, err := over(t, &server{states: []string{"SUCCEEDED"}, refuses: "GetQueryResults"}).Ask(t.Context(), "SELECT"); err == nil {
		t.Errorf("no answer is no empty one: %q", rows)
	}
}

// That nobody waits any more says nothing of the statement.
func TestTimeRunsOut(t *testing.T) {
	s := &server{states: []string{"RUNNING"}}
	a := over(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	a.rest = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if err := a.Run(ctx, strings.Repeat("t", 40), "INSERT"); err == nil || errors.Is(err, pack.ErrFailed) {
		t.Errorf("%v", err)
	}
}

func TestAsk(t *testing.T) {
	s := &server{states: []string{"SUCCEEDED"}, pages: [][][]any{{{"path", "rows"}, {"a", "1"}}, {{"b", nil}}}}
	got, err := over(t, s).Ask(t.Context(), "SELECT")
	if want := [][]string{{"a", "1"}, {"b", ""}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if token, _ := s.started[0]["ClientRequestToken"].(string); len(token) < 32 {
		t.Errorf("the token of a question: %q", token)
	}
}
