package main

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/awsio"
	"sluice/internal/coverage"
)

// day is what the rule of the template sends; it returns why that failed.
func (s *stack) day(properties string) (why string) {
	s.t.Helper()
	a := s.function.Invoke([]byte(`{"sluice":"enroll-new","ResourceProperties":{"LogBucket":"example-logs","LakeBucket":"example-lake","TrailBucket":"","ForeignLogging":"keep",`+properties+`}}`), time.Minute)
	if a.Dead {
		s.t.Fatalf("%+v\n%s", a, s.function.Output())
	}
	if !a.Failed {
		return ""
	}
	return a.Body
}

// looked notes what the daily look at the account found.
func (s *stack) looked(found map[string]coverage.Status) {
	s.t.Helper()
	s.buckets.Setenv(s.t) // for its credentials
	s.state.Setenv(s.t)
	cfg, err := awsio.Config(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var all []coverage.Known
	for bucket, status := range found {
		all = append(all, coverage.Known{Bucket: bucket, Status: status, Looked: time.Now()})
	}
	if err := awsio.NewSightings(cfg, "state").Keep(s.t.Context(), all); err != nil {
		s.t.Fatal(err)
	}
}

// TestNewBuckets: one that is made later logs within a day, and gives that back
// with the stack; what somebody switched off meanwhile stays as it is, for a
// finding to tell of, however it came to log.
func TestNewBuckets(t *testing.T) {
	s := start(t, "example-photos", "example-byhand")
	s.buckets.Set("example-byhand", "logging", strings.NewReplacer("example-audit", "example-logs", "<TargetPrefix>a/</TargetPrefix>", "<TargetPrefix></TargetPrefix><TargetObjectKeyFormat><PartitionedPrefix>"+here+"</PartitionedPrefix></TargetObjectKeyFormat>").Replace(elsewhere))
	all := map[string]string{"SourceBuckets": "*", "ExcludedBuckets": "example-scratch"}
	a := s.ask("Create", "", all)
	if a.Data["Enrolled"] != "2" {
		t.Fatalf("created: %+v", a)
	}
	s.looked(map[string]coverage.Status{"example-photos": coverage.Waiting, "example-byhand": coverage.Logging})

	const off = `<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></BucketLoggingStatus>`
	for _, b := range []string{"example-photos", "example-byhand"} {
		s.buckets.Set(b, "logging", off)
	}
	for _, b := range []string{"example-new", "example-scratch", "example-audited"} {
		s.buckets.Move(b, "eu-central-1")
	}
	s.buckets.Set("example-audited", "logging", elsewhere)
	const daily = `"SourceBuckets":"*","ExcludedBuckets":"example-scratch"`
	for range 2 {
		if why := s.day(daily); why != "" {
			t.Fatal(why)
		}
		s.holds("a day later", map[string]string{"example-new": here, "example-scratch": "", "example-audited": "example-audit", "example-photos": "", "example-byhand": "", "example-logs": "", "example-lake": ""})
	}
	// Once a finding has told of it, what no record says was enrolled is new again.
	s.looked(map[string]coverage.Status{"example-photos": coverage.Off, "example-byhand": coverage.Off})
	if why := s.day(daily); why != "" {
		t.Error(why)
	}
	s.holds("two days later", map[string]string{"example-photos": "", "example-byhand": here})

	if a := s.ask("Delete", a.PhysicalResourceId, all); a.Status != "SUCCESS" {
		t.Errorf("deleted: %+v", a)
	}
	s.holds("deleted", map[string]string{"example-new": "", "example-byhand": "", "example-audited": "example-audit"})
}

// TestDayFails where nothing can be done at all, so that Lambda tries again; not
// because of one bucket.
func TestDayFails(t *testing.T) {
	s := start(t, "example-photos", "example-videos")
	if why := s.day(`"SourceBuckets":"example-photos"`); !strings.Contains(why, "is not *") {
		t.Errorf("not all buckets: %s", why)
	}
	s.buckets.Deny("PUT example-photos?logging", 403)
	if why := s.day(`"SourceBuckets":"*"`); why != "" {
		t.Errorf("failed because of one bucket: %s", why)
	}
	s.holds("one denied", map[string]string{"example-photos": "", "example-videos": here})
	s.buckets.Deny("PUT example-photos?logging", 0)
	if why := s.day(`"SourceBuckets":"*"`); why != "" {
		t.Error(why)
	}
	s.holds("denied no more", map[string]string{"example-photos": here})

	s.buckets.Move("example-new", "eu-central-1")
	s.buckets.Set("example-logs", "policy", "")
	if why := s.day(`"SourceBuckets":"*"`); !strings.Contains(why, "has no policy by which") {
		t.Errorf("nobody may deliver: %s", why)
	}
	s.buckets.Deny("GET ?", 403)
	if why := s.day(`"SourceBuckets":"*"`); !strings.Contains(why, "list buckets") {
		t.Errorf("no list: %s", why)
	}
}
