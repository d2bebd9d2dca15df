package awsio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/pack"
)

// Packing is a lake in S3 as packing sees it: its live objects, and the notes of
// what is packed.
type Packing struct {
	s3             *S3
	bucket, prefix string
	notes          string // where the notes are, which live longer than rows
}

var (
	_ pack.Objects = (*Packing)(nil)
	_ pack.Notes   = (*Packing)(nil)
)

// Packing returns the lake under prefix (empty, or ending in a slash) of bucket,
// with its notes under another one.
func (s *S3) Packing(bucket, prefix, notes string) *Packing {
	return &Packing{s, bucket, prefix, notes}
}

// key is where the object of a name is.
func (l *Packing) key(name string) string {
	if note, ok := strings.CutPrefix(name, pack.NotesFolder); ok {
		return l.notes + note
	}
	return l.prefix + name
}

// List is pack.Objects'. What is asked for is all notes, or none.
func (l *Packing) List(ctx context.Context, prefix string) iter.Seq2[pack.Object, error] {
	return func(yield func(pack.Object, error) bool) {
		key := l.key(prefix)
		for o, err := range l.s3.List(ctx, l.bucket, key) {
			if !yield(pack.Object{Name: prefix + strings.TrimPrefix(o.Key, key), Modified: o.Modified}, err) || err != nil {
				return
			}
		}
	}
}

// Remove is pack.Objects'.
func (l *Packing) Remove(ctx context.Context, object string) error {
	key := l.key(object)
	if _, err := l.s3.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: &key}); err != nil {
		return fmt.Errorf("remove %s: %w", name(l.bucket, key), err)
	}
	return nil
}

// Create is pack.Notes'. A note that an earlier attempt of the same request has
// made counts as another's: who asks reads it then.
func (l *Packing) Create(ctx context.Context, note string, body []byte) (bool, error) {
	key := l.key(note)
	_, err := l.s3.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(body),
		ContentType: aws.String("application/json"), IfNoneMatch: aws.String("*"),
	})
	if statusOf(err) == http.StatusPreconditionFailed {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("create %s: %w", name(l.bucket, key), err)
	}
	return true, nil
}

// Read is pack.Notes'.
func (l *Packing) Read(ctx context.Context, note string) ([]byte, error) {
	key := l.key(note)
	out, err := l.s3.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name(l.bucket, key), err)
	}
	body, err := io.ReadAll(out.Body)
	if cerr := out.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name(l.bucket, key), err)
	}
	return body, nil
}
