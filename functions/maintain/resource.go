package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"sluice/internal/maintain"
)

const (
	// Before Lambda ends the function, for the answer to CloudFormation: without
	// one a stack waits for an hour.
	answerTime = 20 * time.Second
	// IAM takes a moment to know what the same deployment has just granted.
	tries = 4
	pause = 15 * time.Second
	// Of what is told, which may have 4096 bytes with all that is around it.
	answerBytes = 2000
)

// worker is maintain.Daily.
type worker interface {
	Handle(ctx context.Context) error
	Ready(ctx context.Context) error
}

// handler tells a deployment from the clock.
type handler struct {
	worker worker
	rest   func(ctx context.Context, d time.Duration) error
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h handler) handle(ctx context.Context, event json.RawMessage) (any, error) {
	var e cfn.Event
	if err := json.Unmarshal(event, &e); err == nil && e.RequestType != "" {
		return cfn.LambdaWrap(h.resource)(ctx, e)
	}
	return nil, h.worker.Handle(ctx)
}

// resource is asked before the tables are changed, and a deployment that it
// refuses is rolled back. The deletion of the stack changes nothing: what is
// packed stays where it is.
func (h handler) resource(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	id = e.PhysicalResourceID
	if id == "" {
		id = e.StackID + "/" + e.LogicalResourceID // the same at every try: another one would be a replacement
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-answerTime))
		defer cancel()
	}
	switch e.RequestType {
	case cfn.RequestDelete:
		return id, nil, nil
	case cfn.RequestCreate, cfn.RequestUpdate:
	default:
		return id, nil, fmt.Errorf("a request %q that is none of Create, Update and Delete", e.RequestType)
	}
	for try := range tries {
		if try > 0 && h.rest(ctx, pause) != nil {
			break
		}
		if err = h.ready(ctx); err == nil || errors.Is(err, maintain.ErrPacked) {
			break
		}
	}
	if err != nil && len(err.Error()) > answerBytes {
		err = errors.New(strings.ToValidUTF8(err.Error()[:answerBytes], ""))
	}
	return id, nil, err
}

// ready turns a panic into an error like others, so that it is answered as one.
func (h handler) ready(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("BUG: %v\n%s", p, debug.Stack())
		}
	}()
	return h.worker.Ready(ctx)
}
