package awsio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
)

// Announcement is a message that announces o as S3 does when it is created:
// Objects reads o out of it again. The event's name says that it was none, and
// whether anybody wants findings.
func Announcement(o pipeline.Object) ([]byte, error) {
	type object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"eTag,omitempty"`
		VersionID string `json:"versionId,omitempty"`
		Sequencer string `json:"sequencer,omitempty"`
	}
	type record struct {
		EventVersion string `json:"eventVersion"`
		EventSource  string `json:"eventSource"`
		EventTime    string `json:"eventTime"`
		EventName    string `json:"eventName"`
		S3           struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object object `json:"object"`
		} `json:"s3"`
	}
	r := record{EventVersion: "2.1", EventSource: "aws:s3", EventName: backfillEvent, EventTime: o.Modified.UTC().Format(time.RFC3339Nano)}
	if o.RowsOnly {
		r.EventName = rowsOnlyEvent
	}
	r.S3.Bucket.Name = o.Bucket
	r.S3.Object = object{Key: url.QueryEscape(o.Key)}
	if o.Size >= 0 {
		r.S3.Object.Size = &o.Size
	}
	if etag, ok := strings.CutPrefix(o.Version, etagVersion); ok {
		r.S3.Object.ETag = etag
	} else if sequencer, ok := strings.CutPrefix(o.Version, sequencerVersion); ok {
		r.S3.Object.Sequencer = sequencer
	} else {
		r.S3.Object.VersionID = o.Version
	}
	body, err := json.Marshal(struct{ Records []record }{[]record{r}})
	if err != nil {
		return nil, fmt.Errorf("announce %s: %w", name(o.Bucket, o.Key), err)
	}
	return body, nil
}

// What an announcement of an old file is called, where S3 says ObjectCreated:Put.
const (
	backfillEvent = "ObjectCreated:Backfill"
	rowsOnlyEvent = "ObjectCreated:BackfillRowsOnly"
)

// Queue announces files to the function that converts them. It is a
// backfill.Queue.
type Queue struct {
	client *sqs.Client
	url    string
}

// NewQueue returns the queue with that URL.
func NewQueue(cfg aws.Config, url string) *Queue { return &Queue{sqs.NewFromConfig(cfg), url} }

// atOnceInQueue is how many messages SQS takes in a call.
const atOnceInQueue = 10

// Announce sends a message a file, so that a file that fails comes again, and
// waits as a dead letter, alone. The errors are as many as the files. SQS answers
// for each message of a call.
func (q *Queue) Announce(ctx context.Context, objs []pipeline.Object) []error {
	errs := make([]error, len(objs))
	for from := 0; from < len(objs); from += atOnceInQueue {
		to := min(from+atOnceInQueue, len(objs))
		q.send(ctx, objs[from:to], errs[from:to])
	}
	return errs
}

func (q *Queue) send(ctx context.Context, objs []pipeline.Object, errs []error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for i, o := range objs {
		body, err := Announcement(o)
		if err != nil {
			errs[i] = err
			continue
		}
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))})
		errs[i] = errUnanswered
	}
	if len(in.Entries) == 0 {
		return
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err != nil {
		for i := range errs {
			if errors.Is(errs[i], errUnanswered) {
				errs[i] = fmt.Errorf("send to the queue: %w", err)
			}
		}
		return
	}
	for _, e := range out.Successful {
		if i, err := strconv.Atoi(aws.ToString(e.Id)); err == nil && i >= 0 && i < len(errs) {
			errs[i] = nil
		}
	}
	for _, e := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(e.Id))
		if err != nil || i < 0 || i >= len(errs) {
			continue
		}
		errs[i] = fmt.Errorf("%s: %s", aws.ToString(e.Code), aws.ToString(e.Message))
		if e.SenderFault {
			errs[i] = fmt.Errorf("%w: %w", backfill.ErrRefused, errs[i])
		}
	}
}

var errUnanswered = errors.New("the queue did not say what became of the message")
