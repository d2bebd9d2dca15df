package awsio

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"sluice/internal/ledger"
	"sluice/internal/table"
)

// Pending keeps the objects of batches in a lake in S3, for a ledger:
//
//	<prefix>_sluice/pending/<batch>/<n>   until the batch is decided
//	<prefix><table>/dt=<day>/...          for readers, copied there when it is committed
//
// S3 itself copies, and creates only what is not there. So a role that writes a
// lake needs no right to overwrite or delete what readers see: only under
// _sluice/pending/ does anything get deleted. Whatever is left there can expire
// once no message can come again that would finish a committed batch.
type Pending struct {
	s3             *S3
	bucket, prefix string
}

var _ ledger.Objects = (*Pending)(nil)

// Pending returns the objects of the lake under prefix (empty, or ending in a slash) of bucket.
func (s *S3) Pending(bucket, prefix string) *Pending { return &Pending{s, bucket, prefix} }

func (l *Pending) pending(batch string) string { return l.prefix + "_sluice/pending/" + batch }

// Put writes staged objects where readers do not look.
func (l *Pending) Put(ctx context.Context, batch string, staged []table.Object) error {
	lake := l.s3.Lake(l.bucket, l.pending(batch)+"/")
	for i, o := range staged {
		o.Name = pendingName(i)
		if err := lake.put(ctx, o); err != nil {
			return fmt.Errorf("object %d of %d: %w", i+1, len(staged), err)
		}
	}
	return nil
}

func pendingName(i int) string { return fmt.Sprintf("%06d", i) }

// Place copies the objects of a batch to their names, then drops what Put kept.
func (l *Pending) Place(ctx context.Context, batch string, objects []ledger.Object) error {
	for i, o := range objects {
		if err := l.place(ctx, l.pending(batch)+"/"+pendingName(i), l.prefix+o.Name); err != nil {
			return fmt.Errorf("object %d of %d: %w", i+1, len(objects), err)
		}
	}
	for i := range objects {
		if err := l.remove(ctx, l.pending(batch)+"/"+pendingName(i)); err != nil {
			return err
		}
	}
	return nil
}

func (l *Pending) place(ctx context.Context, from, to string) error {
	source := (&url.URL{Path: l.bucket + "/" + from}).EscapedPath()
	_, err := l.s3.client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &l.bucket, Key: &to, CopySource: &source,
		IfNoneMatch:      aws.String("*"),
		TaggingDirective: types.TaggingDirectiveReplace, // to read tags would need a right of its own
	})
	switch statusOf(err) {
	case http.StatusPreconditionFailed:
		return nil // the name says whose it is: an earlier attempt, or another worker, was here
	case http.StatusNotFound, http.StatusForbidden:
		// Objects are dropped when all of the batch are placed. Who may list no
		// more than what is pending is told that a missing one is forbidden.
		if _, herr := l.s3.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: &to}); herr == nil {
			return nil
		}
		if statusOf(err) == http.StatusForbidden {
			break
		}
		return fmt.Errorf("%s was committed and is gone: %w", name(l.bucket, to), err)
	}
	if err != nil {
		return fmt.Errorf("copy %s to %s: %w", name(l.bucket, from), name(l.bucket, to), err)
	}
	return nil
}

func (l *Pending) remove(ctx context.Context, key string) error {
	_, err := l.s3.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("remove %s: %w", name(l.bucket, key), err)
	}
	return nil
}

// Drop removes what a batch has out of sight.
func (l *Pending) Drop(ctx context.Context, batch string) error {
	for o, err := range l.s3.List(ctx, l.bucket, l.pending(batch)+"/") {
		if err != nil {
			return err
		}
		if err := l.remove(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}

// Batches lists the batches that have something out of sight.
func (l *Pending) Batches(ctx context.Context) ([]string, error) {
	var batches []string
	for o, err := range l.s3.List(ctx, l.bucket, l.pending("")) {
		if err != nil {
			return nil, err
		}
		batch, _, _ := strings.Cut(strings.TrimPrefix(o.Key, l.pending("")), "/")
		batches = append(batches, batch)
	}
	return slices.Compact(batches), nil // keys come in order
}
