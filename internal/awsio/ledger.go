package awsio

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sluice/internal/ledger"
)

// Records are the records of a ledger in a DynamoDB table with the keys pk and
// sk, both text, and the time to live in exp: v is what a record says, j its
// body as JSON text, for whoever looks into the table. Other items of the table
// are not met as long as their keys begin otherwise.
//
// A record is one conditional PutItem. A transaction would write many of them at
// twice the price, all or none, where each is to be judged by itself.
type Records struct {
	client *dynamodb.Client
	table  string
}

var _ ledger.Records = (*Records)(nil)

// NewRecords returns the records in a table. It makes no request.
func NewRecords(cfg aws.Config, table string) *Records {
	return &Records{client: dynamodb.NewFromConfig(cfg), table: table}
}

// unread is an error of reading a table. One that is not there is the commonest
// mistake of a person, who is told so instead of in which call.
func unread(table string, err error) error {
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fmt.Errorf("there is no table %s in this account and Region; the output StateTable of the stack names it", table)
	}
	return fmt.Errorf("read from %s: %w", table, err)
}

// Swap makes the changes whose condition holds, some at once.
func (t *Records) Swap(ctx context.Context, changes []ledger.Change) ([]ledger.Record, error) {
	now := make([]ledger.Record, len(changes))
	err := each(ctx, len(changes), func(ctx context.Context, i int) (err error) {
		now[i], err = t.swap(ctx, changes[i])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write to %s: %w", t.table, err)
	}
	return now, nil
}

func (t *Records) swap(ctx context.Context, c ledger.Change) (ledger.Record, error) {
	condition := aws.String("v = :was")
	values := map[string]types.AttributeValue{":was": &types.AttributeValueMemberS{Value: c.Was}}
	if c.Was == "" {
		condition, values = aws.String("attribute_not_exists(pk)"), nil
	}
	var err error
	if c.Says == "" {
		_, err = t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &t.table, Key: recordKey(c.Partition, c.Sort),
			ConditionExpression: condition, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
	} else {
		_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &t.table, Item: itemOf(c.Record),
			ConditionExpression: condition, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
	}
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return recordOf(refused.Item)
	}
	if err != nil {
		return ledger.Record{}, err
	}
	if c.Says == "" {
		return ledger.Record{}, nil
	}
	return c.Record, nil
}

// Get reads a record as it was written last.
func (t *Records) Get(ctx context.Context, partition, sort string) (ledger.Record, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.table, Key: recordKey(partition, sort), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return ledger.Record{}, unread(t.table, err)
	}
	return recordOf(out.Item)
}

// List reads the records of a partition, page after page.
func (t *Records) List(ctx context.Context, partition, from string) iter.Seq2[ledger.Record, error] {
	in := &dynamodb.QueryInput{
		TableName: &t.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partition}},
	}
	if from != "" { // DynamoDB knows no empty key
		in.KeyConditionExpression = aws.String("pk = :pk AND sk >= :from")
		in.ExpressionAttributeValues[":from"] = &types.AttributeValueMemberS{Value: from}
	}
	return func(yield func(ledger.Record, error) bool) {
		pages := dynamodb.NewQueryPaginator(t.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(ledger.Record{}, unread(t.table, err))
				return
			}
			for _, it := range page.Items {
				r, err := recordOf(it)
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

func recordKey(partition, sort string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: partition},
		"sk": &types.AttributeValueMemberS{Value: sort},
	}
}

func itemOf(r ledger.Record) map[string]types.AttributeValue {
	it := recordKey(r.Partition, r.Sort)
	it["v"] = &types.AttributeValueMemberS{Value: r.Says}
	it["j"] = &types.AttributeValueMemberS{Value: string(r.Body)}
	if !r.Expires.IsZero() {
		it["exp"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(r.Expires.Unix(), 10)}
	}
	return it
}

// recordOf reads an item, a zero record where there is none.
func recordOf(it map[string]types.AttributeValue) (ledger.Record, error) {
	if len(it) == 0 {
		return ledger.Record{}, nil
	}
	r := ledger.Record{Partition: textOf(it["pk"]), Sort: textOf(it["sk"]), Says: textOf(it["v"]), Body: []byte(textOf(it["j"]))}
	if r.Says == "" {
		return r, fmt.Errorf("item %q %q is no record of a ledger", r.Partition, r.Sort)
	}
	if exp, ok := it["exp"].(*types.AttributeValueMemberN); ok {
		n, err := strconv.ParseInt(exp.Value, 10, 64)
		if err != nil {
			return r, fmt.Errorf("item %q %q: time to live: %w", r.Partition, r.Sort, err)
		}
		r.Expires = time.Unix(n, 0).UTC()
	}
	return r, nil
}
