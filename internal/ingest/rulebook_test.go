package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

// invoke converts nothing and returns the subjects of mails.
func (r *findingRig) invoke(t *testing.T) []string {
	t.Helper()
	if _, err := r.handle(t.Context(), `{"Event":"s3:TestEvent"}`); err != nil {
		t.Fatal(err)
	}
	return r.subjects()
}

// last is a value of the last metrics.
func (r *findingRig) last(t *testing.T, metric string) any {
	t.Helper()
	_, _, metrics := r.lines(t)
	return metrics[len(metrics)-1][metric]
}

// The folder is looked into at most every five minutes; what is new is taken,
// what is broken is left out and told once, what cannot be read stays as it was.
func TestRulesAreReread(t *testing.T) {
	const broken = "[MEDIUM] Rule file cannot be used - lake"
	r := newFindingRig(t, nil)
	r.level = sigma.Unrated // mails of every level
	r.start(t)
	for _, step := range []struct {
		name  string
		after time.Duration
		do    func()
		lists int
		rules bool // have changed
		mails []string
		error float64
	}{
		{"start", 0, func() {}, 1, true, nil, 0},
		{"at once", 0, func() { r.rules.files["rules/b.yml"] = readRule(ruleB, "example-films") }, 0, false, nil, 0},
		{"a little later", 4 * time.Minute, func() {}, 0, false, nil, 0},
		{"after five minutes", time.Minute, func() {}, 1, true, nil, 0},
		{"nothing new", 5 * time.Minute, func() {}, 1, false, nil, 0},
		{"broken", 5 * time.Minute, func() { r.rules.files["rules/b.yml"] = "title: [" }, 1, true, []string{broken}, 1},
		{"still broken", 5 * time.Minute, func() {}, 1, false, nil, 1},
		{"another beside it", 5 * time.Minute, func() {
			r.rules.files["rules/c.yml"] = strings.Replace(readRule(ruleB, "example-films"), "bucket_name", "bucket_nam", 1)
		}, 1, true, []string{broken}, 2},
		{"broken otherwise", 5 * time.Minute, func() { r.rules.files["rules/b.yml"] = "title: {" }, 1, true, []string{broken}, 2},
		{"unreadable", 5 * time.Minute, func() { r.rules.broken = errors.New("denied") }, 1, false, nil, 3},
		{"gone", 5 * time.Minute, func() {
			r.rules.broken = nil
			delete(r.rules.files, "rules/b.yml")
			delete(r.rules.files, "rules/c.yml")
		}, 1, true, nil, 0},
		{"broken site file", 5 * time.Minute, func() { r.rules.files["rules/site.yml"] = "own_accounts: {a: b}" }, 1, true, []string{broken}, 1},
		{"two site files", 5 * time.Minute, func() {
			r.rules.files["rules/site.yml"], r.rules.files["rules/site.yaml"] = "own_accounts: ['111122223333']", "own_accounts: ['111122223333']"
		}, 1, true, []string{broken}, 1},
	} {
		before := r.Handler.detection.using
		r.rules.lists = 0
		r.now = r.now.Add(step.after)
		step.do()
		mails := r.invoke(t)
		if diff := cmp.Diff(mails, step.mails); diff != "" {
			t.Errorf("%s: mails (-got +want):\n%s", step.name, diff)
		}
		if changed := r.Handler.detection.using != before; changed != step.rules || r.rules.lists != step.lists {
			t.Errorf("%s: rules changed: %v, listed %d times, want %v, %d", step.name, changed, r.rules.lists, step.rules, step.lists)
		}
		if got := r.last(t, "RuleErrors"); got != step.error {
			t.Errorf("%s: %v rule errors, want %v", step.name, got, step.error)
		}
	}
}

