package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/pipeline"
)

// message is one unit of acknowledgement: an SQS message, or the whole payload
// of an invocation without a queue.
type message struct {
	id     string // SQS message id, "" without a queue
	body   json.RawMessage
	failed bool
}

// work is one file to convert and the messages that wait for it.
type work struct {
	object  pipeline.Object
	waiting []*message
}

// messages takes an invocation apart. queued tells whether there is a queue to
// report single failures to.
func messages(payload json.RawMessage) (msgs []*message, queued bool, err error) {
	var e struct {
		Records []json.RawMessage `json:"Records"`
	}
	// What does not look like a queue is one message, and whoever reads the
	// message says what is wrong with it.
	if json.Unmarshal(payload, &e) != nil || len(e.Records) == 0 {
		return []*message{{body: payload}}, false, nil
	}
	for i, raw := range e.Records {
		var r struct {
			EventSource string `json:"eventSource"`
			MessageID   string `json:"messageId"`
			Body        string `json:"body"`
		}
		err := json.Unmarshal(raw, &r)
		if i == 0 && (err != nil || r.EventSource != "aws:sqs") {
			return []*message{{body: payload}}, false, nil
		}
		switch {
		case err != nil:
			return nil, true, fmt.Errorf("SQS record %d: %w", i, err)
		case r.EventSource != "aws:sqs" || r.MessageID == "":
			return nil, true, fmt.Errorf("SQS record %d: source %q, message id %q", i, r.EventSource, r.MessageID)
		}
		msgs = append(msgs, &message{id: r.MessageID, body: json.RawMessage(r.Body)})
	}
	return msgs, true, nil
}

// plan finds the files of all messages, each once, ordered by name so that the
// order of delivery changes nothing. A message that cannot be understood fails;
// what could be understood of it is converted nevertheless.
func (h *Handler) plan(msgs []*message) []*work {
	byID := map[string]*work{}
	var all []*work
	for _, m := range msgs {
		objs, err := h.objects(m.body)
		var own []error
		for _, o := range objs {
			if h.isOwn(o) {
				own = append(own, fmt.Errorf("%q in bucket %s is this function's own output: "+
					"its trigger must not cover the lake", o.Key, o.Bucket))
				continue
			}
			w := byID[o.ID()]
			if w == nil {
				w = &work{object: o}
				byID[o.ID()] = w
				all = append(all, w)
			}
			w.object.RowsOnly = w.object.RowsOnly && o.RowsOnly // one who wants findings is enough
			w.waiting = append(w.waiting, m)
		}
		if err = errors.Join(append(own, err)...); err != nil {
			m.failed = true
			h.log.Error("message refused", "message", m.id, "error", shown(err))
		} else if len(objs) == 0 {
			h.log.Info("message announces no file", "message", m.id)
		}
	}
	slices.SortFunc(all, func(a, b *work) int {
		return cmp.Or(strings.Compare(a.object.Bucket, b.object.Bucket),
			strings.Compare(a.object.Key, b.object.Key),
			strings.Compare(a.object.Version, b.object.Version))
	})
	return all
}

// isOwn tells an object of the lake. Converting those would announce new ones,
// and so on without end.
func (h *Handler) isOwn(o pipeline.Object) bool {
	return o.Bucket == h.lakeBucket && strings.HasPrefix(o.Key, h.lakePrefix)
}

// batches groups work: small files together as far as the staging directory is
// sure to hold their rows, then each large file by itself, when nothing else is
// at stake any more.
func (h *Handler) batches(all []*work) [][]*work {
	var small, single [][]*work
	var bytes int64
	for _, w := range all {
		if w.object.Size > h.largeFile {
			single = append(single, []*work{w})
			continue
		}
		size := max(w.object.Size, 0)
		if n := len(small); n > 0 && bytes+size <= largeInBatch*h.largeFile && len(small[n-1]) < filesInBatch {
			small[n-1] = append(small[n-1], w)
			bytes += size
			continue
		}
		small = append(small, []*work{w})
		bytes = size
	}
	slices.SortStableFunc(single, func(a, b []*work) int { return cmp.Compare(a[0].object.Size, b[0].object.Size) })
	return append(small, single...)
}
