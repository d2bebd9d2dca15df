package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/awsio"
	"sluice/internal/ledger"
	"sluice/internal/testaws"
)

// enrolling is a terminal, or none, on an account with some buckets.
type enrolling struct {
	t        *testing.T
	buckets  *testaws.Buckets
	records  ledger.Records
	terminal bool
	typed    string
}

func newEnrolling(t *testing.T) *enrolling {
	e := &enrolling{t: t, records: ledger.NewMemory(), buckets: testaws.NewBuckets(t, "example-logs", "example-lake", "example-photos", "example-videos", "example-audited", "example-virginia")}
	e.buckets.Setenv(t)
	t.Setenv("SLUICE_STATE_TABLE", "") // the shell's own must not count
	t.Setenv("SLUICE_LOG_BUCKET", "")
	t.Setenv("SLUICE_LAKE_BUCKET", "")
	t.Setenv("SLUICE_TRAIL_BUCKET", "")
	e.buckets.Move("example-virginia", "us-east-1")
	e.buckets.Set("example-logs", "policy", `{"Statement":{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::example-logs/*"}}`)
	e.buckets.Set("example-audited", "logging", `<BucketLoggingStatus><LoggingEnabled><TargetBucket>example-audit</TargetBucket><TargetPrefix>a/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>`)
	return e
}

func (e *enrolling) run(args ...string) (code int, stdout, stderr string) {
	e.t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(e.typed), stdout: screenOf(&out), stderr: screenOf(&errs),
		records: func(context.Context, string) (ledger.Records, error) { return e.records, nil },
		buckets: func(ctx context.Context) (accountBuckets, error) {
			cfg, err := awsio.Config(ctx)
			return awsio.NewBuckets(cfg, "111122223333"), err
		},
	}
	if e.terminal {
		a.stderr.terminal, a.stderr.redraws, a.stderr.width = true, true, 100
	}
	code = a.run(e.t.Context(), append([]string{"enroll", "--target=example-logs", "--lake-bucket=example-lake", "--table=state"}, args...))
	return code, out.String(), errs.String()
}

func (e *enrolling) logs(bucket string) string {
	doc := e.buckets.Get(bucket, "logging")
	_, after, _ := strings.Cut(doc, "<TargetBucket>")
	target, _, _ := strings.Cut(after, "<")
	return target
}

func (e *enrolling) changed() (n int) {
	for _, r := range e.buckets.Requests() {
		if strings.HasPrefix(r, "PUT") {
			n++
		}
	}
	return n
}

func TestEnroll(t *testing.T) {
	e := newEnrolling(t)
	code, out, errs := e.run("--all", "--dry-run")
	if code != 0 || errs != "" || e.changed() > 0 {
		t.Errorf("plan: exit code %d, %d changed: %s", code, e.changed(), errs)
	}
	if want := strings.Join([]string{
		" bucket           │ step   │ logs to now                      │ and then, or why not",
		"──────────────────┼────────┼──────────────────────────────────┼──────────────────────────────────────────────────────────────────────────────────────────",
		" example-audited  │ leave  │ s3://example-audit/a/ (simple)   │ logs to s3://example-audit/a/ (simple) already",
		" example-photos   │ enable │ off                              │ s3://example-logs/ (event-time)",
		" example-videos   │ enable │ off                              │ s3://example-logs/ (event-time)",
		" example-virginia │ refuse │ unknown                              │ is in us-east-1, and S3 delivers access logs within a Region: it takes a stack there",
	}, "\n"); strings.ReplaceAll(strings.ReplaceAll(out, " ", ""), "─", "") != strings.ReplaceAll(strings.ReplaceAll(want+"\n", " ", ""), "─", "") {
		t.Errorf("plan:\n%s\nwant\n%s", out, want)
	}

	if code, _, errs := e.run("--all"); code != exitUsage || !strings.Contains(errs, "say --yes") || e.changed() > 0 {
		t.Errorf("nobody to ask: exit code %d: %s", code, errs)
	}
	code, out, errs = e.run("--all", "--except=example-videos", "--yes")
	wants(t, "enrolled", out, "1 bucket changed, 0 failed")
	if code != 0 || e.logs("example-photos") != "example-logs" || e.logs("example-videos") != "" || e.logs("example-audited") != "example-audit" {
		t.Errorf("enrolled: exit code %d: %s", code, errs)
	}
	if code, out, _ := e.run("example-photos", "--yes"); code != 0 || out != " 1 bucket as they should be\n" {
		t.Errorf("again: exit code %d: %s", code, out)
	}
	if code, _, _ := e.run("example-audited", "example-videos", "--yes"); code != exitPartial || e.logs("example-videos") != "example-logs" {
		t.Errorf("one of two stays as it is: exit code %d, %s", code, e.logs("example-videos"))
	}
	if code, _, _ := e.run("example-audited", "--replace", "--yes"); code != 0 || e.logs("example-audited") != "example-logs" {
		t.Errorf("replaced: exit code %d, %s", code, e.logs("example-audited"))
	}
	if code, out, _ := e.run("--restore", "--all", "--except", "example-photos", "--yes"); code != 0 || e.logs("example-audited") != "example-audit" || e.logs("example-videos") != "" || e.logs("example-photos") == "" {
		t.Errorf("given back: exit code %d\n%s", code, out)
	}
	if code, _, _ := e.run("--restore", "example-photos", "--yes"); code != 0 || e.logs("example-photos") != "" {
		t.Errorf("given back by name: exit code %d", code)
	}
	if code, out, _ := e.run("--restore", "example-photos", "--yes"); code != exitPartial || !strings.Contains(out, "was not enrolled") {
		t.Errorf("given back twice: exit code %d: %s", code, out)
	}
}

