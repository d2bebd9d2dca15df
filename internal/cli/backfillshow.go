package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"sluice/internal/amount"
	"sluice/internal/backfill"
	"sluice/internal/clean"
	"sluice/internal/cost"
)

// trailRecordBytes is how many bytes a record of CloudTrail takes in a zipped
// file: measured on what sluice generate makes.
const trailRecordBytes = 290

// backfillAnswer is what backfill tells.
type backfillAnswer struct {
	From     string
	RowsOnly bool
	Job      string   // id of the job that was created
	Commands []string // that create it

	plan  backfill.Plan
	lines int64
	cost  cost.Backfill
	now   time.Time
}

// price says what the plan would cost a stack with the parameters that the
// template gives it.
func (b *backfillAnswer) price() {
	p := b.plan
	b.lines = int64(math.Ceil(float64(p.Bytes-p.TrailBytes)/cost.LineBytes + float64(p.TrailBytes)/trailRecordBytes))
	b.cost = cost.OfBackfill(float64(p.Files), float64(b.lines), b.RowsOnly, cost.DefaultStack())
}

// write shows the plan to a person.
func (b *backfillAnswer) write(s screen) error {
	var t strings.Builder
	p := b.plan
	if p.Files > 0 {
		fmt.Fprintf(&t, "%s: %s, %s, delivered %s to %s, some %s lines\n", s.bold(clean.Line(b.From)),
			amount.Of(p.Files, "file"), amount.Bytes(p.Bytes), dayOf(p.First), dayOf(p.Last), amount.Grouped(b.lines))
		years := grid{columns: []gridColumn{{name: "delivered"}, {name: "files", right: true}, {name: "size", right: true}}}
		for _, y := range p.Years {
			years.add(y.What, amount.Grouped(y.Files), amount.Bytes(y.Bytes))
		}
		fmt.Fprintf(&t, "\n%s", years.render())
	}
	b.counts(s, &t, "Left out", p.Left)
	b.counts(s, &t, "In an archive: each that is not restored yet fails, and can be repeated", p.Archived)
	if p.Files > 0 {
		b.costs(s, &t)
		b.warn(s, &t)
	}
	_, err := fmt.Fprint(s, t.String())
	return err
}

func (b *backfillAnswer) counts(s screen, t *strings.Builder, title string, list []backfill.Count) {
	if len(list) == 0 {
		return
	}
	g := grid{headless: true, columns: []gridColumn{{right: true, whole: true}, {right: true, whole: true}, {}, {}}}
	for _, c := range list {
		g.add(amount.Grouped(c.Files), amount.Bytes(c.Bytes), c.What, clean.Line(c.Example))
	}
	if s.terminal {
		g.fit(s.width)
	}
	fmt.Fprintf(t, "\n%s\n%s", s.bold(title), g.render())
}

func (b *backfillAnswer) costs(s screen, t *strings.Builder) {
	c := b.cost
	counting := "counting for findings, and the ledger"
	if b.RowsOnly {
		counting = "the ledger; nothing is counted"
	}
	g := grid{headless: true, columns: []gridColumn{{}, {right: true}}}
	for _, x := range []struct {
		what    string
		dollars float64
	}{
		{"the job, a dollar a million files", c.Job},
		{"announcing: a look at each file, and a message", c.Announce},
		{"converting: function, requests, its log", c.Convert.Function + c.Convert.Requests + c.Convert.Log},
		{counting, c.Convert.State + c.Convert.Ledger},
		{"a month of the Parquet files", c.Convert.Parquet},
	} {
		g.add(x.what, fmt.Sprintf("%.2f", x.dollars))
	}
	g.add("together", fmt.Sprintf("%.2f", c.Total()))
	fmt.Fprintf(t, "\n%s\n%s", s.bold("It would cost, in dollars"), g.render())
	fmt.Fprintf(t, "\nIt would take %s: announcing %s, converting %s (BackfillConcurrency), counting %s (StateWriteLimit), all at the same time.\n",
		roughly(c.Takes()), roughly(c.Announcing), roughly(c.Converting), roughly(c.Counting))
	if b.RowsOnly {
		fmt.Fprintf(t, "%s no rule sees these files, but those of the last %d days. The stack will not look at them later either, because it then knows them; sluice scan does.\n",
			s.bold("Rows only:"), int(backfill.Fresh.Hours()/24))
	} else {
		without := cost.OfBackfill(float64(b.plan.Files), float64(b.lines), true, cost.DefaultStack())
		fmt.Fprintf(t, "Without findings (--rows-only) it would be %.2f dollars and take %s.\n", without.Total(), roughly(without.Takes()))
	}
	fmt.Fprint(t, "Computed for a stack with default parameters, at list prices of us-east-1; nothing of it was ever billed.\n")
}

// queueTime is after how long the stack's alarm about waiting old files rings.
const queueTime = 5 * 24 * time.Hour

