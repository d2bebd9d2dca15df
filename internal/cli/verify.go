package cli

import (
	"context"
	"time"
)

type verifyCommand struct {
	Bucket  string        `arg:"" optional:"" name:"bucket" help:"Follow the access logs of this bucket, from its settings to the row of a request."`
	Probe   string        `placeholder:"ID" help:"Look again for the request of an earlier run, and send none."`
	Timeout time.Duration `default:"3h" placeholder:"TIME" help:"How long to wait for S3 to deliver, such as 90m; 0 looks once (default: 3h)."`
	Table   string        `placeholder:"NAME" env:"SLUICE_STATE_TABLE" help:"DynamoDB table that remembers files, the output StateTable of the stack."`

	LakeBucket string `placeholder:"NAME" env:"SLUICE_LAKE_BUCKET" help:"Lake, the output LakeBucket of the stack, to read the row in."`

	Trail       string `placeholder:"PLACE" help:"Verify the files of CloudTrail at s3://bucket/prefix, or in a folder with a copy of them."`
	Keys        string `placeholder:"FILE" help:"Public keys, as aws cloudtrail list-public-keys prints them; without it CloudTrail is asked for them."`
	Since       string `placeholder:"TIME" help:"Verify digests from then on: a day such as 2026-03-02, or a time."`
	Until       string `placeholder:"TIME" help:"And up to then."`
	DigestsOnly bool   `help:"Verify the chain of digests only, and do not read the log files."`
	JSON        bool   `name:"json" help:"Print the result as one JSON document."`
}

// Help is what "sluice verify --help" says below the summary.
func (verifyCommand) Help() string {
	return `With a bucket it checks where that logs to, what S3 needs to deliver there, and who is told of new files; then it asks for an object that is not there, and waits for the line of that request and for its batch, and shows the row that is read out of the lake. S3 takes hours: interrupt it when you like, and go on later with --probe and the id. It changes nothing.

With --trail it holds every log file against the digest that names it, every digest against its signature by AWS and against the one before: what was changed, removed or added since CloudTrail delivered it is listed. A copy outside of S3 lacks the signature of its last digest, and that one is said to be unproven.

Exit codes: 0 all is as it should be; 1 an error, nothing can be said; 2 wrong usage; 3 something is not as it should be, is not there, or not yet.`
}

func (c *verifyCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Trail != "" {
		return c.trail(ctx, a)
	}
	return c.bucket(ctx, a)
}
