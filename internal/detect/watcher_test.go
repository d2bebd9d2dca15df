package detect_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
)

func applied(t *testing.T, e *detect.Engine, o *detect.Observed) detect.Report {
	t.Helper()
	r, err := e.Apply(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAFileThatIsNotWholeIsNotSeen(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	w := rules.Watch()
	w.Begin("a", "logs/a")
	w.Row(row(at(0)))
	if o := w.End(false); o != nil {
		t.Errorf("a broken file: got %+v, want nothing", o)
	}
	if o := watched(w, "b", row(at(0), op("REST.HEAD.OBJECT"))); o != nil {
		t.Errorf("no rule matched: got %+v, want nothing", o)
	}
	// Nothing of them is in the next.
	out := &sent{}
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), watched(w, "c", row(at(0))))
	if len(out.all) != 1 || out.all[0].Count != 1 {
		t.Errorf("got %s, want one record", out.list())
	}
}

func TestRowsThatAreNoLogsAreLeftAlone(t *testing.T) {
	w := load(t, fmt.Sprintf(deletes, "high")).Watch()
	w.Begin("a", "logs/a")
	w.Row(&logs.Rejected{})
	w.Row(nil)
	if o := w.End(true); o != nil {
		t.Errorf("got %+v, want nothing", o)
	}
}

func TestNothingOfARowIsKept(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	w := rules.Watch()
	w.Begin("a", "logs/a")
	r := row(at(0), key("first"))
	w.Row(r)
	for _, text := range []logs.Text{r.KeyName, r.RemoteIP, r.Requester, r.BucketName, r.BucketOwnerID, r.LogKey} {
		for i := range text {
			text[i] = 'X'
		}
	}
	out := &sent{}
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Account: "111122223333", Region: "eu-central-1"}), w.End(true))
	f := out.all[0]
	if f.Evidence[0].Key != "first" || f.Group[2].Value != "192.0.2.10" || f.Bucket != "amber-files" || f.Owner != "79a5aa11" {
		t.Errorf("got %+v", f)
	}
	if f.Account != "111122223333" || f.Region != "eu-central-1" || !slices.Equal(f.Sources, []string{"logs/a"}) {
		t.Errorf("got account %q, region %q, sources %v", f.Account, f.Region, f.Sources)
	}
}

func TestCloudTrailIsWatched(t *testing.T) {
	rules := load(t, `
title: Trail stopped
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0c01
status: test
level: high
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: StopLogging}, condition: sel}
`)
	w := rules.Watch()
	w.Begin("a", "logs/a")
	w.Row(&cloudtrail.Row{EventTime: at(0), EventName: logs.Text("StopLogging"), RecipientAccountID: logs.Text("111122223333"),
		AWSRegion: logs.Text("eu-west-1"), UserIdentityARN: logs.Text("arn:aws:iam::111122223333:user/wren"), SourceIPAddress: logs.Text("192.0.2.1")})
	out := &sent{}
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), w.End(true))
	if len(out.all) != 1 {
		t.Fatalf("got %d findings, want 1", len(out.all))
	}
	f := out.all[0]
	if f.Owner != "111122223333" || f.Account != "111122223333" || f.Region != "eu-west-1" || !f.Group[0].Null || f.Group[1].Value != "arn:aws:iam::111122223333:user/wren" {
		t.Errorf("got %+v", f)
	}
}

func TestTheSmallestGroupsAreDropped(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	var rows []*s3access.Row
	for i := range 1000 {
		ip := fmt.Sprintf("2001:db8::%x", i)
		rows = append(rows, row(at(0), from(ip)))
		if i >= 900 {
			rows = append(rows, row(at(0), from(ip)))
		}
	}
	out := &sent{}
	r := applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), watched(rules.Watch(), "a", rows...))
	if len(out.all) != detect.MaxGroups || r.GroupsDropped != 1000-detect.MaxGroups || r.Matched != 1100 {
		t.Errorf("got %d findings, %+v", len(out.all), r)
	}
	largest := 0
	for _, f := range out.all {
		if f.Count == 2 {
			largest++
		}
	}
	if largest != 100 {
		t.Errorf("got %d of the 100 largest groups", largest)
	}
}

// A file of many records is as many small files: what begins in one part of it
// does not push out what began in another.
func TestALongFileKeepsGroupsOfEachPart(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	w := rules.Watch()
	w.Begin("a", "logs/a")
	other := row(at(0), op("REST.HEAD.OBJECT"))
	for part := range 3 {
		for i := range detect.PartRecords {
			if i < 250 {
				w.Row(row(at(0), from(fmt.Sprintf("2001:db8:%d::%x", part, i))))
			} else {
				w.Row(other)
			}
		}
	}
	out := &sent{}
	r := applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), w.End(true))
	if len(out.all) != 3*detect.MaxGroups || r.GroupsDropped != 150 || r.Records != 3*detect.PartRecords {
		t.Errorf("got %d findings, %+v", len(out.all), r)
	}
}

func TestEvidenceShowsTheSpread(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high"))
	var rows []*s3access.Row
	for i := range 100 {
		rows = append(rows, row(at(time.Duration(i)*time.Second), func(r *s3access.Row) { r.LogLine = logs.Int64(i + 1) }))
	}
	out := &sent{}
	applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), watched(rules.Watch(), "a", rows...))
	f := out.all[0]
	var lines []int64
	for _, e := range f.Evidence {
		lines = append(lines, e.LogLine)
	}
	if want := []int64{1, 2, 3, 4, 8, 16, 32, 64}; !slices.Equal(lines, want) {
		t.Errorf("got lines %v, want %v", lines, want)
	}
	if f.First != at(0) || f.Last != at(99*time.Second) || f.Count != 100 {
		t.Errorf("got %d from %v to %v", f.Count, f.First.Go(), f.Last.Go())
	}
}

func TestKnownGroupsCostNoAllocation(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high")+simRules)
	w := rules.Watch()
	w.Begin("a", "logs/a")
	hit, miss := row(at(0), sized(5)), row(at(0), op("REST.HEAD.OBJECT"))
	for range 100_000 { // past the samples, and past the first parts
		w.Row(hit)
	}
	if n := testing.AllocsPerRun(1000, func() { w.Row(hit); w.Row(miss) }); n != 0 {
		t.Errorf("got %v allocations for a hit of a known group and a miss, want 0", n)
	}
}
