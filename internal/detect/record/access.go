package record

import (
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// AccessService is the logsource.service of rules on S3 server access logs.
const AccessService = "s3_server_access"

// AccessSchema is the schema of S3 server access logs: the columns of
// s3_access_logs, and two derived fields to group by.
func AccessSchema() sigma.Schema { return accessSchema{} }

type accessSchema struct{}

func (accessSchema) Service() string { return AccessService }

func (accessSchema) Lookup(name string) (sigma.Field, bool) {
	for i := range accessFields {
		if f := &accessFields[i]; f.name == name {
			return sigma.Field{ID: sigma.FieldID(i), Kind: f.kind, Few: f.few, Key: f.key}, true
		}
	}
	for i := range accessDerived {
		if accessDerived[i].name == name {
			return sigma.Field{ID: firstAccessDerived + sigma.FieldID(i), Kind: sigma.Text, Derived: true}, true
		}
	}
	return sigma.Field{}, false
}

func (accessSchema) Names() []string {
	var names []string
	for i := range accessFields {
		names = append(names, accessFields[i].name)
	}
	for i := range accessDerived {
		names = append(names, accessDerived[i].name)
	}
	return names
}

// Access is a line of a server access log as rules see it. The zero Access is
// ready for Set.
type Access struct {
	row *s3access.Row
	net network
}

// Set makes a the record of row, as long as row is valid.
func (a *Access) Set(row *s3access.Row) { a.row = row }

// Field returns what the row holds in the field id. It is valid until the next
// Set.
func (a *Access) Field(id sigma.FieldID) sigma.Value {
	if int(id) < len(accessFields) {
		return accessFields[id].get(a.row)
	}
	switch id - firstAccessDerived {
	case accessPrincipal:
		return bytesValue(principal(a.row.Requester))
	case accessNet:
		return bytesValue(a.net.of(a.row.RemoteIP))
	}
	return sigma.Value{}
}

// Derived fields, in the order of accessDerived. Their FieldIDs follow those of
// the columns.
const (
	accessPrincipal = iota
	accessNet

	firstAccessDerived = sigma.FieldID(len(accessFields))
)

var accessDerived = [...]struct{ name, meaning string }{
	accessPrincipal: {"derived.principal",
		"The requester without what it chose itself: of a role the name of its session, of a federated user the name. It is what rules that count group by, so that nobody becomes many by asking for new sessions."},
	accessNet: {"derived.remote_net",
		"The /64 network of an IPv6 remote_ip, the address itself of IPv4: a customer has a whole /64, so that counts by address say nothing in IPv6."},
}

// accessFields are the columns of s3access.Row, in its order; the index is the
// FieldID. Few is said of columns that are the same in thousands of lines.
var accessFields = [...]struct {
	name     string
	kind     sigma.Kind
	few, key bool
	get      func(*s3access.Row) sigma.Value
}{
	{name: "bucket_owner_id", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.BucketOwnerID) }},
	{name: "bucket_name", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.BucketName) }},
	{name: "request_time", kind: sigma.Time, get: func(r *s3access.Row) sigma.Value { return timeValue(r.RequestTime) }},
	{name: "remote_ip", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.RemoteIP) }},
	{name: "requester", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.Requester) }},
	{name: "request_id", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.RequestID) }},
	{name: "operation", kind: sigma.Text, few: true, key: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.Operation) }},
	{name: "key_name", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.KeyName) }},
	{name: "request_uri", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.RequestURI) }},
	{name: "http_status", kind: sigma.Int, few: true, get: func(r *s3access.Row) sigma.Value { return intValue(r.HTTPStatus) }},
	{name: "error_code", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.ErrorCode) }},
	{name: "bytes_sent_size", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(r.BytesSentSize) }},
	{name: "object_size", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(r.ObjectSize) }},
	{name: "total_duration", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(r.TotalDuration) }},
	{name: "turn_around_duration", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(r.TurnAroundDuration) }},
	{name: "referer", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.Referer) }},
	{name: "user_agent", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.UserAgent) }},
	{name: "version_id", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.VersionID) }},
	{name: "host_id", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.HostID) }},
	{name: "signature_version", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.SignatureVersion) }},
	{name: "cipher_suite", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.CipherSuite) }},
	{name: "authentication_type", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.AuthenticationType) }},
	{name: "host_header", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.HostHeader) }},
	{name: "tls_version", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.TLSVersion) }},
	{name: "access_point_arn", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.AccessPointARN) }},
	{name: "acl_required", kind: sigma.Bool, few: true, get: func(r *s3access.Row) sigma.Value { return boolValue(r.ACLRequired) }},
	{name: "source_region", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.SourceRegion) }},
	{name: "key_logged", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.KeyLogged) }},
	{name: "requester_type", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.RequesterType) }},
	{name: "requester_account", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.RequesterAccount) }},
	{name: "requester_name", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.RequesterName) }},
	{name: "authenticated", kind: sigma.Bool, few: true, get: func(r *s3access.Row) sigma.Value { return boolValue(r.Authenticated) }},
	{name: "http_method", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.HTTPMethod) }},
	{name: "presigned", kind: sigma.Bool, few: true, get: func(r *s3access.Row) sigma.Value { return boolValue(r.Presigned) }},
	{name: "presign_expires", kind: sigma.Int, few: true, get: func(r *s3access.Row) sigma.Value { return intValue(r.PresignExpires) }},
	{name: "presign_access_key_id", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.PresignAccessKeyID) }},
	{name: "user_agent_name", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.UserAgentName) }},
	{name: "user_agent_version", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.UserAgentVersion) }},
	{name: "user_agent_os", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.UserAgentOS) }},
	{name: "bucket_region", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.BucketRegion) }},
	{name: "parse_status", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.ParseStatus) }},
	{name: "escaped", kind: sigma.Bool, few: true, get: func(r *s3access.Row) sigma.Value { return boolValue(r.Escaped) }},
	{name: "raw", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.Raw) }},
	{name: "extra", kind: sigma.Text, get: func(r *s3access.Row) sigma.Value { return textValue(r.Extra) }},
	{name: "line_hash", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(logs.SomeInt(int64(r.LineHash))) }},
	{name: "log_key", kind: sigma.Text, few: true, get: func(r *s3access.Row) sigma.Value { return textValue(r.LogKey) }},
	{name: "log_line", kind: sigma.Int, get: func(r *s3access.Row) sigma.Value { return intValue(logs.SomeInt(int64(r.LogLine))) }},
}
