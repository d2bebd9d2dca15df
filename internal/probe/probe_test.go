package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/enroll"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
)

// account is a bucket that logs, its log bucket, and a clock that only waiting
// moves.
type account struct {
	now      time.Time
	logging  *enroll.Logging
	target   enroll.Target
	to       []string
	files    map[string]string
	modified map[string]time.Time
	states   map[string][]ledger.Status
	fail     map[string]error
	rows     []Row
	below    string
	read     []string
	asked    []string
	listed   []string
	opened   int
	waits    func(n int) // is called when it waits, for the n-th time
	waited   int
}

func newAccount() *account {
	return &account{
		now:     time.Date(2026, 11, 22, 9, 30, 15, 0, time.UTC),
		logging: &enroll.Logging{Target: "logs", Prefix: "p/", Format: enroll.ByEventTime},
		target:  enroll.Target{Name: "logs", Region: "eu-central-1", Account: "111122223333", Encryption: "AES256", ACL: true},
		rows:    []Row{{{"request_id", "5D1E0C9B7A000001"}}},
		to:      []string{"a queue"}, files: map[string]string{}, modified: map[string]time.Time{}, states: map[string][]ledger.Status{}, fail: map[string]error{},
	}
}

func (a *account) Logging(context.Context, string) (*enroll.Logging, error) {
	return a.logging, a.fail["logging"]
}
func (a *account) Target(context.Context, string) (enroll.Target, error) {
	return a.target, a.fail["target"]
}
func (a *account) Announces(_ context.Context, _, prefix string) ([]string, error) {
	a.below = prefix
	return a.to, a.fail["announces"]
}

func (a *account) Ask(_ context.Context, bucket, key string) (string, error) {
	a.asked = append(a.asked, bucket+" "+key)
	return "5D1E0C9B7A000001", a.fail["ask"]
}

func (a *account) List(_ context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error] {
	a.listed = append(a.listed, prefix)
	return func(yield func(pipeline.Object, error) bool) {
		for key := range a.files {
			if strings.HasPrefix(key, prefix) && !yield(pipeline.Object{Bucket: bucket, Key: key, Modified: a.modified[key]}, nil) {
				return
			}
		}
		if err := a.fail["list"]; err != nil {
			yield(pipeline.Object{}, err)
		}
	}
}

func (a *account) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	a.opened++
	return io.NopCloser(strings.NewReader(a.files[o.Key])), a.fail["open"]
}

func (a *account) File(_ context.Context, bucket, key string) ([]ledger.Status, error) {
	return a.states[bucket+"/"+key], a.fail["file"]
}

func (a *account) Rows(_ context.Context, o ledger.Object, q Question) ([]Row, error) {
	a.read = append(a.read, o.Name+" "+q.SQL())
	return a.rows, a.fail["rows"]
}

func (a *account) wait(ctx context.Context, d time.Duration) error {
	a.now = a.now.Add(d)
	if a.waited++; a.waits != nil {
		a.waits(a.waited)
	}
	return context.Cause(ctx)
}

func (a *account) config() Config {
	return Config{
		Cloud: a, Files: a, History: a, Lake: a, Bucket: "photos", Account: "111122223333", Region: "eu-central-1",
		Random: bytes.NewReader([]byte("01234567")), Now: func() time.Time { return a.now }, Wait: a.wait, Every: time.Minute, Timeout: time.Hour,
	}
}

const (
	id     = ID("20261122T093015Z-3031323334353637")
	object = "s3_access_logs/dt=2026-11-22/b1.parquet"
	file   = "p/111122223333/eu-central-1/photos/2026/11/22/2026-11-22-00-00-00-0A1B2C3D4E5F6071"
)

