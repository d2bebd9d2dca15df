package cli

import (
	"context"
	"fmt"

	"sluice/internal/awsio"
	"sluice/internal/ledger"
	"sluice/internal/maintain"
)

// connectS3 makes s3:// paths readable with the settings of the AWS tools.
func connectS3(ctx context.Context) (remote, error) {
	s3, err := awsio.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	return s3, nil
}

// connectTable makes what a function remembers readable, with the same settings.
func connectTable(ctx context.Context, table string) (ledger.Records, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to DynamoDB: %w", err)
	}
	return awsio.NewRecords(cfg, table), nil
}

// connectPacking makes readable what was packed of a lake, with the same settings.
func connectPacking(ctx context.Context, bucket, prefix string) (maintain.Lake, error) {
	s3, err := awsio.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	return s3.Packing(bucket, prefix, maintain.NotesFolder), nil
}

// connectBuckets makes the settings of the account's buckets readable, with the
// same settings.
func connectBuckets(ctx context.Context) (accountBuckets, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	account, err := awsio.Account(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return awsio.NewBuckets(cfg, account), nil
}

// connectArchive makes the lists of buckets readable, with the same settings.
func connectArchive(ctx context.Context) (archive, error) {
	s3, err := awsio.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	return s3, nil
}

// connectJobs makes jobs of S3 Batch Operations, with the same settings but for
// the Region.
func connectJobs(ctx context.Context, region string) (batchJobs, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3 Batch Operations: %w", err)
	}
	return awsio.NewJobs(cfg, region), nil
}
