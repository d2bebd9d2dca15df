package awsio

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sluice/internal/coverage"
)

// Sightings remembers in the table of the state when lines of a bucket came, and
// what a look at the buckets found:
//
//	pk s#<day>  sk <bucket>  h hours with lines, 00 to 23
//	pk w#       sk <bucket>  j what the last look left, JSON
//
// Hours are added to a set, so a write may be repeated, and needs no condition.
type Sightings struct {
	state *State
}

var (
	_ coverage.Noter = (*Sightings)(nil)
	_ coverage.Store = (*Sightings)(nil)
)

// NewSightings returns the sightings in a table. It makes no request.
func NewSightings(cfg aws.Config, table string) *Sightings { return &Sightings{NewState(cfg, table)} }

const (
	looks = "w#"
	// keepLooks is how long a bucket that is not found any more is remembered: one
	// that is made again under its name is compared with what it was.
	keepLooks = 40 * 24 * time.Hour
)

func sightingsOf(day int32) string { return "s#" + dayOf(day).Format(time.DateOnly) }

func dayOf(day int32) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// Note is coverage.Noter's.
func (s *Sightings) Note(ctx context.Context, all []coverage.Sighting) error {
	err := each(ctx, len(all), func(ctx context.Context, i int) error {
		var hours []string
		for h := range 24 {
			if all[i].Hours&(1<<h) != 0 {
				hours = append(hours, fmt.Sprintf("%02d", h))
			}
		}
		if len(hours) == 0 {
			return nil
		}
		u := s.state.update(sightingsOf(all[i].Day), all[i].Bucket, coverage.Memory)
		u.add("h", &types.AttributeValueMemberSS{Value: hours})
		_, err := u.run(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.state.table, err)
	}
	return nil
}

// Sightings is coverage.Reader's.
func (s *Sightings) Sightings(ctx context.Context, from, to time.Time) iter.Seq2[coverage.Sighting, error] {
	return func(yield func(coverage.Sighting, error) bool) {
		for day := int32(from.Unix() / 86400); day <= int32(to.Unix()/86400); day++ {
			for it, err := range s.items(ctx, sightingsOf(day)) {
				if err != nil {
					yield(coverage.Sighting{}, err)
					return
				}
				seen := coverage.Sighting{Bucket: textOf(it["sk"]), Day: day}
				for _, h := range textSet(it["h"]) {
					n, err := strconv.Atoi(h)
					if err != nil || n < 0 || n > 23 {
						yield(coverage.Sighting{}, fmt.Errorf("item %q %q: hour %q", textOf(it["pk"]), seen.Bucket, h))
						return
					}
					seen.Hours |= 1 << n
				}
				if !yield(seen, nil) {
					return
				}
			}
		}
	}
}

// Known is coverage.Reader's.
func (s *Sightings) Known(ctx context.Context) ([]coverage.Known, error) {
	var all []coverage.Known
	for it, err := range s.items(ctx, looks) {
		if err != nil {
			return nil, err
		}
		k := coverage.Known{Bucket: textOf(it["sk"])}
		if err := json.Unmarshal([]byte(textOf(it["j"])), &k); err != nil {
			return nil, fmt.Errorf("item %q %q: %w", looks, k.Bucket, err)
		}
		all = append(all, k)
	}
	return all, nil
}

// Keep is coverage.Store's.
func (s *Sightings) Keep(ctx context.Context, all []coverage.Known) error {
	err := each(ctx, len(all), func(ctx context.Context, i int) error {
		text, err := json.Marshal(all[i])
		if err != nil {
			return err
		}
		u := s.state.update(looks, all[i].Bucket, keepLooks)
		u.sets = append(u.sets, "j = :j")
		u.values[":j"] = &types.AttributeValueMemberS{Value: string(text)}
		_, err = u.run(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to %s: %w", s.state.table, err)
	}
	return nil
}

// items reads a partition, page after page.
func (s *Sightings) items(ctx context.Context, pk string) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		pages := dynamodb.NewQueryPaginator(s.state.client, &dynamodb.QueryInput{
			TableName: &s.state.table, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk"),
			ExpressionAttributeValues: item{":pk": &types.AttributeValueMemberS{Value: pk}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, unread(s.state.table, err))
				return
			}
			for _, it := range page.Items {
				if !yield(it, nil) {
					return
				}
			}
		}
	}
}
