package cli

import (
	"context"
	"errors"
)

type verifyCommand struct {
	Trail       string `placeholder:"PLACE" help:"Verify the files of CloudTrail at s3://bucket/prefix, or in a folder with a copy of them."`
	Keys        string `placeholder:"FILE" help:"Public keys, as aws cloudtrail list-public-keys prints them; without it CloudTrail is asked for them."`
	Since       string `placeholder:"TIME" help:"Verify digests from then on: a day such as 2026-03-02, or a time."`
	Until       string `placeholder:"TIME" help:"And up to then."`
	DigestsOnly bool   `help:"Verify the chain of digests only, and do not read the log files."`
	JSON        bool   `name:"json" help:"Print the result as one JSON document."`
}

// Help is what "sluice verify --help" says below the summary.
func (verifyCommand) Help() string {
	return `With --trail it holds every log file against the digest that names it, every digest against its signature by AWS and against the one before: what was changed, removed or added since CloudTrail delivered it is listed. A copy outside of S3 lacks the signature of its last digest, and that one is said to be unproven.

Exit codes: 0 all is as it should be; 1 an error, nothing can be said; 2 wrong usage; 3 something is not as it should be, or is not there.`
}

func (c *verifyCommand) Run(ctx context.Context, a *app) error {
	if c.Trail == "" {
		return usage(errors.New("what? --trail s3://bucket/prefix verifies the files of CloudTrail there"))
	}
	return c.trail(ctx, a)
}
