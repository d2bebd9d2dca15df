package report

import (
	"fmt"
	"slices"
	"strings"

	"sluice/internal/amount"
)

// series is one log over time. A row is a bin, a place in the list of buckets
// and a number for each measure; -1 as a bin lies beside the axis, as a place is
// every other bucket, and as a number is NULL.
type series struct {
	Measures []string  `json:"measures"`
	Rows     [][]int64 `json:"rows"`
}

// sum adds up a measure over all bins and places. It is absent where all are.
func (s series) sum(measure string) (total int64, ok bool) {
	i := slices.Index(s.Measures, measure)
	for _, r := range s.Rows {
		if i >= 0 && r[i+2] >= 0 {
			total, ok = total+r[i+2], true
		}
	}
	return total, ok
}

// bins adds up a measure by bin; what lies beside the axis is not in it.
func (s series) bins(measure string, n int64) []int64 {
	list := make([]int64, n)
	i := slices.Index(s.Measures, measure)
	for _, r := range s.Rows {
		if i >= 0 && r[0] >= 0 && r[i+2] > 0 {
			list[r[0]] += r[i+2]
		}
	}
	return list
}

// chart is a chart over time: what is stacked in it, from below.
type chart struct {
	ID     string  `json:"id"`
	Of     string  `json:"of"` // the series
	Name   string  `json:"name"`
	Noun   string  `json:"noun"` // what is counted, for one
	Bytes  bool    `json:"bytes,omitempty"`
	Layers []layer `json:"layers"`
	None   string  `json:"none"` // the title when there is nothing
}

// layer is one measure of a chart.
type layer struct {
	Measure string `json:"measure"`
	Name    string `json:"name"`
	Class   string `json:"class"` // of its colour
	Bad     bool   `json:"bad,omitempty"`
}

var accessCharts = []chart{
	{ID: "requests", Name: "Requests over time, by status", Noun: "request", Layers: []layer{
		{Measure: "ok", Name: "2xx done", Class: "ok"},
		{Measure: "redirected", Name: "3xx", Class: "soft"},
		{Measure: "without", Name: "no status", Class: "none"},
		{Measure: "refused", Name: "4xx refused", Class: "warn", Bad: true},
		{Measure: "broken", Name: "5xx failed", Class: "bad", Bad: true},
	}, None: "No requests."},
	{ID: "bytes", Name: "Bytes out over time", Noun: "byte", Bytes: true, Layers: []layer{
		{Measure: "bytes", Name: "sent", Class: "ok"},
	}, None: "No bytes were sent."},
	{ID: "anonymous", Name: "Anonymous and denied requests over time", Noun: "request", Layers: []layer{
		{Measure: "anonymous", Name: "answered without credentials", Class: "bad"},
		{Measure: "anonymous_refused", Name: "refused without credentials", Class: "warn"},
		{Measure: "denied", Name: "denied with credentials", Class: "soft"},
	}, None: "Nobody asked without credentials, and nobody was denied."},
	{ID: "deletions", Name: "Objects deleted over time", Noun: "object", Layers: []layer{
		{Measure: "deleted", Name: "deleted by a caller", Class: "bad"},
		{Measure: "expired", Name: "deleted by lifecycle", Class: "none"},
	}, None: "Nothing was deleted."},
}

var trailCharts = []chart{
	{ID: "trail", Name: "CloudTrail records over time", Noun: "record", Layers: []layer{
		{Measure: "done", Name: "done", Class: "ok"},
		{Measure: "failed", Name: "failed", Class: "warn", Bad: true},
	}, None: "No records."},
}

// drawn is a chart with its words and the table that stands for it.
type drawn struct {
	chart
	Title string
	Table *table
}

// draw says what a chart shows. The script says the same of what is chosen.
func (p *page) draw(c chart, of string) drawn {
	c.Of = of
	s := p.Series[of]
	d := drawn{chart: c, Table: &table{ID: c.ID + "-table", Title: c.Name, Columns: []column{{Name: "from (UTC)"}}}}
	whole := make([]int64, p.Axis.Bins)
	layers := make([][]int64, len(c.Layers))
	totals := make([]int64, len(c.Layers))
	for i, l := range c.Layers {
		d.Table.Columns = append(d.Table.Columns, column{Name: l.Name, Right: true})
		totals[i], _ = s.sum(l.Measure)
		layers[i] = s.bins(l.Measure, p.Axis.Bins)
		for bin, n := range layers[i] {
			whole[bin] += n
		}
	}
	for bin := range p.Axis.Bins {
		row := tableRow{Cells: []cell{{Text: p.Axis.label(bin)}}}
		for i := range layers {
			row.Cells = append(row.Cells, cell{Text: c.amount(layers[i][bin])})
		}
		d.Table.Rows = append(d.Table.Rows, row)
	}
	d.Table.Of = len(d.Table.Rows)
	d.Title = c.say(p.Axis, totals, whole)
	return d
}

// say is what a chart shows, in a sentence: how much, how much of it is bad or
// else of what it is made, and where there is most. The script of the page says
// it in the same words.
func (c chart) say(a axis, totals, whole []int64) string {
	var total, bad int64
	var parts []string
	judged := false
	for i, l := range c.Layers {
		total += totals[i]
		judged = judged || l.Bad
		if l.Bad {
			bad += totals[i]
		}
		if totals[i] > 0 {
			parts = append(parts, c.amount(totals[i])+" "+l.Name)
		}
	}
	if total == 0 {
		return c.None
	}
	text := strings.Join(parts, ", ")
	if judged {
		text = amount.Of(total, c.Noun) + ", " + percent(bad, total) + " of them failed"
	}
	if top := slices.Max(whole); top > 0 && a.Bins > 1 {
		text += fmt.Sprintf("; most %s %s: %s", a.within(), a.label(int64(slices.Index(whole, top))), c.amount(top))
	}
	return text + "."
}

func (c chart) amount(n int64) string {
	if c.Bytes {
		return amount.Bytes(n)
	}
	return amount.Grouped(n)
}
