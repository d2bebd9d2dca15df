package awsio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	dialTimeout   = 5 * time.Second
	headerTimeout = 30 * time.Second // from the request sent to the first byte of the answer
	maxAttempts   = 6
	longestPause  = 20 * time.Second // between two attempts
	idlePerHost   = 64               // at least the requests made at once, or connections are thrown away
)

// errNoRegion is what to do about a Region that is not set. Without it the first
// request would fail, with words that say neither which setting nor where.
var errNoRegion = errors.New("aws settings: no Region is set: give the one that the bucket is in by AWS_REGION (AWS_REGION=eu-central-1 sluice ...)," +
	" by a profile that has one (AWS_PROFILE), or for good by \"aws configure set region eu-central-1\"")

// Config finds region and credentials the usual way (environment, profile,
// role), for all clients of one process to share. It makes no request.
//
// A request that is throttled, reset or left without an answer is tried again
// with growing pauses. A body has no time limit of its own, a large file may
// take long; the context ends what hangs.
func Config(ctx context.Context) (aws.Config, error) { return configure(ctx, longestPause) }

func configure(ctx context.Context, longestPause time.Duration) (aws.Config, error) {
	client := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = headerTimeout
			t.MaxIdleConnsPerHost = idlePerHost
		})
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithRetryer(func() aws.Retryer {
			std := retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = maxAttempts, longestPause
			})
			// Two writers met on one key: the next attempt finds the object.
			return retry.AddWithErrorCodes(std, "ConditionalRequestConflict")
		}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("aws settings: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	return cfg, nil
}
