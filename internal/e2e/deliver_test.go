//go:build cgo && unix

package e2e

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sluice/internal/generate"
)

// generated is a folder of log files and what is in them.
func generated(t *testing.T, o generate.Options) (dir string, truth *generate.Truth) {
	t.Helper()
	dir = t.TempDir()
	truth, err := generate.Write(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

// keysIn lists the files below dir in the order of their names.
func keysIn(t *testing.T, dir string) (keys []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == generate.TruthFile {
			return err
		}
		key, err := filepath.Rel(dir, path)
		keys = append(keys, filepath.ToSlash(key))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// deliver puts files of a folder into the log bucket, and with them their
// messages into the queue.
func (s *stack) deliver(dir string, keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
		if err != nil {
			s.t.Fatal(err)
		}
		s.put(s.Resources["LogBucket"].ID, key, body)
	}
}

func (s *stack) put(bucket, key string, body []byte) {
	s.t.Helper()
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}
	if strings.HasSuffix(key, ".gz") {
		in.ContentEncoding = aws.String("gzip") // as CloudTrail delivers
	}
	if _, err := s.s3.PutObject(s.t.Context(), in); err != nil {
		s.t.Fatalf("put %s: %v", key, err)
	}
}

// documents subscribes a queue to the topic for programs, and returns what reads
// all that came.
func (s *stack) documents() func() []document {
	s.t.Helper()
	q, err := s.sqs.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("findings-inbox")})
	if err != nil {
		s.t.Fatal(err)
	}
	attr, err := s.sqs.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: q.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.subscribe("FindingsTopic", "sqs", attr.Attributes["QueueArn"], map[string]string{"RawMessageDelivery": "true"})
	return func() (all []document) {
		s.t.Helper()
		for {
			out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10})
			if err != nil {
				s.t.Fatal(err)
			}
			if len(out.Messages) == 0 {
				return all
			}
			for _, m := range out.Messages {
				d := document{text: []byte(*m.Body)}
				if err := json.Unmarshal(d.text, &d); err != nil {
					s.t.Fatalf("%s\n%s", err, *m.Body)
				}
				all = append(all, d)
			}
		}
	}
}

// document is a finding as a program gets it.
type document struct {
	Metadata struct {
		UID       string `json:"uid"`
		EventCode string `json:"event_code"`
	}
	FindingInfo struct {
		UID string `json:"uid"`
	} `json:"finding_info"`
	text []byte
}

// mail is a finding as a person gets it.
type mail struct{ Subject, Message string }

// mails subscribes an HTTP endpoint to the topic for people, and returns what
// reads all that came.
func (s *stack) mails() func() []mail {
	s.t.Helper()
	var mu sync.Mutex
	var got []mail
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Type string
			mail
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			s.t.Errorf("message to the endpoint: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if m.Type == "Notification" {
			got = append(got, m.mail)
		}
	}))
	s.t.Cleanup(srv.Close)
	s.subscribe("AlertsTopic", "http", srv.URL, nil)
	return func() []mail {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func (s *stack) subscribe(topic, protocol, endpoint string, attributes map[string]string) {
	s.t.Helper()
	_, err := sns.NewFromConfig(s.config(s.URL, s.Admin)).Subscribe(s.t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(s.Resources[topic].ID), Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes,
	})
	if err != nil {
		s.t.Fatalf("subscribe to %s: %v", topic, err)
	}
}
