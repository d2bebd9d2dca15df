package awsio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
)

// S3 reads delivered files. It is a pipeline.Source, and makes the lists and
// the lakes that live in the same account.
type S3 struct {
	client *s3.Client
	quick  *quick
}

// NewS3 returns S3 as cfg finds it.
func NewS3(cfg aws.Config) *S3 {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true // logs are often older than checksums
	})
	return &S3{client, &quick{client: client, signer: v4.NewSigner(), places: map[string]place{}}}
}

// Connect is NewS3 with a Config of its own, for who needs nothing but S3.
func Connect(ctx context.Context) (*S3, error) {
	cfg, err := Config(ctx)
	if err != nil {
		return nil, err
	}
	return NewS3(cfg), nil
}

// Open starts reading o as it was announced: that version, or nothing. The
// bytes are those stored; S3's checksum, where the object has one, is verified
// when the end is reached, and an end before the announced size is an error.
//
// A body that breaks off is not fetched again: the error reaches the reader,
// and with it the decision to take the whole file again.
func (s *S3) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, ChecksumMode: types.ChecksumModeEnabled}
	if etag, ok := strings.CutPrefix(o.Version, etagVersion); ok {
		in.IfMatch = aws.String(`"` + etag + `"`)
	} else if o.Version != "" && !strings.HasPrefix(o.Version, sequencerVersion) {
		in.VersionId = &o.Version
	}
	want := o.Size
	if res := s.quick.open(ctx, in); res != nil {
		if want < 0 {
			want = res.ContentLength
		}
		return &body{rc: checked(res), name: name(o.Bucket, o.Key), want: want}, nil
	}
	out, err := s.client.GetObject(ctx, in, s.quick.learn(o.Bucket, o.Key))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name(o.Bucket, o.Key), explainGet(err))
	}
	if want < 0 && out.ContentLength != nil {
		want = *out.ContentLength
	}
	return &body{rc: out.Body, name: name(o.Bucket, o.Key), want: want}, nil
}

// explainGet adds what S3's answer means here, which it does not say itself.
func explainGet(err error) error {
	switch statusOf(err) {
	case http.StatusNotFound:
		return fmt.Errorf("missing: %w", err)
	case http.StatusForbidden:
		return fmt.Errorf("access denied, or missing: without s3:ListBucket on the bucket S3 answers 403 for both: %w", err)
	case http.StatusPreconditionFailed:
		return fmt.Errorf("overwritten since it was announced: %w", err)
	}
	return err
}

// body says which object broke, and does not let a short one pass as whole.
type body struct {
	rc        io.ReadCloser
	name      string
	want, got int64 // want is -1 when nobody said
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	b.got += int64(n)
	switch {
	case err == io.EOF && b.want >= 0 && b.got != b.want:
		err = fmt.Errorf("%s: %d bytes instead of %d: %w", b.name, b.got, b.want, io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("%s: after %d bytes: %w", b.name, b.got, err)
	}
	return n, err
}

func (b *body) Close() error { return b.rc.Close() }

// List yields the objects of a bucket under a prefix in the order of their
// keys, page after page. An error is the last step: the list is not complete.
//
// The list knows no versions, so the objects carry their ETag.
func (s *S3) List(ctx context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error] {
	return func(yield func(pipeline.Object, error) bool) {
		for f, err := range s.Files(ctx, bucket, prefix) {
			if !yield(f.Object, err) {
				return
			}
		}
	}
}

// Files is List with what it tells of archives. It does not tell which objects
// were restored from there.
func (s *S3) Files(ctx context.Context, bucket, prefix string) iter.Seq2[backfill.File, error] {
	return func(yield func(backfill.File, error) bool) {
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
			Bucket: &bucket, Prefix: &prefix,
			EncodingType: types.EncodingTypeUrl, // XML cannot hold every key
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(backfill.File{}, fmt.Errorf("list %s: %w", name(bucket, prefix), err))
				return
			}
			for _, c := range page.Contents {
				o, err := listed(bucket, c)
				if err != nil {
					yield(backfill.File{}, fmt.Errorf("list %s: %w", name(bucket, prefix), err))
					return
				}
				f := backfill.File{Object: o}
				if archives(types.StorageClass(c.StorageClass)) {
					f.Archived = string(c.StorageClass)
				}
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}

func listed(bucket string, c types.Object) (pipeline.Object, error) {
	key, err := url.QueryUnescape(aws.ToString(c.Key))
	if err != nil {
		return pipeline.Object{}, fmt.Errorf("key %q: %w", aws.ToString(c.Key), err)
	}
	o := pipeline.Object{Bucket: bucket, Key: key, Version: version("", aws.ToString(c.ETag), ""), Size: -1}
	if c.Size != nil {
		o.Size = *c.Size
	}
	if c.LastModified != nil {
		o.Modified = c.LastModified.UTC()
	}
	return o, nil
}

// statusOf is the HTTP status of S3's answer, 0 where there was none.
func statusOf(err error) int {
	var re *awshttp.ResponseError
	if errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

// name is an object for a person, safe to print: whoever may write to a bucket
// chooses the keys in it.
func name(bucket, key string) string { return fmt.Sprintf("%q", "s3://"+bucket+"/"+key) }
