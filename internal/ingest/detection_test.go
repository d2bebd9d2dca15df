package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/awsio"
	"sluice/internal/detect"
	"sluice/internal/formats"
	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

// reads is an access log of n reads of a bucket by a user.
func reads(bucket, user string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 %s [22/Nov/2026:03:12:%02d +0000] "+
			"198.51.100.23 arn:aws:iam::111122223333:user/%s 5D1E0C9B7A%06X REST.GET.OBJECT photos/%d.jpg "+
			"\"GET /photos/%d.jpg HTTP/1.1\" 200 - 48211 48211 31 29 \"-\" \"curl/8.5.0\" - aG9zdCBpZA== "+
			"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader %s.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n", bucket, i%60, user, i, i, i, bucket)
	}
	return b.String()
}

// readRule is a rule of a site that alerts when a bucket is read.
func readRule(uuid, bucket string) string {
	return `title: Read of ` + bucket + `
id: ` + uuid + `
status: stable
logsource: {product: aws, service: s3_server_access}
detection:
  read: {bucket_name: ` + bucket + `, operation: REST.GET.OBJECT}
  condition: read
level: high
`
}

const (
	ruleA = "0b6a0f5e-3c1d-4d7b-9a51-0c8d1f2e3a4b"
	ruleB = "1b6a0f5e-3c1d-4d7b-9a51-0c8d1f2e3a4b"
)

// memory is a State that can be made to fail.
type memory struct {
	*detect.Memory
	mu   sync.Mutex
	fail func(call, owner string) error
	log  []string
}

func (m *memory) may(call, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, call)
	if m.fail == nil {
		return nil
	}
	return m.fail(call, owner)
}

func (m *memory) Add(ctx context.Context, adds []detect.Add) error {
	if err := m.may("add", adds[0].Once); err != nil {
		return err
	}
	return m.Memory.Add(ctx, adds)
}

func (m *memory) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	if err := m.may("claim", claims[0].Owner); err != nil {
		return nil, err
	}
	return m.Memory.Claim(ctx, now, claims)
}

// findingRig is a handler that reads access logs, with findings on.
type findingRig struct {
	rig
	state *memory
	sns   *topics
	rules *shelf
	level sigma.Level   // of mails
	old   time.Duration // from which nobody is told
	now   time.Time
}

