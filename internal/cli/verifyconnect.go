package cli

import (
	"context"
	"fmt"

	"sluice/internal/awsio"
	"sluice/internal/awsio/trail"
	"sluice/internal/digest"
)

// connectTrail makes the files of CloudTrail below a prefix readable, and its keys.
func connectTrail(ctx context.Context, bucket, prefix string) (digest.Source, digest.Keys, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to AWS: %w", err)
	}
	return trail.NewFiles(cfg, bucket, prefix), trail.NewKeys(cfg), nil
}

// connectProber makes an account ready for a probe of one of its buckets.
func connectProber(ctx context.Context) (*prober, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to AWS: %w", err)
	}
	id, err := awsio.Account(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &prober{id: id, region: cfg.Region, cloud: awsio.NewBuckets(cfg, id), files: awsio.NewS3(cfg)}, nil
}
