package backfill

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

func listed(key string, size int64) File {
	return File{Object: pipeline.Object{Bucket: "b", Key: key, Version: "etag:1", Size: size, Modified: modified}}
}

// names takes what ends in digits, and knows one sibling.
func names(key string) (bool, string) {
	switch {
	case strings.Contains(key, "Digest"):
		return false, "a digest"
	case strings.HasSuffix(key, ".txt"):
		return false, ""
	}
	return true, ""
}

func day(s string) logs.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return logs.TimeOf(t)
}

func TestPlan(t *testing.T) {
	var csv bytes.Buffer
	p := NewPlanner(Window{Since: day("2016-03-02"), Until: day("2018-01-01")}, names, &csv)
	archived := listed("logs/2017-05-01-00-00-00-A", 50)
	archived.Archived = "GLACIER"
	for _, f := range []File{
		listed("logs/", 0),
		listed("logs/2016-03-01-23-59-59-A", 10), // too early
		listed("logs/2016-03-02-00-00-00-A", 20),
		listed("a b/é+%41,\"2016-12-31-23-59-59-A", 30),
		archived,
		listed("111122223333/eu-central-1/b/2017/12/31/2017-12-31-23-59-59-A", 40),
		listed("logs/2018-01-01-00-00-00-A", 60), // too late
		listed("t/CloudTrail-Digest/x.json.gz", 70),
		listed("t/111122223333_CloudTrail_eu-central-1_20170601T0000Z_x.json.gz", 80),
		listed("notes.txt", 90),
		listed("logs/2017-06-01-00-00-00-"+strings.Repeat("é", 400), 5),
		{Object: pipeline.Object{Bucket: "b", Key: "logs/2017-01-01-00-00-00-unsized", Size: -1}},
	} {
		if err := p.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.Done()
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{
		Files: 6, Bytes: 220, TrailFiles: 1, TrailBytes: 80,
		First: day("2016-03-02"), Last: day("2018-01-01") - 1000,
		Years: []Count{{"2016", 2, 50, "logs/2016-03-02-00-00-00-A"}, {"2017", 4, 170, "logs/2017-05-01-00-00-00-A"}},
		Left: []Count{
			{notTime, 2, 70, "logs/2016-03-01-23-59-59-A"}, {"a digest", 1, 70, "t/CloudTrail-Digest/x.json.gz"},
			{tooLong, 1, 5, "logs/2017-06-01-00-00-00-" + strings.Repeat("é", 400)}, {folderMark, 1, 0, "logs/"}, {otherName, 1, 90, "notes.txt"},
		},
		Archived: []Count{{"GLACIER", 1, 50, "logs/2017-05-01-00-00-00-A"}},
	}
	if d := cmp.Diff(got, want, cmpopts.IgnoreUnexported(Plan{})); d != "" {
		t.Errorf("plan (-got +want):\n%s", d)
	}
	// What is counted is what is in the list, and the function reads it out again.
	lines := strings.Split(strings.TrimSpace(csv.String()), "\n")
	if int64(len(lines)) != got.Files {
		t.Errorf("%d lines of %d files:\n%s", len(lines), got.Files, &csv)
	}
	found := false
	for _, l := range lines {
		bucket, key, _ := strings.Cut(l, ",")
		plain, err := url.QueryUnescape(key)
		other, oerr := url.PathUnescape(key)
		if bucket != "b" || err != nil || oerr != nil || plain != other || strings.ContainsAny(key, `", +`) {
			t.Errorf("line %q", l)
		}
		found = found || plain == "a b/é+%41,\"2016-12-31-23-59-59-A"
	}
	if !found {
		t.Errorf("a key is lost:\n%s", &csv)
	}
}

func TestPlanOfNothing(t *testing.T) {
	got, err := NewPlanner(Window{}, nil, nil).Done()
	if d := cmp.Diff(got, Plan{}, cmpopts.IgnoreUnexported(Plan{})); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	// Any name, and no list.
	p := NewPlanner(Window{}, nil, nil)
	if err := p.Add(listed("notes.txt", 1)); err != nil {
		t.Fatal(err)
	}
	if got, _ := p.Done(); got.Files != 1 || len(got.Left) != 0 {
		t.Errorf("%+v", got)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestListThatCannotBeWritten(t *testing.T) {
	p := NewPlanner(Window{}, nil, full{})
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		err = p.Add(listed(fmt.Sprint("k", i), 1))
	}
	if _, derr := p.Done(); err == nil && derr == nil {
		t.Error("no error")
	}
}

func TestJob(t *testing.T) {
	good := Job{Function: "arn:aws:lambda:eu-central-1:111122223333:function:sluice-BackfillFunction-1A", Role: "arn:aws:iam::111122223333:role/sluice-BackfillJobRole-1A", Lake: "lake-example"}
	if err := good.Check(); err != nil || good.Account() != "111122223333" || good.Region() != "eu-central-1" {
		t.Errorf("%v, %s, %s", err, good.Account(), good.Region())
	}
	for _, bad := range []Job{{}, {Function: "sluice", Role: "'; rm -rf /", Lake: "s3://lake"}, {Function: good.Function + "'", Role: good.Role + "'", Lake: "a'b"}} {
		err := bad.Check()
		for _, flag := range []string{"--function", "--role", "--lake-bucket"} {
			if err == nil || !strings.Contains(err.Error(), flag) {
				t.Errorf("%+v: %s is not named: %v", bad, flag, err)
			}
		}
	}
	if got := About("b", "a'b\n\u202e"+strings.Repeat("x", 300)); len(got) != 256 || strings.ContainsAny(got, "'\n\u202e") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
