package cli

import (
	"context"
	"fmt"

	"sluice/internal/awsio"
)

// connectAccount makes the buckets of an account readable, with the same settings.
func connectAccount(ctx context.Context, table string) (*account, error) {
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to AWS: %w", err)
	}
	id, err := awsio.Account(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &account{
		id: id, region: cfg.Region,
		inventory: awsio.NewInventory(awsio.NewBuckets(cfg, id), cfg.Region), noted: awsio.NewSightings(cfg, table),
	}, nil
}
