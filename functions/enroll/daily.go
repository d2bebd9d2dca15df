package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/cfn"

	"sluice/internal/enroll"
)

// newBuckets is what the rule of the template sends once a day, with the
// properties of the resource.
const newBuckets = "enroll-new"

// invoked tells the day's rule from CloudFormation.
func (r *resource) invoked(ctx context.Context, payload json.RawMessage) (string, error) {
	var e struct {
		cfn.Event
		Sluice string `json:"sluice"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return "", fmt.Errorf("event: %w", err)
	}
	if e.Sluice == newBuckets {
		return "", r.daily(ctx, e.Event)
	}
	return cfn.LambdaWrap(r.handle)(ctx, e.Event)
}

// daily enrolls the buckets that were made since the stack was deployed, and those
// that could not be enrolled then, by the rules of a deployment. Nothing is given
// back and nothing is changed that was enrolled before: see enroll.Order.
//
// One bucket that fails is in the log and is tried again the next day; an error is
// what concerns all of them, for Lambda to invoke again.
func (r *resource) daily(ctx context.Context, e cfn.Event) error {
	e.RequestType = cfn.RequestUpdate // what it is most like
	w, o, err := r.asked(e)
	if err == nil && !o.All {
		err = errors.New("SourceBuckets is not *: there is nothing to do by the day")
	}
	if err != nil {
		return err
	}
	o.OnlyNew = true
	steps, err := w.Plan(ctx, o, nil, nil)
	if err != nil {
		r.tell(newBuckets, nil, err)
		return err
	}
	if why := enroll.Blocked(steps); why != "" {
		err = errors.New(why)
	}
	r.tell(newBuckets, w.Apply(ctx, steps, nil), err)
	return err
}
