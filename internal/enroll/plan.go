package enroll

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Verb is what a plan does with a bucket.
type Verb string

// The verbs, and what a reader of a plan should make of them.
const (
	Enable  Verb = "enable"  // logs nowhere, and will log here
	Reshape Verb = "reshape" // logs here already, with another prefix or key format, or into where this stack's logs went before
	Replace Verb = "replace" // logs elsewhere, and was told to log here instead; nobody else gets its logs any more
	Right   Verb = "right"   // nothing to do
	Leave   Verb = "leave"   // logs elsewhere and stays so: look whether that is meant
	Refuse  Verb = "refuse"  // cannot log here; the reason says why and what would help
	Restore Verb = "restore" // gets back what it did before
	Release Verb = "release" // somebody has changed it since: stays, and what it did before is forgotten
)

// Changes tells whether the verb changes what a bucket does.
func (v Verb) Changes() bool {
	return v == Enable || v == Reshape || v == Replace || v == Restore
}

// Step is what happens to one bucket.
type Step struct {
	Bucket string
	Verb   Verb
	Looked bool     // Now is known: nobody looks at buckets that cannot be enrolled
	Now    *Logging // what it does when the plan is made; nil for nothing
	To     *Logging // what it does after a step that changes something
	Reason string   // why it is refused, left or released
	Err    error    // why the step could not be made, once it was tried
	// Everywhere tells that the reason is the log bucket's: no bucket can log there.
	Everywhere bool

	record Record // what is remembered of it
	known  bool
}

// Order is what somebody wants.
type Order struct {
	Buckets []string // names
	All     bool     // all buckets of the account, in addition
	Except  []string // but these
	// Replace tells to take over buckets that log elsewhere.
	Replace bool
	// OnlyNew leaves alone, without a step, what was enrolled before and what logged
	// here when it was last looked at: if it does so no more, somebody has decided
	// that, and a person must hear of it before it is undone.
	OnlyNew bool
	// Restore are buckets that shall get back what they did before.
	Restore []string
}

// View is what a plan is made from: what there is.
type View struct {
	Buckets  []Bucket            // of the account
	Logging  map[string]*Logging // of buckets that were looked at
	Unread   map[string]error    // those of which that could not be read
	Target   Target
	NoTarget error             // why the target could not be looked at
	Own      map[string]string // buckets of the stack, and what each is: they never log
	Records  map[string]Record // what is remembered
	Logged   map[string]bool   // buckets that logged here at the last look at them, where OnlyNew asks
}

// Plan says what has to happen so that the ordered buckets deliver as want says,
// in the order of their names. It changes nothing.
func Plan(v View, want Logging, o Order) []Step {
	exists := map[string]Bucket{}
	for _, b := range v.Buckets {
		exists[b.Name] = b
	}
	var steps []Step
	for _, name := range v.wanted(o) {
		s := v.step(name)
		if b, ok := exists[name]; !ok {
			s.Verb, s.Reason = Refuse, "is no bucket of this account"
		} else if why, everywhere := v.refuse(b, want); why != "" {
			s.Verb, s.Reason, s.Everywhere = Refuse, why, everywhere
		} else {
			v.enroll(&s, want, o.Replace)
		}
		steps = append(steps, s)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.Restore))) {
		if slices.ContainsFunc(steps, func(s Step) bool { return s.Bucket == name }) {
			continue
		}
		s := v.step(name)
		_, ok := exists[name]
		v.restore(&s, ok)
		steps = append(steps, s)
	}
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Compare(a.Bucket, b.Bucket) })
	return steps
}

// wanted are the names that are to log, each once.
func (v View) wanted(o Order) []string {
	names := slices.Clone(o.Buckets)
	if o.All {
		for _, b := range v.Buckets {
			names = append(names, b.Name)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		_, known := v.Records[n]
		return slices.Contains(o.Except, n) || o.OnlyNew && (known || v.Logged[n])
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (v View) step(name string) Step {
	r, ok := v.Records[name]
	now, looked := v.Logging[name]
	return Step{Bucket: name, Now: now, Looked: looked, record: r, known: ok}
}

// Before is what a bucket does when the plan is made, for a person.
func (s Step) Before() string {
	if !s.Looked {
		return "unknown"
	}
	return s.Now.String()
}

// After is what it does after a step that was made, for a person.
func (s Step) After() string {
	if s.Verb.Changes() {
		return s.To.String()
	}
	return s.Before()
}

// refuse says why a bucket cannot or must not deliver here, and whether none can.
func (v View) refuse(b Bucket, want Logging) (why string, everywhere bool) {
	switch {
	case b.Name == want.Target:
		return "is the log bucket itself: each file of logs would cause the next", false
	case v.Own[b.Name] != "":
		return "is " + v.Own[b.Name] + " of Sluice: converting its logs would make more of them, without end", false
	case v.NoTarget != nil:
		return "the log bucket cannot be looked at: " + v.NoTarget.Error(), true
	case b.Region != "" && b.Region != v.Target.Region:
		return fmt.Sprintf("is in %s, and S3 delivers access logs within a Region: it takes a stack there", b.Region), false
	}
	if faults := v.Target.Faults(); len(faults) > 0 {
		return strings.Join(faults, "; "), true
	}
	if why := v.loop(b.Name); why != "" {
		return why, false
	}
	if why, everywhere := v.Target.admits(b.Name, want.Prefix); why != "" {
		return why, everywhere
	}
	if err := v.Unread[b.Name]; err != nil {
		return "cannot be looked at: " + err.Error(), false
	}
	return "", false
}

// loop follows the logs of the log bucket itself. Where they come to the source,
// or back to a bucket that they passed, each file of logs would cause the next.
func (v View) loop(source string) string {
	way := []string{v.Target.Name}
	for {
		at := way[len(way)-1]
		if err := v.Unread[at]; err != nil {
			return fmt.Sprintf("cannot tell whether logs would go round: %v", err)
		}
		l := v.Logging[at]
		if l == nil {
			return ""
		}
		again := slices.Contains(way, l.Target)
		way = append(way, l.Target)
		switch {
		case l.Target == source:
			return "would get its own logs back: " + strings.Join(append([]string{source}, way...), " → ") + "; switch logging of " + at + " off"
		case again:
			return "logs about logs would go round for ever: " + strings.Join(way, " → ") + "; switch logging of " + at + " off"
		}
	}
}

// enroll decides about a bucket that may log here.
func (v View) enroll(s *Step, want Logging, replace bool) {
	switch {
	case s.Now.Same(&want):
		s.Verb = Right
		return
	case s.Now == nil:
		s.Verb = Enable
	case s.Now.Target == want.Target || s.known && s.Now.Same(s.record.Set):
		s.Verb = Reshape
	case replace:
		s.Verb = Replace
	default:
		s.Verb, s.Reason = Leave, "logs to "+s.Now.String()+" already"
		return
	}
	s.To = &want
}

// restore decides about a bucket that is not to log here any more.
func (v View) restore(s *Step, exists bool) {
	switch {
	case !s.known:
		s.Verb, s.Reason = Leave, "was not enrolled by Sluice: it stays as it is"
	case !exists:
		s.Verb, s.Reason = Release, "is gone"
	case v.Unread[s.Bucket] != nil:
		s.Verb, s.Reason = Refuse, "cannot be looked at: "+v.Unread[s.Bucket].Error()
	case !s.Now.Same(s.record.Set):
		s.Verb, s.Reason = Release, "was changed since by somebody else: it stays as it is"
	default:
		s.Verb, s.To = Restore, s.record.Before
	}
}