// logLine is a line as S3 writes it.
func logLine(bucket, op, key, agent string) string {
	return fmt.Sprintf("7b4a0fd1c2e3f5968778a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4 %s [22/Nov/2026:09:30:16 +0000] 198.51.100.23 arn:aws:iam::111122223333:user/ana "+
		"5D1E0C9B7A000001 %s %s \"HEAD /%s HTTP/1.1\" 404 NoSuchKey - - 31 29 \"-\" %q - aG9zdCBpZA== "+
		"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader photos.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n", bucket, op, key, key, agent)
}

func (a *account) deliver(key, text string) {
	a.files[key], a.modified[key] = text, a.now
}

// convert says that a file is in the lake.
func (a *account) convert(key string, rows, rejects int64) {
	a.states["logs/"+key] = []ledger.Status{{
		File: ledger.File{Counts: &ledger.Counts{Lines: rows + rejects, Rows: rows, Rejected: rejects}}, In: true, Batch: &ledger.Batch{ID: "b1", State: ledger.Finished},
		Objects: []ledger.Object{{Name: "s3_access_logs/dt=2026-11-21/b1.parquet"}, {Name: object}, {Name: "rejected/dt=2026-11-22/b1.parquet"}},
	}}
}

// arrive delivers the line of the probe, and converts it.
func (a *account) arrive() {
	a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
	a.convert(file, 1, 0)
}

func steps(r *Result) (all []string) {
	for _, c := range r.Checks {
		all = append(all, c.Step+" "+string(c.State))
	}
	return all
}

