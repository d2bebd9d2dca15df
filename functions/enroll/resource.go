package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"sluice/internal/enroll"
)

const (
	// Before Lambda ends the function, for the answer to CloudFormation: without
	// one a stack waits for an hour.
	answerTime = 20 * time.Second
	// of what is told in an answer, which may have 4096 bytes with all that is
	// around it
	answerBytes = 2000
)

// resource is the custom resource.
type resource struct {
	work enroll.Work
	log  *slog.Logger
}

// handle does what CloudFormation asks for, and returns what it is told.
//
// Only the creation of the resource can fail, and only where no bucket at all
// can be enrolled: a list that cannot be read, a log bucket that receives nothing.
// Nothing is changed by then, so the rollback has nothing to undo. One bucket that
// cannot log is told in the attributes instead: a misspelt name must not take a
// new stack down, nor one foreign bucket all others. An update that failed would
// be rolled back by another update, that would fail for the same reason, and the
// stack be stuck; a deletion that failed would leave it half deleted. What was not
// given back is still remembered in the table, which outlives the stack.
func (r *resource) handle(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	id = e.PhysicalResourceID
	if id == "" {
		id = e.StackID + "/" + e.LogicalResourceID // the same at every try: another one would be a replacement
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-answerTime))
		defer cancel()
	}
	steps, err := r.do(ctx, e)
	r.tell(string(e.RequestType), steps, err)
	if err != nil && e.RequestType == cfn.RequestCreate {
		return id, nil, errors.New(enroll.Cut(err.Error(), answerBytes))
	}
	missing := enroll.Missing(steps, answerBytes)
	if err != nil {
		missing = enroll.Cut("nothing was changed: "+err.Error(), answerBytes)
	}
	return id, map[string]any{"Enrolled": strconv.Itoa(enroll.Enrolled(steps)), "NotEnrolled": missing}, nil
}

// do plans and applies. A panic is an error like others, so that it is answered
// as one.
func (r *resource) do(ctx context.Context, e cfn.Event) (steps []enroll.Step, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("BUG: %v\n%s", p, debug.Stack())
		}
	}()
	w, o, err := r.asked(e)
	if err != nil {
		return nil, err
	}
	steps, err = w.Plan(ctx, o, func(_ string, was enroll.Record) bool { return was.By == enroll.Stack }, nil)
	if err != nil {
		return nil, err
	}
	if why := enroll.Blocked(steps); why != "" && e.RequestType == cfn.RequestCreate {
		return steps, errors.New(why)
	}
	return w.Apply(ctx, steps, nil), nil
}

// asked reads the properties of the resource.
func (r *resource) asked(e cfn.Event) (w enroll.Work, o enroll.Order, err error) {
	text := func(name string) string { s, _ := e.ResourceProperties[name].(string); return s }
	w = r.work
	w.Want = enroll.Logging{Target: text("LogBucket"), Format: enroll.ByEventTime}
	w.Own = map[string]string{}
	for name, what := range map[string]string{"LakeBucket": "the lake", "TrailBucket": "the bucket of the trail"} {
		if b := text(name); b != "" {
			w.Own[b] = what
		}
	}
	switch e.RequestType {
	case cfn.RequestDelete:
		return w, enroll.Order{}, nil // nothing is wanted, so all is given back
	case cfn.RequestCreate, cfn.RequestUpdate:
	default:
		return w, o, fmt.Errorf("a request %q that is none of Create, Update and Delete", e.RequestType)
	}
	if w.Want.Target == "" || len(w.Own) == 0 {
		return w, o, errors.New("properties LogBucket and LakeBucket must name buckets of the stack")
	}
	o.Replace = text("ForeignLogging") == "replace"
	o.Except = list(text("ExcludedBuckets"))
	if o.All = text("SourceBuckets") == "*"; !o.All {
		o.Buckets = list(text("SourceBuckets"))
	}
	if o.All { // nobody asked for them by name
		o.Except = append(o.Except, w.Want.Target)
		for b := range w.Own {
			o.Except = append(o.Except, b)
		}
	}
	return w, o, nil
}

func list(names string) []string {
	return strings.FieldsFunc(names, func(c rune) bool { return c == ',' })
}

// tell writes the log: a line for each bucket that was not right already, and one
// for the request.
func (r *resource) tell(request string, steps []enroll.Step, err error) {
	for _, s := range steps {
		level, why := slog.LevelInfo, s.Reason
		if s.Err != nil {
			level, why = slog.LevelError, s.Err.Error()
		}
		if s.Verb != enroll.Right {
			r.log.Log(context.Background(), level, "bucket", "bucket", s.Bucket, "step", s.Verb, "before", s.Before(), "after", s.After(), "reason", why)
		}
	}
	level, why := slog.LevelInfo, ""
	if err != nil {
		level, why = slog.LevelError, err.Error()
	}
	r.log.Log(context.Background(), level, "request", "request", request, "buckets", len(steps), "enrolled", enroll.Enrolled(steps), "reason", why)
}
