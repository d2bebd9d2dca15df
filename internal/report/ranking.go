package report

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"sluice/internal/amount"
	"sluice/internal/query"
)

// A table shows at most most rows. Rankings know more of all buckets than they
// show, so that the largest of a part of the time are likely among them, and
// some of each bucket of the filter. What a ranking knows is what the page is
// large by: rows times bins.
const (
	most  = 10
	known = 20
	some  = 8
)

// ranking is a question for the largest, which the filter asks again.
type ranking struct {
	id, section, title, about, what string
	head                            string // of the first column
	null                            string // what NULL in it means
	entity                          string // SQL
	by                              string // n or bytes
	where                           string // SQL; empty for all
	trail                           bool   // of CloudTrail, not of the access log
	query                           string // named query that tells more
}

const caller = `CASE WHEN requester_type = 'anonymous' THEN 'anonymous'
  ELSE CASE requester_type WHEN 'assumed_role' THEN 'role ' WHEN 'iam_user' THEN 'user ' WHEN 'federated_user' THEN 'federated ' ELSE '' END
    || coalesce(requester_name, requester, requester_type) || coalesce(' · ' || requester_account, '') END`

// rankings are in the order in which the sections have them.
var rankings = []ranking{
	{id: "buckets", section: "who", title: "Buckets", what: "buckets by requests", head: "bucket", null: "in doubt, or no bucket",
		entity: "l.bucket_name", by: "n", query: "top-buckets"},
	{id: "downloads", section: "who", title: "Requesters by bytes", about: "Who moved the most bytes out.", what: "requesters by bytes", head: "requester", null: "in doubt",
		entity: caller, by: "bytes", query: "top-requesters"},
	{id: "requesters", section: "who", title: "Requesters by requests", what: "requesters by requests", head: "requester", null: "in doubt",
		entity: caller, by: "n", query: "top-requesters"},
	{id: "addresses", section: "who", title: "Addresses", what: "addresses by requests", head: "address", null: "an AWS service, or in doubt",
		entity: "remote_ip", by: "n", query: "ip-timeline"},
	{id: "clients", section: "who", title: "Clients", about: "What a client calls itself is its own word.", what: "clients by requests", head: "client", null: "not recognised",
		entity: "user_agent_name", by: "n", query: "clients"},
	{id: "operations", section: "who", title: "Operations", what: "operations by requests", head: "operation", null: "in doubt",
		entity: "operation", by: "n", query: "cost-drivers"},
	{id: "tls", section: "old", title: "TLS versions", what: "TLS versions", head: "version",
		entity: `CASE WHEN tls_version IS NOT NULL THEN tls_version WHEN host_header IS NULL THEN 'not logged' ELSE 'none, plain HTTP' END`,
		where:  "parse_status = 'clean' AND http_method IS NOT NULL", by: "n", query: "tls-versions"},
	{id: "signatures", section: "old", title: "Signature versions", what: "signature versions", head: "version",
		entity: `coalesce(signature_version || coalesce(', ' || authentication_type, ''), 'none, no credentials')`,
		where:  "parse_status = 'clean' AND http_method IS NOT NULL", by: "n", query: "signatures"},
	{id: "calls", section: "trail", title: "Calls", what: "calls in CloudTrail", head: "call", null: "not logged",
		entity: "event_name", by: "n", trail: true, query: "data-events"},
	{id: "callers", section: "trail", title: "Callers", what: "callers in CloudTrail", head: "caller", null: "not logged",
		entity: `CASE WHEN NOT authenticated THEN 'anonymous' ELSE coalesce(user_identity_arn, session_issuer_arn, user_identity_account_id, user_identity_invoked_by) END`,
		by:     "n", trail: true, query: "data-events"},
}

// ranked is a ranking with its answer.
type ranked struct {
	ID     string   `json:"id"`
	By     string   `json:"by"`
	Null   string   `json:"null,omitempty"` // what NULL means
	Scopes []*scope `json:"scopes"`

	Section string `json:"-"`
	Table   *table `json:"-"`
}

// scope is a ranking in one bucket, or in all.
type scope struct {
	Place int64   `json:"place"` // -1 is all buckets
	Of    int64   `json:"of"`    // how many there are
	Rows  []*rank `json:"rows"`
}

// rank is one of the largest. Cells is, again and again, a bin, requests,
// failures and bytes.
type rank struct {
	Name  *string `json:"name"` // null is NULL
	Cells []int64 `json:"cells"`
}

