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
// ready for Set. It is not to be copied.
//
// A copy of each row costs 20 ns, and a record is asked for some 20 fields: where
// each of them is, is known then once and for all.
type Access struct {
	row    s3access.Row // a copy: only its texts are the reader's
	fields []standing   // in it, by FieldID
	net    network
	again  [repeated]uint64 // numbers of what the reader knows again, by repeats
	numbers
}

// repeats says with which other columns a column repeats: with those that have the same
// again:"…" in s3access.Row.
type repeats uint8

const (
	never repeats = iota
	asCaller
	asClient
	asEnding
	asSource

	repeated = iota
)

// numbers gives one to each Again of a reader, which it keeps for as long as the Again
// speaks of the same values; 0 is none.
type numbers struct {
	keeper *logs.Keeper
	last   uint32
	over   uint64 // how often last began anew
}

func (n *numbers) of(a *logs.Again) uint64 {
	if a == nil {
		return 0
	}
	if n.keeper != nil {
		if at, ok := a.Kept(n.keeper); ok {
			return n.over<<32 | uint64(at)
		}
	}
	if n.last++; n.keeper == nil || n.last == 0 {
		n.keeper, n.last, n.over = &logs.Keeper{Rules: true}, 1, n.over+1
	}
	a.Keep(n.keeper, n.last)
	return n.over<<32 | uint64(n.last)
}

// standing is where a field is in the row of an Access: the one of its type.
type standing struct {
	text *logs.Text
	num  *logs.Int
	flag *logs.Bool
	time *logs.Time
	some *logs.Int64
}

// Set makes a the record of row, as long as row is valid.
func (a *Access) Set(row *s3access.Row) {
	a.bind()
	a.row = *row
	a.again[asCaller], a.again[asClient] = a.of(row.Caller), a.of(row.Client)
	a.again[asEnding], a.again[asSource] = a.of(row.Ending), a.of(row.Source)
}

func (a *Access) bind() {
	if a.fields != nil {
		return
	}
	a.fields = make([]standing, len(accessFields))
	for i := range accessFields {
		p := &a.fields[i]
		switch at := accessFields[i].of(&a.row).(type) {
		case *logs.Text:
			p.text = at
		case *logs.Int:
			p.num = at
		case *logs.Bool:
			p.flag = at
		case *logs.Time:
			p.time = at
		case *logs.Int64:
			p.some = at
		default:
			panic("BUG: record: column " + accessFields[i].name + " is of no known type")
		}
	}
}

// Place is where a column is, from one Set to the next. Of the principal it is only
// said when it is the same again: it is made of the requester.
func (a *Access) Place(id sigma.FieldID) sigma.Place {
	a.bind()
	if id == firstAccessDerived+accessPrincipal {
		return sigma.Place{Again: &a.again[asCaller]}
	}
	if int(id) >= len(a.fields) {
		return sigma.Place{}
	}
	switch p := &a.fields[id]; {
	case p.num != nil:
		return sigma.Place{Num: &p.num.V, OK: &p.num.OK}
	case p.flag != nil:
		return sigma.Place{Flag: &p.flag.V, OK: &p.flag.OK}
	default:
		place := sigma.Place{Text: (*[]byte)(p.text)}
		if with := accessFields[id].with; with != never {
			place.Again = &a.again[with]
		}
		return place
	}
}

