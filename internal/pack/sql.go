package pack

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/table"
)

// What a row of a packed table is, in its column kind. It is a partition, so
// that rows are read without marks and marks without rows.
const (
	kindRows   = "rows"
	kindTaken  = "taken"  // a mark: source is a live object whose rows are here
	kindUndone = "undone" // the plan of that run counts no more and never will
)

// Statements run SQL: Athena, or a Trino.
type Statements interface {
	// Run runs a statement to its end. One that had the same token is not run
	// again, its outcome is returned; with an empty token every one is run. Where
	// the statement is known to have ended without effect, the error is ErrFailed.
	Run(ctx context.Context, token, sql string) error
	// Ask returns the rows of an answer as text.
	Ask(ctx context.Context, sql string) ([][]string, error)
}

// Table is a table of the lake with the names that it has when it is packed.
// Columns are those of its rows, without dt.
type Table struct {
	Live, Packed string // tables
	Folder       string // of the packed one, in S3
	Columns      []table.Column
	Sort         []string // columns that order the packed rows
}

// SQL is an Engine that makes statements of Athena's SQL.
type SQL struct {
	run      Statements
	root     string // of the lake: s3://bucket/prefix/
	database string
	tables   map[string]Table
}

var _ Engine = (*SQL)(nil)

// NewSQL returns an engine for tables by the names of their folders in the lake.
func NewSQL(run Statements, root, database string, tables map[string]Table) *SQL {
	return &SQL{run, root, database, tables}
}

// View is what the table's name stands for when it is packed: its columns and
// dt. All that it says of the packed table is read of one snapshot, which Trino
// chooses when it plans a query, before it lists live objects.
func (t Table) View() string {
	return "SELECT " + t.columns("CAST(%s AS timestamp(3)) AS %[1]s") + `, "dt" FROM ` + t.Packed + " WHERE kind = '" + kindRows + "'" +
		" UNION ALL SELECT " + t.columns("%s") + `, "dt" FROM ` + t.Live + " live WHERE NOT EXISTS (SELECT 1 FROM " + t.Packed + " mark" +
		" WHERE mark.kind = '" + kindTaken + `' AND mark.dt = live.dt AND mark.source = live."$path")`
}

// columns lists the columns, those of a time in the form given.
func (t Table) columns(time string) string {
	var all []string
	for _, c := range t.Columns {
		form := "%s"
		if c.Kind == table.Time {
			form = time
		}
		all = append(all, fmt.Sprintf(form, `"`+c.Name+`"`))
	}
	return strings.Join(all, ", ")
}

// only is the table with some of its columns, or with all where none are named.
func (t Table) only(names []string) Table {
	if names == nil {
		return t
	}
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c table.Column) bool { return !slices.Contains(names, c.Name) })
	return t
}

// check is a checksum over all values of all rows. It does not depend on their
// order, and tells NULL from any value.
func (t Table) check() string {
	return "to_hex(checksum(ROW(" + t.columns("CAST(%s AS timestamp(3))") + ")))"
}

func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Live is Engine's.
func (e *SQL) Live(ctx context.Context, name, day string, objects []string) ([]Part, []string, error) {
	t := e.tables[name]
	var columns, paths []string
	for _, c := range t.Columns {
		columns = append(columns, c.Name)
	}
	for _, o := range objects {
		paths = append(paths, text(e.root+o))
	}
	parts, err := e.parts(ctx, `SELECT "$path", count(*), `+t.check()+" FROM "+t.Live+" WHERE dt = "+text(day)+
		` AND "$path" IN (`+strings.Join(paths, ", ")+`) GROUP BY "$path"`)
	return parts, columns, err
}

func (e *SQL) parts(ctx context.Context, sql string) ([]Part, error) {
	rows, err := e.run.Ask(ctx, sql)
	if err != nil {
		return nil, err
	}
	var all []Part
	for _, r := range rows {
		if len(r) != 3 {
			return nil, fmt.Errorf("an answer of %d columns: %q", len(r), sql)
		}
		name, ok := strings.CutPrefix(r[0], e.root)
		if !ok {
			return nil, fmt.Errorf("rows of %s, which is not below %s", r[0], e.root)
		}
		n, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("rows of %s: %w", r[0], err)
		}
		all = append(all, Part{name, n, r[2]})
	}
	return all, nil
}

