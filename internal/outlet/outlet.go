// Package outlet is where findings leave a function: as rows of the table
// findings, then those for a person as messages to topics. Whoever makes
// findings, from log files or from what it knows of buckets, sends them here.
package outlet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"sluice/internal/awsio"
	"sluice/internal/clean"
	"sluice/internal/finding"
	"sluice/internal/sigma"
	"sluice/internal/table"
)

// Publisher brings messages to topics: what is needed of *awsio.SNS.
type Publisher interface {
	Publish(ctx context.Context, topic string, msgs []awsio.Message) ([]awsio.Refusal, error)
}

// Shelf takes objects that stand for themselves: what is needed of *awsio.Lake.
type Shelf interface {
	Write(ctx context.Context, staged []table.Object) error
}

// Config is what an Outlet is made from.
type Config struct {
	Shelf  Shelf
	Topics Publisher
	// ARNs of topics, "" for none: OCSF documents, mails, and Amazon Q custom
	// notifications.
	Findings, Alerts, Chat string
	Level                  sigma.Level // mails and chat messages from here
	Stage                  string      // an empty directory for unfinished objects
	Log                    *slog.Logger
}

// Outlet writes findings as rows, then sends those for a person as messages. It
// is a detect.Outlet.
//
// The order is the promise: who gets a message can look it up, and what limits
// or a broken topic keep from people is in the table. Whatever breaks on the
// way, the same findings are sent again, with the same ids: the rows of the same
// send are written once, since their object is named by the messages in it and
// is create-only; the messages may arrive twice, and say so by their id.
type Outlet struct {
	c Config

	mu      sync.Mutex // of what follows: rows are few, and one writer is enough
	rows    *table.Writer[finding.Row]
	refused int64 // messages that SNS will never take, since they were last counted
}

// New returns an outlet. It makes no request.
func New(c Config) (*Outlet, error) {
	st, err := table.NewStage(c.Stage)
	if err != nil {
		return nil, err
	}
	rows, err := table.New(finding.Table, st)
	if err != nil {
		return nil, err
	}
	return &Outlet{c: c, rows: rows}, nil
}

// Send returns when every finding is a row and every message that can be
// published is. After an error everything may be sent again.
func (o *Outlet) Send(ctx context.Context, fs []*finding.Finding) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(fs) == 0 {
		return nil
	}
	if err := o.keep(ctx, fs); err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	docs, mails, chats, err := o.messages(fs)
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	err = errors.Join(o.publish(ctx, o.c.Findings, docs), o.publish(ctx, o.c.Alerts, mails), o.publish(ctx, o.c.Chat, chats))
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	return nil
}

// keep writes findings as rows of the lake.
func (o *Outlet) keep(ctx context.Context, fs []*finding.Finding) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, o.rows.Abort())
		}
	}()
	ids := make([]string, len(fs))
	for i, f := range fs {
		ids[i] = f.MessageUID()
		row, err := f.Row()
		if err != nil {
			return fmt.Errorf("row of %s: %w", ids[i], err)
		}
		if err := o.rows.Write(&row); err != nil {
			return fmt.Errorf("row of %s: %w", ids[i], err)
		}
	}
	objects, err := o.rows.Close(nameOf(ids))
	if err != nil {
		return err
	}
	err = o.c.Shelf.Write(ctx, objects)
	for _, obj := range objects {
		if rerr := os.Remove(obj.Path); !errors.Is(rerr, os.ErrNotExist) { // a shelf may take them over
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// nameOf names what holds the messages with these ids, whatever their order.
func nameOf(ids []string) string {
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n"))) // no id holds a line break
	return hex.EncodeToString(sum[:16])
}

// messages are what the findings for a person look like to each topic. The
// topic for programs has those of every level: a rule may alert below the level
// of the mails, and subscriptions can filter.
func (o *Outlet) messages(fs []*finding.Finding) (docs, mails, chats []awsio.Message, err error) {
	for _, f := range fs {
		if !f.Alert {
			continue
		}
		doc, err := f.OCSF()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("document of %s: %w", f.MessageUID(), err)
		}
		m := awsio.Message{ID: f.MessageUID()}
		for _, a := range f.Attributes() {
			m.Attributes = append(m.Attributes, awsio.Attribute(a))
		}
		m.Body = string(doc)
		docs = append(docs, m)
		if l, _ := sigma.ParseLevel(f.Rule.Level); l < o.c.Level {
			continue
		}
		m.Body = string(f.Chat())
		chats = append(chats, m)
		m.Subject, m.Body = f.Mail()
		mails = append(mails, m)
	}
	return docs, mails, chats, nil
}

// publish sends messages to one topic. One that SNS refuses for good is logged
// and counted, and no reason to send the others again: its row is in the table.
func (o *Outlet) publish(ctx context.Context, topic string, msgs []awsio.Message) error {
	if topic == "" || len(msgs) == 0 {
		return nil
	}
	refused, err := o.c.Topics.Publish(ctx, topic, msgs)
	for _, r := range refused {
		o.c.Log.Error("message refused by SNS; it is in the table findings", "topic", topic, "message_uid", r.ID, "reason", clean.Line(r.Why))
	}
	o.refused += int64(len(refused))
	return err
}

// Refusals returns how many messages SNS refused, and begins to count anew.
func (o *Outlet) Refusals() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.refused
	o.refused = 0
	return n
}
