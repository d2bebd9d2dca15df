package testaws

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Poller takes messages from a queue to a function as Lambda does for an event
// source mapping: with the function's own role, up to so many together, and with
// those deleted that the function did not say had failed.
type Poller struct {
	SQS       *sqs.Client // with the credentials of the function's role
	Queue     string      // URL
	ARN       string      // of the queue, as the function is told
	BatchSize int
	Window    time.Duration // to wait for a batch to fill
	// Quiet ends the wait for more when the queue gave nothing for so long: in a
	// test all messages are there. A whole number of seconds, as SQS waits.
	Quiet  time.Duration
	Invoke func(payload []byte) Answer
	// Again is told what the function could not do, by receipt handle. Those
	// messages come again when their visibility timeout has passed: a test that
	// does not want to wait for that shows them here.
	Again func(ctx context.Context, handles []string) error
}

// Batch is what became of one invocation.
type Batch struct {
	Messages, Failed int
	Answer           Answer
}

const (
	receiveAtOnce = 10
	maxPayload    = 6 << 20
)

// Poll takes one batch to the function. Without a message there is none.
func (p *Poller) Poll(ctx context.Context) (Batch, error) {
	msgs, err := p.receive(ctx)
	if err != nil || len(msgs) == 0 {
		return Batch{}, err
	}
	payload, err := p.event(msgs)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Messages: len(msgs), Answer: p.Invoke(payload)}
	failed := failedIn(b.Answer)
	var done []types.DeleteMessageBatchRequestEntry
	var again []string
	for i, m := range msgs {
		if failed == nil || failed[aws.ToString(m.MessageId)] {
			again = append(again, *m.ReceiptHandle)
			continue
		}
		done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	b.Failed = len(again)
	for len(done) > 0 {
		n := min(receiveAtOnce, len(done))
		out, err := p.SQS.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &p.Queue, Entries: done[:n]})
		if err != nil {
			return b, fmt.Errorf("delete messages: %w", err)
		}
		if len(out.Failed) > 0 {
			return b, fmt.Errorf("delete messages: %s", aws.ToString(out.Failed[0].Message))
		}
		done = done[n:]
	}
	if len(again) > 0 && p.Again != nil {
		err = p.Again(ctx, again)
	}
	return b, err
}

// Check asks the queue what Lambda asks it when a function is connected to it.
func (p *Poller) Check(ctx context.Context) error {
	_, err := p.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &p.Queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameVisibilityTimeout},
	})
	return err
}

func (p *Poller) receive(ctx context.Context) ([]types.Message, error) {
	var msgs []types.Message
	var bytes int
	var end time.Time
	for len(msgs) < p.BatchSize && bytes < maxPayload/2 && (len(msgs) == 0 || time.Now().Before(end)) {
		out, err := p.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &p.Queue, MaxNumberOfMessages: int32(min(receiveAtOnce, p.BatchSize-len(msgs))), WaitTimeSeconds: int32(p.Quiet / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return nil, fmt.Errorf("receive messages: %w", err)
		}
		if len(out.Messages) == 0 {
			break
		}
		if len(msgs) == 0 {
			end = time.Now().Add(p.Window)
		}
		for _, m := range out.Messages {
			bytes += len(aws.ToString(m.Body))
		}
		msgs = append(msgs, out.Messages...)
	}
	return msgs, nil
}

// event is the payload that Lambda makes of messages.
func (p *Poller) event(msgs []types.Message) ([]byte, error) {
	type record struct {
		MessageID  string            `json:"messageId"`
		Handle     string            `json:"receiptHandle"`
		Body       string            `json:"body"`
		Attributes map[string]string `json:"attributes"`
		MD5        string            `json:"md5OfBody"`
		Source     string            `json:"eventSource"`
		ARN        string            `json:"eventSourceARN"`
		Region     string            `json:"awsRegion"`
	}
	var e struct{ Records []record }
	for _, m := range msgs {
		e.Records = append(e.Records, record{
			aws.ToString(m.MessageId), aws.ToString(m.ReceiptHandle), aws.ToString(m.Body), m.Attributes, aws.ToString(m.MD5OfBody),
			"aws:sqs", p.ARN, p.SQS.Options().Region,
		})
	}
	return json.Marshal(e)
}

// failedIn returns the ids of the messages that an answer says have failed. nil
// stands for all: whoever does not answer, or not in the agreed form, has done
// none for certain.
func failedIn(a Answer) map[string]bool {
	var said struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if a.Dead || a.Failed || json.Unmarshal([]byte(a.Body), &said) != nil {
		return nil
	}
	failed := map[string]bool{}
	for _, f := range said.BatchItemFailures {
		if f.ItemIdentifier == "" {
			return nil
		}
		failed[f.ItemIdentifier] = true
	}
	return failed
}