func newFindingRig(t *testing.T, files map[string]string) *findingRig {
	t.Helper()
	r := &findingRig{
		rig:   rig{src: &bucket{files: files}, lake: &lake{}},
		state: &memory{Memory: detect.NewMemory()}, sns: &topics{},
		rules: &shelf{bucket: bucket{files: map[string]string{"rules/a.yml": readRule(ruleA, "example-photos")}}},
		level: sigma.High, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
	r.start(t)
	return r
}

// start is a new process with the state of the one before.
func (r *findingRig) start(t *testing.T) {
	t.Helper()
	h, err := New(Config{
		Settings: Settings{LakeBucket: "lake", Stage: t.TempDir(), LargeFile: 1 << 30, Function: "ingest", Account: "111122223333", AlertLevel: r.level, AlertMaxAge: r.old,
			Instance: t.Name(), FindingsTopic: "json", AlertsTopic: "mail", RulesBucket: "lake", RulesPrefix: "rules/"},
		Objects: awsio.Objects, Source: r.src, Lake: r.lake, Findings: r.lake, Routes: formats.Routes(), Out: &r.out,
		State: r.state, Topics: r.sns, Rules: r.rules, Now: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Handler = h
}

// subjects are those of the mails since the last time.
func (r *findingRig) subjects() (all []string) {
	for _, m := range r.sns.bodies {
		if m.Subject != "" {
			all = append(all, m.Subject)
		}
	}
	r.sns.bodies = nil
	return all
}

// tables are the commits that are not of findings.
func (r *findingRig) tables() (all []string) {
	for _, c := range r.lake.commits {
		if !strings.HasPrefix(c, ": findings") {
			all = append(all, c)
		}
	}
	r.lake.commits = nil
	return all
}

func TestFindingIsToldOnce(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3), "b": reads("example-photos", "ana", 2), "c": reads("example-films", "ana", 2), "torn": "no log"}
	r := newFindingRig(t, files)
	counts := map[string]int64{}
	for i, d := range []struct {
		commit         error
		mails, commits []string
		failed         []string
	}{
		// What was told before a commit that fails is not told again.
		{commit: errors.New("lost"), mails: []string{"[HIGH] Read of example-photos - example-photos"}, failed: []string{"m1", "m2", "m3"}},
		{commits: []string{"a b c: s3_access_logs 7"}},
		{},
	} {
		r.lake.fail = func(keys string) error {
			if keys == "" {
				return nil // rows of findings
			}
			return d.commit
		}
		failed, err := r.handle(t.Context(), announced(files, "a", "b", "c"))
		if diff := cmp.Diff(failed, d.failed); diff != "" || err != nil {
			t.Fatalf("delivery %d: %v, failed (-got +want):\n%s\n%s", i, err, diff, r.out.String())
		}
		if diff := cmp.Diff(r.subjects(), d.mails); diff != "" {
			t.Errorf("delivery %d: mails (-got +want):\n%s\n%s", i, diff, r.out.String())
		}
		if diff := cmp.Diff(r.tables(), d.commits); diff != "" {
			t.Errorf("delivery %d: commits (-got +want):\n%s", i, diff)
		}
		if i == 1 {
			r.start(t)
		}
	}
	for key, f := range r.lake.files {
		if f.Findings == nil {
			t.Errorf("%s: findings not counted", key)
		} else {
			counts[key] = *f.Findings
		}
	}
	if diff := cmp.Diff(counts, map[string]int64{"a": 0, "b": 0, "c": 0}); diff != "" {
		t.Errorf("findings by file, told by an earlier delivery (-got +want):\n%s", diff)
	}
	_, _, metrics := r.lines(t)
	var alerts []any
	for _, m := range metrics {
		alerts = append(alerts, m["FindingsHigh"], m["RuleErrors"], m["MessagesRefused"])
	}
	if diff := cmp.Diff(alerts, []any{1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}); diff != "" {
		t.Errorf("findings, rule errors and refusals (-got +want):\n%s", diff)
	}
}

// An incident in a log of long ago is a row like any other, and no message.
func TestOldIncidentIsARowOnly(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3)}
	for _, c := range []struct {
		age   time.Duration
		mails []string
	}{{24 * time.Hour, []string{"[HIGH] Read of example-photos - example-photos"}}, {16 * 24 * time.Hour, nil}} {
		r := newFindingRig(t, files)
		r.old, r.now = 15*24*time.Hour, r.now.Add(c.age)
		r.start(t)
		if failed, err := r.handle(t.Context(), announced(files, "a")); err != nil || len(failed) > 0 {
			t.Fatalf("%v: %v, failed %q", c.age, err, failed)
		}
		rows := len(r.lake.commits) - len(r.tables())
		if diff := cmp.Diff(r.subjects(), c.mails); diff != "" || rows != 1 {
			t.Errorf("%v: %d objects of findings, mails (-got +want):\n%s", c.age, rows, diff)
		}
	}
}

