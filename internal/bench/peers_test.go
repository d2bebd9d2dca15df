//go:build cgo && unix

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// peerLines is how many lines the slow ways are measured on.
const peerLines = 100_000

// BenchmarkPeers measures another way to write access logs in Go, in turns with
// Sluice's on the same lines. It does less: parquet-go writes the 27 logged columns
// of rows that Sluice has read.
func BenchmarkPeers(b *testing.B) {
	var buf bytes.Buffer
	if err := generate.Lines(&buf, 1, peerLines); err != nil {
		b.Fatal(err)
	}
	text := buf.Bytes()
	file, _ := accessLog(b, peerLines)
	dir := b.TempDir()
	whole := func() error {
		r, err := convert(file, b.TempDir())
		if err != nil {
			return err
		}
		return r.whole(1, peerLines)
	}
	for b.Loop() {
		for _, p := range []struct {
			what, name   string
			ours, theirs func() error
		}{
			{"convert, CPU µs per line", "parquet-go, structs of pointers, 27 columns", whole, func() error { return writePointers(dir+"/dt=all", text) }},
		} {
			var cpu pairs
			for range runs {
				cpu.add(timed(b, p.ours), timed(b, p.theirs))
			}
			figures.add(figure{
				what: p.what, sluice: decimals(median(cpu.ours), 2), other: decimals(median(cpu.theirs), 2), name: p.name,
				ratio: decimals(cpu.ratio(), 3),
			})
		}
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

// timed is the CPU time of f in microseconds a line.
func timed(b *testing.B, f func() error) float64 {
	b.Helper()
	return spent(b, func() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}).Seconds() * 1e6 / peerLines
}

func eachRow(text []byte, f func(*s3access.Row) error) error {
	in, rows := logs.Input{Key: delivered}, 0
	for row, err := range s3access.Format.NewReader().Read(&in, bytes.NewReader(text)) {
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", in.Lines, err)
		}
		rows++
	}
	if rows != peerLines {
		return fmt.Errorf("%d rows of %d lines", rows, peerLines)
	}
	return nil
}

// pointers is a row of the logged columns as parquet-go writes NULLs rightly: by
// pointers. Its fields with values that are optional lose some (v0.32.0).
type pointers struct {
	BucketOwnerID      *string `parquet:"bucket_owner_id,optional,dict"`
	BucketName         *string `parquet:"bucket_name,optional,dict"`
	RequestTime        int64   `parquet:"request_time,timestamp(millisecond)"`
	RemoteIP           *string `parquet:"remote_ip,optional,dict"`
	Requester          *string `parquet:"requester,optional,dict"`
	RequestID          *string `parquet:"request_id,optional,plain"`
	Operation          *string `parquet:"operation,optional,dict"`
	KeyName            *string `parquet:"key_name,optional,dict"`
	RequestURI         *string `parquet:"request_uri,optional,plain"`
	HTTPStatus         *int64  `parquet:"http_status,optional,dict"`
	ErrorCode          *string `parquet:"error_code,optional,dict"`
	BytesSentSize      *int64  `parquet:"bytes_sent_size,optional,dict"`
	ObjectSize         *int64  `parquet:"object_size,optional,dict"`
	TotalDuration      *int64  `parquet:"total_duration,optional,dict"`
	TurnAroundDuration *int64  `parquet:"turn_around_duration,optional,dict"`
	Referer            *string `parquet:"referer,optional,dict"`
	UserAgent          *string `parquet:"user_agent,optional,dict"`
	VersionID          *string `parquet:"version_id,optional,dict"`
	HostID             *string `parquet:"host_id,optional,plain"`
	SignatureVersion   *string `parquet:"signature_version,optional,dict"`
	CipherSuite        *string `parquet:"cipher_suite,optional,dict"`
	AuthenticationType *string `parquet:"authentication_type,optional,dict"`
	HostHeader         *string `parquet:"host_header,optional,dict"`
	TLSVersion         *string `parquet:"tls_version,optional,dict"`
	AccessPointARN     *string `parquet:"access_point_arn,optional,dict"`
	ACLRequired        *bool   `parquet:"acl_required,optional"`
	SourceRegion       *string `parquet:"source_region,optional,dict"`
}

// writePointers writes one Parquet file with parquet-go's GenericWriter, tuned:
// 1,000 rows at a time, the fastest zstd, large pages, groups of 128k rows.
func writePointers(dir string, text []byte) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.Create(dir + "/0.parquet")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := parquet.NewGenericWriter[pointers](f, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.PageBufferSize(1<<20), parquet.MaxRowsPerRowGroup(1<<17))
	batch := make([]pointers, 0, 1000)
	flush := func() error {
		_, err := w.Write(batch)
		batch = batch[:0]
		return err
	}
	err = eachRow(text, func(r *s3access.Row) error {
		batch = append(batch, pointers{
			str(r.BucketOwnerID), str(r.BucketName), int64(r.RequestTime), str(r.RemoteIP), str(r.Requester), str(r.RequestID),
			str(r.Operation), str(r.KeyName), str(r.RequestURI), num(r.HTTPStatus), str(r.ErrorCode), num(r.BytesSentSize),
			num(r.ObjectSize), num(r.TotalDuration), num(r.TurnAroundDuration), str(r.Referer), str(r.UserAgent), str(r.VersionID),
			str(r.HostID), str(r.SignatureVersion), str(r.CipherSuite), str(r.AuthenticationType), str(r.HostHeader),
			str(r.TLSVersion), str(r.AccessPointARN), flag(r.ACLRequired), str(r.SourceRegion),
		})
		if len(batch) == cap(batch) {
			return flush()
		}
		return nil
	})
	return errors.Join(err, flush(), w.Close())
}

func str(t logs.Text) *string {
	if t == nil {
		return nil
	}
	s := string(t)
	return &s
}

func num(n logs.Int) *int64 {
	if !n.OK {
		return nil
	}
	return &n.V
}

func flag(v logs.Bool) *bool {
	if !v.OK {
		return nil
	}
	return &v.V
}

// TestPeersAgree: what parquet-go wrote is what Sluice writes, so that it is the
// same task.
func TestPeersAgree(t *testing.T) {
	var buf bytes.Buffer
	if err := generate.Lines(&buf, 1, peerLines); err != nil {
		t.Fatal(err)
	}
	file, _ := accessLog(t, peerLines)
	dir := t.TempDir()
	if _, err := convert(file, dir+"/ours"); err != nil {
		t.Fatal(err)
	}
	if err := writePointers(dir+"/theirs/dt=all", buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := compareColumns(columns, dir+"/ours/s3_access_logs", dir+"/theirs", nil, nil); err != nil {
		t.Error(err)
	}
}
