package awsio

import (
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
	"sluice/internal/testaws"
)

// entry is a message of a call.
type entry struct{ Id, MessageBody string }

// sqsServer answers SendMessageBatch, with what answer says about the messages of
// one call.
func sqsServer(t *testing.T, answer func(call int, msgs []entry) (status int, body any)) *Queue {
	t.Helper()
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			QueueUrl string
			Entries  []entry
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || len(in.Entries) > 10 {
			t.Errorf("%s of %d messages: %v", r.Header.Get("X-Amz-Target"), len(in.Entries), err)
		}
		for _, e := range in.Entries {
			if _, err := Objects([]byte(e.MessageBody)); err != nil {
				t.Errorf("message %s: %v", e.MessageBody, err)
			}
		}
		calls++
		status, body := answer(calls, in.Entries)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(srv.Close)
	testaws.NewS3(t).Setenv(t)
	t.Setenv("AWS_ENDPOINT_URL", srv.URL)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return NewQueue(cfg, "https://sqs.eu-central-1.amazonaws.com/111122223333/q")
}

func files(n int) (objs []pipeline.Object) {
	for i := range n {
		objs = append(objs, pipeline.Object{Bucket: "b", Key: fmt.Sprint("k", i), Version: "etag:1", Size: 1})
	}
	return objs
}

// taken is SQS's answer that it has the messages.
func taken(msgs []entry) map[string]any {
	ok := []map[string]string{}
	for _, m := range msgs {
		ok = append(ok, map[string]string{"Id": m.Id, "MessageId": "m", "MD5OfMessageBody": fmt.Sprintf("%x", md5.Sum([]byte(m.MessageBody)))})
	}
	return map[string]any{"Successful": ok, "Failed": []any{}}
}

func TestAnnounce(t *testing.T) {
	sent := 0
	q := sqsServer(t, func(call int, msgs []entry) (int, any) {
		if call == 1 { // the client tries again by itself
			return 400, map[string]string{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slower"}
		}
		sent += len(msgs)
		return 200, taken(msgs)
	})
	for i, err := range q.Announce(t.Context(), files(23)) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if sent != 23 {
		t.Errorf("%d messages sent", sent)
	}
}

// TestAnnounceFails: each file is told what became of its own message.
func TestAnnounceFails(t *testing.T) {
	q := sqsServer(t, func(_ int, msgs []entry) (int, any) {
		res := taken(msgs[:1])
		res["Failed"] = []map[string]any{
			{"Id": msgs[1].Id, "Code": "InternalError", "Message": "later", "SenderFault": false},
			{"Id": msgs[2].Id, "Code": "InvalidMessageContents", "Message": "never", "SenderFault": true},
		} // and nothing about the fourth
		return 200, res
	})
	errs := q.Announce(t.Context(), files(4))
	if len(errs) != 4 || errs[0] != nil {
		t.Fatalf("%v", errs)
	}
	for i, c := range []struct {
		want    string
		refused bool
	}{{"InternalError", false}, {"InvalidMessageContents", true}, {"did not say", false}} {
		err := errs[i+1]
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, backfill.ErrRefused) != c.refused {
			t.Errorf("message %d: %v, want %q", i+1, err, c.want)
		}
	}

	q = sqsServer(t, func(int, []entry) (int, any) {
		return 400, map[string]string{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}
	})
	for i, err := range q.Announce(t.Context(), files(2)) {
		if err == nil || errors.Is(err, backfill.ErrRefused) {
			t.Errorf("queue gone, message %d: %v", i, err)
		}
	}
}
