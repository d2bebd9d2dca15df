package pack

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Found is what became of a live object.
type Found struct {
	Since   time.Time // when its rows were packed
	There   bool      // the object is in the lake nevertheless: it goes later, or came back
	Expired bool      // the rows were kept for long enough and are gone
}

// Find looks in the notes what became of a live object, by its name relative to
// the lake. It says false for one that is not packed, or whose notes say nothing.
func Find(ctx context.Context, lake Objects, notes Notes, name string) (f Found, packed bool, err error) {
	table, rest, _ := strings.Cut(name, "/dt=")
	day, _, ok := strings.Cut(rest, "/")
	if _, err := time.Parse(time.DateOnly, day); err != nil || !ok || table == "" {
		return f, false, nil
	}
	p := Packer{Config{Objects: lake, Notes: notes}}
	h, err := p.history(ctx, table, day)
	if err != nil {
		return f, false, fmt.Errorf("look what is packed of %s: %w", day, err)
	}
	for _, s := range h.steps {
		if s.end == nil || !s.end.Done {
			continue
		}
		for _, o := range s.Parts {
			if o.Name == name {
				f, packed = Found{Since: s.end.At, Expired: s.expired}, true
			}
		}
	}
	if !packed {
		return f, false, nil
	}
	for o, err := range lake.List(ctx, name) {
		if err != nil {
			return f, true, fmt.Errorf("look for %s: %w", name, err)
		}
		f.There = f.There || o.Name == name
	}
	return f, true, nil
}
