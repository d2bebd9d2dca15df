package detect_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

const newKeys = `
title: Deleted
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b01
name: deleted
status: test
level: informational
logsource: {product: aws, service: s3_server_access}
detection: {sel: {operation: REST.DELETE.OBJECT}, condition: sel}
---
title: New
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b02
name: new_key
status: test
level: low
correlation: {type: first_seen, rules: [deleted], group-by: [bucket_name], timespan: 30d, condition: {field: key_name}}
`

// breaking is a state that fails where it is told to.
type breaking struct {
	detect.State
	broken string
	days   int // adds of a first_seen
}

var errBroken = errors.New("broken")

func (b *breaking) Add(ctx context.Context, adds []detect.Add) error {
	if b.broken == "add" {
		return errBroken
	}
	for _, a := range adds {
		if a.Rule == "new_key" {
			b.days++
		}
	}
	return b.State.Add(ctx, adds)
}

func (b *breaking) Read(ctx context.Context, spans []detect.Span) ([][]detect.Slot, error) {
	if b.broken == "read" {
		return nil, errBroken
	}
	return b.State.Read(ctx, spans)
}

func (b *breaking) Claim(ctx context.Context, now time.Time, claims []detect.Claim) ([]detect.Grant, error) {
	if b.broken == "claim" {
		return nil, errBroken
	}
	return b.State.Claim(ctx, now, claims)
}

// What is on a day again is not counted again, whoever watched it. But it is counted
// when it comes on another day, or with another value or owner, and until it is in the
// state: after an error the file adds it again.
func TestWhatWasMetIsNotCountedAgain(t *testing.T) {
	rules := load(t, newKeys)
	for _, broken := range []string{"", "add", "read", "claim"} {
		state := &breaking{State: detect.NewMemory()}
		out := &sent{}
		e := detect.NewEngine(rules, state, out, detect.Config{})
		first, second := rules.Watch(), rules.Watch()
		n := 0
		file := func(w *detect.Watcher, at logs.Time, owner, name string) *detect.Observed {
			n++
			w.Begin(fmt.Sprint(n), "logs/"+fmt.Sprint(n))
			w.Row(row(at, key(name), func(r *s3access.Row) { r.BucketOwnerID = logs.Text(owner) }))
			return w.End(true)
		}
		const day = 24 * time.Hour
		for _, owner := range []string{"us", "them"} { // what is new is learned by then
			applied(t, e, file(first, at(-10*day), owner, "z"))
		}
		o := file(first, at(0), "us", "a")
		state.broken = broken
		if _, err := e.Apply(t.Context(), o); (err != nil) != (broken != "") {
			t.Fatalf("broken %q: got %v", broken, err)
		}
		if state.broken = ""; broken != "" {
			before := state.days
			if applied(t, e, o); state.days == before {
				t.Errorf("broken %q: the file is applied again and adds nothing", broken)
			}
		}
		for _, c := range []struct {
			what  string
			o     *detect.Observed
			fresh bool
		}{
			{"the same", file(first, at(time.Minute), "us", "a"), false},
			{"the same, of another watcher", file(second, at(time.Minute), "us", "a"), false},
			{"the same of that again", file(second, at(2*time.Minute), "us", "a"), false},
			{"another day", file(first, at(day), "us", "a"), true},
			{"that day again", file(first, at(day), "us", "a"), false},
			{"another value", file(first, at(0), "us", "b"), true},
			{"another owner", file(first, at(0), "them", "a"), true},
			{"that owner of the other watcher", file(second, at(0), "them", "a"), false},
		} {
			before := state.days
			applied(t, e, c.o)
			if got := state.days > before; got != c.fresh {
				t.Errorf("broken %q, %s: added %v, want %v", broken, c.what, got, c.fresh)
			}
		}
		told := map[string]bool{}
		for _, f := range out.all {
			if f.Rule.Title == "New" {
				told[f.UID] = true
			}
		}
		if len(told) != 3 {
			t.Errorf("broken %q: told of %d, want of a, of b, and of another owner's a\n%s", broken, len(told), out.list())
		}
	}
}
