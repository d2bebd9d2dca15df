//go:build cgo && unix

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/generate"
	"sluice/internal/testaws"
)

// job is a job of S3 Batch Operations, which moto does not have: it invokes the
// function with the documented payload, for one object after the other.
type job struct {
	s        *stack
	proxy    *testaws.Proxy // between AWS and the function
	function *testaws.Function
	limit    time.Duration

	arguments map[string]string // of the job; schema 2.0 has them
}

func (s *stack) job() *job {
	s.t.Helper()
	var f struct {
		Timeout     json.Number
		Environment struct{ Variables map[string]string }
	}
	s.properties("BackfillFunction", &f)
	seconds, err := f.Timeout.Int64()
	if err != nil {
		s.t.Fatalf("timeout of the function: %v", err)
	}
	j := &job{s: s, proxy: testaws.NewProxy(s.t, s.URL, s.Account), limit: time.Duration(seconds) * time.Second}
	role := s.Roles["BackfillRole"]
	env := []string{
		"AWS_ENDPOINT_URL=" + j.proxy.URL, "AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + role.ID, "AWS_SECRET_ACCESS_KEY=" + role.Secret, "AWS_SESSION_TOKEN=" + role.Token,
	}
	for k, v := range f.Environment.Variables {
		env = append(env, k+"="+v)
	}
	j.function = testaws.Start(s.t, announcer, env...)
	return j
}

// run gives objects of a bucket to the function, in turns in both schemas, and
// returns how many ended how.
func (j *job) run(bucket string, keys ...string) map[string]int {
	j.s.t.Helper()
	codes := map[string]int{}
	for i, key := range keys {
		task := map[string]any{"taskId": fmt.Sprint(i), "s3Key": url.QueryEscape(key), "s3VersionId": nil}
		in := map[string]any{"invocationSchemaVersion": "2.0", "invocationId": "example", "job": map[string]any{"id": "example"}, "tasks": []any{task}}
		if j.arguments != nil {
			in["job"].(map[string]any)["userArguments"], task["s3Bucket"] = j.arguments, bucket
		} else if i%2 == 0 {
			in["invocationSchemaVersion"], task["s3BucketArn"] = "1.0", "arn:aws:s3:::"+bucket
		} else {
			task["s3Bucket"] = bucket
		}
		payload, err := json.Marshal(in)
		if err != nil {
			j.s.t.Fatal(err)
		}
		a := j.function.Invoke(payload, j.limit)
		var out struct {
			InvocationSchemaVersion string
			Results                 []struct{ TaskID, ResultCode, ResultString string }
		}
		if err := json.Unmarshal([]byte(a.Body), &out); err != nil || a.Failed || a.Dead || len(out.Results) != 1 ||
			out.InvocationSchemaVersion != in["invocationSchemaVersion"] || out.Results[0].TaskID != task["taskId"] {
			j.s.t.Fatalf("answer %+v, %v\n%s", a, err, last([]byte(j.function.Output()), 4000))
		}
		codes[out.Results[0].ResultCode]++
	}
	return codes
}