func TestRun(t *testing.T) {
	ok := []string{"logging ok", "log bucket ok", "announcement ok", "request ok", "delivery ok", "batch ok", "row ok"}
	for _, c := range []struct {
		name  string
		set   func(a *account, c *Config)
		want  []string
		says  string // in the last step
		asked int
	}{
		{"all is well", func(a *account, _ *Config) {
			a.waits = func(n int) {
				if n == 3 {
					a.deliver(file, logLine("photos", "REST.GET.OBJECT", "x", "curl")+logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
				}
				if n == 5 {
					a.convert(file, 2, 0)
				}
			}
		}, ok, "in " + object, 1},
		{"does not log", func(a *account, _ *Config) { a.logging = nil }, []string{"logging failed"}, "photos does not log", 0},
		{"no bucket", func(a *account, _ *Config) { a.fail["logging"] = enroll.ErrNoBucket }, []string{"logging failed"}, "there is no bucket", 0},
		{"encrypted by KMS", func(a *account, _ *Config) { a.target.Encryption = "aws:kms" }, []string{"logging ok", "log bucket failed"}, "SSE-S3 only", 0},
		{"no policy", func(a *account, _ *Config) { a.target.ACL = false }, []string{"logging ok", "log bucket failed"}, "has no policy", 0},
		{"nobody is told", func(a *account, _ *Config) { a.to = nil }, []string{"logging ok", "log bucket ok", "announcement failed"}, "tells nobody", 0},
		{"settings of others", func(a *account, c *Config) {
			a.fail["target"], a.fail["announces"] = errors.New("denied"), errors.New("denied")
			c.Timeout = 0
		}, []string{"logging ok", "log bucket unknown", "announcement unknown", "request ok", "delivery waiting"}, "not yet", 1},
		{"not delivered", func(a *account, _ *Config) {}, []string{"logging ok", "log bucket ok", "announcement ok", "request ok", "delivery waiting"}, "not yet, 59m0s after the request", 1},
		{"a key that others quote", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.GET.OBJECT", "x", id.Key())+logLine("other", "REST.HEAD.OBJECT", id.Key(), "curl")+"noise "+id.Key()+"\n"+strings.Repeat(id.Key(), 1<<16))
		}, []string{"logging ok", "log bucket ok", "announcement ok", "request ok", "delivery waiting"}, "not yet", 1},
		{"from before the request", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.modified[file] = a.now.Add(-time.Hour)
		}, []string{"logging ok", "log bucket ok", "announcement ok", "request ok", "delivery waiting"}, "not yet", 1},
		{"no row", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.convert(file, 0, 1)
		}, slices.Concat(ok[:5], []string{"batch waiting"}), "no row and 1 rejects", 1},
		{"not converted", func(a *account, _ *Config) { a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl")) }, slices.Concat(ok[:5], []string{"batch waiting"}), "no function has had the file yet", 1},
		{"without a ledger", func(a *account, c *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			c.History = nil
		}, slices.Concat(ok[:5], []string{"batch unknown"}), "nobody was asked", 1},
		{"not in place yet", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.convert(file, 1, 0)
			a.states["logs/"+file][0].Batch.State = ledger.Committed
		}, slices.Concat(ok[:5], []string{"batch waiting"}), "not in place yet", 1},
		{"being converted", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.states["logs/"+file] = []ledger.Status{{Batch: &ledger.Batch{ID: "b0", State: ledger.Live}}}
		}, slices.Concat(ok[:5], []string{"batch waiting"}), "batch b0 has the file and is live", 1},
		{"given up", func(a *account, _ *Config) {
			a.deliver(file, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.states["logs/"+file] = []ledger.Status{{}}
		}, slices.Concat(ok[:5], []string{"batch waiting"}), "no function has had the file yet", 1},
		{"without a lake", func(a *account, c *Config) {
			a.arrive()
			c.Lake = nil
		}, slices.Concat(ok[:6], []string{"row unknown"}), "nobody looked", 1},
		{"a lake that is closed", func(a *account, _ *Config) {
			a.arrive()
			a.fail["rows"] = fmt.Errorf("%w: denied", ErrUnreadable)
		}, slices.Concat(ok[:6], []string{"row unknown"}), "cannot be read: denied", 1},
		{"the row is not there", func(a *account, _ *Config) {
			a.arrive()
			a.rows = nil
		}, slices.Concat(ok[:6], []string{"row failed"}), "0 rows of the request in", 1},
		{"a row too many", func(a *account, _ *Config) {
			a.arrive()
			a.rows = append(a.rows, a.rows...)
		}, slices.Concat(ok[:6], []string{"row failed"}), "2 rows of the request in", 1},
		{"a line that S3 delivers twice", func(a *account, _ *Config) {
			a.arrive()
			a.deliver(file, a.files[file]+a.files[file])
			a.rows = append(a.rows, a.rows...)
		}, ok, "2, for S3 delivered", 1},
		{"no object of that day", func(a *account, _ *Config) {
			a.arrive()
			a.states["logs/"+file][0].Objects = nil
		}, slices.Concat(ok[:6], []string{"row failed"}), "no object of the table s3_access_logs on 2026-11-22", 1},
		{"looked at again, flat keys", func(a *account, c *Config) {
			a.logging.Format = enroll.Simple
			key := "p/2026-11-23-01-00-00-0A1B2C3D4E5F6071"
			a.now = a.now.Add(16 * time.Hour)
			a.deliver(key, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.convert(key, 1, 0)
			c.Probe, c.Timeout = id, 0
		}, ok, "in " + object, 0},
		{"looked at again, by day of delivery", func(a *account, c *Config) {
			a.logging.Format = enroll.ByDeliveryTime
			key := "p/111122223333/eu-central-1/photos/2026/11/23/2026-11-23-01-00-00-0A1B2C3D4E5F6071"
			a.now = a.now.Add(16 * time.Hour)
			a.deliver(key, logLine("photos", "REST.HEAD.OBJECT", id.Key(), "curl"))
			a.convert(key, 1, 0)
			c.Probe, c.Timeout = id, 0
		}, ok, "in " + object, 0},
	} {
		a := newAccount()
		config := a.config()
		var told []string
		config.Told = func(x Check) { told = append(told, x.Step+" "+string(x.State)) }
		c.set(a, &config)
		r, err := Run(t.Context(), config)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := cmp.Diff(steps(r), c.want); d != "" || !slices.Equal(told, steps(r)) {
			t.Errorf("%s: told %q (-got +want):\n%s", c.name, told, d)
		}
		last := r.Checks[len(r.Checks)-1]
		if !strings.Contains(last.Detail, c.says) || last.State != OK && last.Next == "" {
			t.Errorf("%s: %+v, want %q", c.name, last, c.says)
		}
		if len(a.asked) != c.asked || c.asked == 1 && a.asked[0] != "photos "+id.Key() {
			t.Errorf("%s: asked %q", c.name, a.asked)
		}
		if r.Sound() != (last.State == OK && len(r.Checks) == 7) {
			t.Errorf("%s: sound %v", c.name, r.Sound())
		}
	}
}

