package enroll

import (
	"errors"
	"strings"
	"testing"
)

// here is what enrolment sets in these tests.
var here = Logging{Target: "example-logs", Format: ByEventTime}

const openPolicy = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::example-logs/*"}]}`

// account is a view of an account in which everything is as it should be.
func account() View {
	return View{
		Buckets: []Bucket{
			{Name: "example-archive", Region: "eu-central-1"}, {Name: "example-lake", Region: "eu-central-1"},
			{Name: "example-logs", Region: "eu-central-1"}, {Name: "example-photos", Region: "eu-central-1"},
			{Name: "example-virginia", Region: "us-east-1"},
		},
		Logging: map[string]*Logging{"example-archive": nil, "example-logs": nil, "example-photos": nil},
		Unread:  map[string]error{},
		Target:  Target{Name: "example-logs", Region: "eu-central-1", Account: "111122223333", Encryption: "AES256", Policy: openPolicy},
		Own:     map[string]string{"example-lake": "the lake"},
		Records: map[string]Record{},
	}
}

func to(target string) *Logging { return &Logging{Target: target, Prefix: "p/", Format: Simple} }

func TestPlan(t *testing.T) {
	photos := Order{Buckets: []string{"example-photos"}}
	back := Order{Restore: []string{"example-photos"}}
	ours := here
	before := here
	before.Target = "example-logs-of-before"
	for _, c := range []struct {
		name  string
		setup func(*View)
		order Order
		want  string // verb, and where it goes
		why   string
	}{
		{name: "logs nowhere", order: photos, want: "enable s3://example-logs/ (event-time)"},
		{name: "is right", order: photos, want: "right", setup: func(v *View) { v.Logging["example-photos"] = &ours }},
		{name: "logs elsewhere", order: photos, want: "leave", why: "logs to s3://example-archive/p/ (simple) already", setup: func(v *View) { v.Logging["example-photos"] = to("example-archive") }},
		{name: "logs elsewhere, and is told", order: Order{Buckets: photos.Buckets, Replace: true}, want: "replace s3://example-logs/ (event-time)", setup: func(v *View) { v.Logging["example-photos"] = to("example-archive") }},
		{name: "logs here in another form", order: photos, want: "reshape s3://example-logs/ (event-time)", setup: func(v *View) { v.Logging["example-photos"] = to("example-logs") }},
		{name: "logs to where the stack had its logs before", order: photos, want: "reshape s3://example-logs/ (event-time)", setup: func(v *View) {
			v.Logging["example-photos"], v.Records["example-photos"] = &before, Record{Set: &before}
		}},
		{name: "was enrolled, and was set to elsewhere since", order: photos, want: "leave", setup: func(v *View) {
			v.Logging["example-photos"], v.Records["example-photos"] = to("example-archive"), Record{Set: &ours}
		}},
		{name: "was enrolled, and was switched off since", order: photos, want: "enable s3://example-logs/ (event-time)", setup: func(v *View) { v.Records["example-photos"] = Record{Set: &ours} }},

		{name: "no such bucket", order: Order{Buckets: []string{"example-fotos"}}, want: "refuse", why: "is no bucket of this account"},
		{name: "the log bucket", order: Order{Buckets: []string{"example-logs"}}, want: "refuse", why: "is the log bucket itself"},
		{name: "the lake", order: Order{Buckets: []string{"example-lake"}}, want: "refuse", why: "is the lake of Sluice"},
		{name: "another Region", order: Order{Buckets: []string{"example-virginia"}}, want: "refuse", why: "is in us-east-1"},
		{name: "cannot be read", order: photos, want: "refuse", why: "access denied", setup: func(v *View) { v.Unread["example-photos"] = errors.New("access denied") }},
		{name: "KMS", order: photos, want: "refuse all", why: "encrypted with aws:kms by default", setup: func(v *View) { v.Target.Encryption = "aws:kms" }},
		{name: "KMS twice", order: photos, want: "refuse all", why: "aws:kms:dsse", setup: func(v *View) { v.Target.Encryption = "aws:kms:dsse" }},
		{name: "all that is wrong with the log bucket at once", order: photos, want: "refuse all", why: "has Object Lock, and S3 delivers no logs into such a bucket: choose another one and replicate it into this; in example-logs the requester pays", setup: func(v *View) { v.Target.ObjectLock, v.Target.RequesterPays = true, true }},
		{name: "no policy", order: photos, want: "refuse all", why: "has no policy", setup: func(v *View) { v.Target.Policy = "" }},
		{name: "a policy for another bucket", order: photos, want: "refuse", why: "does not let", setup: func(v *View) {
			v.Target.Policy = strings.Replace(openPolicy, `}]}`, `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::example-archive"}}}]}`, 1)
		}},
		{name: "no log bucket", order: photos, want: "refuse all", why: "the log bucket cannot be looked at: no such bucket", setup: func(v *View) { v.NoTarget = ErrNoBucket }},
		{name: "the log bucket logs to the source", order: photos, want: "refuse", why: "example-photos → example-logs → example-photos", setup: func(v *View) { v.Logging["example-logs"] = to("example-photos") }},
		{name: "a loop through a third bucket", order: photos, want: "refuse", why: "example-photos → example-logs → example-archive → example-photos; switch logging of example-archive off", setup: func(v *View) {
			v.Logging["example-logs"], v.Logging["example-archive"] = to("example-archive"), to("example-photos")
		}},
		{name: "the log bucket logs to itself", order: photos, want: "refuse", why: "go round for ever: example-logs → example-logs", setup: func(v *View) { v.Logging["example-logs"] = to("example-logs") }},
		{name: "a loop behind the log bucket", order: photos, want: "refuse", why: "for ever: example-logs → example-archive → example-logs", setup: func(v *View) {
			v.Logging["example-logs"], v.Logging["example-archive"] = to("example-archive"), to("example-logs")
		}},
		{name: "the log bucket logs somewhere, and there it ends", order: photos, want: "enable s3://example-logs/ (event-time)", setup: func(v *View) { v.Logging["example-logs"] = to("example-archive") }},
		{name: "a chain that cannot be followed", order: photos, want: "refuse", why: "cannot tell whether logs would go round", setup: func(v *View) {
			v.Logging["example-logs"], v.Unread["example-archive"] = to("example-archive"), errors.New("access denied")
		}},

		{name: "give back nothing", order: back, want: "restore off", setup: func(v *View) {
			v.Logging["example-photos"], v.Records["example-photos"] = &ours, Record{Set: &ours}
		}},
		{name: "give back what was replaced", order: back, want: "restore s3://example-archive/p/ (simple)", setup: func(v *View) {
			v.Logging["example-photos"], v.Records["example-photos"] = &ours, Record{Set: &ours, Before: to("example-archive")}
		}},
		{name: "give back what was changed since", order: back, want: "release", why: "changed since", setup: func(v *View) {
			v.Logging["example-photos"], v.Records["example-photos"] = to("example-archive"), Record{Set: &ours}
		}},
		{name: "give back to a bucket that is gone", order: back, want: "release", why: "is gone", setup: func(v *View) {
			v.Buckets, v.Records["example-photos"] = nil, Record{Set: &ours}
		}},
		{name: "give back what was never taken", order: back, want: "leave", why: "was not enrolled", setup: func(v *View) { v.Logging["example-photos"] = &ours }},
		{name: "give back without a log bucket", order: back, want: "restore off", setup: func(v *View) {
			v.NoTarget, v.Logging["example-photos"], v.Records["example-photos"] = ErrNoBucket, &ours, Record{Set: &ours}
		}},
	} {
		v := account()
		if c.setup != nil {
			c.setup(&v)
		}
		steps := Plan(v, here, c.order)
		if len(steps) != 1 {
			t.Errorf("%s: %d steps", c.name, len(steps))
			continue
		}
		s := steps[0]
		if was := s.Before(); s.Verb.Changes() != (s.To != nil || s.Verb == Restore) || s.Verb == Enable && was != "off" || s.Verb == Refuse && c.order.Buckets[0] != "example-photos" && c.order.Buckets[0] != "example-logs" && was != "unknown" {
			t.Errorf("%s: %s from %s to %s", c.name, s.Verb, was, s.To)
		}
		got := string(s.Verb)
		if s.Verb.Changes() {
			got += " " + s.To.String()
		}
		if s.Everywhere {
			got += " all"
		}
		if got != c.want || !strings.Contains(s.Reason, c.why) || (s.Reason != "") != (!s.Verb.Changes() && s.Verb != Right) {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, got, s.Reason, c.want, c.why)
		}
	}
}

// TestPlanOfAll: each bucket once, in order, less those that are excepted.
func TestPlanOfAll(t *testing.T) {
	v := account()
	v.Records["example-old"] = Record{}
	steps := Plan(v, here, Order{All: true, Buckets: []string{"example-photos"}, Except: []string{"example-archive"}, Restore: []string{"example-old", "example-photos", "example-old"}})
	var got []string
	for _, s := range steps {
		got = append(got, s.Bucket+" "+string(s.Verb))
	}
	if got, want := strings.Join(got, ", "), "example-lake refuse, example-logs refuse, example-old release, example-photos enable, example-virginia refuse"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestOnlyNew: what was enrolled before, or logged here at the last look, is not
// in the plan, whatever it does now.
func TestOnlyNew(t *testing.T) {
	v := account()
	for _, name := range []string{"example-new", "example-back", "example-byhand"} {
		v.Buckets = append(v.Buckets, Bucket{Name: name, Region: "eu-central-1"})
		v.Logging[name] = nil
	}
	v.Records["example-back"] = Record{Set: &here}
	v.Logged = map[string]bool{"example-byhand": true, "example-photos": false}
	o := Order{All: true, Except: []string{"example-logs", "example-lake", "example-virginia"}, OnlyNew: true}
	var got []string
	for _, s := range Plan(v, here, o) {
		got = append(got, s.Bucket+" "+string(s.Verb))
	}
	if want := "example-archive enable, example-new enable, example-photos enable"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	if o.OnlyNew = false; len(Plan(v, here, o)) != 5 {
		t.Error("all of them are not five")
	}
}
