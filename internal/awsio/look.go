package awsio

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
)

// Look says what S3 has of an object now, or of one version of it, in the words
// in which S3 announced it. It is backfill.Files'.
func (s *S3) Look(ctx context.Context, bucket, key, versionID string) (backfill.File, error) {
	in := &s3.HeadObjectInput{Bucket: &bucket, Key: &key}
	if versionID != "" {
		in.VersionId = &versionID
	}
	out, err := s.client.HeadObject(ctx, in)
	if err != nil {
		return backfill.File{}, fmt.Errorf("look at %s: %w", name(bucket, key), blamed(err))
	}
	f := backfill.File{Object: pipeline.Object{Bucket: bucket, Key: key, Version: version(aws.ToString(out.VersionId), aws.ToString(out.ETag), ""), Size: -1}}
	if out.ContentLength != nil {
		f.Size = *out.ContentLength
	}
	if out.LastModified != nil {
		f.Modified = out.LastModified.UTC()
	}
	f.Archived = archive(out)
	return f, nil
}

// archive is where an object's bytes are, when they cannot be read from there: an
// object of these classes has to be restored, and is readable until the copy
// expires. GLACIER_IR is an archive by name only.
func archive(out *s3.HeadObjectOutput) string {
	if out.ArchiveStatus != "" { // of Intelligent-Tiering
		return string(out.ArchiveStatus)
	}
	if archives(out.StorageClass) && !strings.Contains(aws.ToString(out.Restore), `ongoing-request="false"`) {
		return string(out.StorageClass)
	}
	return ""
}

func archives(c types.StorageClass) bool {
	return c == types.StorageClassGlacier || c == types.StorageClassDeepArchive
}

// blamed says when it is the object that S3 will never answer about. A HEAD has
// no body, so the status is all there is.
func blamed(err error) error {
	switch code := statusOf(err); code {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", backfill.ErrGone, err)
	case http.StatusForbidden:
		return fmt.Errorf("%w: %w", backfill.ErrDenied, err)
	case http.StatusBadRequest, http.StatusMethodNotAllowed: // a key of the customer; a delete marker
		return fmt.Errorf("%w: %w", backfill.ErrUnreadable, err)
	}
	return err
}