// What cannot be read of a site file stays as it was; a process that starts with
// it works without, and all is told.
func TestBrokenSiteFile(t *testing.T) {
	r := newFindingRig(t, nil)
	r.level = sigma.Unrated // mails of every level
	r.start(t)
	const good = "public_buckets: [example-films]\nown_accounts: ['111122223333']\nthreat_networks: [203.0.113.0/24]\n"
	for _, step := range []struct {
		name, text string
		want       string // own accounts, public buckets, threat networks
		idle       bool   // foreign_account
		errors     float64
	}{
		{"good", good, "1 1 1", false, 0},
		{"no YAML any more", "public_buckets: [\n", "1 1 1", false, 2},
		{"one list is none", good + "approved_networks: {a: b}\n", "1 1 1", false, 1},
		{"a list that was there is none", "public_buckets: [a, b]\nown_accounts: {a: b}\n", "1 2 1", false, 2},
		{"one value is none", "public_buckets: [a, [b]]\nown_accounts: ['111122223333']\nthreat_networks: [203.0.113.0/24, 10.0.0/8]\n", "1 1 2", false, 2},
		{"a list taken out", "public_buckets: [a]\n", "0 1 0", true, 0},
		{"misspelt", "public_bukets: [a]\n", "0 0 0", true, 1},
		{"broken, and little before", "own_accounts: [", "0 0 0", true, 3},
	} {
		r.rules.files["rules/site.yaml"] = step.text
		r.now = r.now.Add(rereadRules)
		r.invoke(t)
		site := r.Handler.detection.rules.site
		if got := fmt.Sprint(len(site["own_accounts"]), len(site["public_buckets"]), len(site["threat_networks"])); got != step.want {
			t.Errorf("%s: %s values, want %s", step.name, got, step.want)
		}
		idle := slices.ContainsFunc(r.Handler.detection.using.Set.Idle, func(i sigma.Idle) bool { return i.About.Name == "foreign_account" })
		if idle != step.idle {
			t.Errorf("%s: foreign_account is idle: %v, want %v", step.name, idle, step.idle)
		}
		if got := r.last(t, "RuleErrors"); got != step.errors {
			t.Errorf("%s: %v rule errors, want %v", step.name, got, step.errors)
		}
	}
}

// Without its folder the function works with the shipped rules.
func TestRulesCannotBeReadAtStart(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 1)}
	r := newFindingRig(t, files)
	r.rules.before = func(context.Context, string) error { return errors.New("denied") }
	if failed, err := r.handle(t.Context(), announced(files, "a")); len(failed) > 0 || err != nil {
		t.Errorf("failed %q, %v", failed, err)
	}
	if n := len(r.Handler.detection.using.Set.Rules); n == 0 || r.last(t, "RuleErrors") != 1.0 {
		t.Errorf("%d rules, %v rule errors", n, r.last(t, "RuleErrors"))
	}
	r.rules.before = nil
	r.now = r.now.Add(rereadRules)
	files["b"] = files["a"]
	if failed, err := r.handle(t.Context(), announced(files, "b")); len(failed) > 0 || err != nil {
		t.Errorf("failed %q, %v", failed, err)
	}
	if got := r.subjects(); len(got) != 1 || r.last(t, "RuleErrors") != 0.0 {
		t.Errorf("with its rules: mails %q, %v rule errors", got, r.last(t, "RuleErrors"))
	}
}

// What could not be reported is reported later, and then no more.
func TestBrokenRuleIsToldWhenItCanBe(t *testing.T) {
	r := newFindingRig(t, nil)
	r.level = sigma.Unrated // mails of every level
	r.start(t)
	r.rules.files["rules/b.yml"] = "title: ["
	r.state.fail = func(call, _ string) error { return errors.New("down") }
	if got := r.invoke(t); got != nil {
		t.Errorf("mails %q while the state is down", got)
	}
	r.state.fail = nil
	r.sns.fail = map[string]error{"json": errors.New("throttled")}
	r.invoke(t)
	r.sns.fail = nil
	r.subjects()
	if got := r.invoke(t); len(got) != 1 {
		t.Errorf("mails %q, want the one that could not be sent", got)
	}
	if got := r.invoke(t); got != nil {
		t.Errorf("mails %q, want none any more", got)
	}
	r.start(t)
	if got := r.invoke(t); got != nil {
		t.Errorf("another process told %q again", got)
	}
}

func TestBrokenFileFinding(t *testing.T) {
	why := slices.Repeat([]string{"b.yml:1: no title"}, 30)
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	r := reporter{account: "111122223333", region: "eu-central-1", bucket: "lake", instance: "i"}
	v1 := brokenFile{name: "b.yml", object: pipeline.Object{Bucket: "lake", Key: "rules/b.yml", Version: "etag:1", Modified: at}, why: why}
	v2 := v1
	v2.object.Version = "etag:2"
	first, later, other := r.finding(v1, at), r.finding(v1, at.AddDate(0, 1, 0)), r.finding(v2, at)
	if first.UID != later.UID || first.UID == other.UID {
		t.Errorf("uids %s, a month later %s, of another version %s", first.UID, later.UID, other.UID)
	}
	if first.Count != 30 || strings.Count(first.Rule.Description, "no title") != maxWhy || !strings.Contains(first.Rule.Description, "and 20 more") {
		t.Errorf("count %d, description %q", first.Count, first.Rule.Description)
	}
	if len(why) != 30 || why[maxWhy] != "b.yml:1: no title" {
		t.Error("the list of reasons was written to")
	}
	folder := brokenFile{name: "rules/", why: why[:1]}
	if a, b := r.finding(folder, at), r.finding(folder, at.Add(time.Hour)); a.UID != b.UID || a.Period == 0 || a.Sources != nil {
		t.Errorf("a folder: %s and %s of %d, sources %q", a.UID, b.UID, a.Period, a.Sources)
	}
}
