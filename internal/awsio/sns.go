package awsio

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

const (
	batchMessages = 10        // SNS takes so many in a call
	batchBytes    = 256 << 10 // and so many bytes, attributes included
	publishRounds = 5         // of what SNS took the call but not the message of
	firstPause    = 100 * time.Millisecond
)

// Message is what a topic's subscribers receive, and what they filter by.
type Message struct {
	ID         string // names the message in errors; SNS does not pass it on
	Subject    string // of the e-mail; "" for none
	Body       string
	Attributes []Attribute
}

// Attribute is what a subscription's filter policy looks at. Type is SNS's
// word: String, Number or String.Array. SNS refuses one without a value.
type Attribute struct{ Name, Type, Value string }

func (m Message) size() int {
	n := len(m.Subject) + len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// RefusedError is a message that SNS will never take as it is. The messages
// beside it are not concerned, and trying again is of no use.
type RefusedError struct {
	ID  string // Message.ID
	Why string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("message %s refused: %s", e.ID, e.Why) }

// SNS publishes to topics.
type SNS struct {
	client *sns.Client
	pause  time.Duration // before the second round, doubled before each other
}

// NewSNS returns SNS as cfg finds it.
func NewSNS(cfg aws.Config) *SNS { return &SNS{client: sns.NewFromConfig(cfg), pause: firstPause} }

// Publish brings messages to the topic with that ARN. SNS answers for each
// message of a call: those it did not take are tried again by themselves. Every
// message is tried, whatever became of those before; the error names each that
// is not published, as a RefusedError where that will not change.
//
// A message may arrive twice, when the answer of a call was lost.
func (s *SNS) Publish(ctx context.Context, topic string, msgs []Message) error {
	var errs []error
	var batch []Message
	var size int
	flush := func() {
		if len(batch) > 0 {
			errs = append(errs, s.batch(ctx, topic, batch)...)
		}
		batch, size = nil, 0
	}
	for _, m := range msgs {
		n := m.size()
		if n > batchBytes {
			errs = append(errs, &RefusedError{m.ID, fmt.Sprintf("%d bytes, SNS takes %d", n, batchBytes)})
			continue
		}
		if len(batch) == batchMessages || size+n > batchBytes {
			flush()
		}
		batch = append(batch, m)
		size += n
	}
	flush()
	if len(errs) > 0 {
		return fmt.Errorf("publish to %s: %d of %d messages: %w", topic, len(errs), len(msgs), errors.Join(errs...))
	}
	return nil
}

// batch publishes what fits one call and returns an error for each message that
// is not published.
func (s *SNS) batch(ctx context.Context, topic string, msgs []Message) []error {
	var refused []error
	for round := 0; ; round++ {
		out, err := s.client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries(msgs)})
		if err != nil { // the client has tried again where that is of use
			return append(refused, each(msgs, err)...)
		}
		var again []Message
		var why []error
		for _, f := range out.Failed {
			i, err := strconv.Atoi(aws.ToString(f.Id))
			if err != nil || i < 0 || i >= len(msgs) {
				return append(refused, each(msgs, fmt.Errorf("answer names entry %q, which was not sent", aws.ToString(f.Id)))...)
			}
			said := aws.ToString(f.Code) + ": " + aws.ToString(f.Message)
			if f.SenderFault {
				refused = append(refused, &RefusedError{msgs[i].ID, said})
				continue
			}
			again = append(again, msgs[i])
			why = append(why, fmt.Errorf("message %s: %s", msgs[i].ID, said))
		}
		if len(out.Failed)+len(out.Successful) != len(msgs) {
			return append(refused, each(msgs, fmt.Errorf("answer accounts for %d of %d messages", len(out.Failed)+len(out.Successful), len(msgs)))...)
		}
		if len(again) == 0 {
			return refused
		}
		if round == publishRounds-1 {
			return append(refused, why...)
		}
		select {
		case <-time.After(s.pause << round):
		case <-ctx.Done():
			return append(refused, each(again, context.Cause(ctx))...)
		}
		msgs = again
	}
}

func each(msgs []Message, err error) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		errs[i] = fmt.Errorf("message %s: %w", m.ID, err)
	}
	return errs
}

// entries numbers the messages: an id of SNS has fewer characters than one of ours.
func entries(msgs []Message) []types.PublishBatchRequestEntry {
	all := make([]types.PublishBatchRequestEntry, len(msgs))
	for i, m := range msgs {
		e := types.PublishBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), Message: aws.String(m.Body)}
		if m.Subject != "" {
			e.Subject = aws.String(m.Subject)
		}
		for _, a := range m.Attributes {
			if e.MessageAttributes == nil {
				e.MessageAttributes = make(map[string]types.MessageAttributeValue, len(m.Attributes))
			}
			e.MessageAttributes[a.Name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
		}
		all[i] = e
	}
	return all
}