// Take is Engine's. One INSERT is one commit of Iceberg.
func (e *SQL) Take(ctx context.Context, p Plan, attempt int) error {
	return e.run.Run(ctx, fmt.Sprintf("sluice-pack-%s-%d", p.ID(), attempt), e.take(p))
}

func (e *SQL) take(p Plan) string {
	t := e.tables[p.Table].only(p.Columns)
	var paths []string
	for _, o := range p.Parts {
		paths = append(paths, text(e.root+o.Name))
	}
	var nulls, names, order []string
	for _, c := range t.Columns {
		nulls = append(nulls, "NULL")
		names = append(names, `"`+c.Name+`"`)
	}
	for _, s := range t.Sort {
		order = append(order, `"`+s+`"`)
	}
	// Who comes too late, after another worker has taken the rows or undone the
	// plan, finds it here, and takes none.
	guard := " NOT EXISTS (SELECT 1 FROM " + t.Packed + " WHERE dt = " + text(p.Day) + " AND run = " + text(p.ID()) + ")"
	return "INSERT INTO " + t.Packed + " (" + strings.Join(names, ", ") + ", source, run, kind, dt)" +
		" SELECT " + t.columns("CAST(%s AS timestamp(6)) AS %[1]s") + `, "$path" AS source, ` + text(p.ID()) + ", '" + kindRows + "' AS kind, dt FROM " + t.Live +
		" WHERE dt = " + text(p.Day) + ` AND "$path" IN (` + strings.Join(paths, ", ") + ") AND" + guard +
		" UNION ALL SELECT " + strings.Join(nulls, ", ") + ", path, " + text(p.ID()) + ", '" + kindTaken + "', " + text(p.Day) +
		" FROM (VALUES " + strings.Join(paths, ", ") + ") AS taken (path) WHERE" + guard +
		" ORDER BY kind, " + strings.Join(order, ", ")
}

// Seen is Engine's.
func (e *SQL) Seen(ctx context.Context, p Plan) (s Seen, err error) {
	t := e.tables[p.Table].only(p.Columns)
	from := " FROM " + t.Packed + " WHERE dt = " + text(p.Day) + " AND run = " + text(p.ID())
	marks, err := e.run.Ask(ctx, "SELECT count(*)"+from+" AND kind = '"+kindTaken+"'")
	if err != nil {
		return s, err
	}
	if len(marks) != 1 || len(marks[0]) != 1 {
		return s, fmt.Errorf("count marks: answer %q", marks)
	}
	if s.Marks, err = strconv.Atoi(marks[0][0]); err != nil {
		return s, fmt.Errorf("count marks: %w", err)
	}
	s.Parts, err = e.parts(ctx, "SELECT source, count(*), "+t.check()+from+" AND kind = '"+kindRows+"' GROUP BY source")
	return s, err
}

// Undo is Engine's. That the plan counts no more is said first: a statement of
// it that begins later takes nothing.
func (e *SQL) Undo(ctx context.Context, p Plan) error {
	t := e.tables[p.Table]
	of := " dt = " + text(p.Day) + " AND run = " + text(p.ID())
	err := e.run.Run(ctx, "", "INSERT INTO "+t.Packed+" (run, kind, dt) SELECT "+text(p.ID())+", '"+kindUndone+"', "+text(p.Day)+
		" WHERE NOT EXISTS (SELECT 1 FROM "+t.Packed+" WHERE"+of+" AND kind = '"+kindUndone+"')")
	if err != nil {
		return err
	}
	return e.run.Run(ctx, "", "DELETE FROM "+t.Packed+" WHERE"+of+" AND kind IN ('"+kindRows+"', '"+kindTaken+"')")
}