// warn says what a person should think of first.
func (b *backfillAnswer) warn(s screen, t *strings.Builder) {
	if b.cost.Takes() > queueTime {
		fmt.Fprintf(t, "\n%s messages are kept for ten days only. Raise what bounds it, or do it in parts: --since and --until.\n", s.bold("Too much at once:"))
	}
}

// roughly is a duration as a person says it.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return "a minute"
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 36*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// next says what was done, or what there is to do.
func (b *backfillAnswer) next(s screen, c *backfillCommand) error {
	var t strings.Builder
	switch {
	case b.Job != "":
		fmt.Fprintf(&t, "\nJob %s has begun. How far it is: sluice backfill --status %s --function %s\n", s.bold(clean.Line(b.Job)), clean.Line(b.Job), c.Function)
	case len(b.Commands) > 0:
		fmt.Fprintf(&t, "\nThe list is in %s. These commands create the job:\n\n%s\n", clean.Line(c.Manifest), strings.Join(b.Commands, "\n"))
	case b.plan.Files > 0:
		if c.job("", "").Check() != nil {
			t.WriteString("\nNothing was changed. The stack's output BackfillCommand has what creates the job.\n")
		} else {
			t.WriteString("\nNothing was changed. The same command with --yes creates the job, with --manifest FILE it writes the list and the commands.\n")
		}
	}
	_, err := fmt.Fprint(s, t.String())
	return err
}

type countJSON struct {
	What    string `json:"what"`
	Files   int64  `json:"files"`
	Bytes   int64  `json:"bytes"`
	Example string `json:"example,omitempty"`
}

func countsJSON(list []backfill.Count, examples bool) []countJSON {
	all := []countJSON{}
	for _, c := range list {
		x := countJSON{What: c.What, Files: c.Files, Bytes: c.Bytes}
		if examples {
			x.Example = c.Example
		}
		all = append(all, x)
	}
	return all
}

func (b *backfillAnswer) writeJSON(s screen) error {
	cents := func(v float64) float64 { return math.Round(v*100) / 100 }
	c := b.cost
	text, err := json.MarshalIndent(map[string]any{
		"from": b.From, "rows_only": b.RowsOnly, "files": b.plan.Files, "bytes": b.plan.Bytes, "lines_estimated": b.lines,
		"first_day": dayOf(b.plan.First), "last_day": dayOf(b.plan.Last),
		"years": countsJSON(b.plan.Years, false), "left_out": countsJSON(b.plan.Left, true), "archived": countsJSON(b.plan.Archived, true),
		"dollars": map[string]float64{
			"job": cents(c.Job), "announcing": cents(c.Announce), "converting": cents(c.Convert.Function + c.Convert.Requests + c.Convert.Log),
			"counting": cents(c.Convert.State + c.Convert.Ledger), "storage_month": cents(c.Convert.Parquet), "together": cents(c.Total()),
		},
		"seconds": map[string]int64{
			"announcing": int64(c.Announcing.Seconds()), "converting": int64(c.Converting.Seconds()), "counting": int64(c.Counting.Seconds()), "together": int64(c.Takes().Seconds()),
		},
		"job": b.Job, "commands": append([]string{}, b.Commands...),
	}, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(s, "%s\n", text)
	}
	return err
}

func writeJob(s screen, j backfill.State) error {
	g := grid{headless: true, columns: []gridColumn{{}, {}}}
	g.add("job", clean.Line(j.ID))
	g.add("what", clean.Line(j.Description))
	g.add("status", s.bold(clean.Line(j.Status)))
	g.add("created", j.Created.UTC().Format(time.RFC3339))
	if !j.Ended.IsZero() {
		g.add("ended", j.Ended.UTC().Format(time.RFC3339))
	}
	g.add("files", amount.Grouped(j.Total))
	g.add("  announced", amount.Grouped(j.Succeeded))
	g.add("  failed", amount.Grouped(j.Failed))
	for _, why := range j.Why {
		g.add("because", clean.Line(why))
	}
	if j.Failed > 0 && j.ReportFolder != "" {
		g.add("report", clean.Line(j.ReportFolder))
	}
	if _, err := fmt.Fprint(s, g.render()); err != nil {
		return err
	}
	_, err := fmt.Fprint(s, "\nWhat is announced is in the tables when no old file waits in the stack's queue any more.\n")
	return err
}

func writeJobJSON(s screen, j backfill.State) error {
	doc := map[string]any{
		"job": j.ID, "status": j.Status, "description": j.Description, "files": j.Total, "announced": j.Succeeded, "failed": j.Failed,
		"because": append([]string{}, j.Why...), "report": j.ReportFolder, "created": j.Created.UTC(),
	}
	if !j.Ended.IsZero() {
		doc["ended"] = j.Ended.UTC()
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(s, "%s\n", text)
	}
	return err
}
