package awsio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"sluice/internal/enroll"
)

// Buckets are the buckets of an account and what they do with their access logs.
type Buckets struct {
	client *s3.Client
	owner  *string // nil for whoever answers
}

var _ enroll.Buckets = (*Buckets)(nil)

// NewBuckets returns the buckets of an account in the Region of cfg. S3 refuses
// what is asked of a bucket that belongs to somebody else by now; account may be
// "" where it is not known.
func NewBuckets(cfg aws.Config, account string) *Buckets {
	b := &Buckets{client: NewS3(cfg).client}
	if account != "" {
		b.owner = &account
	}
	return b
}

// List is enroll.Buckets'.
func (b *Buckets) List(ctx context.Context) ([]enroll.Bucket, error) {
	var all []enroll.Bucket
	// With a size S3 answers in pages, and names each bucket's Region.
	pages := s3.NewListBucketsPaginator(b.client, &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
		for _, p := range page.Buckets {
			all = append(all, enroll.Bucket{Name: aws.ToString(p.Name), Region: aws.ToString(p.BucketRegion), Created: aws.ToTime(p.CreationDate)})
		}
	}
	slices.SortFunc(all, func(x, y enroll.Bucket) int { return cmp.Compare(x.Name, y.Name) })
	return all, nil
}

// Logging is enroll.Buckets'.
func (b *Buckets) Logging(ctx context.Context, bucket string) (*enroll.Logging, error) {
	out, err := b.client.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
	if err != nil {
		return nil, fmt.Errorf("read logging of %s: %w", bucket, explainBucket(err))
	}
	return loggingOf(out.LoggingEnabled)
}

// SetLogging is enroll.Buckets'.
func (b *Buckets) SetLogging(ctx context.Context, bucket string, to *enroll.Logging) error {
	_, err := b.client.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{
		Bucket: &bucket, ExpectedBucketOwner: b.owner,
		BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: loggingTo(to)},
	})
	if err != nil {
		return fmt.Errorf("set logging of %s: %w", bucket, explainBucket(err))
	}
	return nil
}

// explainBucket makes the one answer that plans are made of an error of ours.
func explainBucket(err error) error {
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "NoSuchBucket" {
		return fmt.Errorf("%w: %w", enroll.ErrNoBucket, err)
	}
	return err
}

func loggingOf(e *types.LoggingEnabled) (*enroll.Logging, error) {
	if e == nil {
		return nil, nil
	}
	l := &enroll.Logging{Target: aws.ToString(e.TargetBucket), Prefix: aws.ToString(e.TargetPrefix), Format: enroll.Simple}
	if f := e.TargetObjectKeyFormat; f != nil && f.PartitionedPrefix != nil {
		switch f.PartitionedPrefix.PartitionDateSource {
		case types.PartitionDateSourceDeliveryTime:
			l.Format = enroll.ByDeliveryTime
		case types.PartitionDateSourceEventTime, "": // which is what S3 takes when it is not told
			l.Format = enroll.ByEventTime
		default:
			return nil, fmt.Errorf("a key format of S3 that is not known here: %q", f.PartitionedPrefix.PartitionDateSource)
		}
	}
	for _, g := range e.TargetGrants {
		grant := enroll.Grant{Permission: string(g.Permission)}
		if w := g.Grantee; w != nil {
			grant.Type, grant.ID, grant.URI, grant.Email = string(w.Type), aws.ToString(w.ID), aws.ToString(w.URI), aws.ToString(w.EmailAddress)
		}
		l.Grants = append(l.Grants, grant)
	}
	return l, nil
}

func loggingTo(l *enroll.Logging) *types.LoggingEnabled {
	if l == nil {
		return nil
	}
	e := &types.LoggingEnabled{TargetBucket: &l.Target, TargetPrefix: &l.Prefix, TargetObjectKeyFormat: &types.TargetObjectKeyFormat{}}
	switch l.Format {
	case enroll.ByEventTime:
		e.TargetObjectKeyFormat.PartitionedPrefix = &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSourceEventTime}
	case enroll.ByDeliveryTime:
		e.TargetObjectKeyFormat.PartitionedPrefix = &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSourceDeliveryTime}
	default:
		e.TargetObjectKeyFormat.SimplePrefix = &types.SimplePrefix{}
	}
	for _, g := range l.Grants {
		e.TargetGrants = append(e.TargetGrants, types.TargetGrant{
			Permission: types.BucketLogsPermission(g.Permission),
			Grantee:    &types.Grantee{Type: types.Type(g.Type), ID: orNil(g.ID), URI: orNil(g.URI), EmailAddress: orNil(g.Email)},
		})
	}
	return e
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
