package testaws

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// SNS takes messages over HTTP as SNS does in PublishBatch, with its limits, and
// keeps them for the test to look at. A topic exists as soon as it is named.
type SNS struct {
	URL string

	mu       sync.Mutex
	messages map[string][]Message // by ARN of the topic
	faults   []Fault
	entries  map[string]int // faults left of messages that hold a text
	calls    int
}

// Message is what a subscriber would receive.
type Message struct {
	Subject, Body string
	Attributes    map[string]string // "type value" by name
}

// The limits of SNS that a publisher must keep.
const (
	maxEntries = 10
	maxBytes   = 262144
	maxSubject = 100 // below
)

// NewSNS starts a server that ends with the test.
func NewSNS(t testing.TB) *SNS {
	s := &SNS{messages: map[string][]Message{}, entries: map[string]int{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Environ is what makes the AWS SDK talk to the server, beside that of an S3.
func (s *SNS) Environ() []string { return []string{"AWS_ENDPOINT_URL_SNS=" + s.URL} }

// Setenv makes the AWS SDK inside the test talk to the server.
func (s *SNS) Setenv(t testing.TB) {
	t.Setenv("AWS_ENDPOINT_URL_SNS", s.URL)
}

// Messages returns what a topic was sent so far, and forgets it.
func (s *SNS) Messages(topic string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[topic]
	delete(s.messages, topic)
	return m
}

// Calls returns how many requests there were, and forgets them.
func (s *SNS) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls
	s.calls = 0
	return n
}

// Fail makes the next calls go wrong as a whole: Denied, Refused, SlowDown or
// LostResponse.
func (s *SNS) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// FailMessage makes the next n tries of each message whose body or subject holds
// text go wrong by themselves, in calls that succeed.
func (s *SNS) FailMessage(text string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[text] = n
}

type entry struct {
	id string
	Message
	size int
}

// ServeHTTP answers PublishBatch.
func (s *SNS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	form, err := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if err != nil || form.Get("Action") != "PublishBatch" || form.Get("TopicArn") == "" {
		refuseQuery(w, 400, "InvalidAction")
		return
	}
	fault := OK
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	switch fault {
	case Denied:
		refuseQuery(w, 403, "AuthorizationError")
		return
	case SlowDown:
		refuseQuery(w, 400, "Throttling")
		return
	case Refused:
		refuseQuery(w, 400, "InvalidParameter")
		return
	}
	all := entries(form)
	if code := refusal(all); code != "" {
		refuseQuery(w, 400, code)
		return
	}
	answer := s.take(form.Get("TopicArn"), all)
	if fault == LostResponse {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml")
	xml.NewEncoder(w).Encode(answer)
}

// refusal is the code with which SNS refuses a whole call.
func refusal(all []entry) string {
	var total int
	ids := map[string]bool{}
	for _, e := range all {
		total += e.size
		if ids[e.id] || e.id == "" || len(e.id) > 80 {
			return "BatchEntryIdsNotDistinct"
		}
		ids[e.id] = true
	}
	switch {
	case len(all) == 0:
		return "EmptyBatchRequest"
	case len(all) > maxEntries:
		return "TooManyEntriesInBatchRequest"
	case total > maxBytes:
		return "BatchRequestTooLong"
	}
	return ""
}

type published struct {
	XMLName    xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ PublishBatchResponse"`
	Successful []member `xml:"PublishBatchResult>Successful>member"`
	Failed     []member `xml:"PublishBatchResult>Failed>member"`
	RequestID  string   `xml:"ResponseMetadata>RequestId"`
}

type member struct {
	ID          string `xml:"Id"`
	MessageID   string `xml:"MessageId,omitempty"`
	Code        string `xml:",omitempty"`
	Message     string `xml:",omitempty"`
	SenderFault string `xml:",omitempty"`
}

func (s *SNS) take(topic string, all []entry) published {
	answer := published{RequestID: "00000000-0000-4000-8000-000000000001"}
	for _, e := range all {
		switch {
		case e.Body == "" || len(e.Subject) >= maxSubject || strings.ContainsFunc(e.Subject, func(r rune) bool { return r < ' ' || r > '~' }) ||
			slices.Contains(slices.Sorted(values(e.Attributes)), "String "):
			answer.Failed = append(answer.Failed, member{ID: e.id, Code: "InvalidParameter", Message: "Invalid parameter", SenderFault: "true"})
		case s.fails(e):
			answer.Failed = append(answer.Failed, member{ID: e.id, Code: "InternalError", Message: "try again", SenderFault: "false"})
		default:
			s.messages[topic] = append(s.messages[topic], e.Message)
			answer.Successful = append(answer.Successful, member{ID: e.id, MessageID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.messages[topic]))})
		}
	}
	return answer
}

func values(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func (s *SNS) fails(e entry) bool {
	for text, left := range s.entries {
		if left > 0 && (strings.Contains(e.Body, text) || strings.Contains(e.Subject, text)) {
			s.entries[text]--
			return true
		}
	}
	return false
}

// entries takes a form of AWS's query protocol apart.
func entries(form url.Values) []entry {
	var all []entry
	for i := 1; ; i++ {
		p := "PublishBatchRequestEntries.member." + strconv.Itoa(i) + "."
		if !form.Has(p + "Id") {
			return all
		}
		e := entry{id: form.Get(p + "Id"), Message: Message{form.Get(p + "Subject"), form.Get(p + "Message"), map[string]string{}}}
		e.size = len(e.Subject) + len(e.Body)
		for j := 1; form.Has(p + "MessageAttributes.entry." + strconv.Itoa(j) + ".Name"); j++ {
			a := p + "MessageAttributes.entry." + strconv.Itoa(j) + "."
			name, typ, value := form.Get(a+"Name"), form.Get(a+"Value.DataType"), form.Get(a+"Value.StringValue")
			e.Attributes[name] = typ + " " + value
			e.size += len(name) + len(typ) + len(value)
		}
		all = append(all, e)
	}
}

func refuseQuery(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code>`+
		`<Message>%s</Message></Error><RequestId>00000000-0000-4000-8000-000000000001</RequestId></ErrorResponse>`, code, code)
}
