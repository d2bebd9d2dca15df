// The custom resource that makes buckets log: CloudFormation says which, and is
// told what became of each. Where that is all of them, a rule says so once a day
// for those that are new. What decides is in internal/enroll.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"sluice/internal/awsio"
	"sluice/internal/enroll"
)

func main() {
	r, err := build(context.Background())
	if err != nil {
		log.Fatal(fmt.Errorf("start: %w", err))
	}
	lambda.Start(r.invoked)
}

// build reads the settings: SLUICE_STATE_TABLE, the table in which is remembered
// what buckets did before, and SLUICE_ACCOUNT, whose buckets they are. All else
// is in the properties of the resource, so that a rollback brings it back, too.
func build(ctx context.Context) (*resource, error) {
	table, account := os.Getenv("SLUICE_STATE_TABLE"), os.Getenv("SLUICE_ACCOUNT")
	if table == "" || !regexp.MustCompile(`^[0-9]{12}$`).MatchString(account) {
		return nil, fmt.Errorf("SLUICE_STATE_TABLE %q must be the name of a table, SLUICE_ACCOUNT %q an account of 12 digits", table, account)
	}
	cfg, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	buckets, looks := awsio.NewBuckets(cfg, account), awsio.NewSightings(cfg, table)
	return &resource{
		work: enroll.Work{
			Buckets: buckets, Targets: buckets, Memory: enroll.NewMemory(awsio.NewRecords(cfg, table)), By: enroll.Stack, Now: time.Now,
			Logged: func(ctx context.Context) (map[string]bool, error) {
				known, err := looks.Known(ctx)
				logged := map[string]bool{}
				for _, k := range known {
					logged[k.Bucket] = k.Here()
				}
				return logged, err
			},
		},
		log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}, nil
}