// sums adds up the cells. Bytes are -1 where none were logged.
func (r *rank) sums() (n, failed, bytes int64) {
	bytes = -1
	for c := range slices.Chunk(r.Cells, 4) {
		n, failed = n+c[1], failed+c[2]
		if c[3] >= 0 {
			bytes = max(bytes, 0) + c[3]
		}
	}
	return n, failed, bytes
}

func (g *gatherer) ranking(r ranking) func(context.Context) error {
	return func(ctx context.Context) error {
		pieces := map[string]string{
			"places": g.places(), "entity": r.entity, "order": r.by, "where": cmp.Or(r.where, "true"),
			"table": "s3_access_logs", "time": "request_time", "failed": "http_status >= 400", "bytes": "bytes_sent_size",
		}
		if r.trail {
			pieces["table"], pieces["time"], pieces["failed"], pieces["bytes"] = "cloudtrail_events", "event_time", "error_code IS NOT NULL", "bytes_out"
		}
		if r.trail && len(g.trail) == 0 || !r.trail && len(g.access) == 0 {
			return nil
		}
		res, err := g.ask(ctx, "ranking", pieces, map[string]any{"most": known, "some": some})
		if err != nil {
			return err
		}
		answer, err := rankedOf(res)
		if err != nil {
			return err
		}
		answer.ID, answer.By, answer.Null, answer.Section = r.id, r.by, r.null, r.section
		answer.Table = answer.table(r)
		g.page.Rankings = append(g.page.Rankings, answer)
		return nil
	}
}

// rankedOf reads rows of scope, rank, of, entity, bin, n, failed, bytes, which
// come in the order of the first two.
func rankedOf(res *query.Result) (*ranked, error) {
	answer := &ranked{}
	var in *scope
	for row, err := range res.Rows {
		if err != nil {
			return nil, err
		}
		place, err := numbers(row[:3], 0)
		if err != nil {
			return nil, err
		}
		cells, err := numbers(row, 4)
		if err != nil {
			return nil, err
		}
		if in == nil || in.Place != place[0] {
			in = &scope{Place: place[0], Of: place[2]}
			answer.Scopes = append(answer.Scopes, in)
		}
		if int(place[1]) > len(in.Rows) {
			r := &rank{}
			if !row[3].Null {
				name := shown(row[3].Text)
				r.Name = &name
			}
			in.Rows = append(in.Rows, r)
		}
		last := in.Rows[len(in.Rows)-1]
		last.Cells = append(last.Cells, cells...)
	}
	return answer, nil
}

// table is the ranking over all buckets, as the page has it without a script.
func (a *ranked) table(r ranking) *table {
	t := &table{ID: r.id, Title: r.title, About: r.about, Query: r.query, Empty: "Nothing in this period.", Filtered: true,
		Columns: []column{{Name: r.head, Wide: true, Null: r.null}, {Name: "requests", Right: true}, {Name: "failed", Right: true}, {Name: "bytes out", Right: true}}}
	if r.trail {
		t.Columns[1].Name = "records"
	}
	if len(a.Scopes) == 0 {
		return t
	}
	all := a.Scopes[0]
	t.Of = int(all.Of)
	var largest int64
	rows := all.Rows[:min(len(all.Rows), most)]
	for _, row := range rows {
		n, _, bytes := row.sums()
		if r.by == "bytes" {
			n = bytes
		}
		largest = max(largest, n)
	}
	for _, row := range rows {
		n, failed, bytes := row.sums()
		name := cell{Null: row.Name == nil}
		if row.Name != nil {
			name.Text = *row.Name
		}
		sent := cell{Null: bytes < 0}
		if bytes >= 0 {
			sent.Text = amount.Bytes(bytes)
		}
		cells := []cell{name, {Text: amount.Grouped(n)}, {Text: amount.Grouped(failed)}, sent}
		by, value := 1, n
		if r.by == "bytes" {
			by, value = 3, bytes
		}
		cells[by].Bars = true
		if largest > 0 && value > 0 {
			cells[by].Bar = int(max(1, 1000*value/largest))
		}
		t.Rows = append(t.Rows, tableRow{Cells: cells})
	}
	return t
}

// placeOf is where in the filter a bucket is, -1 where it is not.
func (p *page) placeOf(name string) int {
	return slices.IndexFunc(p.Buckets, func(b bucket) bool { return b.name == name })
}

func itoa(n int) string { return strconv.Itoa(n) }
