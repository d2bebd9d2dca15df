package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/coverage"
	"sluice/internal/logs"
	"sluice/internal/table"
)

// buckets is an account of four, one of them silent for two days and one that
// logged the day before.
type buckets struct{ err error }

func (b buckets) Buckets(context.Context) ([]coverage.Bucket, error) {
	const logs = "111122223333-s3-access-logs-eu-central-1"
	return []coverage.Bucket{
		{Name: "busy", Region: "eu-central-1", Target: logs, Prefix: "p/"}, {Name: "quiet", Region: "eu-central-1", Target: logs},
		{Name: "was-on", Region: "eu-central-1"}, {Name: logs, Region: "eu-central-1"},
	}, b.err
}

func (b buckets) Sightings(_ context.Context, from, to time.Time) iter.Seq2[coverage.Sighting, error] {
	return func(yield func(coverage.Sighting, error) bool) {
		for at := time.Now().Add(-20 * 24 * time.Hour); at.Before(time.Now()); at = at.Add(time.Hour) {
			s := coverage.Sighting{Bucket: "busy", Day: int32(at.Unix() / 86400), Hours: 1 << at.UTC().Hour()}
			if !yield(s, nil) {
				return
			}
			if s.Bucket = "quiet"; time.Since(at) > 48*time.Hour && !yield(s, nil) {
				return
			}
		}
	}
}

func (b buckets) Known(context.Context) ([]coverage.Known, error) {
	at := time.Now().Add(-24 * time.Hour)
	return []coverage.Known{{Bucket: "was-on", Status: coverage.Logging, Looked: at}, {Bucket: "quiet", Status: coverage.Silent, Target: "111122223333-s3-access-logs-eu-central-1", Looked: at}}, nil
}

func coverageWith(t *testing.T, b buckets, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		account: func(_ context.Context, table string) (*account, error) {
			if table != "state" {
				t.Errorf("table %q", table)
			}
			return &account{id: "111122223333", region: "eu-central-1", inventory: b, noted: b}, nil
		},
	}
	code = a.run(t.Context(), append([]string{"coverage"}, args...))
	return code, out.String(), errs.String()
}

func TestCoverage(t *testing.T) {
	code, out, errs := coverageWith(t, buckets{}, "--table", "state")
	if code != 0 {
		t.Fatalf("%d, %s", code, errs)
	}
	lines := strings.Split(out, "\n")
	wants(t, "counts", lines[0], "4 buckets on ", ": 1 silent, 1 off, 1 logging, 1 exempt")
	for i, want := range map[int][]string{
		4: {"quiet", "silent", "s3://111122223333-s3-access-logs-eu-central-1/"},
		5: {"was-on", "off", "logging"},
		6: {"busy", "logging", "new", "24", "s3://111122223333-s3-access-logs-eu-central-1/p/"},
		7: {"111122223333-s3-access-logs-eu-central-1", "exempt"},
	} {
		wants(t, "line", lines[i], want...)
	}
	wants(t, "next", out, "sluice verify BUCKET", "sluice enroll BUCKET")

	code, out, _ = coverageWith(t, buckets{}, "--table", "state", "--json", "--log-bucket", "other", "--silence-hours", "100")
	var got coverageAnswer
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	if got.Counts["elsewhere"] != 2 || got.Buckets[0].Bucket != "was-on" || got.Account != "111122223333" || len(got.Buckets) != 4 {
		t.Errorf("%+v", got)
	}
}

func TestCoverageFails(t *testing.T) {
	for _, c := range []struct {
		b    buckets
		args string
		code int
		want string
	}{
		{buckets{}, "", exitUsage, "--table NAME, the StateTable"},
		{buckets{}, "--table state --silence-hours 0", exitUsage, "at least 1"},
		{buckets{errors.New("denied")}, "--table state", exitError, "list buckets: denied"},
	} {
		if code, _, errs := coverageWith(t, c.b, strings.Fields(c.args)...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d, %s", c.args, code, errs)
		}
	}
}

// A copy of the lake shows its last day, and none that it is not there.
func TestCoverageOfLake(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := coverageWith(t, buckets{}, "--lake", dir); code != exitError || !strings.Contains(errs, "aws s3 sync") {
		t.Errorf("no lake: %d, %s", code, errs)
	}
	stage, err := table.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := table.New(coverage.Table, stage)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 21, 5, 6, 7, 0, time.UTC)
	for i, status := range []string{"logging", "silent"} {
		r := coverage.Row{CheckedTime: logs.TimeOf(day.AddDate(0, 0, i)), Account: logs.Text("111122223333"), BucketName: logs.Text("photos"), Status: logs.Text(status)}
		if i == 1 {
			r.SilentHours, r.IsNew = logs.SomeInt(30), logs.SomeBool(false)
		}
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := w.Close("0123")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		to := filepath.Join(dir, filepath.FromSlash(o.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(o.Path, to)); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := coverageWith(t, buckets{}, "--lake", dir, "--json")
	if code == exitError && strings.Contains(errs, "cgo") {
		t.Skip(errs)
	}
	var got coverageAnswer
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Buckets) != 1 {
		t.Fatalf("%d, %v\n%s%s", code, err, out, errs)
	}
	if b := got.Buckets[0]; b.Status != "silent" || *b.Silent != 30 || b.Usual != nil || *b.New || !got.Checked.Equal(day.AddDate(0, 0, 1)) {
		t.Errorf("%+v", got)
	}
}
