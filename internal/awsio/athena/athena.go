// Package athena runs statements in Athena, for packing. It is a package of its
// own so that the function that converts does not carry Athena's client.
package athena

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"sluice/internal/pack"
)

// Athena runs statements in one workgroup, over one database.
type Athena struct {
	client              *athena.Client
	workgroup, database string
	rest                func(ctx context.Context, d time.Duration) error
}

var _ pack.Statements = (*Athena)(nil)

// New returns the Athena that cfg finds.
func New(cfg aws.Config, workgroup, database string) *Athena {
	return &Athena{athena.NewFromConfig(cfg), workgroup, database, rest}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run is pack.Statements'. Athena returns the statement that it has for a token
// instead of running another.
func (a *Athena) Run(ctx context.Context, token, sql string) error {
	_, err := a.end(ctx, token, sql)
	return err
}

// Ask is pack.Statements'.
func (a *Athena) Ask(ctx context.Context, sql string) ([][]string, error) {
	id, err := a.end(ctx, "", sql)
	if err != nil {
		return nil, err
	}
	var all [][]string
	pages := athena.NewGetQueryResultsPaginator(a.client, &athena.GetQueryResultsInput{QueryExecutionId: &id})
	for first := true; pages.HasMorePages(); first = false {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read answer %s: %w", id, err)
		}
		rows := page.ResultSet.Rows
		if first && len(rows) > 0 {
			rows = rows[1:] // the names of the columns
		}
		for _, r := range rows {
			var cells []string
			for _, d := range r.Data {
				cells = append(cells, aws.ToString(d.VarCharValue))
			}
			all = append(all, cells)
		}
	}
	return all, nil
}

// end starts a statement and waits until it has ended. FAILED and CANCELLED are
// terminal (Amazon Athena API Reference, "QueryExecutionStatus").
func (a *Athena) end(ctx context.Context, token, sql string) (id string, err error) {
	in := &athena.StartQueryExecutionInput{
		QueryString: &sql, WorkGroup: &a.workgroup, QueryExecutionContext: &types.QueryExecutionContext{Database: &a.database},
	}
	if token != "" {
		in.ClientRequestToken = &token
	}
	started, err := a.client.StartQueryExecution(ctx, in)
	if err != nil {
		return "", fmt.Errorf("start statement in workgroup %s: %w", a.workgroup, err)
	}
	id = aws.ToString(started.QueryExecutionId)
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		out, err := a.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &id})
		if err != nil {
			return id, fmt.Errorf("look at statement %s: %w", id, err)
		}
		switch s := out.QueryExecution.Status; s.State {
		case types.QueryExecutionStateSucceeded:
			return id, nil
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			return id, fmt.Errorf("statement %s is %s: %s: %w", id, s.State, aws.ToString(s.StateChangeReason), pack.ErrFailed)
		}
		if err := a.rest(ctx, wait); err != nil {
			return id, fmt.Errorf("wait for statement %s: %w", id, err)
		}
	}
}
