// Package logs says what a log format is: how a delivered file is recognised,
// how its bytes become rows, and what a record that fits no row is called.
//
// Formats live in folders below, one each. They are pure: bytes in, rows out;
// no files, no network, no clock.
package logs

import (
	"io"
	"iter"
	"time"
)

// Text is a string column that may be absent: nil is NULL, and an empty value
// that is not nil is "". The bytes belong to the reader that yielded the row
// and are valid until the next row is asked for.
type Text []byte

// Int is an integer column that may be absent. The zero Int is NULL, not 0.
type Int struct {
	V  int64
	OK bool
}

// Bool is a boolean column that may be absent. The zero Bool is NULL, not false.
type Bool struct {
	V  bool
	OK bool
}

// Time is an event time in milliseconds since 1970-01-01 UTC: what Athena's
// timestamp(3) holds. A Time column is never NULL.
type Time int64

// Int64 is an integer column that is never NULL.
type Int64 int64

// SomeInt returns the present integer v.
func SomeInt(v int64) Int { return Int{v, true} }

// SomeBool returns the present boolean v.
func SomeBool(v bool) Bool { return Bool{v, true} }

// TimeOf returns t in milliseconds, rounded down.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Day returns the UTC day of t as days since 1970-01-01.
func (t Time) Day() int32 {
	const day = 24 * 60 * 60 * 1000
	d := int64(t) / day
	if int64(t)%day < 0 {
		d--
	}
	return int32(d)
}

// Go returns t as a time.Time in UTC.
func (t Time) Go() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Table says how rows of type R lie in the lake. The columns are R itself: each
// exported field with a `col` tag is one column, in the order of the struct.
//
// The tag is the column's name, then options after commas:
//
//	dict   values repeat: keep them in a dictionary (the writer falls back to
//	       plain by itself when they do not)
//	plain  values are unique: no dictionary, no minimum and maximum
//	alike  values are JSON objects of few forms that differ in some members: no
//	       dictionary, no minimum and maximum
//
// A second tag, again:"Field", is on columns that a row may share with rows before:
// Field is an *Again of the row, and no column.
//
// Field types are Text, Int, Bool, Time and Int64. The comment above a field is
// its description in docs/tables.md and in the Glue table.
type Table[R any] struct {
	Name string        // table name in the lake, in Glue and in SQL
	Time func(*R) Time // event time: its UTC day is the partition dt
	Sort []string      // columns that order the rows inside a row group
}

// Format is one log format: a table, how to tell its files, how to read them.
type Format[R any] struct {
	Table[R]
	// Match tells by key and by the first bytes of the (already unzipped)
	// content whether a file holds this format. A file that belongs to the
	// format's family but holds no records of it (a digest, say) is not a match
	// and skip says why, in words for the person who pointed us at the bucket.
	Match func(key string, head []byte) (ok bool, skip string)
	// NewReader makes a reader. Readers keep buffers and caches: make one a
	// worker and use it for one file after the other.
	NewReader func() Reader[R]
}

// Reader turns the bytes of one file after the other into rows.
type Reader[R any] interface {
	// Read yields the records of one file in order. Each step is one of
	//	(row, nil)         a record; row is valid until the next step
	//	(nil, *BadRecord)  a record that fits no row; reading goes on
	//	(nil, other error) the file is broken (a short read included): the last
	//	                   step, and none of the file's rows may become visible
	// It reads r to its end before it ends without an error, so that checksums
	// behind the last record are verified. in.Lines counts every record found,
	// whatever became of it.
	Read(in *Input, r io.Reader) iter.Seq2[*R, error]
}

// Input is what a reader is told about a file, and what it counts in it.
type Input struct {
	Key   string // object key or path; becomes log_key
	Dated Time   // what the file's name or delivery says: dates the rejects that have no time
	Lines int64  // records found so far: lines, or elements of Records
}

// Reason is why a record was rejected: one of a small fixed vocabulary per
// format, fit for a metric's name or a GROUP BY.
type Reason string

// BadRecord is a record that fits no row: an error, and a row of the table
// "rejected".
type BadRecord struct {
	Line   int64  // 1-based line, or 1-based element of Records
	Time   Time   // event time where it could still be read, else Input.Dated
	Reason Reason // from the format's vocabulary
	Detail string // what was expected and found, for a person
	Raw    []byte // the record as delivered, secrets redacted; valid like a row
}

func (b *BadRecord) Error() string { return string(b.Reason) + ": " + b.Detail }

// Rejected is a row of the table "rejected": one record that fits no row of its
// own table, kept with the reason.
type Rejected struct {
	// When the record happened where that could still be read, else the day in its file's name, else when the file was delivered.
	EventTime Time `col:"event_time"`
	// Table the record was meant for.
	MeantFor Text `col:"meant_for,dict"`
	// Why it was rejected, one of a fixed list (docs/tables.md).
	Reason Text `col:"reason,dict"`
	// What was expected and what was found.
	Detail Text `col:"detail,dict"`
	// The record as delivered, secrets redacted, bytes that are not UTF-8 as \xHH.
	Raw Text `col:"raw"`
	// Delivered file: object key, or path on a laptop.
	LogKey Text `col:"log_key,dict"`
	// Line of the file, from 1; for CloudTrail the element of Records.
	LogLine Int64 `col:"log_line"`
}

// RejectedTable says how rejected records lie in the lake.
var RejectedTable = Table[Rejected]{
	Name: "rejected",
	Time: func(r *Rejected) Time { return r.EventTime },
	Sort: []string{"log_key", "log_line"},
}
