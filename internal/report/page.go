package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"sluice/internal/amount"
)

// page is all that stands on the page.
type page struct {
	Name, Version      string
	First, Last        string // days
	Axis               axis
	Buckets            []bucket
	AllBuckets         int64
	Series             map[string]series
	Charts             []drawn
	Rankings           []*ranked
	Tables             []*table
	Incidents          []incident
	Alerts             int64
	AlertLevels        []fact
	Tiles              []tile
	Glance             []line
	Held, Doubts       *table
	Access, Trail, Any bool // what the lake has
	Scanned            bool // it has the table findings
	AxisNote           string

	span                              span
	requesters, addresses, duplicates int64
	late, dated                       int64
	requests, events, rejected        int64
}

// bucket is a bucket of the filter.
type bucket struct{ name, Text string }

// tile is a number at the top of the page.
type tile struct {
	ID, Name, Value, Note string
}

// line is a sentence at the top, with the section that tells more.
type line struct{ Text, To string }

func (p *page) summary() Summary {
	return Summary{First: p.First, Last: p.Last, Requests: p.requests, Events: p.events, Alerts: p.Alerts}
}

// finish makes what needs all answers.
func (g *gatherer) finish() {
	p := g.page
	p.Name, p.Version = shown(g.options.Name), g.options.Version
	if len(g.all) > 0 {
		day := func(seconds int64) string { return moment(seconds)[:len(time.DateOnly)] }
		p.First, p.Last = day(p.span.first), day(p.span.last)
	}
	for _, d := range g.all {
		switch d.source {
		case "findings":
			p.Scanned = true
		case "rejected":
			p.rejected += d.n
		}
	}
	for _, d := range g.access {
		p.requests += d.n
	}
	for _, d := range g.trail {
		p.events += d.n
	}
	p.Access, p.Trail, p.Any = len(g.access) > 0, len(g.trail) > 0, len(g.all) > 0
	if s := p.span; s.strayRows > 0 {
		p.AxisNote = fmt.Sprintf("%s on %s far from these %s counted too; the charts do not show %s.",
			amount.Of(s.strayRows, "record"), amount.Of(int64(s.strayDays), "day"), verb(s.strayRows, "is", "are"), verb(s.strayRows, "it", "them"))
	}
	p.Held, p.Doubts = g.holds(), p.doubts()
	p.tiles()
	p.glance()
}

// holds is the table of what the lake has.
func (g *gatherer) holds() *table {
	t := &table{ID: "held", Title: "What the lake holds", Columns: []column{{Name: "table"}, {Name: "rows", Right: true}, {Name: "days", Right: true}, {Name: "first (UTC)", Time: true}, {Name: "last (UTC)", Time: true}}}
	for _, name := range []string{"s3_access_logs", "cloudtrail_events", "findings", "rejected"} {
		var n, days, first, last int64
		for _, d := range g.all {
			if d.source == name {
				if days == 0 {
					first, last = d.first, d.last
				}
				n, days, first, last = n+d.n, days+1, min(first, d.first), max(last, d.last)
			}
		}
		row := []cell{{Text: name}, {Text: amount.Grouped(n)}, {Text: amount.Grouped(days)}, {Null: days == 0}, {Null: days == 0}}
		if days > 0 {
			row[3].Text, row[4].Text = moment(first), moment(last)
		}
		t.Rows = append(t.Rows, tableRow{Cells: row})
	}
	t.Of = len(t.Rows)
	return t
}

// doubts is the table of how sure the data are.
func (p *page) doubts() *table {
	t := &table{ID: "doubts", Title: "How sure it is", Columns: []column{{Name: "what", Wide: true}, {Name: "records", Right: true}, {Name: "share", Right: true}}}
	add := func(what string, n, of int64) {
		share := cell{Null: of == 0}
		if of > 0 {
			share.Text = percent(n, of)
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{{Text: what}, {Text: amount.Grouped(n)}, share}})
	}
	ambiguous, _ := p.Series["access"].sum("ambiguous")
	add("ambiguous: lines that can be read in several ways", ambiguous, p.requests)
	add("rejected: records that fit no row", p.rejected, p.rejected+p.requests+p.events)
	add("duplicate: lines that S3 delivered again", p.duplicates, p.requests)
	add("late: more than 3 hours from the event to the file", p.late, p.dated)
	t.Of = len(t.Rows)
	return t
}

// tiles are numbers that the script makes anew for what is chosen, under the
// same ids.
func (p *page) tiles() {
	if p.Access {
		s := p.Series["access"]
		sum := func(m string) int64 { n, _ := s.sum(m); return n }
		n, failed := sum("n"), sum("refused")+sum("broken")
		sent := "NULL"
		if bytes, ok := s.sum("bytes"); ok {
			sent = amount.Bytes(bytes)
		}
		p.Tiles = append(p.Tiles,
			tile{"requests", "requests", amount.Grouped(n), ""},
			tile{"sent", "sent", sent, ""},
			tile{"failed", "failed", percent(failed, max(n, 1)), amount.Grouped(failed) + " with 4xx or 5xx"},
			tile{"anonymous", "anonymous, answered", amount.Grouped(sum("anonymous")), amount.Grouped(sum("anonymous_refused")) + " refused"},
			tile{"deleted", "objects deleted", amount.Grouped(sum("deleted")), "+ " + amount.Grouped(sum("expired")) + " by lifecycle"})
	}
	if p.Trail {
		s := p.Series["trail"]
		n, _ := s.sum("n")
		failed, _ := s.sum("failed")
		p.Tiles = append(p.Tiles, tile{"records", "CloudTrail records", amount.Grouped(n), percent(failed, max(n, 1)) + " of them failed"})
	}
}