// A file that breaks on its last line says nothing: what was seen of it is gone.
// Files of a backfill without findings become the same rows, and nobody looks at
// them, nor claims to have. One who wants to be told of a file is enough.
func TestRowsOnly(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3), "b": reads("example-photos", "bob", 2), "c": reads("example-films", "ana", 2)}
	r := newFindingRig(t, files)
	say := func(key string, rowsOnly bool) string {
		body, err := awsio.Announcement(pipeline.Object{Bucket: "logs", Key: key, Version: "etag:" + key, Size: int64(len(files[key])), Modified: r.now, RowsOnly: rowsOnly})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if failed, err := r.handle(t.Context(), queue(say("a", true), say("c", true))); err != nil || len(failed) > 0 {
		t.Fatalf("%v, failed %q", err, failed)
	}
	if mails, log := r.subjects(), r.state.log; len(mails) > 0 || len(log) > 0 {
		t.Errorf("mails %q, asked of the state %q", mails, log)
	}
	if diff := cmp.Diff(r.tables(), []string{"a c: s3_access_logs 5"}); diff != "" {
		t.Errorf("commits (-got +want):\n%s", diff)
	}
	for _, key := range []string{"a", "c"} {
		if f := r.lake.files[key]; f.Findings != nil || f.Rows == 0 {
			t.Errorf("%s: %d rows, %d findings: nobody looked", key, f.Rows, *f.Findings)
		}
	}
	if failed, err := r.handle(t.Context(), queue(say("c", true), say("b", true), say("b", false))); err != nil || len(failed) > 0 {
		t.Fatalf("%v, failed %q", err, failed)
	}
	if diff := cmp.Diff(r.subjects(), []string{"[HIGH] Read of example-photos - example-photos"}); diff != "" || r.lake.files["b"].Findings == nil {
		t.Errorf("one file wanted (-got +want):\n%s", diff)
	}
}

func TestBrokenFileIsNotCounted(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3)}
	r := newFindingRig(t, files)
	failed, err := r.handle(t.Context(), queue(notification(record("a", len(files["a"])+1))))
	if diff := cmp.Diff(failed, []string{"m1"}); diff != "" || err != nil {
		t.Errorf("%v, failed (-got +want):\n%s", err, diff)
	}
	if got := r.subjects(); got != nil || r.lake.commits != nil {
		t.Errorf("mails %q, commits %q", got, r.lake.commits)
	}
}

// A file that cannot be counted fails alone: the others of its batch are
// committed without it, and it comes with no row twice.
func TestUncountedFileFailsAlone(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3), "b": reads("example-photos", "ben", 2), "c": reads("example-films", "ana", 2)}
	r := newFindingRig(t, files)
	id := pipeline.Object{Bucket: "logs", Key: "b", Version: "etag:e1"}.ID()
	r.state.fail = func(_, owner string) error {
		if strings.HasPrefix(owner, id) {
			return errors.New("item too large")
		}
		return nil
	}
	failed, err := r.handle(t.Context(), announced(files, "a", "b", "c"))
	if diff := cmp.Diff(failed, []string{"m2"}); diff != "" || err != nil {
		t.Errorf("%v, failed (-got +want):\n%s", err, diff)
	}
	if diff := cmp.Diff(r.tables(), []string{"a c: s3_access_logs 5"}); diff != "" || r.lake.open != 0 {
		t.Errorf("%d batches open, commits (-got +want):\n%s", r.lake.open, diff)
	}
	told := int64(0) // by whichever came first: both are counted at the same time
	for _, key := range []string{"a", "c"} {
		n := r.lake.files[key].Findings
		if n == nil {
			t.Fatalf("%s: not counted", key)
		}
		told += *n
	}
	if told == 0 {
		t.Error("no finding is counted for the files that were converted")
	}
	r.state.fail = func(_, owner string) error {
		if strings.HasPrefix(owner, id) {
			panic("no such owner")
		}
		return nil
	}
	if failed, err := r.handle(t.Context(), announced(files, "b")); len(failed) != 1 || err != nil || !strings.Contains(r.out.String(), "BUG: panic: no such owner") {
		t.Errorf("a panic: failed %q, %v\n%s", failed, err, r.out.String())
	}
	r.state.fail = nil
	if failed, err := r.handle(t.Context(), announced(files, "b")); len(failed) > 0 || err != nil {
		t.Errorf("again: failed %q, %v", failed, err)
	}
	if diff := cmp.Diff(r.tables(), []string{"b: s3_access_logs 2"}); diff != "" {
		t.Errorf("commits (-got +want):\n%s", diff)
	}
	if got := r.subjects(); len(got) != 2 {
		t.Errorf("mails %q, want one a user", got)
	}
	printed, _, _ := r.lines(t)
	var ends []string
	for _, l := range printed {
		ends = append(ends, fmt.Sprint(l["outcome"], " ", l["key"]))
	}
	if diff := cmp.Diff(ends, []string{"failed b", "converted a", "converted c", "failed b", "converted b"}); diff != "" {
		t.Errorf("file lines (-got +want):\n%s", diff)
	}
}

