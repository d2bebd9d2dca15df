package pack

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// seen is how long a snapshot stays that is not the newest, and so what only it
// has: longer than a query runs, and enough to look what a commit changed.
const seen = 48 * time.Hour

// more is what a packed table has beside the columns of its rows: all are texts.
var more = []string{"source", "run", "kind", "dt"}

var _ Keeper = (*SQL)(nil)

// Prepare is Keeper's. The table is made by Athena and not by the template:
// CloudFormation's updates of an Iceberg table in Glue take away where its
// metadata are. (Athena User Guide, "Create Iceberg tables".)
func (e *SQL) Prepare(ctx context.Context, name string) error {
	t := e.tables[name]
	if err := e.run.Run(ctx, "", t.Create()); err != nil {
		return fmt.Errorf("make table %s: %w", t.Packed, err)
	}
	rows, err := e.run.Ask(ctx, "SELECT column_name FROM information_schema.columns WHERE table_schema = "+text(e.database)+" AND table_name = "+text(t.Packed))
	if err != nil {
		return fmt.Errorf("list columns of %s: %w", t.Packed, err)
	}
	has := map[string]bool{}
	for _, r := range rows {
		if len(r) == 1 {
			has[r[0]] = true
		}
	}
	for _, name := range more {
		if !has[name] {
			return fmt.Errorf("list columns of %s: there is no %s among its %d", t.Packed, name, len(has))
		}
	}
	var lacks []string
	for _, c := range t.Columns {
		if !has[c.Name] {
			lacks = append(lacks, "`"+c.Name+"` "+c.Kind.Glue())
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	if err := e.run.Run(ctx, "", "ALTER TABLE "+t.Packed+" ADD COLUMNS ("+strings.Join(lacks, ", ")+")"); err != nil {
		return fmt.Errorf("add columns to %s: %w", t.Packed, err)
	}
	return nil
}

// Create is the statement that makes the packed table, in the words of Athena,
// whose statements about tables are Hive's. Rows that were deleted must leave their
// objects with the next OPTIMIZE, so it may not wait until there is more to do, as
// it does by default: for a second list of deleted rows, and for five objects.
// (Athena User Guide, "Create Iceberg tables".)
func (t Table) Create() string {
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, "`"+c.Name+"` "+c.Kind.Glue())
	}
	for _, name := range more {
		columns = append(columns, "`"+name+"` string")
	}
	return "CREATE TABLE IF NOT EXISTS " + t.Packed + " (" + strings.Join(columns, ", ") + ") PARTITIONED BY (dt, kind) LOCATION " + text(t.Folder) +
		" TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd'," +
		" 'optimize_rewrite_delete_file_threshold' = '1', 'optimize_rewrite_data_file_threshold' = '1'," +
		fmt.Sprintf(" 'vacuum_max_snapshot_age_seconds' = '%d')", int(seen.Seconds()))
}

// mostRuns is how often a statement is run again that says it has more to do.
const mostRuns = 20

// Expire is Keeper's: one DELETE is one commit. It may only note which rows of an
// object are gone, so the objects of those days are written again without them;
// what they were goes with Tidy.
func (e *SQL) Expire(ctx context.Context, name string, plans []Plan) error {
	var days, runs []string
	for i, p := range plans {
		if i == 0 || p.Day != plans[i-1].Day {
			days = append(days, text(p.Day))
		}
		runs = append(runs, text(p.ID()))
	}
	of := " WHERE kind = '" + kindRows + "' AND dt IN (" + strings.Join(days, ", ") + ")"
	if err := e.run.Run(ctx, "", "DELETE FROM "+e.tables[name].Packed+of+" AND run IN ("+strings.Join(runs, ", ")+")"); err != nil {
		return err
	}
	return e.again(ctx, "OPTIMIZE "+e.tables[name].Packed+" REWRITE DATA USING BIN_PACK"+of)
}

// unfinished is in what Athena says of an OPTIMIZE or a VACUUM that had too much
// to do for one time. (Athena User Guide, "OPTIMIZE" and "VACUUM".)
const unfinished = "MORE_RUNS_NEEDED"

// Tidy is Keeper's.
func (e *SQL) Tidy(ctx context.Context, name string) error {
	return e.again(ctx, "VACUUM "+e.tables[name].Packed)
}

// again runs a statement until it has done all.
func (e *SQL) again(ctx context.Context, sql string) (err error) {
	for range mostRuns {
		if err = e.run.Run(ctx, "", sql); err == nil || !strings.Contains(err.Error(), unfinished) {
			break
		}
	}
	return err
}
