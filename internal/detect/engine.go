package detect

import (
	"context"
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
	LogBucket       string           // rows about this bucket are not watched; "": all are
	Lateness        time.Duration    // how late a file may come and still be counted; 0: 48 h
	ClaimFor        time.Duration    // how long a claim keeps others away; 0: 2 minutes
	Limits          Limits           // the zero Limits is DefaultLimits; NoLimits for a laptop
}

// Limits keep a storm of incidents from becoming a storm of messages. A finding
// beyond them is still a row of the table findings; only its Alert is taken
// away, and one finding an hour says that this is so. A negative limit is none.
type Limits struct {
	PerFile   int // alerts of one Apply
	PerRule   int // alerts of one rule in one hour of the clock
	PerMinute int // alerts of all rules in one minute of the clock
}

// Report is what Apply did, for metrics.
type Report struct {
	Records, Matched int64                     // rows watched, and those that any rule matched
	GroupsDropped    int64                     // groups of a file beyond MaxGroups
	Written          int64                     // contributions written to counters
	Findings         [sigma.Critical + 1]int64 // messages by level, updates included
	Alerts           int64                     // of those, for a person
	Limited          int64                     // alerts taken away by Limits
}

// Engine counts what Watchers observed and tells what crosses a threshold. It is
// safe for concurrent use.
type Engine struct {
	rules  *Rules
	state  State
	outlet Outlet
	config Config
}

// NewEngine returns an engine for rules.
func NewEngine(r *Rules, s State, out Outlet, c Config) *Engine {
	return &Engine{rules: r, state: s, outlet: out, config: c}
}

// Apply counts one file and sends what it completes. After an error the file
// must be applied again: nothing is counted or lost twice, and a finding that
// was sent may be sent again under the same message uid. A nil o is nothing.
func (e *Engine) Apply(ctx context.Context, o *Observed) (Report, error) {
	return Report{}, nil
}
