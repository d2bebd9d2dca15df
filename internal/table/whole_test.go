package table

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/internal/logs"
)

// caller is a text and what follows from it; plainCaller is the same without
// saying so.
type caller struct {
	When logs.Time `col:"event_time"`
	Name logs.Text `col:"name,dict" of:"who"`
	Who  logs.Text `col:"who,dict"`
	Home logs.Text `col:"home,dict" of:"who"`
	What logs.Text `col:"what,dict"`
}

type plainCaller struct {
	When logs.Time `col:"event_time"`
	Name logs.Text `col:"name,dict"`
	Who  logs.Text `col:"who,dict"`
	Home logs.Text `col:"home,dict"`
	What logs.Text `col:"what,dict"`
}

// callers are n rows of which some have no text, and some texts no parts.
func callers(seed uint64, n int) (rows []caller) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		row := caller{When: logs.Time(r.IntN(3) * 86_400_000), What: fmt.Appendf(nil, "%d", r.IntN(9))}
		if k := r.IntN(500); k > 0 {
			row.Who = fmt.Appendf(nil, "person %d of house %d", k, k%7)
			if k%5 > 0 {
				row.Name = fmt.Appendf(nil, "person %d", k)
			}
			if k%7 > 0 {
				row.Home = fmt.Appendf(nil, "house %d", k%7)
			} else if k%2 > 0 {
				row.Home = logs.Text{} // "" is not NULL
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// TestParts: what is known from a text makes the same objects as what was looked
// at, whatever was rolled back, flushed or begun again between.
func TestParts(t *testing.T) {
	stage := newStage(t)
	format := func(r *caller) logs.Time { return r.When }
	known, err := New(logs.Table[caller]{Name: "callers", Time: format, Sort: []string{"home", "who"}}, stage)
	if err != nil {
		t.Fatal(err)
	}
	looked, err := New(logs.Table[plainCaller]{
		Name: "callers", Time: func(r *plainCaller) logs.Time { return r.When }, Sort: []string{"home", "who"},
	}, newStage(t))
	if err != nil {
		t.Fatal(err)
	}
	known.limits.rows, looked.limits.rows = 4000, 4000
	r := rand.New(rand.NewPCG(7, 7))
	for batch := range 4 {
		for lot := range 12 {
			known.Mark()
			looked.Mark()
			for _, row := range callers(uint64(100*batch+lot), 1+r.IntN(2500)) {
				plain := plainCaller(row)
				if err := known.Write(&row); err != nil {
					t.Fatal(err)
				}
				if err := looked.Write(&plain); err != nil {
					t.Fatal(err)
				}
			}
			if r.IntN(3) > 0 {
				continue
			}
			if err := known.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := looked.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := known.Close("b")
		if err != nil {
			t.Fatal(err)
		}
		want, err := looked.Close("b")
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, contents(t, got), contents(t, want))
	}
}