// The buckets of the stack never log: by name refused, of all left out.
func TestEnrollOwn(t *testing.T) {
	e := newEnrolling(t)
	code, out, _ := e.run("example-videos", "example-lake", "example-logs", "--trail-bucket=example-videos", "--yes")
	if code != exitPartial || e.changed() > 0 || strings.Count(out, "refuse") != 3 || !strings.Contains(out, "is the bucket of the trail of Sluice") {
		t.Errorf("%d\n%s", code, out)
	}
	if code, out, _ := e.run("--all", "--trail-bucket=example-videos", "--yes"); code != 0 || e.logs("example-videos") != "" || e.logs("example-photos") == "" {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestEnrollAsks(t *testing.T) {
	e := newEnrolling(t)
	e.terminal = true
	for _, c := range []struct {
		typed string
		code  int
		logs  string
	}{{"", exitError, ""}, {"n\n", exitError, ""}, {"yes please\n", exitError, ""}, {"Y\n", 0, "example-logs"}} {
		e.typed = c.typed
		code, _, errs := e.run("example-photos")
		if code != c.code || e.logs("example-photos") != c.logs || !strings.Contains(errs, "Change 1 bucket? [y/N]") {
			t.Errorf("typed %q: exit code %d, logs to %q: %s", c.typed, code, e.logs("example-photos"), errs)
		}
	}
}

func TestEnrollForMachines(t *testing.T) {
	e := newEnrolling(t)
	e.buckets.Deny("PUT example-videos?logging", 403)
	code, out, errs := e.run("--all", "--json", "--yes")
	var answer struct {
		Target  string
		Applied bool
		Buckets []struct {
			Bucket, Step, Reason, Error string
			Now, Then                   *struct{ Target, Prefix, Format string }
		}
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != exitPartial || errs != "" {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	photos, videos := answer.Buckets[1], answer.Buckets[2]
	if !answer.Applied || answer.Target != "example-logs" || photos.Step != "enable" || photos.Now != nil || photos.Then.Format != "event-time" || photos.Error != "" ||
		videos.Step != "enable" || !strings.Contains(videos.Error, "AccessDenied") {
		t.Errorf("%s", out)
	}
}

func TestEnrollSaysWhatIsWrong(t *testing.T) {
	e := newEnrolling(t)
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs)}
	if code := a.run(t.Context(), []string{"enroll", "--except=x", "--restore", "--replace"}); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	wants(t, "all faults at once", errs.String(), "name some, or say --all", "--except goes with --all", "opposites", "--target is missing", "--lake-bucket is missing", "--table is missing")

	e.buckets.Set("example-logs", "encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)
	code, shown, said := e.run("--all", "--yes")
	if code != exitError || e.changed() > 0 {
		t.Errorf("a log bucket that receives nothing: exit code %d, %d changed\n%s", code, e.changed(), shown)
	}
	wants(t, "a log bucket that receives nothing", said, "encrypted with aws:kms by default")

	e.buckets.Deny("GET ?", 403)
	if code, _, errs := e.run("--all"); code != exitError || !strings.Contains(errs, "list buckets: ") {
		t.Errorf("no rights: exit code %d: %s", code, errs)
	}
}
