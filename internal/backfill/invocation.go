package backfill

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// invocation is what S3 Batch Operations sends to a function: schema 1.0, whose
// tasks name the ARN of the bucket, and schema 2.0, whose tasks name the bucket
// and whose job may have arguments ("Invoke AWS Lambda function" of the S3 user
// guide). There is one task in it so far; a list is what is documented.
type invocation struct {
	Schema string `json:"invocationSchemaVersion"`
	ID     string `json:"invocationId"`
	Job    struct {
		ID        string            `json:"id"`
		Arguments map[string]string `json:"userArguments"`
	} `json:"job"`
	Tasks []struct {
		ID        string  `json:"taskId"`
		Key       string  `json:"s3Key"` // encoded as in a form
		VersionID *string `json:"s3VersionId"`
		BucketARN string  `json:"s3BucketArn"` // 1.0
		Bucket    string  `json:"s3Bucket"`    // 2.0
	} `json:"tasks"`
}

// task is one object of a job's manifest.
type task struct {
	id                   string
	bucket, key, version string
	err                  error // why it makes no sense
}

// read takes an invocation apart. The error says that there is nothing in it to
// answer to; a task that makes no sense says so itself.
func read(payload []byte) (invocation, []task, error) {
	var in invocation
	if err := json.Unmarshal(payload, &in); err != nil {
		return in, nil, fmt.Errorf("invocation: %w", err)
	}
	if in.Schema == "" || len(in.Tasks) == 0 {
		return in, nil, errors.New("invocation: no tasks of S3 Batch Operations: a job invokes this function, nothing else does")
	}
	tasks := make([]task, len(in.Tasks))
	for i, t := range in.Tasks {
		tasks[i] = task{id: t.ID, bucket: t.Bucket}
		if t.VersionID != nil {
			tasks[i].version = *t.VersionID
		}
		tasks[i].key, tasks[i].err = url.QueryUnescape(t.Key)
		switch in.Schema {
		case "1.0":
			tasks[i].bucket = t.BucketARN[strings.LastIndexByte(t.BucketARN, ':')+1:]
		case "2.0":
		default:
			tasks[i].err = fmt.Errorf("invocation schema %q is neither 1.0 nor 2.0", in.Schema)
		}
		if tasks[i].err == nil && (tasks[i].bucket == "" || tasks[i].key == "") {
			tasks[i].err = fmt.Errorf("bucket %q, key %q: one of them is missing", tasks[i].bucket, tasks[i].key)
		}
		if tasks[i].err == nil && strings.ContainsAny(tasks[i].bucket, "/:") { // S3 would not know it, now or ever
			tasks[i].err = fmt.Errorf("%q is no bucket: an access point, for instance, is not read from", tasks[i].bucket)
		}
	}
	return in, tasks, nil
}

// The verdicts on a task, as Batch Operations knows them.
const (
	succeeded = "Succeeded"
	temporary = "TemporaryFailure" // tried again, by the job itself
	permanent = "PermanentFailure" // stands in the job's report
)

// Response tells Batch Operations what became of each task. What it does not
// name has failed for good.
type Response struct {
	Schema       string   `json:"invocationSchemaVersion"`
	MissingKeys  string   `json:"treatMissingKeysAs"`
	InvocationID string   `json:"invocationId"`
	Results      []Result `json:"results"`
}

// Result is what became of one task: a code that Batch Operations acts on, and
// words that stand in the job's report.
type Result struct {
	TaskID string `json:"taskId"`
	Code   string `json:"resultCode"`
	Why    string `json:"resultString"`
}
