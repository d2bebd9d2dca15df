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

// Refusal is a message that SNS will never take as it is. The messages beside it
// are not concerned, and trying again is of no use.
type Refusal struct {
	ID  string // Message.ID
	Why string
}

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
// could not be published, but for those that were refused.
//
// A message may arrive twice, when the answer of a call was lost.
func (s *SNS) Publish(ctx context.Context, topic string, msgs []Message) ([]Refusal, error) {
	p := publication{SNS: s, topic: topic}
	var batch []Message
	var size int
	for _, m := range msgs {
		n := m.size()
		if n > batchBytes {
			p.refused = append(p.refused, Refusal{m.ID, fmt.Sprintf("%d bytes, SNS takes %d", n, batchBytes)})
			continue
		}
		if len(batch) == batchMessages || size+n > batchBytes {
			p.batch(ctx, batch)
			batch, size = nil, 0
		}
		batch = append(batch, m)
		size += n
	}
	if len(batch) > 0 {
		p.batch(ctx, batch)
	}
	if len(p.failed) > 0 {
		return p.refused, fmt.Errorf("publish to %s: %d of %d messages: %w", topic, len(p.failed), len(msgs), errors.Join(p.failed...))
	}
	return p.refused, nil
}

// publication is one Publish on its way.
type publication struct {
	*SNS
	topic   string
	refused []Refusal
	failed  []error // one a message
}

// batch publishes what fits one call.
func (p *publication) batch(ctx context.Context, msgs []Message) {
	for round := 0; ; round++ {
		out, err := p.client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &p.topic, PublishBatchRequestEntries: entries(msgs)})
		if err == nil && len(out.Failed)+len(out.Successful) != len(msgs) {
			err = fmt.Errorf("the answer accounts for %d of %d messages", len(out.Failed)+len(out.Successful), len(msgs))
		}
		if err != nil { // the client has tried again where that is of use
			p.fail(msgs, func(int) error { return err })
			return
		}
		var again []Message
		var why []string
		for _, f := range out.Failed {
			i, err := strconv.Atoi(aws.ToString(f.Id))
			if err != nil || i < 0 || i >= len(msgs) {
				err := fmt.Errorf("the answer names message %q, which was not sent", aws.ToString(f.Id))
				p.fail(msgs, func(int) error { return err })
				return
			}
			said := aws.ToString(f.Code) + ": " + aws.ToString(f.Message)
			if f.SenderFault {
				p.refused = append(p.refused, Refusal{msgs[i].ID, said})
				continue
			}
			again = append(again, msgs[i])
			why = append(why, said)
		}
		if len(again) == 0 {
			return
		}
		if round == publishRounds-1 {
			p.fail(again, func(i int) error { return errors.New(why[i]) })
			return
		}
		msgs = again
		select {
		case <-time.After(p.pause << round):
		case <-ctx.Done():
			p.fail(msgs, func(int) error { return context.Cause(ctx) })
			return
		}
	}
}

func (p *publication) fail(msgs []Message, why func(i int) error) {
	for i, m := range msgs {
		p.failed = append(p.failed, fmt.Errorf("message %s: %w", m.ID, why(i)))
	}
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
