package cli

import (
	"context"
	"fmt"

	"sluice/internal/awsio"
)

// connectS3 makes s3:// paths readable with the settings of the AWS tools.
func connectS3(ctx context.Context) (remote, error) {
	s3, err := awsio.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to S3: %w", err)
	}
	return s3, nil
}