// TestBackfill: a thousand old files below one flat prefix, over two weeks of
// days, become a few Parquet files, whose rows are those of the files: although
// the job is stopped and repeated, and some of the files are delivered as new ones
// meanwhile. The roles allow what is done, and nothing else.
func TestBackfill(t *testing.T) {
	t.Parallel()
	const bucket, days, lines = "old-logs-example", 14, 9000
	const logs = "111122223333-s3-access-logs-eu-central-1"
	s := deploy(t, oldLogs, "BackfillBuckets="+bucket+","+logs)
	mails := s.mails()
	table := testaws.NewDynamoDB(t) // moto takes minutes for what a thousand files write
	s.settings = table.Environ()
	if _, err := s.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(s.Region),
	}}); err != nil {
		t.Fatal(err)
	}
	dir, truth := generated(t, generate.Options{Seed: 17, Lines: lines, Days: days, LinesPerFile: 12, Scenarios: []string{"mass-delete"}})
	var old, live []string
	for i, name := range keysIn(t, dir) {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 { // in the log bucket, where they are announced as well
			live = append(live, name)
			s.put(logs, name, body)
			continue
		}
		key := "old logs/" + path.Base(name)
		old = append(old, key)
		s.put(bucket, key, body)
	}
	slices.Sort(old) // as a list of the bucket has them
	j, queue := s.job(), s.connect("BackfillQueue", "BackfillDelivered")
	done := func(codes map[string]int, n int) {
		t.Helper()
		if d := cmp.Diff(codes, map[string]int{"Succeeded": n}); d != "" {
			t.Fatalf("results of the job (-got +want):\n%s\n%s", d, last([]byte(j.function.Output()), 4000))
		}
	}
	// Stopped halfway, and what was announced is converted; then begun anew.
	half := len(old) / 2
	done(j.run(bucket, old[:half]...), half)
	s.empty(queue)
	began := time.Now()
	done(j.run(bucket, old...), len(old))
	t.Logf("%d files announced, %v each", len(old), (time.Since(began) / time.Duration(len(old))).Round(time.Millisecond))
	// The live files wait in their own queue, and are announced by the job, too:
	// before and after they were converted.
	done(j.run(logs, live[:len(live)/2]...), len(live)/2)
	s.empty(queue)
	s.drain()
	done(j.run(logs, live...), len(live))
	s.empty(queue)

	l := s.open()
	testRows(t, l, truth)
	perDay := map[string]int{}
	var sizes []int
	for key, body := range l.objects {
		if folder, ok := strings.CutPrefix(path.Dir(key), "lake/s3_access_logs/"); ok {
			perDay[folder]++
			sizes = append(sizes, len(body))
		}
	}
	slices.Sort(sizes)
	t.Logf("%d old and %d live files of %d lines in %d invocations: %d Parquet files on %d days, %d to %d bytes",
		len(old), len(live), truth.Access.Lines, s.invocations, len(sizes), len(perDay), sizes[0], sizes[len(sizes)-1])
	if most := 4 * len(perDay); len(sizes) > most {
		t.Errorf("%d Parquet files on %d days", len(sizes), len(perDay))
	}
	if n := l.query("SELECT count(*) FROM findings WHERE rule_title LIKE '%Deleted%'")[0][0]; n == "0" {
		t.Error("the mass delete was not found")
	}
	if n := l.query("SELECT count(*) FROM findings WHERE alert")[0][0]; n != "0" || len(mails()) > 0 {
		t.Errorf("%s alerts and %d mails about what is years old", n, len(mails()))
	}
	t.Run("rows only", func(t *testing.T) { testRowsOnly(t, s, j, queue, bucket, dir) })
	t.Run("verdicts", func(t *testing.T) { testVerdicts(t, s, j, bucket) })
	t.Run("roles", func(t *testing.T) { testBackfillRoles(t, s, j) })
}

