package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/backfill"
	"sluice/internal/pipeline"
)

// oldFiles is a bucket's list, in order.
type oldFiles struct {
	files []backfill.File
	err   error // at its end
}

func (o *oldFiles) Files(_ context.Context, bucket, prefix string) iter.Seq2[backfill.File, error] {
	return func(yield func(backfill.File, error) bool) {
		for _, f := range o.files {
			if f.Bucket == bucket && strings.HasPrefix(f.Key, prefix) && !yield(f, nil) {
				return
			}
		}
		if o.err != nil {
			yield(backfill.File{}, o.err)
		}
	}
}

// bench is S3 Batch Operations, with a list of what was asked of it.
type bench struct {
	region, list string
	key          string
	created      []backfill.Job
	states       map[string]backfill.State
	err          error
}

func (b *bench) Upload(_ context.Context, bucket, key string, body io.ReadSeeker, size int64) (string, error) {
	text, err := io.ReadAll(body)
	if int64(len(text)) != size {
		err = fmt.Errorf("%d bytes announced, %d there", size, len(text))
	}
	b.key, b.list = bucket+"/"+key, string(text)
	return "etag-of-list", err
}

func (b *bench) Create(_ context.Context, job backfill.Job) (string, error) {
	b.created = append(b.created, job)
	return "job-1", b.err
}

func (b *bench) State(_ context.Context, account, id string) (backfill.State, error) {
	s, ok := b.states[account+" "+id]
	if !ok {
		return s, fmt.Errorf("job %q: %w", id, backfill.ErrNoJob)
	}
	return s, nil
}

const (
	exampleFunction = "arn:aws:lambda:eu-central-1:111122223333:function:sluice-BackfillFunction-EXAMPLE"
	exampleRole     = "arn:aws:iam::111122223333:role/sluice-BackfillJobRole-EXAMPLE"
)

// backfillWith runs a command line over a list.
func backfillWith(t *testing.T, list *oldFiles, jobs *bench, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	for _, name := range []string{"SLUICE_BACKFILL_FUNCTION", "SLUICE_BACKFILL_ROLE", "SLUICE_LAKE_BUCKET"} {
		t.Setenv(name, "")
	}
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		archive: func(context.Context) (archive, error) { return list, nil },
		jobs: func(_ context.Context, region string) (batchJobs, error) {
			jobs.region = region
			return jobs, nil
		},
	}
	code = a.run(t.Context(), append([]string{"backfill"}, args...))
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return code, out.String(), errs.String()
}

// history is three years of a flat prefix, with what lies beside it.
func history() *oldFiles {
	var o oldFiles
	add := func(key string, size int64, archived string) {
		o.files = append(o.files, backfill.File{Archived: archived, Object: pipeline.Object{
			Bucket: "old-logs-example", Key: key, Version: "etag:1", Size: size, Modified: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		}})
	}
	for year := 2024; year <= 2026; year++ {
		for d := 1; d <= 20; d++ {
			class := ""
			if year == 2024 && d <= 5 {
				class = "DEEP_ARCHIVE"
			}
			add(fmt.Sprintf("logs/%d-03-%02d-10-00-00-0123456789ABCDEF", year, d), 66_950, class)
		}
	}
	add("logs/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/03/01/111122223333_CloudTrail_eu-central-1_20260301T0005Z_abcdefghijklmnop.json.gz", 29_000, "")
	add("logs/AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/03/01/111122223333_CloudTrail-Digest_eu-central-1_x_20260301T0005Z.json.gz", 900, "")
	add("logs/holiday\x1b[2J.mp4", 5_000_000, "")
	return &o
}

