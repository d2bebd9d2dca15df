// Package trail reads what the verification of CloudTrail's files needs of AWS:
// objects with their metadata, and the public keys of CloudTrail. It is apart from
// its parent so that no function carries the client of another service.
package trail

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/awsio"
	"sluice/internal/digest"
)

// Files are the files below a prefix of a bucket: a digest.Source.
type Files struct {
	client         *s3.Client
	list           *awsio.S3
	bucket, prefix string
}

var _ digest.Source = (*Files)(nil)

// NewFiles returns the files. It makes no request.
func NewFiles(cfg aws.Config, bucket, prefix string) *Files {
	return &Files{client: s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true // the hashes of digests are what is verified
	}), list: awsio.NewS3(cfg), bucket: bucket, prefix: prefix}
}

// List is digest.Source's.
func (f *Files) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o, err := range f.list.List(ctx, f.bucket, f.prefix) {
			if !yield(o.Key, err) || err != nil {
				return
			}
		}
	}
}

// Open is digest.Source's. Who may list a bucket is told what is missing; who may
// not, that it is forbidden.
func (f *Files) Open(ctx context.Context, key string) (io.ReadCloser, map[string]string, error) {
	out, err := f.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &f.bucket, Key: &key})
	if err != nil {
		if re, ok := errors.AsType[*awshttp.ResponseError](err); ok && re.HTTPStatusCode() == http.StatusNotFound {
			err = fmt.Errorf("%w: %w", digest.ErrMissing, err)
		}
		return nil, nil, fmt.Errorf("read %q: %w", "s3://"+f.bucket+"/"+key, err)
	}
	meta := make(map[string]string, len(out.Metadata))
	for k, v := range out.Metadata {
		meta[strings.ToLower(k)] = v
	}
	return out.Body, meta, nil
}

// Keys are CloudTrail's public keys: a digest.Keys. It asks for those of the time
// of a digest once, and remembers them: a key is in use for weeks.
type Keys struct {
	cfg aws.Config

	mu      sync.Mutex
	regions map[string]*region
}

type region struct {
	client *cloudtrail.Client
	keys   map[string]*rsa.PublicKey
}

var _ digest.Keys = (*Keys)(nil)

// NewKeys returns the keys. It makes no request.
func NewKeys(cfg aws.Config) *Keys { return &Keys{cfg: cfg, regions: map[string]*region{}} }

// Key is digest.Keys'.
func (k *Keys) Key(ctx context.Context, name, fingerprint string, from, to time.Time) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.regions[name]
	if r == nil {
		cfg := k.cfg.Copy()
		cfg.Region = name
		r = &region{cloudtrail.NewFromConfig(cfg), map[string]*rsa.PublicKey{}}
		k.regions[name] = r
	}
	if key := r.keys[fingerprint]; key != nil {
		return key, nil
	}
	in := &cloudtrail.ListPublicKeysInput{StartTime: &from, EndTime: &to}
	for {
		out, err := r.client.ListPublicKeys(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list public keys of CloudTrail in %s: %w", name, err)
		}
		for _, p := range out.PublicKeyList {
			key, err := digest.ParseKey(p.Value)
			if err != nil {
				return nil, fmt.Errorf("key %q of CloudTrail in %s: %w", aws.ToString(p.Fingerprint), name, err)
			}
			r.keys[aws.ToString(p.Fingerprint)] = key
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	if key := r.keys[fingerprint]; key != nil {
		return key, nil
	}
	return nil, digest.ErrNoKey
}
