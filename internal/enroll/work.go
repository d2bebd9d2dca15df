package enroll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Work joins what enrolment needs: S3, what is remembered, and what the stack is.
type Work struct {
	Buckets Buckets
	Targets interface {
		// Target returns what decides whether a bucket can receive logs.
		Target(ctx context.Context, bucket string) (Target, error)
	}
	Memory *Memory
	// Logged returns the buckets that logged here at the last look at the account.
	// It is needed for orders of new buckets only.
	Logged func(ctx context.Context) (map[string]bool, error)
	Want   Logging           // what a bucket that is enrolled does
	Own    map[string]string // buckets of the stack, and what each is
	By     string            // Stack or Hand
	Now    func() time.Time
}

// looking is how many buckets are looked at at once: an answer takes tens of
// milliseconds in AWS and more from a laptop, and accounts have thousands.
const looking = 16

// Plan looks at what there is and makes the plan for an order. An error means
// that nothing could be planned at all; what is wrong with one bucket is in its
// step. seen, which may be nil, is told how many of how many buckets were looked
// at; it is called by one at a time.
//
// restore says of which remembered buckets, among those that are not ordered, the
// order is to give back what they did; nil is of none.
func (w *Work) Plan(ctx context.Context, o Order, restore func(bucket string, r Record) bool, seen func(n, of int)) ([]Step, error) {
	v := View{Logging: map[string]*Logging{}, Unread: map[string]error{}, Own: w.Own}
	var err error
	if v.Buckets, err = w.Buckets.List(ctx); err != nil {
		return nil, err
	}
	if v.Records, err = w.Memory.All(ctx); err != nil {
		return nil, err
	}
	if o.OnlyNew {
		if v.Logged, err = w.Logged(ctx); err != nil {
			return nil, fmt.Errorf("which buckets logged before: %w", err)
		}
	}
	names := map[string]bool{}
	for _, n := range v.wanted(o) {
		names[n] = true
	}
	enrolls := len(names) > 0
	if enrolls { // what is given back needs no log bucket: it may be gone
		v.Target, v.NoTarget = w.target(ctx, v.Buckets)
	}
	for n, r := range v.Records {
		if restore != nil && !names[n] && restore(n, r) {
			o.Restore = append(o.Restore, n)
		}
	}
	for _, n := range o.Restore {
		names[n] = true
	}
	var look []string
	for _, b := range v.Buckets {
		if names[b.Name] && (b.Region == "" || v.Target.Region == "" || b.Region == v.Target.Region) {
			look = append(look, b.Name)
		}
	}
	w.look(ctx, &v, look, seen)
	if enrolls && v.NoTarget == nil {
		w.follow(ctx, &v)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look at %d buckets: %w", len(look), err)
	}
	return Plan(v, w.Want, o), nil
}

// target looks at the log bucket, if it is where it can be asked.
func (w *Work) target(ctx context.Context, all []Bucket) (Target, error) {
	i := slices.IndexFunc(all, func(b Bucket) bool { return b.Name == w.Want.Target })
	if i < 0 {
		return Target{}, fmt.Errorf("%s is no bucket of this account", w.Want.Target)
	}
	t, err := w.Targets.Target(ctx, w.Want.Target)
	if r := all[i].Region; r != "" && r != t.Region {
		return Target{}, fmt.Errorf("%s is in %s, and this asks in %s: choose that Region", w.Want.Target, r, t.Region)
	}
	return t, err
}

// look reads what buckets do, and waits for all of them.
func (w *Work) look(ctx context.Context, v *View, names []string, seen func(n, of int)) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		next int
		done int
	)
	for range min(looking, len(names)) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(names) || ctx.Err() != nil {
					return
				}
				l, err := w.Buckets.Logging(ctx, names[i])
				mu.Lock()
				v.saw(names[i], l, err)
				if done++; seen != nil {
					seen(done, len(names))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func (v *View) saw(name string, l *Logging, err error) {
	if err != nil {
		v.Unread[name] = err
		return
	}
	v.Logging[name] = l
}

// follow reads where the logs of the log bucket go, and the logs of that bucket,
// until they go nowhere or come round.
func (w *Work) follow(ctx context.Context, v *View) {
	passed := map[string]bool{}
	for at := v.Target.Name; !passed[at]; {
		passed[at] = true
		if _, ok := v.Logging[at]; !ok && v.Unread[at] == nil {
			l, err := w.Buckets.Logging(ctx, at)
			v.saw(at, l, err)
		}
		l := v.Logging[at]
		if l == nil {
			return
		}
		at = l.Target
	}
}

// Apply makes the steps of a plan, one after the other, and returns them with
// what became of each. What fails does not keep the next from being tried; what
// the time does not allow says so. told, which may be nil, is called after each.
//
// What a bucket did is remembered before it is changed. So whoever stops between
// leaves at most a record of a change that was not made, which is dropped when it
// is to be given back; and to apply the same order again is to finish it.
func (w *Work) Apply(ctx context.Context, steps []Step, told func(Step)) []Step {
	for i := range steps {
		s := &steps[i]
		switch {
		case !s.Verb.Changes() && s.Verb != Release:
		case ctx.Err() != nil:
			s.Err = errLate
		default:
			s.Err = w.apply(ctx, s)
		}
		if told != nil {
			told(*s)
		}
	}
	return steps
}

var errLate = errors.New("not reached in time: do the same again, what is done stays done")

func (w *Work) apply(ctx context.Context, s *Step) error {
	if s.Verb == Release {
		return w.Memory.forget(ctx, s.Bucket, s.record)
	}
	// Minutes may have passed since the plan, with a person reading it.
	now, err := w.Buckets.Logging(ctx, s.Bucket)
	if err != nil {
		return err
	}
	if !now.Same(s.Now) {
		return fmt.Errorf("was changed meanwhile to %s: plan again", now)
	}
	if s.Verb == Restore {
		if err := w.Buckets.SetLogging(ctx, s.Bucket, s.To); err != nil {
			return err
		}
		return w.Memory.forget(ctx, s.Bucket, s.record)
	}
	is := Record{Before: s.Now, Set: s.To, By: w.By, At: w.Now().UTC().Truncate(time.Second)}
	var was *Record
	if s.known {
		was = &s.record
		is.By = was.By
		if s.Now.Same(was.Set) || s.Now == nil {
			is.Before = was.Before // what it does now is our own doing, or was switched off since
		}
	}
	if err := w.Memory.remember(ctx, s.Bucket, was, &is); err != nil {
		return err
	}
	err = w.Buckets.SetLogging(ctx, s.Bucket, s.To)
	if err == nil {
		return nil
	}
	// Refused, a bucket is as it was: a record would say that it was enrolled, and
	// whoever enrolls new ones would pass it by. Where nobody knows, it stays.
	if now, lerr := w.Buckets.Logging(ctx, s.Bucket); lerr == nil && now.Same(s.Now) {
		err = errors.Join(err, w.Memory.takeBack(ctx, s.Bucket, is, was))
	}
	return err
}