// The row is looked for in the one object that can hold it, and shown.
func TestRow(t *testing.T) {
	a := newAccount()
	a.arrive()
	r, err := Run(t.Context(), a.config())
	if err != nil || !r.Sound() {
		t.Fatalf("%+v, %v", r, err)
	}
	const asks = "SELECT * FROM s3_access_logs WHERE dt = '2026-11-22' AND request_id = '5D1E0C9B7A000001' AND key_name = 'sluice-probe-" + string(id) + "' AND log_key = '" + file + "'"
	last := r.Checks[len(r.Checks)-1]
	if a.below != "p/111122223333/eu-central-1/photos/" {
		t.Errorf("asked who is told of %q", a.below)
	}
	if len(a.read) != 1 || a.read[0] != object+" "+asks || last.Next != "in Athena: "+asks || len(last.Row) != 1 {
		t.Errorf("read %q, %+v", a.read, last)
	}
	if got := (Question{Day: "d", Key: "it's"}).SQL(); !strings.Contains(got, "key_name = 'it''s'") {
		t.Error(got)
	}
}

// Each file is read once, however often it is looked.
func TestFilesAreReadOnce(t *testing.T) {
	a := newAccount()
	a.deliver(file, logLine("photos", "REST.GET.OBJECT", "x", "curl"))
	if _, err := Run(t.Context(), a.config()); err != nil || a.opened != 1 || a.waited < 50 {
		t.Errorf("opened %d files in %d looks, %v", a.opened, a.waited, err)
	}
}

// An interrupt is no error: what is known is said, with how to go on.
func TestInterrupt(t *testing.T) {
	a := newAccount()
	ctx, cancel := context.WithCancel(t.Context())
	a.waits = func(int) { cancel() }
	r, err := Run(ctx, a.config())
	if err != nil || r.Checks[len(r.Checks)-1].State != Waiting || !strings.Contains(r.Checks[len(r.Checks)-1].Next, "--probe "+string(id)) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRunFails(t *testing.T) {
	for _, what := range []string{"logging", "ask", "list", "open", "file", "rows"} {
		a := newAccount()
		if what != "list" {
			a.arrive()
		}
		a.fail[what] = errors.New("denied")
		if r, err := Run(t.Context(), a.config()); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
}

// A request just before midnight may be of either day.
func TestPrefixes(t *testing.T) {
	a := newAccount()
	c := a.config()
	c.Probe = "20261122T235930Z-3031323334353637"
	a.now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	c.Timeout = 0
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	const at = "p/111122223333/eu-central-1/photos/"
	if want := []string{at + "2026/11/22/", at + "2026/11/23/"}; !slices.Equal(a.listed, want) {
		t.Errorf("listed %q, want %q", a.listed, want)
	}
}

func TestIDs(t *testing.T) {
	if got, err := ParseID(string(id)); err != nil || got != id || !got.Sent().Equal(time.Date(2026, 11, 22, 9, 30, 15, 0, time.UTC)) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "x", "20261122T093015Z-", "20261122T093015Z-30313233343536", "20261122T093015-3031323334353637", "20261122T093015Z-303132333435363Z"} {
		if got, err := ParseID(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	if _, err := NewID(time.Now(), strings.NewReader("")); err == nil {
		t.Error("an id without a number")
	}
}
