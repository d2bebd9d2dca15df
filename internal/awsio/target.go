package awsio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"sluice/internal/enroll"
)

// Account is the account that the credentials of cfg belong to.
func Account(ctx context.Context, cfg aws.Config) (string, error) {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("whose credentials these are: %w", err)
	}
	return aws.ToString(out.Account), nil
}

// Target reads what decides whether a bucket of the account, in the Region of
// the client, can receive access logs. All that cannot be read is in the error.
func (b *Buckets) Target(ctx context.Context, bucket string) (enroll.Target, error) {
	t := enroll.Target{Name: bucket, Region: b.client.Options().Region, Account: aws.ToString(b.owner)}
	var faults []error
	// read calls one part of the settings; S3 answers some codes where there is none.
	read := func(what, none string, call func() error) {
		err := call()
		if e, ok := errors.AsType[smithy.APIError](err); ok && none != "" && e.ErrorCode() == none {
			return
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("read %s of %s: %w", what, bucket, explainBucket(err)))
		}
	}
	read("default encryption", "ServerSideEncryptionConfigurationNotFoundError", func() error {
		out, err := b.client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil && out.ServerSideEncryptionConfiguration != nil {
			for _, r := range out.ServerSideEncryptionConfiguration.Rules {
				if d := r.ApplyServerSideEncryptionByDefault; d != nil {
					t.Encryption = string(d.SSEAlgorithm)
				}
			}
		}
		return err
	})
	read("object lock", "ObjectLockConfigurationNotFoundError", func() error {
		out, err := b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil && out.ObjectLockConfiguration != nil {
			t.ObjectLock = out.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled
		}
		return err
	})
	read("who pays for requests", "", func() error {
		out, err := b.client.GetBucketRequestPayment(ctx, &s3.GetBucketRequestPaymentInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil {
			t.RequesterPays = out.Payer == types.PayerRequester
		}
		return err
	})
	read("policy", "NoSuchBucketPolicy", func() error {
		out, err := b.client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil {
			t.Policy = aws.ToString(out.Policy)
		}
		return err
	})
	enforced := false
	read("object ownership", "OwnershipControlsNotFoundError", func() error {
		out, err := b.client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil && out.OwnershipControls != nil {
			enforced = slices.ContainsFunc(out.OwnershipControls.Rules, func(r types.OwnershipControlsRule) bool {
				return r.ObjectOwnership == types.ObjectOwnershipBucketOwnerEnforced
			})
		}
		return err
	})
	read("ACL", "", func() error {
		out, err := b.client.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
		if err == nil {
			t.ACL = !enforced && admitsDelivery(out.Grants)
		}
		return err
	})
	return t, errors.Join(faults...)
}

// admitsDelivery tells whether an ACL lets S3 deliver logs, as one made with
// LogDeliveryWrite does.
func admitsDelivery(grants []types.Grant) bool {
	var write, read bool
	for _, g := range grants {
		if g.Grantee == nil || !strings.HasSuffix(aws.ToString(g.Grantee.URI), "/groups/s3/LogDelivery") {
			continue
		}
		write = write || g.Permission == types.PermissionWrite || g.Permission == types.PermissionFullControl
		read = read || g.Permission == types.PermissionReadAcp || g.Permission == types.PermissionFullControl
	}
	return write && read
}
