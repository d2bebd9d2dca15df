//go:build cgo && unix

package bench

import (
	"io"
	"iter"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

// loggedRow is the columns of s3access.Row that the log itself has, which is what
// DuckDB writes of it.
type loggedRow struct {
	BucketOwnerID      logs.Text `col:"bucket_owner_id,dict"`
	BucketName         logs.Text `col:"bucket_name,dict"`
	RequestTime        logs.Time `col:"request_time,dict"`
	RemoteIP           logs.Text `col:"remote_ip,dict"`
	Requester          logs.Text `col:"requester,dict"`
	RequestID          logs.Text `col:"request_id,plain"`
	Operation          logs.Text `col:"operation,dict"`
	KeyName            logs.Text `col:"key_name,dict"`
	RequestURI         logs.Text `col:"request_uri"`
	HTTPStatus         logs.Int  `col:"http_status,dict"`
	ErrorCode          logs.Text `col:"error_code,dict"`
	BytesSentSize      logs.Int  `col:"bytes_sent_size,dict"`
	ObjectSize         logs.Int  `col:"object_size,dict"`
	TotalDuration      logs.Int  `col:"total_duration,dict"`
	TurnAroundDuration logs.Int  `col:"turn_around_duration,dict"`
	Referer            logs.Text `col:"referer,dict"`
	UserAgent          logs.Text `col:"user_agent,dict"`
	VersionID          logs.Text `col:"version_id,dict"`
	HostID             logs.Text `col:"host_id,plain"`
	SignatureVersion   logs.Text `col:"signature_version,dict" again:"Ending"`
	CipherSuite        logs.Text `col:"cipher_suite,dict" again:"Ending"`
	AuthenticationType logs.Text `col:"authentication_type,dict" again:"Ending"`
	HostHeader         logs.Text `col:"host_header,dict" again:"Ending"`
	TLSVersion         logs.Text `col:"tls_version,dict" again:"Ending"`
	AccessPointARN     logs.Text `col:"access_point_arn,dict" again:"Ending"`
	ACLRequired        logs.Bool `col:"acl_required"`
	SourceRegion       logs.Text `col:"source_region,dict" again:"Ending"`
	KeyLogged          logs.Text `col:"key_logged,dict"` // without which key_name is not what was logged

	Ending *logs.Again
}

func (l *loggedRow) of(r *s3access.Row) *loggedRow {
	l.BucketOwnerID, l.BucketName, l.RequestTime = r.BucketOwnerID, r.BucketName, r.RequestTime
	l.RemoteIP, l.Requester, l.RequestID = r.RemoteIP, r.Requester, r.RequestID
	l.Operation, l.KeyName, l.RequestURI = r.Operation, r.KeyName, r.RequestURI
	l.HTTPStatus, l.ErrorCode = r.HTTPStatus, r.ErrorCode
	l.BytesSentSize, l.ObjectSize = r.BytesSentSize, r.ObjectSize
	l.TotalDuration, l.TurnAroundDuration = r.TotalDuration, r.TurnAroundDuration
	l.Referer, l.UserAgent, l.VersionID, l.HostID = r.Referer, r.UserAgent, r.VersionID, r.HostID
	l.SignatureVersion, l.CipherSuite, l.AuthenticationType = r.SignatureVersion, r.CipherSuite, r.AuthenticationType
	l.HostHeader, l.TLSVersion, l.AccessPointARN = r.HostHeader, r.TLSVersion, r.AccessPointARN
	l.ACLRequired, l.SourceRegion, l.KeyLogged = r.ACLRequired, r.SourceRegion, r.KeyLogged
	l.Ending = r.Ending
	return l
}

// loggedReader reads as s3access does, derived columns and verdict included, and
// yields the logged columns alone.
type loggedReader struct {
	rows logs.Reader[s3access.Row]
	row  loggedRow
}

func (r *loggedReader) Read(in *logs.Input, src io.Reader) iter.Seq2[*loggedRow, error] {
	return func(yield func(*loggedRow, error) bool) {
		for row, err := range r.rows.Read(in, src) {
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			if !yield(r.row.of(row), nil) {
				return
			}
		}
	}
}

// loggedRoute reads access logs into the logged columns.
func loggedRoute() pipeline.Route {
	return pipeline.To(logs.Format[loggedRow]{
		Table: logs.Table[loggedRow]{
			Name: s3access.Format.Name,
			Time: func(r *loggedRow) logs.Time { return r.RequestTime },
			Sort: s3access.Format.Sort,
		},
		Match:     s3access.Format.Match,
		NewReader: func() logs.Reader[loggedRow] { return &loggedReader{rows: s3access.NewLoggedReader()} },
	})
}
