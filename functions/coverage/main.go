// The Lambda function of the daily look: which buckets log, where to, and which
// have fallen silent. Everything it does is in internal/coverage.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/coverage"
	"sluice/internal/ingest"
	"sluice/internal/outlet"
)

func main() {
	d, err := build(context.Background())
	if err != nil {
		log.Fatal(fmt.Errorf("start: %w", err))
	}
	lambda.Start(d.Handle)
}

// build joins the parts. What findings need is set as it is for the function that
// converts.
func build(ctx context.Context) (*coverage.Daily, error) {
	shared, serr := ingest.Load(os.Getenv)
	own, err := coverage.Load(os.Getenv)
	if err := errors.Join(serr, err); err != nil {
		return nil, err
	}
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	stage, err := os.MkdirTemp(shared.Stage, "sluice-coverage-*")
	if err != nil {
		return nil, fmt.Errorf("make staging directory: %w", err)
	}
	lake := awsio.NewS3(cfg).Lake(shared.LakeBucket, shared.LakePrefix)
	out, err := outlet.New(outlet.Config{
		Shelf: lake, Topics: awsio.NewSNS(cfg), Findings: shared.FindingsTopic, Alerts: shared.AlertsTopic, Chat: shared.ChatTopic,
		Level: shared.AlertLevel, Stage: stage, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	})
	if err != nil {
		return nil, err
	}
	return coverage.NewDaily(coverage.Config{
		View: coverage.View{
			Account: shared.Account, Region: shared.Region,
			Converted: own.Converted(), Keeps: own.Keeps(shared.LakeBucket), Silence: own.Silence,
			Inventory: awsio.NewInventory(awsio.NewBuckets(cfg, shared.Account), shared.Region), Now: time.Now,
		},
		Function: shared.Function, Store: awsio.NewSightings(cfg, shared.StateTable), State: awsio.NewState(cfg, shared.StateTable),
		Outlet: out, Shelf: lake, Stage: stage, Out: os.Stdout,
	}), nil
}
