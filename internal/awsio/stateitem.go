package awsio

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// update is an UpdateItem in the making.
type update struct {
	state      *State
	key        item
	sets, adds []string
	condition  string
	values     item
}

func (s *State) update(pk, sk string, keep time.Duration) *update {
	return &update{
		state: s,
		key:   item{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}},
		sets:  []string{"exp = :exp"},
		values: item{
			":exp": numberOf(s.now().Add(keep + grace).Unix()),
		},
	}
}

func (u *update) add(name string, v types.AttributeValue) {
	u.adds = append(u.adds, name+" :"+name)
	u.values[":"+name] = v
}

// run makes the change. When the condition forbids it, it returns what the item
// holds instead.
func (u *update) run(ctx context.Context) (was item, err error) {
	expression := "SET " + strings.Join(u.sets, ", ")
	if len(u.adds) > 0 {
		expression += " ADD " + strings.Join(u.adds, ", ")
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &u.state.table, Key: u.key,
		UpdateExpression: &expression, ExpressionAttributeValues: u.values,
	}
	if u.condition != "" {
		in.ConditionExpression = &u.condition
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	_, err = u.state.client.UpdateItem(ctx, in)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if failed.Item == nil {
			return item{}, nil
		}
		return failed.Item, nil
	}
	return nil, err
}

func counterKey(key string) string { return "c#" + key }

// slotKey sorts by slot, then by shard, from -10^11 on.
func slotKey(slot int64, shard int) string {
	return fmt.Sprintf("%012d#%04d", slot+100_000_000_000, shard)
}

// slotApart is the key of what one file keeps by itself.
func slotApart(slot int64, name string) string {
	return fmt.Sprintf("%012d#p%s", slot+100_000_000_000, name)
}

// slotEnd is behind all keys of a slot.
func slotEnd(slot int64) string { return fmt.Sprintf("%012d#~", slot+100_000_000_000) }

func slotOf(it item) (int64, error) {
	text, _, _ := strings.Cut(textOf(it["sk"]), "#")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("item with the key %q is not the state's", textOf(it["sk"]))
	}
	return n - 100_000_000_000, nil
}

// onceName is short, so that many fit into an item.
func onceName(once string) string {
	h := sha256.Sum256([]byte(once))
	return base64.RawURLEncoding.EncodeToString(h[:9])
}

func numberOf(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// intOf is a number, the largest there is when it is larger.
func intOf(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil {
		return i
	}
	return 0
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func textSet(v types.AttributeValue) []string {
	if s, ok := v.(*types.AttributeValueMemberSS); ok {
		return s.Value
	}
	return nil
}
