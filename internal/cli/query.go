package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"sluice/internal/amount"
	"sluice/internal/query"
)

type queryCommand struct {
	Question string            `arg:"" optional:"" name:"sql|name" help:"SQL to run, the name of a query (see --list), or - to read SQL from standard input."`
	Param    map[string]string `short:"p" mapsep:"none" placeholder:"NAME=VALUE" help:"Parameter of a named query; may be given several times."`
	Lake     string            `default:"lake" placeholder:"DIR" help:"Lake to ask (default: lake)."`
	Format   string            `short:"f" enum:"table,csv,json,markdown" default:"table" help:"How to print the answer: table, csv, json or markdown (default: table)."`
	Rows     int               `default:"1000" placeholder:"N" help:"Rows of a table at most, 0 for all; the other formats print all (default: 1000)."`
	List     bool              `short:"l" xor:"what" help:"List the named queries with their parameters, and the views."`
	JSON     bool              `name:"json" help:"Print the answer as --format json does; with --list, the list."`
	SQL      bool              `name:"sql" help:"Print the SQL of a named query, parameters filled in, to be run in Athena."`
}

// Help is what "sluice query --help" says below the summary.
func (queryCommand) Help() string {
	return relations() + `. They have the columns that they have in Athena, and dt, the UTC day as text. SQL can read the lake and change nothing.

In tables NULL is NULL and an empty text is "". CSV leaves NULL empty and writes "" for an empty text. Control characters and the like, which whoever sends a request can write into a log, are shown as escapes; CSV to a file has them as they are.`
}

// relations says what SQL can name.
func relations() string {
	var names, views []string
	all, _ := tables() // what is wrong with a table, who opens the lake is told
	for _, t := range all {
		names = append(names, t.Name)
	}
	computed, _ := query.Views()
	for _, v := range computed {
		views = append(views, v.Name)
	}
	return "The tables are " + strings.Join(names, ", ") + "; the views are " + strings.Join(views, ", ")
}

// namedForm is what no SQL statement looks like.
var namedForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (c *queryCommand) Run(ctx context.Context, a *app) error {
	switch {
	case c.List:
		return c.list(a)
	case strings.TrimSpace(c.Question) == "":
		return usage(errors.New("which question? Give SQL or a name; sluice query --list shows the names"))
	}
	if c.JSON {
		c.Format = "json"
	}
	text, err := c.text(a)
	if err != nil {
		return err
	}
	if c.SQL {
		_, err := fmt.Fprintln(a.stdout, text)
		return err
	}
	all, err := tables()
	if err != nil {
		return err
	}
	lake, err := query.Open(ctx, c.Lake, all)
	if errors.Is(err, query.ErrNoLake) {
		return fmt.Errorf("%w\nsluice convert PATH -o DIR makes a lake, and --lake DIR says where it is", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(c.answer(ctx, a, lake, text), lake.Close())
}

// text is the SQL to run.
func (c *queryCommand) text(a *app) (string, error) {
	if c.Question == "-" {
		b, err := io.ReadAll(a.stdin)
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		c.Question = string(b)
	} else if namedForm.MatchString(c.Question) {
		q, err := query.Find(c.Question)
		if err != nil {
			return "", usage(err)
		}
		text, err := q.Render(c.Param)
		if err != nil {
			return "", usage(err)
		}
		return text, nil
	}
	if len(c.Param) > 0 {
		return "", usage(errors.New("--param goes with named queries"))
	}
	return c.Question, nil
}

func (c *queryCommand) answer(ctx context.Context, a *app, lake *query.Lake, text string) error {
	start := time.Now()
	end := a.waiting("asking")
	res, err := lake.Query(ctx, text)
	end()
	if err != nil {
		return fmt.Errorf("query: %w", ourTables(err))
	}
	var n int64
	switch c.Format {
	case "csv":
		n, err = writeCSV(a.stdout, res)
	case "json":
		n, err = writeJSON(a.stdout, res)
	case "markdown":
		n, err = writeMarkdown(a.stdout, res)
	default:
		n, err = c.table(a, res)
	}
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if a.stderr.terminal {
		_, err = fmt.Fprintln(a.stderr, a.stderr.dim(fmt.Sprintf("%s in %.2f s", amount.Of(n, "row"), time.Since(start).Seconds())))
	}
	return err
}

// otherTable is what DuckDB says of a table that is not there, and its guess
// when that is a table of its own.
var otherTable = regexp.MustCompile(`^Catalog Error: Table with name .* does not exist!\nDid you mean "(?:pg_|duckdb_|sqlite_|pragma_|information_schema)[^"]*"\?`)

// ourTables says which tables there are.
func ourTables(err error) error {
	text := err.Error()
	at := otherTable.FindStringIndex(text)
	if at == nil {
		return err
	}
	first, _, _ := strings.Cut(text, "\n")
	return errors.New(first + "\n" + relations() + text[at[1]:])
}

func (c *queryCommand) table(a *app, res *query.Result) (int64, error) {
	n, cut, err := writeTable(a.stdout, res, c.Rows)
	if err == nil && cut {
		_, err = fmt.Fprintf(a.stderr, "sluice: these are the first %s; --rows 0 shows all, and so does --format csv\n", amount.Of(n, "row"))
	}
	return n, err
}

func (c *queryCommand) list(a *app) error {
	all, err := query.All()
	if err != nil {
		return err
	}
	views, err := query.Views()
	if err != nil {
		return err
	}
	if c.JSON {
		b, err := json.MarshalIndent(struct {
			Queries []query.Named `json:"queries"`
			Views   []query.View  `json:"views"`
		}{all, views}, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, string(b))
		return err
	}
	var b strings.Builder
	for _, q := range all {
		fmt.Fprintf(&b, "%s  %s\n", a.stdout.bold(fmt.Sprintf("%-16s", q.Name)), q.Title)
		var params []string
		for _, p := range q.Params {
			params = append(params, p.Name+"="+cmp.Or(p.Default, "''"))
		}
		fmt.Fprintf(&b, "%-16s  %s\n", "", a.stdout.dim(strings.Join(params, "  ")))
	}
	fmt.Fprint(&b, "\nsluice query NAME --param NAME=VALUE runs one.\nWith --sql it prints the SQL instead, which Athena runs too.\n\nViews, for SQL of your own:\n")
	for _, v := range views {
		fmt.Fprintf(&b, "%s  %s\n", a.stdout.bold(fmt.Sprintf("%-23s", v.Name)), v.Title)
	}
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}
