// Package s3access reads S3 server access logs: the text files that S3 itself
// delivers, one request a line, 18 to 27 fields by age of the line.
//
// The format (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html)
// does not escape quotes in Request-URI, Referer and User-Agent, which are
// written by whoever sends the request. So a line is split in every way that is
// legal, and a row that had more than one says so.
package s3access

import "sluice/internal/logs"

// Row is one request: a line of a server access log.
//
// The names of the 27 logged fields are those AWS chose for its own Parquet
// delivery of 2026, so one query runs on both. "-" in the log is NULL here.
type Row struct {
	// Canonical user id of the owner of the source bucket.
	BucketOwnerID logs.Text `col:"bucket_owner_id,dict"`
	// Bucket the request was for.
	BucketName logs.Text `col:"bucket_name,dict"`
	// When S3 received the request, UTC, whole seconds.
	RequestTime logs.Time `col:"request_time,dict"`
	// Apparent address of the requester; NULL for requests of AWS services.
	RemoteIP logs.Text `col:"remote_ip,dict"`
	// Canonical id, IAM ARN or service of the requester; NULL when unauthenticated.
	Requester logs.Text `col:"requester,dict" again:"Caller"`
	// S3's request id. Not unique: batch deletes and copies share one.
	RequestID logs.Text `col:"request_id,plain"`
	// What was asked, such as REST.GET.OBJECT or BATCH.DELETE.OBJECT.
	Operation logs.Text `col:"operation,dict"`
	// The object's real key, decoded as the operation demands.
	KeyName logs.Text `col:"key_name,dict"`
	// HTTP request line; signatures and session tokens redacted.
	RequestURI logs.Text `col:"request_uri"`
	// HTTP status of the response.
	HTTPStatus logs.Int `col:"http_status,dict"`
	// S3 error code, such as AccessDenied.
	ErrorCode logs.Text `col:"error_code,dict"`
	// Bytes of the response body.
	BytesSentSize logs.Int `col:"bytes_sent_size,dict"`
	// Bytes of the whole object.
	ObjectSize logs.Int `col:"object_size,dict"`
	// Milliseconds from request received to last byte sent.
	TotalDuration logs.Int `col:"total_duration,dict"`
	// Milliseconds S3 spent before the first byte of the response.
	TurnAroundDuration logs.Int `col:"turn_around_duration,dict"`
	// HTTP Referer as sent; signatures and session tokens redacted.
	Referer logs.Text `col:"referer,dict"`
	// HTTP User-Agent as sent.
	UserAgent logs.Text `col:"user_agent,dict" again:"Client"`
	// Version of the object.
	VersionID logs.Text `col:"version_id,dict"`
	// S3's extended request id (x-amz-id-2).
	HostID logs.Text `col:"host_id,plain"`
	// SigV2 or SigV4; NULL when unauthenticated.
	SignatureVersion logs.Text `col:"signature_version,dict" again:"Ending"`
	// TLS cipher suite; NULL over plain HTTP.
	CipherSuite logs.Text `col:"cipher_suite,dict" again:"Ending"`
	// AuthHeader, or QueryString for presigned links.
	AuthenticationType logs.Text `col:"authentication_type,dict" again:"Ending"`
	// Host header: the endpoint the request was sent to.
	HostHeader logs.Text `col:"host_header,dict" again:"Ending"`
	// TLS version as logged, such as TLSv1.2; NULL over plain HTTP.
	TLSVersion logs.Text `col:"tls_version,dict" again:"Ending"`
	// ARN of the access point, when one was used.
	AccessPointARN logs.Text `col:"access_point_arn,dict" again:"Ending"`
	// TRUE when an ACL was needed to authorise the request.
	ACLRequired logs.Bool `col:"acl_required"`
	// Region the request came from, when it came from inside AWS.
	SourceRegion logs.Text `col:"source_region,dict" again:"Ending"`

	// The key as the log said it; NULL where that is the usual encoding of key_name: form-encoded twice, a space as %20, or once, a space as +, for BATCH and S3 operations.
	KeyLogged logs.Text `col:"key_logged,dict"`
	// anonymous, canonical_user, root, iam_user, assumed_role, federated_user, origin_access_identity, service or other.
	RequesterType logs.Text `col:"requester_type,dict" again:"Caller"`
	// Account of the requester, 12 digits, where the ARN has one.
	RequesterAccount logs.Text `col:"requester_account,dict" again:"Caller"`
	// User, role or service name of the requester, without session.
	RequesterName logs.Text `col:"requester_name,dict" again:"Caller"`
	// FALSE when the request carried no valid credentials.
	Authenticated logs.Bool `col:"authenticated"`
	// HTTP method of the request line.
	HTTPMethod logs.Text `col:"http_method,dict"`
	// TRUE when the request line is a presigned link (SigV4 or SigV2 in the query string).
	Presigned logs.Bool `col:"presigned"`
	// Seconds from signing (SigV4) or from the request (SigV2) to the expiry of the link.
	PresignExpires logs.Int `col:"presign_expires,dict"`
	// Access key id that signed the link.
	PresignAccessKeyID logs.Text `col:"presign_access_key_id,dict"`
	// Name of the client, such as Chrome, aws-cli or Boto3.
	UserAgentName logs.Text `col:"user_agent_name,dict" again:"Client"`
	// Version of the client.
	UserAgentVersion logs.Text `col:"user_agent_version,dict" again:"Client"`
	// Operating system of the client with its version, such as macOS 10.15.2.
	UserAgentOS logs.Text `col:"user_agent_os,dict" again:"Client"`
	// Region of the bucket, where the endpoint or the access point names it.
	BucketRegion logs.Text `col:"bucket_region,dict" again:"Ending"`

	// clean: the line splits into fields in exactly one way. ambiguous: in several; columns on which the splits differ are NULL.
	ParseStatus logs.Text `col:"parse_status,dict" again:"Source"`
	// TRUE when a value held bytes that are not UTF-8: they stand as \xHH, and backslashes of that value are doubled.
	Escaped logs.Bool `col:"escaped"`
	// The whole line, secrets redacted, where parse_status is not clean.
	Raw logs.Text `col:"raw"`
	// Fields after the last one known here, as logged.
	Extra logs.Text `col:"extra,dict" again:"Ending"`
	// CRC-32C of the delivered line: equal for whole-line duplicates. Different lines share one by chance once in four billion: compare request_id and key_name as well.
	LineHash logs.Int64 `col:"line_hash"`
	// Delivered file: object key, or path on a laptop.
	LogKey logs.Text `col:"log_key,dict" again:"Source"`
	// Line of the delivered file, from 1.
	LogLine logs.Int64 `col:"log_line"`

	// No columns: what the reader knows to repeat.
	Caller, Client, Ending, Source *logs.Again
}
