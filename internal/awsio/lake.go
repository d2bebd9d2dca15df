package awsio

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// Lake returns the lake under prefix (empty, or ending in a slash) of bucket,
// for pipelines to commit to.
//
// One object becomes visible whole or not at all, but S3 cannot make several
// visible at once: a batch over two tables or two days that fails between them
// leaves the first ones. Names are made from the batch and writes are
// create-only, so committing the same batch again completes it and doubles
// nothing. What this cannot see is one file taken into two different batches;
// telling that apart needs a memory of files, which is not here.
//
// Nothing is ever deleted to undo half a commit: another worker may have found
// those objects present and counted on them.
func (s *S3) Lake(bucket, prefix string) *Lake {
	return &Lake{client: s.client, bucket: bucket, prefix: prefix}
}

// Lake is a pipeline.Lake in S3.
type Lake struct {
	client         *s3.Client
	bucket, prefix string
}

// Commit writes the staged objects in the order of their names.
func (l *Lake) Commit(ctx context.Context, c pipeline.Commit) error {
	objs := slices.Clone(c.Objects)
	slices.SortFunc(objs, func(a, b table.Object) int { return strings.Compare(a.Name, b.Name) })
	for i, o := range objs {
		if err := l.put(ctx, o); err != nil {
			return fmt.Errorf("commit %s: object %d of %d: %w", c.Batch, i+1, len(objs), err)
		}
	}
	return nil
}

func (l *Lake) put(ctx context.Context, o table.Object) error {
	key := l.prefix + o.Name
	f, err := os.Open(o.Path)
	if err != nil {
		return fmt.Errorf("write %s: %w", name(l.bucket, key), err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return fmt.Errorf("write %s: %w", name(l.bucket, key), err)
	} else if st.Size() != o.Bytes {
		return fmt.Errorf("write %s: staged file has %d bytes instead of %d", name(l.bucket, key), st.Size(), o.Bytes)
	}
	_, err = l.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &l.bucket, Key: &key, Body: f,
		ContentLength: &o.Bytes,
		ContentType:   aws.String("application/vnd.apache.parquet"),
		IfNoneMatch:   aws.String("*"),
	})
	// The name says which files the object holds, and S3 stores whole objects
	// only. So "exists already" means done: an earlier delivery of this batch
	// wrote it, or an earlier attempt of this request whose answer was lost.
	if statusOf(err) == http.StatusPreconditionFailed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name(l.bucket, key), err)
	}
	return nil
}
