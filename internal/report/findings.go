package report

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"sluice/internal/amount"
	"sluice/internal/finding"
	"sluice/internal/query"
)

// maxIncidents is how many incidents are told, the gravest first.
const maxIncidents = 100

// incident is a finding that alerts.
type incident struct {
	ID     string
	Level  string // one of levels
	Rule   string
	Amount string
	First  string
	Last   string
	Place  string // of its bucket in the filter, as a table's row has it
	Facts  []fact
	detail

	Mark mark
}

// mark is an incident on the timeline.
type mark struct {
	ID    string `json:"id"`
	Level string `json:"level"`
	Rule  string `json:"rule"`
	Where string `json:"where"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	Place int64  `json:"place"`
}

// fact is a thing with its name.
type fact struct{ Name, Value string }

// levels are the levels of findings, from the gravest on.
var levels = []string{"critical", "high", "medium", "low", "informational"}

// uid is what sluice query takes for a finding without any quoting.
var uid = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

func (g *gatherer) incidents(ctx context.Context) error {
	if !slices.ContainsFunc(g.all, func(d day) bool { return d.source == "findings" }) {
		return nil
	}
	res, err := g.ask(ctx, "levels", nil, nil)
	if err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		n, _, err := number(row[2])
		if err != nil {
			return err
		}
		g.page.Alerts += n
		g.page.AlertLevels = append(g.page.AlertLevels, fact{levelName(row[0].Text), amount.Grouped(n)})
	}
	if res, err = g.ask(ctx, "incidents", nil, map[string]any{"most": maxIncidents}); err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		i, err := g.page.incident(res.Columns, row)
		if err != nil {
			return err
		}
		i.ID = "finding-" + itoa(len(g.page.Incidents)+1)
		i.Mark.ID = i.ID
		g.page.Incidents = append(g.page.Incidents, i)
	}
	return nil
}

func levelName(text string) string {
	if slices.Contains(levels, text) {
		return text
	}
	return "unknown"
}

func (p *page) incident(columns []query.Column, row []query.Value) (incident, error) {
	at := map[string]query.Value{}
	for i, c := range columns {
		at[c.Name] = row[i]
	}
	text := func(name string) string { return shown(at[name].Text) }
	i := incident{Level: levelName(at["level"].Text), Rule: text("rule_title")}
	n, err := numbers([]query.Value{at["first"], at["last"], at["measured_value"], at["threshold"]}, 0)
	if err != nil {
		return i, err
	}
	place := p.placeOf(at["bucket_name"].Text)
	i.First, i.Last = moment(n[0]), moment(n[1])
	i.detail = detailOf(at["ocsf"].Text)
	i.Amount = shown(finding.Amount(at["measure"].Text, n[2], i.atLeast))
	i.Place = itoa(place)
	i.Mark = mark{Level: i.Level, Rule: i.Rule, Where: text("bucket_name"), First: n[0], Last: n[1], Place: int64(place)}
	for _, f := range []fact{
		{"bucket", text("bucket_name")}, {"who", text("requester")}, {"address", text("remote_ip")},
		{"first", i.First + " UTC"}, {"last", i.Last + " UTC"},
		{"how much", i.Amount + " (threshold " + amount.Grouped(n[3]) + ")"},
		{"type", text("type")},
	} {
		if f.Value != "" {
			i.Facts = append(i.Facts, f)
		}
	}
	if len(i.Techniques) > 0 {
		i.Facts = append(i.Facts, fact{"ATT&CK", strings.Join(i.Techniques, "; ")})
	}
	if id := at["finding_uid"].Text; uid.MatchString(id) {
		i.Facts = append(i.Facts, fact{"its requests", "sluice query finding-requests -p finding=" + id})
	}
	return i, nil
}

func moment(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.DateTime) }

// detail is what only the document of a finding tells.
type detail struct {
	About, ToDo string
	Techniques  []string
	Samples     *table
	atLeast     bool // what was measured may be more
}

// maxSamples is how many records of an incident are shown. The document has few
// more.
const maxSamples = 3

// detailOf reads a Detection Finding of OCSF. One that cannot be read tells
// nothing: the row beside it does.
func detailOf(text string) detail {
	var doc struct {
		Info struct {
			Desc    string `json:"desc"`
			Attacks []struct {
				Technique struct {
					UID  string `json:"uid"`
					Name string `json:"name"`
				} `json:"technique"`
			} `json:"attacks"`
		} `json:"finding_info"`
		Remediation struct {
			Desc string `json:"desc"`
		} `json:"remediation"`
		Unmapped struct {
			AtLeast bool `json:"at_least"`
		} `json:"unmapped"`
		Evidences []struct {
			Actor struct {
				User struct {
					UID  string `json:"uid"`
					Name string `json:"name"`
				} `json:"user"`
			} `json:"actor"`
			API struct {
				Operation string `json:"operation"`
			} `json:"api"`
			From struct {
				IP string `json:"ip"`
			} `json:"src_endpoint"`
			HTTP struct {
				UserAgent string `json:"user_agent"`
			} `json:"http_request"`
			Data struct {
				Time int64  `json:"time"` // milliseconds
				Key  string `json:"key"`
			} `json:"data"`
		} `json:"evidences"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return detail{}
	}
	d := detail{atLeast: doc.Unmapped.AtLeast, About: long(doc.Info.Desc), ToDo: long(doc.Remediation.Desc)}
	for _, a := range doc.Info.Attacks {
		d.Techniques = append(d.Techniques, shown(strings.TrimSpace(a.Technique.UID+" "+a.Technique.Name)))
	}
	d.Techniques = d.Techniques[:min(len(d.Techniques), 8)]
	if len(doc.Evidences) == 0 {
		return d
	}
	d.Samples = &table{Title: "Samples", Of: len(doc.Evidences), Columns: []column{
		{Name: "time (UTC)", Time: true}, {Name: "what"}, {Name: "key", Wide: true}, {Name: "who", Wide: true}, {Name: "address"}, {Name: "client", Wide: true}}}
	value := func(text string) cell { return cell{Text: shown(text), Null: text == ""} }
	for _, e := range doc.Evidences[:min(len(doc.Evidences), maxSamples)] {
		who := e.Actor.User.UID
		if who == "" {
			who = e.Actor.User.Name
		}
		when := cell{Null: true}
		if e.Data.Time > 0 {
			when = cell{Text: moment(e.Data.Time / 1000)}
		}
		d.Samples.Rows = append(d.Samples.Rows, tableRow{Cells: []cell{
			when, value(e.API.Operation), value(e.Data.Key), value(who), value(e.From.IP), value(e.HTTP.UserAgent)}})
	}
	return d
}

// long is shown for what whoever wrote the rule had to say, in sentences.
func long(text string) string {
	words := strings.Fields(text)
	var parts []string
	for n := 0; len(words) > 0 && n < 2000; words = words[1:] {
		parts = append(parts, shown(words[0]))
		n += len(words[0]) + 1
	}
	if len(words) > 0 {
		parts = append(parts, "…")
	}
	return strings.Join(parts, " ")
}

func (g *gatherer) silent(ctx context.Context) error {
	if !slices.ContainsFunc(g.all, func(d day) bool { return d.source == "findings" }) {
		return nil
	}
	res, err := g.ask(ctx, "silent", nil, map[string]any{"limit": beyond + 1})
	if err != nil {
		return err
	}
	t := &table{ID: "silent", Section: "findings", Title: "Findings that do not alert", About: "What rules note for questions and do not wake anybody for.",
		Query: "findings-daily", Empty: "None."}
	rows, of, err := g.first(res, asked{most: most})
	if err != nil {
		return err
	}
	t.Of = of
	t.fill(res.Columns, rows, nil, g.page)
	g.page.Tables = append(g.page.Tables, t)
	return nil
}
