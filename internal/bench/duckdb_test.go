//go:build cgo && unix

package bench

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

// column is one of the 27 logged fields, which both results have.
type column struct{ name, kind string }

// columns are in the order of the log.
var columns = []column{
	{"bucket_owner_id", "VARCHAR"}, {"bucket_name", "VARCHAR"}, {"request_time", "TIMESTAMP"},
	{"remote_ip", "VARCHAR"}, {"requester", "VARCHAR"}, {"request_id", "VARCHAR"},
	{"operation", "VARCHAR"}, {"key_name", "VARCHAR"}, {"request_uri", "VARCHAR"},
	{"http_status", "INTEGER"}, {"error_code", "VARCHAR"}, {"bytes_sent_size", "BIGINT"},
	{"object_size", "BIGINT"}, {"total_duration", "BIGINT"}, {"turn_around_duration", "BIGINT"},
	{"referer", "VARCHAR"}, {"user_agent", "VARCHAR"}, {"version_id", "VARCHAR"},
	{"host_id", "VARCHAR"}, {"signature_version", "VARCHAR"}, {"cipher_suite", "VARCHAR"},
	{"authentication_type", "VARCHAR"}, {"host_header", "VARCHAR"}, {"tls_version", "VARCHAR"},
	{"access_point_arn", "VARCHAR"}, {"acl_required", "BOOLEAN"}, {"source_region", "VARCHAR"},
}

// duckConvert runs a conversion in DuckDB with one thread.
func duckConvert(statement string) (rows int64, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, fmt.Errorf("duckdb: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Exec("SET threads = 1"); err != nil {
		return 0, fmt.Errorf("duckdb: %w", err)
	}
	res, err := db.Exec(statement)
	if err != nil {
		return 0, fmt.Errorf("duckdb: %w", err)
	}
	return res.RowsAffected()
}

// duckCopy is the same conversion in the way that costs DuckDB least. It does
// less than Sluice: nothing is derived, decoded or redacted, and a line that is
// no CSV ends it.
func duckCopy(file, to string, days bool) string {
	rows, options := duckText(file), "FORMAT parquet, COMPRESSION zstd"
	if days {
		rows = "SELECT *, strftime(request_time, '%Y-%m-%d') AS dt FROM (" + rows + ")"
		options += ", PARTITION_BY (dt)"
	}
	return fmt.Sprintf("COPY (%s) TO %s (%s)", rows, quote(to), options)
}

// duckText reads a log as text: DuckDB's CSV reader makes the types, the time
// among them, and "-" NULL. The space inside the time makes it two fields.
func duckText(file string) string {
	var fields, selected []string
	for _, c := range columns {
		field, value := c.kind, c.name
		if c.kind == "BOOLEAN" {
			field, value = "VARCHAR", c.name+" = 'Yes' AS "+c.name
		}
		fields = append(fields, quote(c.name)+": "+quote(field))
		if c.kind == "TIMESTAMP" {
			fields = append(fields, "'zone': 'VARCHAR'")
		}
		selected = append(selected, value)
	}
	return fmt.Sprintf(`SELECT %s FROM read_csv(%s, auto_detect = false, header = false, delim = ' ', quote = '"', escape = '"',
    nullstr = '-', timestampformat = '[%%d/%%b/%%Y:%%H:%%M:%%S', columns = {%s})`,
		strings.Join(selected, ", "), quote(file), strings.Join(fields, ", "))
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// redact does to DuckDB's texts what Sluice does to its own.
const redact = `regexp_replace(%s, '((?:signature|security-token)=)[^& ";#''<>]*', '\1REDACTED', 'gi')`

// keyLogged makes the key as it was logged from Sluice's columns. That it can
// be made again is why key_logged is NULL for most rows.
const (
	encoded   = `replace(replace(replace(url_encode(key_name), '%2F', '/'), '%2A', '*'), '~', '%7E')`
	keyLogged = `CASE WHEN key_logged IS NOT NULL THEN key_logged
  WHEN operation LIKE 'BATCH.%' OR operation LIKE 'S3.%' THEN replace(` + encoded + `, '%20', '+')
  ELSE replace(` + encoded + `, '%', '%25') END`
)

// compare says in which of the shared columns two results differ. It counts
// values and distinct values and adds up hashes of the values of each column,
// so that NULL, "" and 0 are three things, and hashes of whole rows, so that
// values are of the row they belong to. The order of rows does not matter.
func compare(ours, theirs string) error {
	return compareColumns(columns, ours, theirs, map[string]string{"key_name": keyLogged}, map[string]string{
		"request_uri": fmt.Sprintf(redact, "request_uri"),
		"referer":     fmt.Sprintf(redact, "referer"),
	})
}

// compareColumns compares the columns given; what stands instead of one is what
// undoes a difference that is meant.
func compareColumns(columns []column, ours, theirs string, insteadOurs, insteadTheirs map[string]string) (err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Exec("SET TimeZone = 'UTC'"); err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	a, err := checksums(db, columns, ours, insteadOurs)
	if err != nil {
		return err
	}
	b, err := checksums(db, columns, theirs, insteadTheirs)
	if err != nil {
		return err
	}
	var differ []error
	for i := range a {
		if a[i].String != b[i].String {
			differ = append(differ, fmt.Errorf("%s of Sluice: %s, of DuckDB: %s", sums[i%len(sums)].of(columns, i), a[i].String, b[i].String))
		}
	}
	return errors.Join(differ...)
}

// sum is one thing that is compared of every column, and of whole rows.
type sum struct{ what, sql string }

// of names the i-th checksum.
func (s sum) of(columns []column, i int) string {
	if i /= len(sums); i < len(columns) {
		return s.what + " " + columns[i].name
	}
	return s.what + " whole rows"
}

var sums = []sum{
	{"number of", "count(%s)"},
	{"number of distinct", "count(DISTINCT %s)"},
	{"checksum of", "sum(hash(%s))"},
}

func checksums(db *sql.DB, columns []column, dir string, instead map[string]string) ([]sql.NullString, error) {
	var names, values, terms []string
	for _, c := range columns {
		value := c.name
		if other := instead[c.name]; other != "" {
			value = other
		}
		switch c.kind {
		case "TIMESTAMP":
			value = "epoch_ms(" + value + ")"
		case "INTEGER":
			value = "CAST(" + value + " AS BIGINT)"
		}
		names = append(names, c.name)
		values = append(values, value+" AS "+c.name)
	}
	for _, of := range append(names, "r") {
		for _, s := range sums {
			terms = append(terms, fmt.Sprintf("CAST("+s.sql+" AS VARCHAR)", of))
		}
	}
	query := fmt.Sprintf("SELECT %s FROM (SELECT *, hash(%s) AS r FROM (SELECT %s FROM read_parquet(%s)))",
		strings.Join(terms, ", "), strings.Join(names, ", "), strings.Join(values, ", "), quote(dir+"/dt=*/*.parquet"))
	out := make([]sql.NullString, len(terms))
	into := make([]any, len(out))
	for i := range out {
		into[i] = &out[i]
	}
	if err := db.QueryRow(query).Scan(into...); err != nil {
		return nil, fmt.Errorf("compare %s: %w", dir, err)
	}
	return out, nil
}

func duckVersion(tb testing.TB) (v string) {
	tb.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT version()").Scan(&v); err != nil {
		tb.Fatal(err)
	}
	return v
}
