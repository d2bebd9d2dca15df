package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sluice/internal/coverage"
	"sluice/internal/query"
)

type coverageCommand struct {
	Table        string `placeholder:"NAME" env:"SLUICE_STATE_TABLE" help:"DynamoDB table that remembers when lines came, the output StateTable of the stack. Asks AWS, now."`
	LogBucket    string `placeholder:"NAME" env:"SLUICE_LOG_BUCKET" help:"Bucket whose files the stack converts, its output LogBucket (default: ACCOUNT-s3-access-logs-REGION)."`
	SilenceHours int    `default:"24" placeholder:"N" help:"Hours from which on a bucket can be silent: the parameter of the stack (default: 24)."`
	Lake         string `placeholder:"DIR" help:"Read the last look out of this lake instead, a copy of the stack's."`
	JSON         bool   `name:"json" help:"Print all buckets as one JSON document."`
}

// Help is what "sluice coverage --help" says below the summary.
func (coverageCommand) Help() string {
	return `Buckets come in the order in which a person should look at them: silent (lines came, and for longer than is usual for the bucket none do), off, elsewhere (it logs to a bucket that is not converted), unknown (its settings could not be read), waiting (no line has come yet), logging, other_region, exempt. It changes nothing, and needs s3:ListAllMyBuckets, s3:GetBucketLogging and dynamodb:Query.`
}

// account is what coverage asks: an AWS account and what a function remembers.
type account struct {
	id, region string
	inventory  coverage.Inventory
	noted      coverage.Reader
}

func (c *coverageCommand) Run(ctx context.Context, a *app) error {
	switch {
	case c.Table == "" && c.Lake == "":
		return usage(errors.New("which account? --table NAME, the StateTable among the outputs of the stack, asks AWS; --lake DIR reads a copy of the lake"))
	case c.SilenceHours < 1:
		return usage(errors.New("--silence-hours: at least 1"))
	}
	var answer *coverageAnswer
	var err error
	if c.Lake != "" {
		answer, err = c.read(ctx)
	} else {
		answer, err = c.ask(ctx, a)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return answer.writeJSON(a.stdout)
	}
	return answer.write(a.stdout)
}

// ask looks now.
func (c *coverageCommand) ask(ctx context.Context, a *app) (*coverageAnswer, error) {
	acc, err := a.account(ctx, c.Table)
	if err != nil {
		return nil, err
	}
	bucket := c.LogBucket
	if bucket == "" {
		bucket = acc.id + "-s3-access-logs-" + acc.region
	}
	own := coverage.Settings{LogBucket: bucket}
	keeps, err := keepsOf(ctx, own, acc.noted)
	if err != nil {
		return nil, err
	}
	view := coverage.View{
		Account: acc.id, Region: acc.region, Converted: own.Converted(), Keeps: keeps,
		Silence: time.Duration(c.SilenceHours) * time.Hour, Inventory: acc.inventory, Noted: acc.noted, Now: time.Now,
	}
	r, now, err := view.Take(ctx)
	if err != nil {
		return nil, err
	}
	answer := &coverageAnswer{Checked: now, Account: acc.id, Region: acc.region, LogBucket: bucket, Buckets: []bucketCoverage{}}
	for i := range r.Rows {
		answer.Buckets = append(answer.Buckets, coverageOf(&r.Rows[i]))
	}
	answer.sort()
	return answer, nil
}

// keepsOf says which buckets must not log. The stack knows its own, and has left
// word of them.
func keepsOf(ctx context.Context, own coverage.Settings, noted coverage.Reader) (map[string]string, error) {
	keeps := own.Keeps("")
	known, err := noted.Known(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		if k.Status == coverage.Exempt && keeps[k.Bucket] == "" {
			keeps[k.Bucket] = "the daily look of the stack found that it must not log"
		}
	}
	return keeps, nil
}

// lastLook is the newest day of the table.
const lastLook = `SELECT account, region, bucket_name, status, status_before, is_new, detail, log_bucket, log_prefix,
       silent_hours, usual_hours, checked_time
FROM coverage
WHERE dt = (SELECT max(dt) FROM coverage)`

// read takes the last look out of a lake.
func (c *coverageCommand) read(ctx context.Context) (answer *coverageAnswer, err error) {
	all, err := tables()
	if err != nil {
		return nil, err
	}
	lake, err := query.Open(ctx, c.Lake, all)
	if errors.Is(err, query.ErrNoLake) {
		return nil, fmt.Errorf("%w\naws s3 sync s3://LAKE-BUCKET/lake/coverage DIR/coverage makes a copy of what there is about buckets", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lake.Close()) }()
	res, err := lake.Query(ctx, lastLook)
	if err != nil {
		return nil, err
	}
	answer = &coverageAnswer{Buckets: []bucketCoverage{}}
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		text := func(i int) string { return row[i].Text } // "" where NULL
		answer.Account = text(0)
		b := bucketCoverage{
			Bucket: text(2), Region: text(1), Status: text(3), Before: text(4), Detail: text(6), LogBucket: text(7), LogPrefix: text(8),
			Silent: number(row[9]), Usual: number(row[10]),
		}
		if !row[5].Null {
			isNew := text(5) == "true"
			b.New = &isNew
		}
		if at, err := time.Parse("2006-01-02 15:04:05.999", text(11)); err == nil {
			answer.Checked = at
		}
		answer.Buckets = append(answer.Buckets, b)
	}
	if len(answer.Buckets) == 0 {
		return nil, coded{fmt.Errorf("the lake at %s has no look at the buckets: the stack takes one a day, its first within a day of its making", c.Lake), exitUnknown}
	}
	answer.sort()
	return answer, nil
}

func number(v query.Value) *int64 {
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if v.Null || err != nil {
		return nil
	}
	return &n
}

// rank is the place of a status in the order of a look; one that is not known
// here comes last.
func rank(status string) int {
	if i := slices.Index(coverage.Statuses, coverage.Status(status)); i >= 0 {
		return i
	}
	return len(coverage.Statuses)
}
