package awsio

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"sluice/internal/coverage"
	"sluice/internal/enroll"
)

// Inventory is the buckets of an account for a look at them: a coverage.Inventory.
// Of those in other Regions it asks nothing, for their logs cannot come here.
type Inventory struct {
	buckets enroll.Buckets
	region  string
}

var _ coverage.Inventory = (*Inventory)(nil)

// NewInventory returns the inventory of a Region.
func NewInventory(b enroll.Buckets, region string) *Inventory { return &Inventory{b, region} }

// Buckets is coverage.Inventory's. One that was deleted meanwhile is left out; one
// whose settings cannot be read is there with the reason, so that a single policy
// that denies does not hide all others.
func (v *Inventory) Buckets(ctx context.Context) ([]coverage.Bucket, error) {
	listed, err := v.buckets.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]coverage.Bucket, len(listed))
	err = each(ctx, len(listed), func(ctx context.Context, i int) error {
		b := listed[i]
		all[i] = coverage.Bucket{Name: b.Name, Region: b.Region}
		if b.Region != "" && b.Region != v.region {
			return nil
		}
		to, err := v.buckets.Logging(ctx, b.Name)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, enroll.ErrNoBucket):
			all[i].Name = ""
		case err != nil:
			all[i].Fault, all[i].Denied = fault(err)
		case to != nil:
			all[i].Target, all[i].Prefix = to.Target, to.Prefix
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read logging of %d buckets: %w", len(listed), err)
	}
	left := all[:0]
	for _, b := range all {
		if b.Name != "" {
			left = append(left, b)
		}
	}
	return left, nil
}

// fault is why settings cannot be read, in the same words each day, and whether
// somebody forbids it.
func fault(err error) (why string, denied bool) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		if e.ErrorCode() == "AccessDenied" {
			return "AccessDenied: its policy, or one of the organization, forbids s3:GetBucketLogging", true
		}
		return e.ErrorCode() + ": s3:GetBucketLogging failed", false
	}
	return "s3:GetBucketLogging had no answer", false
}
