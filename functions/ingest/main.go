// The Lambda function: S3 announces delivered log files, their records go to
// the lake, and what rules find in them to people. Everything it does is in
// internal/ingest.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/formats"
	"sluice/internal/ingest"
	"sluice/internal/ledger"
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
	files := ledger.New(ledger.Config{
		Store:   ledger.NewRecordStore(awsio.NewRecords(cfg, settings.StateTable), rand.Reader),
		Objects: s3.Pending(settings.LakeBucket, settings.LakePrefix),
		Lease:   settings.Lease, Now: time.Now,
	})
	return ingest.New(ingest.Config{
		Settings: settings, Objects: awsio.Objects, Source: s3, Lake: files.Lake(), Sweeper: files,
		Routes: formats.Routes(), Out: os.Stdout,
		State: awsio.NewState(cfg, settings.StateTable), Findings: s3.Lake(settings.LakeBucket, settings.LakePrefix),
		Topics: awsio.NewSNS(cfg), Rules: s3, Sightings: awsio.NewSightings(cfg, settings.StateTable),
	})
}
