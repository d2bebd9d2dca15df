package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/logs"
)

// client is texts that a reader knows again; plainClient is the same without saying so.
type client struct {
	When  logs.Time `col:"event_time"`
	Name  logs.Text `col:"name,dict" again:"Said"`
	What  logs.Text `col:"what,dict"`
	Agent logs.Text `col:"agent,dict" again:"Said"`
	Host  logs.Text `col:"host,dict" again:"Reached"`

	Said, Reached *logs.Again
}

type plainClient struct {
	When  logs.Time `col:"event_time"`
	Name  logs.Text `col:"name,dict"`
	What  logs.Text `col:"what,dict"`
	Agent logs.Text `col:"agent,dict"`
	Host  logs.Text `col:"host,dict"`

	Said, Reached *logs.Again
}

// clients makes rows as a reader with few places does: a place that is given to other
// values is nobody's again, and some rows do not say what they repeat.
type clients struct {
	r      *rand.Rand
	said   [40]logs.Again
	values [40]int
	host   [3]logs.Again
}

func (c *clients) row() (row client) {
	at := c.r.IntN(len(c.said))
	if c.r.IntN(8) == 0 {
		c.said[at], c.values[at] = logs.Again{}, c.r.IntN(300)
	}
	v := c.values[at]
	row = client{When: logs.Time(c.r.IntN(3) * 86_400_000), What: fmt.Appendf(nil, "%d", c.r.IntN(9)), Agent: fmt.Appendf(nil, "agent/%d", v)}
	switch v % 3 {
	case 1:
		row.Name = fmt.Appendf(nil, "name %d", v%50)
	case 2:
		row.Name = logs.Text{} // "" is not NULL
	}
	if c.r.IntN(5) > 0 {
		row.Said = &c.said[at]
	}
	host := c.r.IntN(len(c.host))
	if host > 0 {
		row.Host = fmt.Appendf(nil, "host-%d", host)
	}
	row.Reached = &c.host[host]
	return row
}

// TestAgain: what a reader knows again makes the same objects as what was looked at,
// whatever was rolled back, flushed or begun again between, and with two buffers.
func TestAgain(t *testing.T) {
	for _, background := range []bool{false, true} {
		stage := newStage(t)
		if background {
			stage.Background()
		}
		known, err := New(logs.Table[client]{Name: "clients", Time: func(r *client) logs.Time { return r.When }, Sort: []string{"agent", "name"}}, stage)
		if err != nil {
			t.Fatal(err)
		}
		looked, err := New(logs.Table[plainClient]{
			Name: "clients", Time: func(r *plainClient) logs.Time { return r.When }, Sort: []string{"agent", "name"},
		}, newStage(t))
		if err != nil {
			t.Fatal(err)
		}
		known.limits.rows, looked.limits.rows = 4000, 4000
		c := &clients{r: rand.New(rand.NewPCG(5, 5))}
		for range 4 {
			for range 12 {
				known.Mark()
				looked.Mark()
				for range 1 + c.r.IntN(2500) {
					row := c.row()
					plain := plainClient(row)
					if err := known.Write(&row); err != nil {
						t.Fatal(err)
					}
					if err := looked.Write(&plain); err != nil {
						t.Fatal(err)
					}
				}
				if c.r.IntN(3) > 0 {
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
}

// TestAgainOfNothing: tags that mean nothing are refused.
func TestAgainOfNothing(t *testing.T) {
	type noField struct {
		A logs.Text `col:"a,dict" again:"Said"`
	}
	type noAgain struct {
		A    logs.Text `col:"a,dict" again:"Said"`
		Said int
	}
	type noDict struct {
		A    logs.Text `col:"a" again:"Said"`
		Said *logs.Again
	}
	type part struct {
		A    logs.Text `col:"a,dict"`
		B    logs.Text `col:"b,dict" of:"a" again:"Said"`
		Said *logs.Again
	}
	type whole struct {
		A    logs.Text `col:"a,dict" again:"Said"`
		B    logs.Text `col:"b,dict" of:"a"`
		Said *logs.Again
	}
	for want, columns := range map[string]func() ([]Column, error){
		`column "a": again "Said", which is no *logs.Again of the row`: Columns[noField],
		`column "a": again "Said", which is no *logs.Again`:            Columns[noAgain],
		`column "a": again "Said": not a text with a dictionary`:       Columns[noDict],
		`column "b": both again and a part of a column`:                Columns[part],
		`column "b": of "a", which is again what it was`:               Columns[whole],
	} {
		if _, err := columns(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
