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