func TestBackfillPlan(t *testing.T) {
	jobs := &bench{}
	code, out, errs := backfillWith(t, history(), jobs, "s3://old-logs-example/logs/", "--plan")
	if code != 0 || errs != "" || strings.ContainsRune(out, 0x1b) || len(jobs.created) > 0 || jobs.list != "" {
		t.Fatalf("%d %q, job %+v\n%s", code, errs, jobs, out)
	}
	wants(t, "plan", out, "61 files, 4.0 MB, delivered 2024-03-01 to 2026-03-20, some 6,100 lines", "2024      │    20 │ 1.3 MB", "2026      │    21 │ 1.4 MB",
		"CloudTrail digest file", "no name that S3 or CloudTrail gives a log file", `holiday\x1b[2J.mp4`, "5  334.8 kB  DEEP_ARCHIVE",
		"It would cost, in dollars", "together", "It would take a minute", "Without findings (--rows-only) it would be 0.25 dollars and take a minute.", "BackfillCommand")

	var got struct {
		Files, Bytes  int64
		Years         []struct{ What string }
		LeftOut       []struct{ What, Example string } `json:"left_out"`
		Dollars       map[string]float64
		Seconds       map[string]int64
		FirstDay, Job string
	}
	code, out, _ = backfillWith(t, history(), jobs, "s3://old-logs-example/logs/", "--json", "--since", "2025-03-20", "--until", "2026-03-01")
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Files != 3 || len(got.Years) != 2 || got.Job != "" {
		t.Errorf("%d, %v, %+v\n%s", code, err, got, out)
	}
	sum := 0.0
	for what, d := range got.Dollars {
		if what != "together" {
			sum += d
		}
	}
	if d := sum - got.Dollars["together"]; d > 0.03 || d < -0.03 || got.Dollars["job"] != 0.25 {
		t.Errorf("dollars %v", got.Dollars)
	}
	if got.LeftOut[0].What != "not delivered in the time asked for" || got.LeftOut[0].Example == "" {
		t.Errorf("left out %+v", got.LeftOut)
	}

	code, out, errs = backfillWith(t, history(), jobs, "s3://old-logs-example/logs/", "--plan", "--any-name")
	if code != 0 || !strings.Contains(out, "63 files") || strings.Contains(out, "Left out") {
		t.Errorf("any name: %d %s\n%s", code, errs, out)
	}
}

func TestBackfillCreatesAJob(t *testing.T) {
	jobs := &bench{}
	args := []string{"s3://old-logs-example/logs/", "--function", exampleFunction, "--role", exampleRole, "--lake-bucket", "lake-example"}
	if code, out, _ := backfillWith(t, history(), jobs, args...); code != 0 || len(jobs.created) > 0 || !strings.Contains(out, "The same command with --yes creates the job") {
		t.Fatalf("without --yes: %d, %+v\n%s", code, jobs.created, out)
	}
	code, out, errs := backfillWith(t, history(), jobs, append(args, "--yes")...)
	if code != 0 || len(jobs.created) != 1 || jobs.region != "eu-central-1" {
		t.Fatalf("%d %s, %+v", code, errs, jobs)
	}
	wants(t, "answer", out, "Job job-1 has begun", "sluice backfill --status job-1 --function "+exampleFunction)
	j := jobs.created[0]
	if lines := strings.Count(jobs.list, "\n"); lines != 61 || !strings.HasPrefix(jobs.list, "old-logs-example,logs/2024-03-01-10-00-00-0123456789ABCDEF\n") {
		t.Errorf("list of %d lines:\n%s", lines, jobs.list[:min(300, len(jobs.list))])
	}
	if jobs.key != "lake-example/"+j.Manifest || !strings.HasPrefix(j.Manifest, "backfill/manifests/") || j.ETag != "etag-of-list" || j.Token == "" {
		t.Errorf("list at %s, job %+v", jobs.key, j)
	}
	if err := j.Check(); err != nil {
		t.Error(err)
	}
	again := &bench{err: errors.New("AccessDenied")}
	if code, _, errs := backfillWith(t, history(), again, append(args, "--yes")...); code != exitError || !strings.Contains(errs, "AccessDenied") || again.created[0].Token == j.Token {
		t.Errorf("refused: %d %s", code, errs)
	}
}

// TestBackfillRowsOnly: what it saves is in the plan, what it means, too, and the
// job has it.
func TestBackfillRowsOnly(t *testing.T) {
	jobs := &bench{}
	args := []string{"s3://old-logs-example/logs/", "--rows-only"}
	code, out, _ := backfillWith(t, history(), jobs, append(args, "--plan")...)
	if code != 0 {
		t.Fatal(code)
	}
	wants(t, "plan", out, "the ledger; nothing is counted", "Rows only: no rule sees these files, but those of the last 30 days.")
	var with, without struct {
		RowsOnly bool `json:"rows_only"`
		Dollars  map[string]float64
		Seconds  map[string]int64
	}
	big := history()
	for i := range big.files {
		big.files[i].Size *= 10_000
	}
	_, out, _ = backfillWith(t, big, jobs, append(args, "--plan", "--json")...)
	_, other, _ := backfillWith(t, big, jobs, args[0], "--plan", "--json")
	if err := errors.Join(json.Unmarshal([]byte(out), &without), json.Unmarshal([]byte(other), &with)); err != nil || !without.RowsOnly || with.RowsOnly {
		t.Fatalf("%v\n%s\n%s", err, out, other)
	}
	if without.Dollars["counting"] > with.Dollars["counting"]/10 || without.Seconds["counting"] > with.Seconds["counting"]/10 || without.Dollars["storage_month"] != with.Dollars["storage_month"] {
		t.Errorf("without %+v, with %+v", without, with)
	}
	args = append(args, "--function", exampleFunction, "--role", exampleRole, "--lake-bucket", "lake-example", "--yes")
	if code, _, errs := backfillWith(t, history(), jobs, args...); code != 0 || len(jobs.created) != 1 || !jobs.created[0].RowsOnly {
		t.Errorf("%d %s, %+v", code, errs, jobs.created)
	}
}

