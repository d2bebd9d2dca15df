// Package query asks a lake questions in SQL on a laptop, with the table and
// column names that Athena has, and keeps the named queries that both run.
//
// The engine is an embedded DuckDB, which needs cgo: built without it,
// everything but Open works.
package query

import (
	"errors"
	"iter"

	"sluice/internal/logs"
	"sluice/internal/table"
)

// ErrNoLake is Open's answer to a directory that no batch was committed to.
var ErrNoLake = errors.New("there is no lake")

// Table is a table of the lake. One without any file is there all the same, and
// empty.
type Table struct {
	Name    string
	Columns []table.Column
}

// TableOf makes a Table from its row struct.
func TableOf[R any](t logs.Table[R]) (Table, error) {
	columns, err := table.Columns[R]()
	return Table{Name: t.Name, Columns: columns}, err
}

// Partition is the column that the folders of a table are named after: the UTC
// day of the event, as text. It is the last column, as it is in Athena.
const Partition = "dt"

// Kind says how the values of a result column are written.
type Kind int

const (
	// Text is anything that is no other kind, as it reads.
	Text Kind = iota
	// Number is written in decimal digits, to be aligned right.
	Number
	// Bool is written true or false.
	Bool
	// Time is written 2006-01-02 15:04:05.999, UTC.
	Time
	// Nested is a list, struct or map, written as JSON.
	Nested
)

// Column is one column of a result.
type Column struct {
	Name string
	Kind Kind
}

// Value is one value of a result. NULL has no text.
type Value struct {
	Text string
	Null bool
}

// Result is the answer to a query.
type Result struct {
	Columns []Column
	// Rows yields the rows once, reading them as they are asked for. A row is
	// valid until the next; an error is the last step.
	Rows iter.Seq2[[]Value, error]
}
