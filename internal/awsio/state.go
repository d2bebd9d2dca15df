package awsio

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sluice/internal/detect"
)

// State keeps counters and claims in one DynamoDB table with the keys pk and sk,
// both text, and the time to live in exp. It is a detect.State.
//
// A slot of a counter is an item:
//
//	pk c#<counter>  sk <slot>#<shard>  n<bin>, v<bin> sums  f who added to them
//	                                   e elements of a set  x<series> samples
//	pk c#<counter>  sk <slot>#p<file>  x0 what the file keeps apart
//
// Whoever adds to the sums is noted in the same write, on the condition that he
// is not noted yet. So a write whose answer was lost can be tried again, and no
// transaction is needed. f holds 200 names; then the slot goes on in the next
// shard, so an item stays small however many files come. A shard that is full
// never changes, so who is in none of them and not in the last has not added.
//
// What has been told is an item, too:
//
//	pk a#<uid>  sk 0  t steps that were told  o<step> owner of the claim  u<step> when it runs out
type State struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
	full   int // names in a shard
}

const (
	shardNames = 200
	atOnce     = 16 // calls: a file touches tens of items, and each is some milliseconds away
	grace      = 24 * time.Hour
)

// NewState returns the state in a table. It makes no request.
func NewState(cfg aws.Config, table string) *State {
	return &State{client: dynamodb.NewFromConfig(cfg), table: table, now: time.Now, full: shardNames}
}

// Passed does nothing: the table forgets by exp.
func (s *State) Passed(time.Time) {}

// Add is detect.State's.
func (s *State) Add(ctx context.Context, adds []detect.Add) error {
	return each(ctx, len(adds), func(ctx context.Context, i int) error {
		if err := s.add(ctx, &adds[i]); err != nil {
			return fmt.Errorf("count in %s: %w", s.table, err)
		}
		return nil
	})
}

func (s *State) add(ctx context.Context, a *detect.Add) error {
	if len(a.Elements) > 0 || len(a.Samples) > 0 {
		if err := s.union(ctx, a); err != nil {
			return err
		}
	}
	if len(a.Cells) == 0 {
		return nil
	}
	name := onceName(a.Once)
	for shard := 0; ; shard++ {
		u := s.update(counterKey(a.Key), slotKey(a.Slot, shard), a.Keep)
		u.add("f", &types.AttributeValueMemberSS{Value: []string{name}})
		for _, c := range a.Cells {
			bin := strconv.FormatInt(c.Bin, 10)
			u.add("n"+bin, numberOf(c.N))
			if c.V != 0 {
				u.add("v"+bin, numberOf(c.V))
			}
		}
		u.condition = "attribute_not_exists(f) OR (NOT contains(f, :name) AND size(f) < :full)"
		u.values[":name"] = &types.AttributeValueMemberS{Value: name}
		u.values[":full"] = numberOf(int64(s.full))
		was, err := u.run(ctx)
		if err != nil || was == nil || slices.Contains(textSet(was["f"]), name) {
			return err
		}
		if shard > 0 {
			continue
		}
		// The first shard is full, so there may be many: look once.
		items, err := s.query(ctx, a.Key, a.Slot, a.Slot)
		if err != nil {
			return err
		}
		for _, it := range items {
			if slices.Contains(textSet(it["f"]), name) {
				return nil
			}
		}
		shard = max(0, len(items)-2) // the last one, after ++
	}
}

// union adds to a set. What is there already changes nothing, and a set that is
// full needs no more.
func (s *State) union(ctx context.Context, a *detect.Add) error {
	at := slotKey(a.Slot, 0)
	if a.Apart {
		at = slotApart(a.Slot, onceName(a.Once))
	}
	u := s.update(counterKey(a.Key), at, a.Keep)
	if len(a.Elements) > 0 {
		set := make([][]byte, len(a.Elements))
		for i, e := range a.Elements {
			set[i] = []byte(e)
		}
		slices.SortFunc(set, bytes.Compare)
		set = slices.CompactFunc(set, bytes.Equal)
		u.add("e", &types.AttributeValueMemberBS{Value: set})
	}
	for _, x := range a.Samples {
		name := "x" + strconv.Itoa(x.Series)
		u.sets = append(u.sets, fmt.Sprintf("%s = if_not_exists(%s, :%s)", name, name, name))
		u.values[":"+name] = &types.AttributeValueMemberB{Value: x.Text}
	}
	if a.Cap > 0 {
		u.condition = "attribute_not_exists(e) OR size(e) < :cap"
		u.values[":cap"] = numberOf(int64(a.Cap))
	}
	_, err := u.run(ctx)
	return err
}

