package awsio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/aws/smithy-go"

	"sluice/internal/backfill"
)

// Jobs creates jobs of S3 Batch Operations and says how far they are.
type Jobs struct {
	control *s3control.Client
	s3      *s3.Client
}

// NewJobs returns the jobs of a Region: a job must be where its bucket is.
func NewJobs(cfg aws.Config, region string) *Jobs {
	cfg = cfg.Copy()
	cfg.Region = region
	return &Jobs{s3control.NewFromConfig(cfg), s3.NewFromConfig(cfg)}
}

// maxUpload is the largest object that one request can put.
const maxUpload = 5 << 30

// Upload puts the list of a job into a bucket and returns its ETag, without
// quotes. A job names it, so that no other list can take its place.
func (j *Jobs) Upload(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64) (string, error) {
	if size > maxUpload {
		return "", fmt.Errorf("put %s: a list of %d bytes, S3 takes %d: narrow it with --since and --until", name(bucket, key), size, int64(maxUpload))
	}
	out, err := j.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body, ContentType: aws.String("text/csv")})
	if err != nil {
		return "", fmt.Errorf("put %s: %w", name(bucket, key), err)
	}
	return strings.Trim(aws.ToString(out.ETag), `"`), nil
}

// Create creates a job, which begins at once, and returns its id. The same token
// gives the same job.
func (j *Jobs) Create(ctx context.Context, job backfill.Job) (string, error) {
	out, err := j.control.CreateJob(ctx, jobInput(job))
	if err != nil {
		return "", fmt.Errorf("create a job of S3 Batch Operations: %w", err)
	}
	if aws.ToString(out.JobId) == "" {
		return "", errors.New("create a job of S3 Batch Operations: the answer has no id")
	}
	return *out.JobId, nil
}

func jobInput(job backfill.Job) *s3control.CreateJobInput {
	account := job.Account()
	manifest := job.ManifestARN()
	var fields []types.JobManifestFieldName
	for _, f := range backfill.ManifestFields() {
		fields = append(fields, types.JobManifestFieldName(f))
	}
	return &s3control.CreateJobInput{
		AccountId: &account, ClientRequestToken: &job.Token, RoleArn: &job.Role, Priority: aws.Int32(backfill.Priority),
		Description: &job.About,
		// What is to be converted was shown before; S3's own question would keep the
		// job waiting for an answer in the console.
		ConfirmationRequired: aws.Bool(false),
		Operation: &types.JobOperation{LambdaInvoke: &types.LambdaInvokeOperation{
			FunctionArn: &job.Function, InvocationSchemaVersion: aws.String(backfill.Schema), UserArguments: job.Arguments(),
		}},
		Manifest: &types.JobManifest{
			Spec:     &types.JobManifestSpec{Format: backfill.ManifestFormat, Fields: fields},
			Location: &types.JobManifestLocation{ObjectArn: &manifest, ETag: &job.ETag},
		},
		Report: &types.JobReport{
			Enabled: true, Bucket: aws.String(job.ReportBucket()), Prefix: aws.String(job.ReportPrefix()),
			Format: backfill.ReportFormat, ReportScope: backfill.ReportScope,
		},
	}
}

// State says how far a job is.
func (j *Jobs) State(ctx context.Context, account, id string) (backfill.State, error) {
	out, err := j.control.DescribeJob(ctx, &s3control.DescribeJobInput{AccountId: &account, JobId: &id})
	if err != nil {
		// NoSuchJob is what S3 answers, NotFoundException what its API reference says.
		if e, ok := errors.AsType[smithy.APIError](err); statusOf(err) == http.StatusNotFound || ok && (e.ErrorCode() == "NoSuchJob" || e.ErrorCode() == "NotFoundException") {
			return backfill.State{}, fmt.Errorf("job %q: %w", id, backfill.ErrNoJob)
		}
		return backfill.State{}, fmt.Errorf("look at job %q: %w", id, err)
	}
	if out.Job == nil {
		return backfill.State{}, fmt.Errorf("look at job %q: the answer has none", id)
	}
	d := out.Job
	s := backfill.State{ID: aws.ToString(d.JobId), Status: string(d.Status), Description: aws.ToString(d.Description)}
	if p := d.ProgressSummary; p != nil {
		s.Total, s.Succeeded, s.Failed = aws.ToInt64(p.TotalNumberOfTasks), aws.ToInt64(p.NumberOfTasksSucceeded), aws.ToInt64(p.NumberOfTasksFailed)
	}
	for _, f := range d.FailureReasons {
		s.Why = append(s.Why, aws.ToString(f.FailureCode)+": "+aws.ToString(f.FailureReason))
	}
	if why := aws.ToString(d.StatusUpdateReason); why != "" {
		s.Why = append(s.Why, why)
	}
	if d.CreationTime != nil {
		s.Created = *d.CreationTime
	}
	if d.TerminationDate != nil {
		s.Ended = *d.TerminationDate
	}
	if r := d.Report; r != nil && r.Bucket != nil {
		s.ReportFolder = "s3://" + (*r.Bucket)[strings.LastIndexByte(*r.Bucket, ':')+1:] + "/" + aws.ToString(r.Prefix) + "/job-" + s.ID + "/"
	}
	return s, nil
}
