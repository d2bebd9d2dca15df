package backfill

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// Job is a job of S3 Batch Operations that gives the files of a list, one by one,
// to the function of this package.
type Job struct {
	Function string // ARN of the function; Account and Region are its own
	Role     string // ARN of what the job acts as
	Lake     string // bucket, for the list and the report
	Manifest string // key of the list
	ETag     string // of the list, without quotes: another one is refused
	Token    string // the same token is the same job, however often it is asked for
	About    string // for who finds the job in the console
	RowsOnly bool   // nobody wants to know what rules find
}

var (
	functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:([a-z0-9-]+):([0-9]{12}):function:[A-Za-z0-9_-]+$`)
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`)
	bucketName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// IsBucket says whether a bucket may have that name.
func IsBucket(name string) bool { return bucketName.MatchString(name) }

// Check says everything that keeps a job from being created, at once.
func (j Job) Check() error {
	var faults []error
	for _, c := range []struct {
		flag, value, want string
		re                *regexp.Regexp
	}{
		{"--function", j.Function, "the ARN of the stack's BackfillFunction", functionARN},
		{"--role", j.Role, "the ARN of the stack's BackfillJobRole", roleARN},
		{"--lake-bucket", j.Lake, "the name of the stack's lake bucket", bucketName},
	} {
		if !c.re.MatchString(c.value) {
			faults = append(faults, fmt.Errorf("%s %q is not %s: the stack's output BackfillCommand has all of them", c.flag, c.value, c.want))
		}
	}
	return errors.Join(faults...)
}

// Account is that of the function, "" where its ARN is none.
func (j Job) Account() string { return j.part(2) }

// Region is that of the function, where the job has to be.
func (j Job) Region() string { return j.part(1) }

func (j Job) part(n int) string {
	if m := functionARN.FindStringSubmatch(j.Function); m != nil {
		return m[n]
	}
	return ""
}

// Where lists and reports are, in the lake bucket. The roles of the template name
// these folders.
const (
	manifests = "backfill/manifests/"
	reports   = "backfill/reports"
)

// ManifestKey names a list that was made then, of a bucket.
func ManifestKey(bucket string, now time.Time) string {
	return manifests + now.UTC().Format("20060102T150405Z") + "-" + bucket + ".csv"
}

// The schema in which the job invokes the function, the formats of its list and
// its report, and its rank among other jobs of the account.
const (
	Schema         = "2.0"
	ManifestFormat = "S3BatchOperations_CSV_20180820"
	ReportFormat   = "Report_CSV_20180820"
	ReportScope    = "FailedTasksOnly"
	Priority       = 10
)

// Arguments is what the job tells the function, nil for nothing.
func (j Job) Arguments() map[string]string {
	if !j.RowsOnly {
		return nil
	}
	return map[string]string{findingsArgument: noFindings}
}

// ManifestFields are the columns of the list.
func ManifestFields() []string { return []string{"Bucket", "Key"} }

// ManifestARN is the list's.
func (j Job) ManifestARN() string { return j.bucketARN() + "/" + j.Manifest }

// ReportBucket is the ARN of the bucket of the report.
func (j Job) ReportBucket() string { return j.bucketARN() }

// ReportPrefix is the folder of the report.
func (j Job) ReportPrefix() string { return reports }

func (j Job) bucketARN() string {
	partition := strings.Split(j.Function+"::", ":")[1]
	return "arn:" + partition + ":s3:::" + j.Lake
}

// Commands are the two commands that create the job from a list in a file: the
// AWS CLI's, for who wants to look at them first. None of the values can hold a
// quote, see Check.
func (j Job) Commands(file string) []string {
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic("BUG: " + err.Error()) // texts and lists of texts
		}
		return string(b)
	}
	type m = map[string]any
	invoke := m{"FunctionArn": j.Function, "InvocationSchemaVersion": Schema}
	if a := j.Arguments(); a != nil {
		invoke["UserArguments"] = a
	}
	location := text(m{"ObjectArn": j.ManifestARN(), "ETag": "@"})
	// What put-object prints has the quotes of the ETag around it.
	location = strings.Replace(location, `"@"`, `'"$ETAG"'`, 1)
	return []string{
		fmt.Sprintf("ETAG=$(aws s3api put-object --region %s --bucket %s --key %s --body %s --query ETag --output text)",
			j.Region(), j.Lake, j.Manifest, quoted(file)),
		strings.Join([]string{
			fmt.Sprintf("aws s3control create-job --region %s --account-id %s --no-confirmation-required --priority %d", j.Region(), j.Account(), Priority),
			"--role-arn " + j.Role + " --client-request-token " + j.Token + " --description " + quoted(j.About),
			"--operation '" + text(m{"LambdaInvoke": invoke}) + "'",
			"--manifest '" + fmt.Sprintf(`{"Spec":%s,"Location":%s}`, text(m{"Format": ManifestFormat, "Fields": ManifestFields()}), location) + "'",
			"--report '" + text(m{"Bucket": j.ReportBucket(), "Format": ReportFormat, "Enabled": true, "Prefix": j.ReportPrefix(), "ReportScope": ReportScope}) + "'",
		}, " \\\n  "),
	}
}

// quoted is a text as one word of a POSIX shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// About describes a job in the words that S3 takes: 256 characters at most.
func About(bucket, prefix string) string {
	s := "Sluice: old log files of s3://" + path.Join(bucket, prefix)
	var b strings.Builder
	for _, r := range s {
		if r < ' ' || r > '~' || r == '\'' {
			r = '?'
		}
		if b.Len() < 256 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// ErrNoJob says that there is no job of that id, any more or in that Region.
var ErrNoJob = errors.New("no such job")

// State is how far a job is.
type State struct {
	ID, Status                string // Active, Complete, Failed and others: S3's words
	Total, Succeeded, Failed  int64  // tasks
	Why                       []string
	Created, Ended            time.Time // Ended is zero until then
	Description, ReportFolder string
}