// Read is detect.State's.
func (s *State) Read(ctx context.Context, spans []detect.Span) ([][]detect.Slot, error) {
	all := make([][]detect.Slot, len(spans))
	err := each(ctx, len(spans), func(ctx context.Context, i int) error {
		items, err := s.query(ctx, spans[i].Key, spans[i].From, spans[i].To)
		if err != nil {
			return fmt.Errorf("read counters of %s: %w", s.table, err)
		}
		all[i], err = slotsOf(items)
		return err
	})
	return all, err
}

type item = map[string]types.AttributeValue

// query reads the shards of a range of slots, in order. It sees every write that
// was answered before.
func (s *State) query(ctx context.Context, key string, from, to int64) ([]item, error) {
	in := &dynamodb.QueryInput{
		TableName:              &s.table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk":   &types.AttributeValueMemberS{Value: counterKey(key)},
			":from": &types.AttributeValueMemberS{Value: slotKey(from, 0)},
			":to":   &types.AttributeValueMemberS{Value: slotEnd(to)},
		},
	}
	var items []item
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		items = append(items, out.Items...)
		if len(out.LastEvaluatedKey) == 0 {
			return items, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// slotsOf puts the shards of each slot together.
func slotsOf(items []item) ([]detect.Slot, error) {
	var all []detect.Slot
	for _, it := range items {
		n, err := slotOf(it)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].Slot != n {
			all = append(all, detect.Slot{Slot: n})
		}
		if err := gather(&all[len(all)-1], it); err != nil {
			return nil, err
		}
	}
	for i := range all {
		s := &all[i]
		s.Size = len(s.Elements)
		slices.SortFunc(s.Cells, func(a, b detect.Cell) int { return cmp.Compare(a.Bin, b.Bin) })
		slices.SortFunc(s.Samples, func(a, b detect.Sample) int { return cmp.Compare(a.Series, b.Series) })
	}
	return all, nil
}

// gather adds what an item holds to its slot.
func gather(s *detect.Slot, it item) error {
	for name, v := range it {
		switch {
		case name == "e":
			if set, ok := v.(*types.AttributeValueMemberBS); ok {
				for _, e := range set.Value {
					s.Elements = append(s.Elements, string(e))
				}
			}
		case name == "pk" || name == "sk" || name == "f" || name == "exp":
		default:
			at, err := strconv.ParseInt(name[1:], 10, 64)
			if err != nil {
				return fmt.Errorf("item %s: attribute %q is not the state's", textOf(it["sk"]), name)
			}
			if x, ok := v.(*types.AttributeValueMemberB); ok {
				s.Samples = append(s.Samples, detect.Sample{Series: int(at), Text: x.Value})
				continue
			}
			i := slices.IndexFunc(s.Cells, func(c detect.Cell) bool { return c.Bin == at })
			if i < 0 {
				i = len(s.Cells)
				s.Cells = append(s.Cells, detect.Cell{Bin: at})
			}
			if n := intOf(v); name[0] == 'n' {
				s.Cells[i].N += n
			} else {
				s.Cells[i].V += n
			}
		}
	}
	return nil
}

// Claim is detect.State's.
func (s *State) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	grants := make([]detect.Grant, len(claims))
	err := each(ctx, len(claims), func(ctx context.Context, i int) error {
		c := &claims[i]
		step := strconv.FormatInt(c.Step, 10)
		owner, until := "o"+step, "u"+step
		u := s.update("a#"+c.UID, "0", c.Keep)
		u.sets = append(u.sets, owner+" = :me", until+" = :until")
		u.condition = fmt.Sprintf("(attribute_not_exists(t) OR NOT contains(t, :step)) AND (attribute_not_exists(%s) OR %s = :me OR %s <= :now)", owner, owner, until)
		u.values[":me"] = &types.AttributeValueMemberS{Value: c.Owner}
		u.values[":step"] = &types.AttributeValueMemberS{Value: step}
		u.values[":until"] = numberOf(c.Until.UnixMilli())
		u.values[":now"] = numberOf(now.UnixMilli())
		was, err := u.run(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("claim finding %s: %w", c.UID, err)
		case was == nil:
			grants[i] = detect.Granted
		case slices.Contains(textSet(was["t"]), step):
			grants[i] = detect.Told
		default:
			grants[i] = detect.Held
		}
		return nil
	})
	return grants, err
}

// Sent is detect.State's.
func (s *State) Sent(ctx context.Context, claims []detect.Claim) error {
	return each(ctx, len(claims), func(ctx context.Context, i int) error {
		u := s.update("a#"+claims[i].UID, "0", claims[i].Keep)
		var steps []string
		for _, step := range claims[i].Covers {
			steps = append(steps, strconv.FormatInt(step, 10))
		}
		u.add("t", &types.AttributeValueMemberSS{Value: steps})
		if _, err := u.run(ctx); err != nil {
			return fmt.Errorf("mark finding %s as sent: %w", claims[i].UID, err)
		}
		return nil
	})
}