// While the state is down nothing is committed, and not every file is tried.
func TestNothingCanBeCounted(t *testing.T) {
	files, keys := map[string]string{}, []string{}
	for i := range 100 {
		key := fmt.Sprintf("f%02d", i)
		files[key], keys = reads("example-photos", fmt.Sprintf("user%d", i), 1), append(keys, key)
	}
	r := newFindingRig(t, files)
	r.state.fail = func(string, string) error { return errors.New("down") }
	failed, err := r.handle(t.Context(), announced(files, keys...))
	if len(failed) != 100 || err != nil || r.lake.commits != nil {
		t.Errorf("%d failed, %v, commits %q", len(failed), err, r.lake.commits)
	}
	if n := len(r.state.log); n < hopeless || n > hopeless+applyAtOnce {
		t.Errorf("%d tries of 100", n)
	}
	r.state.fail = nil
	if failed, err := r.handle(t.Context(), announced(files, keys...)); len(failed) > 0 || err != nil {
		t.Errorf("again: failed %q, %v", failed, err)
	}
	if got := r.tables(); len(got) != 1 || !strings.HasSuffix(got[0], ": s3_access_logs 100") {
		t.Errorf("commits %q", got)
	}
}

// A topic or a table that fails is no different.
func TestFindingCannotBeSent(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", 3)}
	r := newFindingRig(t, files)
	r.sns.fail = map[string]error{"mail": errors.New("denied")}
	if failed, err := r.handle(t.Context(), announced(files, "a")); len(failed) != 1 || err != nil || r.tables() != nil {
		t.Errorf("failed %q, %v", failed, err)
	}
	r.sns.fail, r.sns.got = nil, nil
	if failed, err := r.handle(t.Context(), announced(files, "a")); len(failed) > 0 || err != nil || len(r.sns.got["mail"]) != 1 {
		t.Errorf("again: failed %q, %v, messages %v", failed, err, r.sns.got)
	}
}

// Files with many hits are counted while the batch is read, so that what waits
// has a bound.
func TestManyHitsAreCountedAtOnce(t *testing.T) {
	files := map[string]string{"a": reads("example-photos", "ana", maxSeen), "b": reads("example-photos", "ben", 1)}
	r := newFindingRig(t, files)
	counted := -1
	r.src.before = func(_ context.Context, key string) error {
		if key == "c" {
			counted = len(r.state.log)
		}
		return nil
	}
	files["c"] = reads("example-photos", "cy", 1)
	// The third is opened last: its size is unknown, so it is not fetched ahead.
	unknown := strings.Replace(notification(record("c", 0)), `"size":0,`, "", 1)
	payload := queue(notification(record("a", len(files["a"]))), notification(record("b", len(files["b"]))), unknown)
	if failed, err := r.handle(t.Context(), payload); len(failed) > 0 || err != nil {
		t.Fatalf("failed %q, %v\n%s", failed, err, r.out.String())
	}
	if counted <= 0 {
		t.Errorf("%d calls to the state when the last file was opened, want some", counted)
	}
	if got := r.subjects(); len(got) != 3 {
		t.Errorf("mails %q, want one a user", got)
	}
}

func TestFindingsAreOff(t *testing.T) {
	files := map[string]string{"a": "1\n"}
	r := newRig(t, files)
	c := Config{Settings: Settings{Stage: t.TempDir()}, Out: &r.out}
	if _, err := New(c); err != nil {
		t.Fatal(err)
	}
	if got := r.out.String(); !strings.Contains(got, "findings are off") {
		t.Errorf("printed %q", got)
	}
}
