package awsio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Announces says to whom a bucket announces created objects whose keys begin so, in
// words. They have no ending that a filter could want.
func (b *Buckets) Announces(ctx context.Context, bucket, prefix string) ([]string, error) {
	out, err := b.client.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket, ExpectedBucketOwner: b.owner})
	if err != nil {
		return nil, fmt.Errorf("read notifications of %s: %w", bucket, explainBucket(err))
	}
	var to []string
	add := func(arn *string, events []types.Event, filter *types.NotificationConfigurationFilter) {
		// Log files are put; whoever wants other events only is not told of them.
		if !slices.ContainsFunc(events, func(e types.Event) bool { return e == "s3:ObjectCreated:*" || e == "s3:ObjectCreated:Put" }) {
			return
		}
		text := aws.ToString(arn)
		if filter != nil && filter.Key != nil {
			for _, r := range filter.Key.FilterRules {
				value := aws.ToString(r.Value)
				switch {
				case value == "":
				case !strings.EqualFold(string(r.Name), "prefix") || !strings.HasPrefix(prefix, value) && !strings.HasPrefix(value, prefix):
					return
				default:
					text += fmt.Sprintf(" (prefix %q only)", value)
				}
			}
		}
		to = append(to, text)
	}
	for _, q := range out.QueueConfigurations {
		add(q.QueueArn, q.Events, q.Filter)
	}
	for _, t := range out.TopicConfigurations {
		add(t.TopicArn, t.Events, t.Filter)
	}
	for _, f := range out.LambdaFunctionConfigurations {
		add(f.LambdaFunctionArn, f.Events, f.Filter)
	}
	if out.EventBridgeConfiguration != nil {
		to = append(to, "EventBridge")
	}
	return to, nil
}

// Ask asks for an object that is not there, or that the caller may not read: both
// are answers, and both are logged.
func (b *Buckets) Ask(ctx context.Context, bucket, key string) (requestID string, err error) {
	_, err = b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: b.owner})
	re, ok := errors.AsType[*awshttp.ResponseError](err)
	switch {
	case err == nil:
		return "", fmt.Errorf("s3://%s/%s is there: nobody should have made it", bucket, key)
	case ok && (re.HTTPStatusCode() == http.StatusNotFound || re.HTTPStatusCode() == http.StatusForbidden):
		return re.ServiceRequestID(), nil
	}
	return "", fmt.Errorf("head s3://%s/%s: %w", bucket, key, err)
}