// Field returns what the row holds in the field id. It is valid until the next
// Set.
func (a *Access) Field(id sigma.FieldID) sigma.Value {
	if int(id) < len(a.fields) {
		switch p := &a.fields[id]; {
		case p.text != nil:
			return textValue(*p.text)
		case p.num != nil:
			return intValue(*p.num)
		case p.flag != nil:
			return boolValue(*p.flag)
		case p.time != nil:
			return timeValue(*p.time)
		default:
			return intValue(logs.SomeInt(int64(*p.some)))
		}
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
// FieldID. Few is said of columns that are the same in thousands of lines, which
// addresses of the public are not.
var accessFields = [...]struct {
	name     string
	kind     sigma.Kind
	few, key bool
	with     repeats
	of       func(*s3access.Row) any
}{
	{name: "bucket_owner_id", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.BucketOwnerID }},
	{name: "bucket_name", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.BucketName }},
	{name: "request_time", kind: sigma.Time, of: func(r *s3access.Row) any { return &r.RequestTime }},
	{name: "remote_ip", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.RemoteIP }},
	{name: "requester", kind: sigma.Text, few: true, with: asCaller, of: func(r *s3access.Row) any { return &r.Requester }},
	{name: "request_id", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.RequestID }},
	{name: "operation", kind: sigma.Text, few: true, key: true, of: func(r *s3access.Row) any { return &r.Operation }},
	{name: "key_name", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.KeyName }},
	{name: "request_uri", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.RequestURI }},
	{name: "http_status", kind: sigma.Int, few: true, of: func(r *s3access.Row) any { return &r.HTTPStatus }},
	{name: "error_code", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.ErrorCode }},
	{name: "bytes_sent_size", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.BytesSentSize }},
	{name: "object_size", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.ObjectSize }},
	{name: "total_duration", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.TotalDuration }},
	{name: "turn_around_duration", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.TurnAroundDuration }},
	{name: "referer", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.Referer }},
	{name: "user_agent", kind: sigma.Text, few: true, with: asClient, of: func(r *s3access.Row) any { return &r.UserAgent }},
	{name: "version_id", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.VersionID }},
	{name: "host_id", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.HostID }},
	{name: "signature_version", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.SignatureVersion }},
	{name: "cipher_suite", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.CipherSuite }},
	{name: "authentication_type", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.AuthenticationType }},
	{name: "host_header", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.HostHeader }},
	{name: "tls_version", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.TLSVersion }},
	{name: "access_point_arn", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.AccessPointARN }},
	{name: "acl_required", kind: sigma.Bool, few: true, of: func(r *s3access.Row) any { return &r.ACLRequired }},
	{name: "source_region", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.SourceRegion }},
	{name: "key_logged", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.KeyLogged }},
	{name: "requester_type", kind: sigma.Text, few: true, with: asCaller, of: func(r *s3access.Row) any { return &r.RequesterType }},
	{name: "requester_account", kind: sigma.Text, few: true, with: asCaller, of: func(r *s3access.Row) any { return &r.RequesterAccount }},
	{name: "requester_name", kind: sigma.Text, few: true, with: asCaller, of: func(r *s3access.Row) any { return &r.RequesterName }},
	{name: "authenticated", kind: sigma.Bool, few: true, of: func(r *s3access.Row) any { return &r.Authenticated }},
	{name: "http_method", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.HTTPMethod }},
	{name: "presigned", kind: sigma.Bool, few: true, of: func(r *s3access.Row) any { return &r.Presigned }},
	{name: "presign_expires", kind: sigma.Int, few: true, of: func(r *s3access.Row) any { return &r.PresignExpires }},
	{name: "presign_access_key_id", kind: sigma.Text, few: true, of: func(r *s3access.Row) any { return &r.PresignAccessKeyID }},
	{name: "user_agent_name", kind: sigma.Text, few: true, with: asClient, of: func(r *s3access.Row) any { return &r.UserAgentName }},
	{name: "user_agent_version", kind: sigma.Text, few: true, with: asClient, of: func(r *s3access.Row) any { return &r.UserAgentVersion }},
	{name: "user_agent_os", kind: sigma.Text, few: true, with: asClient, of: func(r *s3access.Row) any { return &r.UserAgentOS }},
	{name: "bucket_region", kind: sigma.Text, few: true, with: asEnding, of: func(r *s3access.Row) any { return &r.BucketRegion }},
	{name: "parse_status", kind: sigma.Text, few: true, with: asSource, of: func(r *s3access.Row) any { return &r.ParseStatus }},
	{name: "escaped", kind: sigma.Bool, few: true, of: func(r *s3access.Row) any { return &r.Escaped }},
	{name: "raw", kind: sigma.Text, of: func(r *s3access.Row) any { return &r.Raw }},
	{name: "extra", kind: sigma.Text, with: asEnding, of: func(r *s3access.Row) any { return &r.Extra }},
	{name: "line_hash", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.LineHash }},
	{name: "log_key", kind: sigma.Text, few: true, with: asSource, of: func(r *s3access.Row) any { return &r.LogKey }},
	{name: "log_line", kind: sigma.Int, of: func(r *s3access.Row) any { return &r.LogLine }},
}
