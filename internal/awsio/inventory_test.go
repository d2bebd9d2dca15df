package awsio

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/coverage"
	"sluice/internal/enroll"
)

// settings are buckets and what they answer about their logging.
type settings map[string]any // *enroll.Logging, error or nil

func (s settings) List(context.Context) ([]enroll.Bucket, error) {
	if err, ok := s["*"].(error); ok {
		return nil, err
	}
	return []enroll.Bucket{
		{Name: "far", Region: "us-east-1"}, {Name: "gone", Region: "eu-central-1"}, {Name: "locked", Region: "eu-central-1"},
		{Name: "logs", Region: "eu-central-1"}, {Name: "photos", Region: "eu-central-1"}, {Name: "slow"},
	}, nil
}

func (s settings) Logging(_ context.Context, bucket string) (*enroll.Logging, error) {
	switch v := s[bucket].(type) {
	case error:
		return nil, v
	case *enroll.Logging:
		return v, nil
	}
	return nil, nil
}

func (s settings) SetLogging(context.Context, string, *enroll.Logging) error {
	return errors.New("BUG: a look changes nothing")
}

func TestInventory(t *testing.T) {
	s := settings{
		"far":    errors.New("BUG: asked in another Region"),
		"gone":   fmt.Errorf("read logging of gone: %w", enroll.ErrNoBucket),
		"locked": fmt.Errorf("read logging of locked: %w", &smithy.GenericAPIError{Code: "AccessDenied", Message: "request 123"}),
		"photos": &enroll.Logging{Target: "logs", Prefix: "p/"},
		"slow":   errors.New("connection reset, attempt 6"),
	}
	got, err := NewInventory(s, "eu-central-1").Buckets(t.Context())
	want := []coverage.Bucket{
		{Name: "far", Region: "us-east-1"},
		{Name: "locked", Region: "eu-central-1", Fault: "AccessDenied: its policy, or one of the organization, forbids s3:GetBucketLogging", Denied: true},
		{Name: "logs", Region: "eu-central-1"},
		{Name: "photos", Region: "eu-central-1", Target: "logs", Prefix: "p/"},
		{Name: "slow", Fault: "s3:GetBucketLogging had no answer"},
	}
	if d := cmp.Diff(got, want); err != nil || d != "" {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
}

// No list, or no time left, is no look: half an account would seem switched off.
func TestInventoryFails(t *testing.T) {
	if got, err := NewInventory(settings{"*": errors.New("denied")}, "eu-central-1").Buckets(t.Context()); err == nil {
		t.Errorf("no list: %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := NewInventory(settings{"photos": context.Canceled}, "eu-central-1").Buckets(ctx); err == nil {
		t.Errorf("no time: %v", got)
	}
}
