// Arrow converts a server access log to Parquet in the way that Arrow's Go library
// documents: rows appended to a record builder, records written by pqarrow. It is a
// yardstick of internal/bench, and a module of its own so that nobody needs Arrow
// who does not measure.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: arrow FILE DIRECTORY: writes DIRECTORY/dt=all/0.parquet")
		os.Exit(2)
	}
	rows, err := convert(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "arrow:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]int64{"Rows": rows, "Peak": peak()})
}

// perRecord is how many rows a record has: enough that what a record costs does not
// count, and few enough that its memory does not.
const perRecord = 8 << 10

// The columns are the 27 that the log has.
var schema = arrow.NewSchema([]arrow.Field{
	text("bucket_owner_id"), text("bucket_name"), {Name: "request_time", Type: arrow.FixedWidthTypes.Timestamp_ms},
	text("remote_ip"), text("requester"), text("request_id"), text("operation"), text("key_name"), text("request_uri"),
	number("http_status"), text("error_code"), number("bytes_sent_size"), number("object_size"), number("total_duration"),
	number("turn_around_duration"), text("referer"), text("user_agent"), text("version_id"), text("host_id"),
	text("signature_version"), text("cipher_suite"), text("authentication_type"), text("host_header"), text("tls_version"),
	text("access_point_arn"), {Name: "acl_required", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}, text("source_region"),
}, nil)

func text(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
}

func number(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
}

// convert reads the log as Sluice does and writes one file: dictionaries where they
// can pay, zstd at its fastest, groups and pages as large as for parquet-go.
func convert(file, to string) (rows int64, err error) {
	src, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if err := os.MkdirAll(to+"/dt=all", 0o700); err != nil {
		return 0, err
	}
	dst, err := os.Create(to + "/dt=all/0.parquet")
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(dst, 1<<16)
	defer func() { err = errors.Join(err, out.Flush(), dst.Close()) }()
	w, err := pqarrow.NewFileWriter(schema, struct{ *bufio.Writer }{out}, parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1), parquet.WithDictionaryDefault(true),
		parquet.WithDictionaryFor("request_id", false), parquet.WithDictionaryFor("host_id", false), parquet.WithDictionaryFor("request_uri", false),
		parquet.WithDataPageSize(1<<20), parquet.WithMaxRowGroupLength(1<<17),
	), pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	write := func() error {
		record := b.NewRecordBatch()
		defer record.Release()
		return w.WriteBuffered(record)
	}
	in := logs.Input{Key: file}
	for row, err := range s3access.Format.NewReader().Read(&in, src) {
		if err != nil {
			return rows, fmt.Errorf("line %d: %w", in.Lines, err)
		}
		add(b, row)
		if rows++; rows%perRecord == 0 {
			if err := write(); err != nil {
				return rows, err
			}
		}
	}
	return rows, errors.Join(write(), w.Close())
}

// add appends a row: column by column, in the order of the schema.
func add(b *array.RecordBuilder, r *s3access.Row) {
	for i, t := range [...]logs.Text{
		0: r.BucketOwnerID, 1: r.BucketName, 3: r.RemoteIP, 4: r.Requester, 5: r.RequestID, 6: r.Operation, 7: r.KeyName,
		8: r.RequestURI, 10: r.ErrorCode, 15: r.Referer, 16: r.UserAgent, 17: r.VersionID, 18: r.HostID,
		19: r.SignatureVersion, 20: r.CipherSuite, 21: r.AuthenticationType, 22: r.HostHeader, 23: r.TLSVersion,
		24: r.AccessPointARN, 26: r.SourceRegion,
	} {
		if c, ok := b.Field(i).(*array.StringBuilder); ok && t != nil {
			c.BinaryBuilder.Append(t)
		} else if ok {
			c.AppendNull()
		}
	}
	for i, n := range [...]logs.Int{9: r.HTTPStatus, 11: r.BytesSentSize, 12: r.ObjectSize, 13: r.TotalDuration, 14: r.TurnAroundDuration} {
		if c, ok := b.Field(i).(*array.Int64Builder); ok && n.OK {
			c.Append(n.V)
		} else if ok {
			c.AppendNull()
		}
	}
	b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(r.RequestTime))
	if acl := b.Field(25).(*array.BooleanBuilder); r.ACLRequired.OK {
		acl.Append(r.ACLRequired.V)
	} else {
		acl.AppendNull()
	}
}

// peak is the most memory that this process had resident, in bytes; 0 where the
// system does not say.
func peak() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range bytes.Lines(status) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "VmHWM:" {
			kib, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return kib << 10
		}
	}
	return 0
}
