package report

import (
	"context"
	"slices"
)

// maxPlaces is how many buckets the page can be filtered by.
const maxPlaces = 10

// steps is all that the page asks, in its order: the first three say what the
// others ask for.
func (g *gatherer) steps() []step {
	list := []step{
		{"what there is", g.days},
		{"buckets", g.buckets},
		{"how many there are", g.held},
		{"requests over time", g.overTime("access", accessCharts, &g.access)},
		{"CloudTrail over time", g.overTime("trail", trailCharts, &g.trail)},
		{"findings", g.incidents},
		{"findings that do not alert", g.silent},
		{"lines delivered twice", g.duplicates},
	}
	for _, r := range rankings {
		list = append(list, step{r.what, g.ranking(r)})
	}
	for _, t := range tables {
		list = append(list, step{"query " + t.query, g.table(t)})
	}
	return list
}

// days learns what there is, and lays out the axis.
func (g *gatherer) days(ctx context.Context) error {
	res, err := g.ask(ctx, "days", nil, nil)
	if err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		n, err := numbers(row, 2)
		if err != nil {
			return err
		}
		g.all = append(g.all, day{source: row[0].Text, dt: row[1].Text, n: n[0], first: n[1], last: n[2]})
	}
	for _, d := range g.all {
		switch d.source {
		case "s3_access_logs":
			g.access = append(g.access, d)
		case "cloudtrail_events":
			g.trail = append(g.trail, d)
		}
	}
	about := slices.Concat(g.access, g.trail)
	if len(about) == 0 {
		about = g.all
	}
	if len(about) == 0 {
		g.page.Axis = axis{Step: 86400, Bins: 1}
		return nil
	}
	s := spanOf(about)
	g.page.Axis = axisOf(s.first, s.last)
	g.page.span = s
	return nil
}

func (g *gatherer) buckets(ctx context.Context) error {
	res, err := g.ask(ctx, "buckets", nil, map[string]any{"buckets": maxPlaces})
	if err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		g.page.Buckets = append(g.page.Buckets, bucket{name: row[0].Text, Text: shown(row[0].Text)})
		if g.page.AllBuckets, _, err = number(row[1]); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) held(ctx context.Context) error {
	res, err := g.ask(ctx, "held", map[string]string{"caller": caller}, nil)
	if err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		n, err := numbers(row, 0)
		if err != nil {
			return err
		}
		g.page.requesters, g.page.addresses = n[0], n[1]
	}
	return nil
}

func (g *gatherer) duplicates(ctx context.Context) error {
	res, err := g.ask(ctx, "duplicates", nil, nil)
	if err != nil {
		return err
	}
	for row, err := range res.Rows {
		if err != nil {
			return err
		}
		if g.page.duplicates, _, err = number(row[0]); err != nil {
			return err
		}
	}
	return nil
}

// overTime asks for the series of one log, and draws its charts.
func (g *gatherer) overTime(file string, charts []chart, of *[]day) func(context.Context) error {
	return func(ctx context.Context) error {
		if len(*of) == 0 {
			return nil
		}
		res, err := g.ask(ctx, file, map[string]string{"places": g.places()}, nil)
		if err != nil {
			return err
		}
		s := series{}
		for _, c := range res.Columns[2:] {
			s.Measures = append(s.Measures, c.Name)
		}
		for row, err := range res.Rows {
			if err != nil {
				return err
			}
			n, err := numbers(row, 0)
			if err != nil {
				return err
			}
			s.Rows = append(s.Rows, n)
		}
		if g.page.Series == nil {
			g.page.Series = map[string]series{}
		}
		g.page.Series[file] = s
		for _, c := range charts {
			g.page.Charts = append(g.page.Charts, g.page.draw(c, file))
		}
		return nil
	}
}