func TestBackfillWritesAManifest(t *testing.T) {
	jobs := &bench{}
	file := filepath.Join(t.TempDir(), "list.csv")
	args := []string{"s3://old-logs-example/logs/", "--function", exampleFunction, "--role", exampleRole, "--lake-bucket", "lake-example", "--manifest", file}
	code, out, errs := backfillWith(t, history(), jobs, args...)
	text, err := os.ReadFile(file)
	if code != 0 || err != nil || bytes.Count(text, []byte("\n")) != 61 || len(jobs.created) > 0 {
		t.Fatalf("%d %s %v\n%s", code, errs, err, text)
	}
	wants(t, "commands", out, "aws s3api put-object", "aws s3control create-job --region eu-central-1 --account-id 111122223333", file)
	if code, _, errs := backfillWith(t, history(), jobs, args...); code != exitError || !strings.Contains(errs, "file exists") {
		t.Errorf("written over: %d %s", code, errs)
	}
	// A list that broke off must not be taken for whole.
	other := filepath.Join(t.TempDir(), "list.csv")
	torn := history()
	torn.err = errors.New("list: 503 SlowDown")
	args[len(args)-1] = other
	if code, _, errs := backfillWith(t, torn, jobs, args...); code != exitError || !strings.Contains(errs, "SlowDown") {
		t.Errorf("torn list: %d %s", code, errs)
	}
	if _, err := os.Stat(other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a list is left: %v", err)
	}
}

func TestBackfillStatus(t *testing.T) {
	jobs := &bench{states: map[string]backfill.State{"111122223333 job-1": {
		ID: "job-1", Status: "Active", Total: 1500, Succeeded: 400, Failed: 3, Description: "Sluice\x1b[2J", ReportFolder: "s3://lake-example/backfill/reports/job-job-1/",
		Created: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC),
	}}}
	code, out, errs := backfillWith(t, nil, jobs, "--status", "job-1", "--function", exampleFunction)
	if code != 0 || jobs.region != "eu-central-1" || strings.ContainsRune(out, 0x1b) {
		t.Fatalf("%d %s\n%s", code, errs, out)
	}
	wants(t, "status", out, "Active", "1,500", "backfill/reports/job-job-1/", "2026-11-23T01:02:03Z")
	if code, _, errs := backfillWith(t, nil, jobs, "--status", "job-2", "--function", exampleFunction); code != exitUnknown || !strings.Contains(errs, "90 days") {
		t.Errorf("unknown: %d %s", code, errs)
	}
}

func TestBackfillUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "which files?"},
		{"logs", "is not in S3"},
		{"s3://", "is not in S3"},
		{"s3://b'ad/x", "is not in S3"},
		{"s3://bucket/x --yes", "--function"},
		{"s3://bucket/x --manifest list.csv", "--lake-bucket"},
		{"s3://bucket/x --plan --yes", "choose one"},
		{"--status job", "--function ARN"},
		{"s3://bucket/x --status job", "do one of them"},
		{"s3://bucket/x --since 2020 --plan", "--since"},
		{"s3://bucket/x --since 2020-01-02 --until 2020-01-01", "before"},
	} {
		code, out, errs := backfillWith(t, &oldFiles{}, &bench{}, strings.Fields(c.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d %q %q", c.args, code, out, errs)
		}
	}
	code, _, errs := backfillWith(t, &oldFiles{}, &bench{}, "s3://old-logs-example/none/", "--plan")
	if code != exitUnknown || !strings.Contains(errs, "there is no log file below s3://old-logs-example/none/") {
		t.Errorf("nothing there: %d %s", code, errs)
	}
	if strings.Contains(errs, "in the time") {
		t.Errorf("nobody asked for a time: %s", errs)
	}
	_, _, errs = backfillWith(t, &oldFiles{}, &bench{}, "s3://old-logs-example/none/", "--plan", "--since", "2020-01-01")
	wants(t, "nothing there", errs, "below s3://old-logs-example/none/ in the time asked for")
}
