package detect

import (
	"context"
	"fmt"
	"time"

	"sluice/internal/finding"
	"sluice/internal/sigma"
)

// Outlet is where findings go. Send returns only when everything is where it
// must be; after an error, any of it may be sent again, with the same message
// uids.
type Outlet interface {
	Send(ctx context.Context, fs []*finding.Finding) error
}

// Config is what an Engine must know beside rules and state. The zero Config is
// good for a laptop.
type Config struct {
	Account, Region string           // where the logs are, for findings that do not say
	Now             func() time.Time // nil: time.Now
	MinLevel        sigma.Level      // findings below are not made; 0: all are
	Lateness        time.Duration    // how late a file may come and still be counted; 0: DefaultLateness
	ClaimFor        time.Duration    // how long a claim keeps others away; 0: DefaultClaim
	Limits          Limits           // of alerts; the zero Limits limits nothing
	// AlertMaxAge takes the alert away from a finding whose last record is older:
	// nobody is to be woken by what stands in logs of years ago. It is found and
	// counted like any other. 0: no age is too old.
	AlertMaxAge time.Duration
	Pack        int // elements of a set of several groups; 0: DefaultPack; below: groups share nothing
	// Every tells a finding whenever a file adds to it, as large as it has become,
	// and claims nothing. It is for one process that shows what it found at its
	// end, and keeps the last it was told of each uid.
	Every bool
}

// DefaultLateness is how late a file may come and still be counted with those of
// its time. Most logs come within hours.
const DefaultLateness = 48 * time.Hour

// DefaultClaim is how long a worker that claimed a finding is waited for. It is
// longer than sending takes; a worker that is slower is told twice, with the
// same message uid.
const DefaultClaim = 2 * time.Minute

// Report is what Apply did, for metrics.
type Report struct {
	Records       int64                     // rows watched
	Matched       int64                     // rows that any rule matched
	GroupsDropped int64                     // groups of the file beyond MaxGroups, its memory and Limits.Groups
	Written       int64                     // contributions written to counters
	Findings      [sigma.Critical + 1]int64 // messages by level, updates included
	Alerts        int64                     // of those, for a person
	Limited       int64                     // alerts taken away by Limits
}

// Add adds another file's report.
func (r *Report) Add(o Report) {
	r.Records += o.Records
	r.Matched += o.Matched
	r.GroupsDropped += o.GroupsDropped
	r.Written += o.Written
	for i, n := range o.Findings {
		r.Findings[i] += n
	}
	r.Alerts += o.Alerts
	r.Limited += o.Limited
}

// Engine counts what Watchers observed and tells what crosses a threshold. It is
// safe for concurrent use.
type Engine struct {
	rules    *Rules
	state    State
	outlet   Outlet
	config   Config
	told     *recent   // steps of findings
	seen     *recent   // elements that are in the state
	met      *recent   // days of a first_seen that are, by the hashes of groups
	gathered *gathered // with Config.Every
}

// NewEngine returns an engine for rules.
func NewEngine(r *Rules, s State, out Outlet, c Config) *Engine {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lateness <= 0 {
		c.Lateness = DefaultLateness
	}
	if c.ClaimFor <= 0 {
		c.ClaimFor = DefaultClaim
	}
	if c.Pack == 0 {
		c.Pack = DefaultPack
	}
	return &Engine{rules: r, state: s, outlet: out, config: c, told: newRecent(), seen: newRecent(), met: newRecent(), gathered: newGathered()}
}

// Apply counts one file and sends what it completes. After an error the file
// must be applied again: nothing is counted or lost twice, and a finding that
// was sent may be sent again under the same message uid. A nil o is nothing.
//
// First everything is counted, then what crossed is claimed, sent, and marked as
// sent. So whoever comes last to a threshold sees all that was counted, and
// whoever dies on the way is repeated by his own file.
func (e *Engine) Apply(ctx context.Context, o *Observed) (Report, error) {
	if o == nil {
		return Report{}, nil
	}
	if o.rules != e.rules {
		return Report{}, fmt.Errorf("apply %s: observed by other rules than the engine's", o.Key)
	}
	r := &run{Engine: e, o: o, now: e.config.Now()}
	r.report = Report{Records: o.Records, Matched: o.Matched, GroupsDropped: o.Dropped}
	if err := r.apply(ctx); err != nil {
		return Report{}, fmt.Errorf("apply %s: %w", o.Key, err)
	}
	return r.report, nil
}
