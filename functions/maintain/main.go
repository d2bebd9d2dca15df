// The Lambda function that packs closed days into few large objects, and the
// custom resource that lets a deployment wait until it can. What it does is in
// internal/maintain.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/awsio/athena"
	"sluice/internal/maintain"
)

func main() {
	d, err := build(context.Background())
	if err != nil {
		log.Fatal(fmt.Errorf("start: %w", err))
	}
	lambda.Start(handler{d, rest}.handle)
}

func build(ctx context.Context) (*maintain.Daily, error) {
	settings, err := maintain.Load(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	return maintain.NewDaily(maintain.Config{
		Settings: settings, Lake: awsio.NewS3(cfg).Packing(settings.LakeBucket, settings.LakePrefix, maintain.NotesFolder),
		Statements: athena.New(cfg, settings.WorkGroup, settings.Database), Now: time.Now, Out: os.Stdout,
	})
}
