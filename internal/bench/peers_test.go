//go:build cgo && unix

package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// peerLines is how many lines the slow ways are measured on.
const peerLines = 100_000

// BenchmarkPeers measures other ways to write access logs in Go, in turns with
// Sluice's on the same lines. They do less: they write the 27 logged columns of rows
// that Sluice has read, to one file.
func BenchmarkPeers(b *testing.B) {
	file, _ := accessLog(b, peerLines)
	arrow := buildArrow(b)
	for b.Loop() {
		for _, p := range []struct {
			name string
			run  func(file, dir string) side
		}{
			{"parquet-go, structs of pointers, 27 columns", func(file, dir string) side { return start(b, roleParquetGo, file, dir) }},
			{"arrow-go, record builder + pqarrow, 27 columns", func(file, dir string) side { return finish(b, exec.Command(arrow, file, dir)) }},
		} {
			var (
				cpu, peak pairs
				dir       string
			)
			for range runs {
				dir = b.TempDir()
				ours := start(b, roleSluice, file, dir+"/ours")
				if err := ours.Report.whole(1, peerLines); err != nil {
					b.Fatal(err)
				}
				theirs := p.run(file, dir+"/theirs")
				if theirs.Rows != peerLines {
					b.Fatalf("%s wrote %d rows, want %d", p.name, theirs.Rows, peerLines)
				}
				cpu.add(ours.cpu.Seconds()*1e6/peerLines, theirs.cpu.Seconds()*1e6/peerLines)
				peak.add(float64(ours.Peak)/mib, float64(theirs.Peak)/mib)
			}
			if err := compareColumns(columns, dir+"/ours/s3_access_logs", dir+"/theirs", nil, nil); err != nil {
				b.Fatalf("%s: %v", p.name, err)
			}
			figures.add(figure{
				what: "convert, CPU µs per line", sluice: decimals(median(cpu.ours), 2), other: decimals(median(cpu.theirs), 2), name: p.name,
				ratio: decimals(cpu.ratio(), 3),
			})
			figures.add(figure{
				what: "  peak memory in MiB", sluice: decimals(median(peak.ours), 0), other: decimals(median(peak.theirs), 0), name: p.name,
				ratio: decimals(peak.ratio(), 2),
			})
			ours, theirs := perRow(bytesBelow(b, dir+"/ours"), peerLines), perRow(bytesBelow(b, dir+"/theirs"), peerLines)
			figures.add(figure{
				what: "  bytes per row, of all columns here", sluice: decimals(ours, 1), other: decimals(theirs, 1), name: p.name,
				ratio: decimals(ours/theirs, 3),
			})
		}
	}
	b.ReportMetric(0, "ns/op") // of all sides together: says nothing
}

// buildArrow builds the yardstick that is a module of its own, see tools/arrow.
func buildArrow(b *testing.B) (program string) {
	program = b.TempDir() + "/arrow"
	build := exec.CommandContext(b.Context(), "go", "build", "-C", "../../tools/arrow", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build tools/arrow: %v\n%s", err, out)
	}
	return program
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
func writePointers(file, to string) (rows int64, err error) {
	src, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if err := os.MkdirAll(to+"/dt=all", 0o700); err != nil {
		return 0, err
	}
	f, err := os.Create(to + "/dt=all/0.parquet")
	if err != nil {
		return 0, err
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
	in := logs.Input{Key: delivered}
	for r, err := range s3access.Format.NewReader().Read(&in, src) {
		if err != nil {
			return rows, fmt.Errorf("line %d: %w", in.Lines, err)
		}
		batch = append(batch, pointers{
			str(r.BucketOwnerID), str(r.BucketName), int64(r.RequestTime), str(r.RemoteIP), str(r.Requester), str(r.RequestID),
			str(r.Operation), str(r.KeyName), str(r.RequestURI), num(r.HTTPStatus), str(r.ErrorCode), num(r.BytesSentSize),
			num(r.ObjectSize), num(r.TotalDuration), num(r.TurnAroundDuration), str(r.Referer), str(r.UserAgent), str(r.VersionID),
			str(r.HostID), str(r.SignatureVersion), str(r.CipherSuite), str(r.AuthenticationType), str(r.HostHeader),
			str(r.TLSVersion), str(r.AccessPointARN), flag(r.ACLRequired), str(r.SourceRegion),
		})
		rows++
		if len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return rows, err
			}
		}
	}
	return rows, errors.Join(flush(), w.Close())
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
	file, _ := accessLog(t, peerLines)
	dir := t.TempDir()
	if _, err := convert(file, dir+"/ours"); err != nil {
		t.Fatal(err)
	}
	if rows, err := writePointers(file, dir+"/theirs"); err != nil || rows != peerLines {
		t.Fatalf("%d rows: %v", rows, err)
	}
	if err := compareColumns(columns, dir+"/ours/s3_access_logs", dir+"/theirs", nil, nil); err != nil {
		t.Error(err)
	}
}
