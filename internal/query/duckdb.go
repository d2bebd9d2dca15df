//go:build cgo

package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"sluice/internal/table"
)

// Lake is a lake opened for queries. What is committed after Open is seen too.
type Lake struct {
	db   *sql.DB
	conn *sql.Conn
	temp string // where DuckDB puts what does not fit in memory
}

// Open opens the lake in dir. Queries can read that directory and nothing else,
// and change nothing: the SQL may come from a web page.
func Open(ctx context.Context, dir string, tables []Table) (_ *Lake, err error) {
	if err := check(dir, tables); err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	temp, err := os.MkdirTemp("", "sluice-query-")
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start duckdb: %w", err), os.RemoveAll(temp))
	}
	l := &Lake{db: sql.OpenDB(connector), temp: temp}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("start duckdb: %w", err)
	}
	for _, s := range []string{
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET parquet_metadata_cache = true",
		"SET temp_directory = " + quote(temp),
		"SET allowed_directories = [" + inside(dir) + ", " + inside(globSafe(dir)) + ", " + inside(temp) + "]",
		"SET enable_external_access = false",
	} {
		if _, err := l.conn.ExecContext(ctx, s); err != nil {
			return nil, fmt.Errorf("set up duckdb: %s: %w", s, err)
		}
	}
	for _, t := range tables {
		if err := l.view(ctx, dir, t); err != nil {
			return nil, fmt.Errorf("open table %s: %w", t.Name, err)
		}
	}
	if _, err := l.conn.ExecContext(ctx, parseDatetime); err != nil {
		return nil, fmt.Errorf("set up duckdb: %w", err)
	}
	if err := l.views(ctx, tables); err != nil {
		return nil, err
	}
	if _, err := l.conn.ExecContext(ctx, "SET lock_configuration = true"); err != nil {
		return nil, fmt.Errorf("set up duckdb: %w", err)
	}
	return l, nil
}

// Close ends the lake's queries and removes their temporary files.
func (l *Lake) Close() error {
	var err error
	if l.conn != nil {
		err = l.conn.Close()
	}
	return errors.Join(err, l.db.Close(), os.RemoveAll(l.temp))
}

// check tells a directory that is no lake from an empty lake.
func check(dir string, tables []Table) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w at %s", ErrNoLake, dir)
	}
	if err != nil {
		return fmt.Errorf("open lake: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "_sluice" || slices.ContainsFunc(tables, func(t Table) bool { return t.Name == e.Name() }) {
			return nil
		}
	}
	return fmt.Errorf("%w at %s: it has none of the tables", ErrNoLake, dir)
}

// view makes a table's view: the columns of its row struct in their order and
// with Athena's types, then the partition. Files written before a column was
// added have NULL in it.
func (l *Lake) view(ctx context.Context, dir string, t Table) error {
	some, err := hasObjects(filepath.Join(dir, t.Name))
	if err != nil {
		return err
	}
	// Names that start with _ or . are invisible, to Athena too.
	from := fmt.Sprintf("read_parquet(%s, hive_partitioning = true, hive_types = {'%s': VARCHAR}, union_by_name = true)",
		quote(globSafe(filepath.Join(dir, t.Name))+"/"+Partition+"=*/[!_.]*.parquet"), Partition)
	stored := map[string]bool{}
	if some {
		if stored, err = l.describe(ctx, from); err != nil {
			return err
		}
	} else {
		from = "(SELECT 1) WHERE false"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE VIEW %s AS SELECT ", identifier(t.Name))
	for _, c := range t.Columns {
		value := "NULL"
		if stored[c.Name] {
			value = identifier(c.Name)
		}
		if stored[c.Name] && c.Kind != table.Time {
			fmt.Fprintf(&b, "%s, ", value)
			continue
		}
		fmt.Fprintf(&b, "CAST(%s AS %s) AS %s, ", value, duckType(c.Kind), identifier(c.Name))
	}
	if some {
		fmt.Fprintf(&b, "%s FROM %s", Partition, from)
	} else {
		fmt.Fprintf(&b, "CAST(NULL AS VARCHAR) AS %s FROM %s", Partition, from)
	}
	_, err = l.conn.ExecContext(ctx, b.String())
	return err
}

// parseDatetime is the one function of Athena's that DuckDB is taught: AWS's
// sample queries for access logs choose their hours with it, in these three forms.
const parseDatetime = `CREATE MACRO parse_datetime(text, form) AS CASE form
	WHEN 'dd/MMM/yyyy:HH:mm:ss Z' THEN CAST(strptime(text, '%d/%b/%Y:%H:%M:%S %z') AS TIMESTAMPTZ)
	WHEN 'yyyy-MM-dd:HH:mm:ss' THEN CAST(strptime(text, '%Y-%m-%d:%H:%M:%S') AS TIMESTAMPTZ)
	WHEN 'yyyy-MM-dd' THEN CAST(strptime(text, '%Y-%m-%d') AS TIMESTAMPTZ)
	ELSE error('parse_datetime here knows the forms dd/MMM/yyyy:HH:mm:ss Z, yyyy-MM-dd:HH:mm:ss and yyyy-MM-dd, not ' || form) END`

// views makes the views of this package that the tables suffice for.
func (l *Lake) views(ctx context.Context, tables []Table) error {
	all, err := Views()
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, t := range tables {
		have[t.Name] = true
	}
	for _, v := range all {
		if slices.ContainsFunc(v.Needs, func(name string) bool { return !have[name] }) {
			continue
		}
		if _, err := l.conn.ExecContext(ctx, "CREATE VIEW "+identifier(v.Name)+" AS "+v.SQL); err != nil {
			return fmt.Errorf("make view %s: %w", v.Name, err)
		}
		have[v.Name] = true
	}
	return nil
}

func (l *Lake) describe(ctx context.Context, from string) (map[string]bool, error) {
	rows, err := l.conn.QueryContext(ctx, "SELECT * FROM "+from+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	stored := map[string]bool{}
	for _, n := range names {
		stored[n] = true
	}
	return stored, rows.Err()
}

// hasObjects tells whether a table has any file: DuckDB takes a pattern that
// matches none for a mistake.
func hasObjects(dir string) (bool, error) {
	days, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, day := range days {
		if !strings.HasPrefix(day.Name(), Partition+"=") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, day.Name()))
		if err != nil {
			return false, err
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".parquet") && !strings.HasPrefix(f.Name(), "_") && !strings.HasPrefix(f.Name(), ".") {
				return true, nil
			}
		}
	}
	return false, nil
}

func duckType(k table.Kind) string {
	switch k {
	case table.Text:
		return "VARCHAR"
	case table.Bool:
		return "BOOLEAN"
	case table.Time:
		return "TIMESTAMP"
	}
	return "BIGINT"
}

func identifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// inside names everything below dir for DuckDB, which compares files and
// patterns with it letter by letter.
func inside(dir string) string { return quote(filepath.ToSlash(dir) + "/") }

// globSafe makes a directory's name match itself in a pattern.
func globSafe(dir string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(filepath.ToSlash(dir))
}