// glance is what a reader should know who reads no further.
func (p *page) glance() {
	say := func(to, format string, args ...any) {
		p.Glance = append(p.Glance, line{fmt.Sprintf(format, args...), to})
	}
	if p.Alerts > 0 {
		var parts []string
		for _, l := range p.AlertLevels {
			parts = append(parts, l.Value+" "+l.Name)
		}
		say("findings", "%s: %s.", amount.Of(p.Alerts, "finding")+verb(p.Alerts, " alerts", " alert"), strings.Join(parts, ", "))
	} else if p.Scanned {
		say("findings", "No finding alerts.")
	}
	if p.Access {
		s := p.Series["access"]
		sent, _ := s.sum("bytes")
		if t := p.block("downloads"); t != nil && len(t.Rows) > 0 && !t.Rows[0].Cells[3].Null {
			say("who", "%s moved the most bytes out: %s of %s.", cmp.Or(t.Rows[0].Cells[0].Text, "NULL"), t.Rows[0].Cells[3].Text, amount.Bytes(sent))
		}
		if p.requesters+p.addresses > 0 {
			say("who", "%s, from %s.", amount.Of(p.requesters, "requester")+" by name", many(p.addresses, "address", "addresses"))
		}
		if n, _ := s.sum("anonymous"); n > 0 {
			say("access", "%s without credentials %s answered.", amount.Of(n, "request"), verb(n, "was", "were"))
		} else {
			say("access", "No request without credentials was answered.")
		}
		if t := p.block("q-tls-versions"); t != nil && t.Of > 0 {
			say("old", "Old TLS or plain HTTP is still in use.")
		}
		if t := p.block("q-signatures"); t != nil && t.Of > 0 {
			say("old", "Signature Version 2 is still in use.")
		}
	}
	if p.Any {
		ambiguous, _ := p.Series["access"].sum("ambiguous")
		say("quality", "%s, %s, %s.", amount.Of(ambiguous, "ambiguous line"), amount.Of(p.rejected, "rejected record"), amount.Of(p.duplicates, "line")+" delivered again")
	}
}

func many(n int64, one, many string) string {
	return amount.Grouped(n) + " " + verb(n, one, many)
}

// verb is the one word or the other.
func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// block is the table of that name, nil where there is none.
func (p *page) block(id string) *table {
	for _, r := range p.Rankings {
		if r.ID == id {
			return r.Table
		}
	}
	for _, t := range p.Tables {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// AlertsCut says how many incidents are told of how many; nothing where it is all.
func (p *page) AlertsCut() string {
	if p.Alerts <= int64(len(p.Incidents)) {
		return ""
	}
	return "The first " + itoa(len(p.Incidents)) + " of " + amount.Grouped(p.Alerts) + "."
}

// ChartsOf, RankingsOf and TablesOf are what a section of the page has.
func (p *page) ChartsOf(series string, ids ...string) (list []drawn) {
	for _, c := range p.Charts {
		if c.Of == series && slices.Contains(ids, c.ID) {
			list = append(list, c)
		}
	}
	return list
}

func (p *page) RankingsOf(section string) (list []*table) {
	for _, r := range p.Rankings {
		if r.Section == section {
			list = append(list, r.Table)
		}
	}
	return list
}

func (p *page) TablesOf(section string) (list []*table) {
	for _, t := range p.Tables {
		if t.Section == section {
			list = append(list, t)
		}
	}
	return list
}

// Data is what the script works with.
func (p *page) Data() any {
	names := make([]string, len(p.Buckets))
	for i, b := range p.Buckets {
		names[i] = b.Text
	}
	charts := make([]chart, len(p.Charts))
	for i, c := range p.Charts {
		charts[i] = c.chart
	}
	marks := make([]mark, len(p.Incidents))
	for i, f := range p.Incidents {
		marks[i] = f.Mark
	}
	return map[string]any{
		"axis": p.Axis, "within": p.Axis.within(), "buckets": names, "series": p.Series,
		"charts": charts, "rankings": p.Rankings, "findings": marks, "levels": levels, "most": most,
	}
}

// whole is the page with what it is written with.
type whole struct {
	*page
	Policy   string
	Style    template.CSS
	Scripts  []template.JS
	Licences []string
}

// write writes the page. What stands in it is escaped by html/template for the
// place where it stands; only our own files are not.
func (p *page) write(w io.Writer) error {
	read := func(name string) (string, error) {
		b, err := files.ReadFile(name)
		return string(b), err
	}
	all := whole{page: p}
	for _, name := range scripts {
		text, err := read(name)
		if err != nil {
			return err
		}
		all.Scripts = append(all.Scripts, template.JS(text))
	}
	for _, name := range licences {
		text, err := read(name)
		if err != nil {
			return err
		}
		all.Licences = append(all.Licences, strings.TrimSpace(text))
	}
	style, err := read("page.css")
	if err != nil {
		return err
	}
	all.Style = template.CSS(style)
	all.Policy = policy(all.Scripts, all.Style)
	text, err := read("page.html")
	if err != nil {
		return err
	}
	t, err := template.New("page").Parse(text)
	if err != nil {
		return fmt.Errorf("BUG: %w", err)
	}
	return t.Execute(w, all)
}
