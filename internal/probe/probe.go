// Package probe checks the way of one bucket's access logs from end to end: its
// settings, what S3 needs to deliver, a request that must be logged, the delivered
// file with its line, the batch that the file went into, and the row that readers
// find. Each step says what to do when it fails.
//
// S3 delivers when it likes, hours later as a rule. So a probe is its id: whoever
// has it can look again.
package probe

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"sluice/internal/enroll"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
)

// Cloud is what a check needs of S3.
type Cloud interface {
	Logging(ctx context.Context, bucket string) (*enroll.Logging, error)
	Target(ctx context.Context, bucket string) (enroll.Target, error)
	// Announces says to whom a bucket announces created objects whose keys begin
	// with a prefix, in words.
	Announces(ctx context.Context, bucket, prefix string) ([]string, error)
	// Ask makes a request for an object that need not be there, and returns S3's id
	// of it.
	Ask(ctx context.Context, bucket, key string) (requestID string, err error)
}

// Files are the delivered ones.
type Files interface {
	List(ctx context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error]
	Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error)
}

// History knows what became of them.
type History interface {
	File(ctx context.Context, bucket, key string) ([]ledger.Status, error)
}

// Lake reads what readers see.
type Lake interface {
	// Rows finds the rows of a request in an object of the table of access logs.
	// ErrUnreadable is among the errors, with the reason for a person.
	Rows(ctx context.Context, o ledger.Object, q Question) ([]Row, error)
}

// Question is which rows are looked for: those of one request in one delivered
// file. More than one is a row too many.
type Question struct {
	Day       string // of the partition
	RequestID string
	Key       string // that was asked for
	LogKey    string // of the delivered file
}

// Row is a row, by column.
type Row []Cell

// Cell is a value in a row; NULL is not in it.
type Cell struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// ErrUnreadable says that an object cannot be looked into from here, which says
// nothing about what is in it.
var ErrUnreadable = errors.New("cannot be read")

// State is how a step ended.
type State string

// How a step can end. After Failed the later ones make no sense.
const (
	OK      State = "ok"
	Failed  State = "failed"
	Unknown State = "unknown" // could not be checked
	Waiting State = "waiting" // not yet; look again with the id of the probe
)

// Check is one step.
type Check struct {
	Step   string `json:"step"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"` // what to do
	Row    Row    `json:"row,omitempty"`  // of the request, where that is what was found
}

// ID names a probe, and says when it was sent: 20261122T093015Z-0a1b2c3d4e5f6071.
type ID string

const idForm = "20060102T150405Z"

// NewID draws an id.
func NewID(now time.Time, random io.Reader) (ID, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw a number: %w", err)
	}
	return ID(now.UTC().Format(idForm) + "-" + hex.EncodeToString(b[:])), nil
}

// ParseID reads an id that a person typed.
func ParseID(text string) (ID, error) {
	when, rest, _ := strings.Cut(text, "-")
	n, err := hex.DecodeString(rest)
	if _, terr := time.Parse(idForm, when); err != nil || terr != nil || len(n) != 8 {
		return "", fmt.Errorf("%q is no probe: the id looks like 20261122T093015Z-0a1b2c3d4e5f6071", text)
	}
	return ID(text), nil
}

// Sent is when the probe was sent.
func (id ID) Sent() time.Time {
	when, _, _ := strings.Cut(string(id), "-")
	t, _ := time.Parse(idForm, when)
	return t
}

// Key is the key that the probe asks for. No character of it is escaped in a log.
func (id ID) Key() string { return "sluice-probe-" + string(id) }

// Config is what a check is made from.
type Config struct {
	Cloud   Cloud
	Files   Files
	History History // nil: nobody is asked what became of the file
	Lake    Lake    // nil: nobody reads the row
	Bucket  string
	Account string
	Region  string
	Probe   ID // of an earlier check; "" sends one
	Random  io.Reader
	Now     func() time.Time
	Wait    func(ctx context.Context, d time.Duration) error
	Every   time.Duration // between two looks
	Timeout time.Duration // how long to look again; 0 looks once
	Told    func(Check)   // is told of each step when it ends; nil for nobody
	Looked  func(waiting string, since time.Duration, files int)
}

