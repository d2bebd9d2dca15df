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

	"sluice/internal/table"
)

// Lake returns the lake under prefix (empty, or ending in a slash) of bucket,
// for objects that stand for themselves: their names say what is in them, so
// that what was written before is not written again. Batches of log files, whose
// objects count together or not at all, go through Pending and a ledger.
func (s *S3) Lake(bucket, prefix string) *Lake {
	return &Lake{client: s.client, bucket: bucket, prefix: prefix}
}

// Lake writes objects that readers see at once.
type Lake struct {
	client         *s3.Client
	bucket, prefix string
}

// Write writes staged objects, in the order of their names, unless they are
// there. After an error some of them may be.
func (l *Lake) Write(ctx context.Context, staged []table.Object) error {
	objs := slices.Clone(staged)
	slices.SortFunc(objs, func(a, b table.Object) int { return strings.Compare(a.Name, b.Name) })
	for i, o := range objs {
		if err := l.put(ctx, o); err != nil {
			return fmt.Errorf("object %d of %d: %w", i+1, len(objs), err)
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
	// The name says what the object holds, and S3 stores whole objects only. So
	// "exists already" means done: an earlier delivery wrote it, or an earlier
	// attempt of this request whose answer was lost.
	if statusOf(err) == http.StatusPreconditionFailed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name(l.bucket, key), err)
	}
	return nil
}
