package report

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/query"
)

//go:embed sql/*.sql
var statements embed.FS

// gatherer asks the lake and fills the page.
type gatherer struct {
	lake    Lake
	options Options
	page    *page
	access  []day // rows by day of the access log
	trail   []day // of CloudTrail
	all     []day // of every table
}

// ask runs the file of the folder sql with its pieces of SQL, such as {table},
// put in, and then its values. Values become literals, whatever they hold.
func (g *gatherer) ask(ctx context.Context, file string, pieces map[string]string, values map[string]any) (*query.Result, error) {
	text, err := statements.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return nil, fmt.Errorf("BUG: %w", err)
	}
	q := query.Named{Name: file, SQL: string(text)}
	for name, piece := range pieces {
		q.SQL = strings.ReplaceAll(q.SQL, "{"+name+"}", piece)
	}
	given := map[string]string{}
	all := map[string]any{"from": g.options.From, "to": g.options.To}
	for name, value := range values {
		all[name] = value
	}
	if pieces["places"] != "" {
		for i, bucket := range g.page.Buckets {
			all[placeName(i)] = bucket.name
		}
		all["start"], all["step"], all["bins"] = g.page.Axis.Start, g.page.Axis.Step, g.page.Axis.Bins
	}
	for name, value := range all {
		p := query.Param{Name: name, Type: "text"}
		if _, ok := value.(string); !ok {
			p.Type = "number"
		}
		q.Params = append(q.Params, p)
		given[name] = fmt.Sprint(value)
	}
	sql, err := q.Render(given)
	if err != nil {
		return nil, err
	}
	return g.lake.Query(ctx, sql)
}

// places is the list of the filter's buckets in SQL. The first row says the
// types, and matches nothing.
func (g *gatherer) places() string {
	rows := []string{"(CAST(NULL AS varchar), -1)"}
	for i := range g.page.Buckets {
		rows = append(rows, fmt.Sprintf("(:%s, %d)", placeName(i), i))
	}
	return strings.Join(rows, ", ")
}

func placeName(i int) string { return "place_" + string(rune('a'+i)) }

// named runs a query that has a name, and keeps the first of its rows. It tells
// how many there are, as far as they are counted.
func (g *gatherer) named(ctx context.Context, a asked) (columns []query.Column, rows [][]query.Value, of int, err error) {
	q, err := query.Find(a.query)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("BUG: %w", err)
	}
	sql, err := q.Render(map[string]string{"from": g.options.From, "to": g.options.To, "limit": strconv.Itoa(beyond + 1)})
	if err != nil {
		return nil, nil, 0, fmt.Errorf("BUG: %w", err)
	}
	res, err := g.lake.Query(ctx, sql)
	if err != nil {
		return nil, nil, 0, err
	}
	rows, of, err = g.first(res, a)
	return res.Columns, rows, of, err
}

// beyond is how far rows that are not shown are counted. More are "more than".
const beyond = 10000

// first takes the first of the rows that are kept, and counts all of them.
func (g *gatherer) first(res *query.Result, a asked) (rows [][]query.Value, of int, err error) {
	for row, err := range res.Rows {
		if err != nil {
			return nil, 0, err
		}
		if a.drops(res.Columns, row) {
			continue
		}
		if a.see != nil {
			named := map[string]query.Value{}
			for i, c := range res.Columns {
				named[c.Name] = row[i]
			}
			if err := a.see(g.page, named); err != nil {
				return nil, 0, err
			}
		}
		if of++; of <= a.most {
			rows = append(rows, slices.Clone(row))
		}
	}
	return rows, of, nil
}

func (a asked) drops(columns []query.Column, row []query.Value) bool {
	for i, c := range columns {
		if keep := a.keep[c.Name]; keep != nil && !keep(row[i].Text) {
			return true
		}
	}
	return false
}

// number reads a whole number; NULL is absent.
func number(v query.Value) (n int64, ok bool, err error) {
	if v.Null {
		return 0, false, nil
	}
	// Sums of bytes are wider than int64 in SQL; what S3 ever moved is not.
	n, err = strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil, err
}

// numbers reads a row's whole numbers from column i on. NULL reads as -1: none
// of what is counted here is negative.
func numbers(row []query.Value, i int) ([]int64, error) {
	list := make([]int64, len(row)-i)
	for j, v := range row[i:] {
		n, ok, err := number(v)
		if err != nil {
			return nil, err
		}
		if list[j] = n; !ok {
			list[j] = -1
		}
	}
	return list, nil
}