// Result is all steps.
type Result struct {
	Bucket string  `json:"bucket"`
	Probe  ID      `json:"probe,omitempty"`
	Checks []Check `json:"checks"`
}

// Sound says that every step is ok.
func (r *Result) Sound() bool {
	for _, c := range r.Checks {
		if c.State != OK {
			return false
		}
	}
	return len(r.Checks) > 0
}

type run struct {
	Config
	result  Result
	logging *enroll.Logging
	until   time.Time
	seen    map[string]bool // files that do not hold the line
}

// Run checks step after step. It returns an error only where a step could not even
// be tried; an interrupt while it waits is none.
func Run(ctx context.Context, c Config) (*Result, error) {
	r := &run{Config: c, result: Result{Bucket: c.Bucket, Probe: c.Probe, Checks: []Check{}}, seen: map[string]bool{}}
	r.until = c.Now().Add(c.Timeout)
	for _, step := range []func(context.Context) (bool, error){r.settings, r.target, r.announced, r.send, r.delivered} {
		if more, err := step(ctx); err != nil || !more {
			return &r.result, err
		}
	}
	return &r.result, nil
}

// say ends a step; it tells whether to go on.
func (r *run) say(step string, s State, next, detail string, args ...any) (bool, error) {
	return r.end(Check{Step: step, State: s, Detail: fmt.Sprintf(detail, args...), Next: next})
}

func (r *run) end(c Check) (bool, error) {
	r.result.Checks = append(r.result.Checks, c)
	if r.Told != nil {
		r.Told(c)
	}
	return c.State == OK || c.State == Unknown, nil
}

func (r *run) settings(ctx context.Context) (bool, error) {
	l, err := r.Cloud.Logging(ctx, r.Bucket)
	switch {
	case errors.Is(err, enroll.ErrNoBucket):
		return r.say("logging", Failed, "look at its name, account and Region", "there is no bucket %s", r.Bucket)
	case err != nil:
		return false, err
	case l == nil:
		return r.say("logging", Failed, "sluice enroll "+r.Bucket, "%s does not log", r.Bucket)
	}
	r.logging = l
	return r.say("logging", OK, "", "%s", l)
}

func (r *run) target(ctx context.Context) (bool, error) {
	const step = "log bucket"
	t, err := r.Cloud.Target(ctx, r.logging.Target)
	if err != nil {
		return r.say(step, Unknown, "let whoever runs this read the settings of "+r.logging.Target, "%v", err)
	}
	faults := t.Faults()
	if why := t.Admits(r.Bucket, r.logging.Prefix); why != "" {
		faults = append(faults, why)
	}
	if len(faults) > 0 {
		return r.say(step, Failed, "S3 delivers nothing until that is mended", "%s", strings.Join(faults, "; "))
	}
	return r.say(step, OK, "", "S3 may deliver into %s", r.logging.Target)
}

func (r *run) announced(ctx context.Context) (bool, error) {
	const step = "announcement"
	to, err := r.Cloud.Announces(ctx, r.logging.Target, r.below())
	switch {
	case err != nil:
		return r.say(step, Unknown, "let whoever runs this read the notifications of "+r.logging.Target, "%v", err)
	case len(to) == 0:
		return r.say(step, Failed, "deploy the stack again, or for a bucket of your own run its output ConnectLogBucketCommand", "%s tells nobody of new files below %q", r.logging.Target, r.below())
	}
	return r.say(step, OK, "", "new files are announced to %s", strings.Join(to, ", "))
}

func (r *run) send(ctx context.Context) (bool, error) {
	const step = "request"
	if r.Probe != "" {
		return r.say(step, OK, "", "sent %s", stamp(r.Probe.Sent()))
	}
	id, err := NewID(r.Now(), r.Random)
	if err != nil {
		return false, err
	}
	request, err := r.Cloud.Ask(ctx, r.Bucket, id.Key())
	if err != nil {
		return false, fmt.Errorf("send a request to %s: %w", r.Bucket, err)
	}
	r.Probe, r.result.Probe = id, id
	return r.say(step, OK, "", "HEAD of %s, request id %s", id.Key(), request)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }
