// The Lambda function that S3 Batch Operations invokes for each old log file: it
// announces the file to the queue of the function that converts. Everything it
// does is in internal/backfill.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/backfill"
)

func main() {
	h, err := build(context.Background())
	if err != nil {
		log.Fatal(fmt.Errorf("start: %w", err))
	}
	lambda.Start(h.Handle)
}

func build(ctx context.Context) (*backfill.Handler, error) {
	settings, err := backfill.Load(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	return backfill.New(backfill.Config{
		Settings: settings, Files: awsio.NewS3(cfg), Queue: awsio.NewQueue(cfg, settings.Queue), Now: time.Now, Out: os.Stdout,
	}), nil
}