// testRowsOnly: the same lines once more, under another name, as rows only. No rule
// saw them.
func testRowsOnly(t *testing.T, s *stack, j *job, queue *testaws.Poller, bucket, dir string) {
	const key = "rows only/2016-01-02-03-04-05-0123456789ABCDEF"
	var all []byte
	for _, name := range keysIn(t, dir) {
		if strings.HasSuffix(name, ".gz") { // CloudTrail's
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, body...)
	}
	s.put(bucket, key, all)
	count := func(sql string) int {
		t.Helper()
		n, err := strconv.Atoi(s.open().query(sql)[0][0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	found, rows := count("SELECT count(*) FROM findings"), count("SELECT count(*) FROM s3_access_logs")
	j.arguments = map[string]string{"findings": "none"}
	codes := j.run(bucket, key)
	j.arguments = nil
	s.empty(queue)
	if codes["Succeeded"] != 1 || count("SELECT count(*) FROM s3_access_logs") < rows+1000 {
		t.Errorf("%v, %d rows and before %d", codes, count("SELECT count(*) FROM s3_access_logs"), rows)
	}
	if n := count("SELECT count(*) FROM findings"); n != found {
		t.Errorf("%d findings more", n-found)
	}
}

// testVerdicts: what is wrong with a file is in the job's report, at once.
func testVerdicts(t *testing.T, s *stack, j *job, bucket string) {
	j.s = s
	s.put(s.Resources["LakeBucket"].ID, "lake/rejected/dt=2026-01-01/x.parquet", []byte("x"))
	before := s.depth(s.Resources["BackfillQueue"].ID)
	for name, codes := range map[string]map[string]int{
		"gone":              j.run(bucket, "old logs/2016-01-01-00-00-00-0000000000000000"),
		"bucket not named":  j.run(s.Resources["LakeBucket"].ID, "rules/x.yml"),
		"object of a table": j.run(s.Resources["LakeBucket"].ID, "lake/rejected/dt=2026-01-01/x.parquet"),
	} {
		if codes["PermanentFailure"] != 1 {
			t.Errorf("%s: %v", name, codes)
		}
	}
	if after := s.depth(s.Resources["BackfillQueue"].ID); after != before {
		t.Errorf("%d messages", after-before)
	}
}

// testBackfillRoles: the function did what its role allows, used all of it, and
// can do no more; and the job may read its list and write its report.
func testBackfillRoles(t *testing.T, s *stack, j *job) {
	var calls []testaws.Call
	for _, c := range j.proxy.Calls() {
		if !strings.Contains(c.Resource, "/rules/") { // tried on purpose
			calls = append(calls, c)
		}
	}
	s.granted(t, "BackfillRole", calls, map[string]string{
		"LookAtOldLogs s3:GetObjectVersion":   "is for lists with versions, which jobs of other tools may have",
		"TellMissingFromDenied s3:ListBucket": unseen["TellMissingFromDenied s3:ListBucket"],
		"WriteLog logs:CreateLogStream":       unseen["WriteLog logs:CreateLogStream"],
		"WriteLog logs:PutLogEvents":          unseen["WriteLog logs:PutLogEvents"],
	})
	ctx, lake := t.Context(), s.Resources["LakeBucket"].ID
	thief := s3.NewFromConfig(s.config(s.URL, s.Roles["BackfillRole"]))
	if _, err := thief.GetObject(ctx, &s3.GetObjectInput{Bucket: &lake, Key: aws.String("lake/rejected/dt=2026-01-01/x.parquet")}); err == nil {
		t.Error("the function may read the lake")
	}
	if err := send(s, sqsAs(s, "BackfillRole"), "Queue"); err == nil {
		t.Error("the function may announce as S3 does")
	}
	if err := receive(s, sqsAs(s, "BackfillRole"), "BackfillQueue"); err == nil {
		t.Error("the function may take messages away")
	}
	agent := s3.NewFromConfig(s.config(s.URL, s.Roles["BackfillJobRole"]))
	s.put(lake, "backfill/manifests/example.csv", []byte("b,k\n"))
	if _, err := agent.GetObject(ctx, &s3.GetObjectInput{Bucket: &lake, Key: aws.String("backfill/manifests/example.csv")}); err != nil {
		t.Errorf("the job cannot read its list: %v", err)
	}
	put := func(key string) error {
		_, err := agent.PutObject(ctx, &s3.PutObjectInput{Bucket: &lake, Key: &key, Body: strings.NewReader("x")})
		return err
	}
	if err := put("backfill/reports/job-example/manifest.json"); err != nil {
		t.Errorf("the job cannot write its report: %v", err)
	}
	for _, key := range []string{"backfill/manifests/forged.csv", "lake/s3_access_logs/dt=2026-01-01/forged.parquet", "rules/forged.yml"} {
		if put(key) == nil {
			t.Errorf("the job may write %s", key)
		}
	}
}

func sqsAs(s *stack, role string) *sqs.Client {
	cfg := s.config(s.URL, s.Roles[role])
	cfg.RetryMaxAttempts = 1
	return sqs.NewFromConfig(cfg)
}
