// The Lambda function: S3 announces delivered log files, their records go to
// the lake, and what rules find in them to people. Everything it does is in
// internal/ingest.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/formats"
	"sluice/internal/ingest"
)

func main() {
	h, err := build(context.Background())
	if err != nil {
		log.Fatal(fmt.Errorf("start: %w", err))
	}
	lambda.Start(h.Handle)
}

func build(ctx context.Context) (*ingest.Handler, error) {
	settings, err := ingest.Load(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	s3 := awsio.NewS3(cfg)
	c := ingest.Config{
		Settings: settings, Objects: awsio.Objects, Routes: formats.Routes(), Out: os.Stdout,
		Source: s3, Lake: s3.Lake(settings.LakeBucket, settings.LakePrefix),
	}
	if settings.StateTable != "" {
		c.State, c.Topics, c.Rules = awsio.NewState(cfg, settings.StateTable), awsio.NewSNS(cfg), s3
	}
	return ingest.New(c)
}
