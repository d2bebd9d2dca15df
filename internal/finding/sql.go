package finding

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/internal/logs"
)

// Limits of a value in a statement.
const (
	maxLiteral = 150 // characters compared; of longer values the beginning is
	maxChr     = 40  // characters that are written as numbers
)

// source is a table that a rule's records lie in.
type source struct {
	table, time string
	columns     string                       // what the statement shows
	names       map[string]string            // what rules call a column, where that is another name
	kinds       map[string]kind              // the columns that a group can be asked for
	parts       map[string]func(Pair) string // of fields that are worked out of columns
}

// kind is how a column's value is written in SQL.
type kind uint8

const (
	text kind = iota + 1
	number
	boolean
)

// sources says which tables a finding of service lies in: a correlation over
// both logs has records in both.
func sourcesOf(service string) []source {
	access := source{
		table: "s3_access_logs", time: "request_time",
		columns: "request_time, operation, key_name, http_status,\n  requester, remote_ip, user_agent",
		kinds:   accessKinds,
		parts:   map[string]func(Pair) string{"derived.principal": requesterIs, "derived.remote_net": addressIs("remote_ip")},
	}
	trail := source{
		table: "cloudtrail_events", time: "event_time",
		columns: "event_time, event_name, key_name, error_code,\n  user_identity_arn, source_ip_address",
		names:   trailNames, kinds: trailKinds,
		parts: map[string]func(Pair) string{"derived.principal": callerIs, "derived.source_net": addressIs("source_ip_address")},
	}
	switch service {
	case "s3_server_access":
		return []source{access}
	case "cloudtrail":
		return []source{trail}
	}
	return []source{trail, access}
}

// queries are the statements that show what the group of a finding did, for
// Athena and for sluice query alike.
//
// The values in them are an attacker's. Each is one literal, with doubled
// quotes; what a mail client would make a link of, and whatever is no plain
// character, is written as chr(46), so that the statement is exact and dead.
func (f *Finding) queries() []string {
	var all []string
	for _, s := range sourcesOf(f.Rule.Service) {
		var b strings.Builder
		fmt.Fprintf(&b, "SELECT %s\nFROM %s\n", s.columns, s.table)
		fmt.Fprintf(&b, "WHERE dt BETWEEN '%s' AND '%s'\n", day(f.First), day(f.Last))
		fmt.Fprintf(&b, "  AND %s BETWEEN TIMESTAMP '%s'\n    AND TIMESTAMP '%s'\n", s.time, stamp(f.First), stamp(f.Last))
		seen := map[string]bool{}
		group := f.Group[:min(len(f.Group), maxGroup)]
		if f.Bucket != "" { // a group of other names may mean the bucket too
			group = append(group[:len(group):len(group)], Pair{Name: "bucket_name", Value: f.Bucket})
		}
		for _, p := range group {
			if part, ok := s.parts[p.Name]; ok {
				if where := part(p); where != "" {
					b.WriteString("  AND " + where + "\n")
				}
				continue
			}
			column := p.Name
			if c, ok := s.names[p.Name]; ok {
				column = c
			}
			if where := condition(column, s.kinds[column], p); where != "" && !seen[column] {
				seen[column] = true
				b.WriteString("  AND " + where + "\n")
			}
		}
		fmt.Fprintf(&b, "ORDER BY %s LIMIT 100", s.time)
		all = append(all, b.String())
	}
	return all
}

// requesterIs asks for a requester with whatever session.
func requesterIs(p Pair) string {
	lit, ok := literal(p.Value)
	switch {
	case p.Null:
		return "requester IS NULL"
	case !ok || utf8.RuneCountInString(p.Value) > maxLiteral:
		return ""
	case !strings.HasPrefix(p.Value, "arn:"):
		return "requester = " + lit
	}
	return fmt.Sprintf("(requester = %s\n    OR starts_with(requester, %s || '/'))", lit, lit)
}

// callerIs asks for who issued the session of a call, or for who made it.
func callerIs(p Pair) string {
	lit, ok := literal(p.Value)
	switch {
	case p.Null:
		return "user_identity_arn IS NULL"
	case !ok || utf8.RuneCountInString(p.Value) > maxLiteral:
		return ""
	case !strings.HasPrefix(p.Value, "arn:"):
		return fmt.Sprintf("(user_identity_account_id = %s\n    OR user_identity_invoked_by = %s)", lit, lit)
	}
	return fmt.Sprintf("(coalesce(session_issuer_arn, user_identity_arn) = %s\n    OR starts_with(user_identity_arn, %s || '/'))", lit, lit)
}

// addressIs asks column for an address. Of a network it asks nothing, as an address
// of IPv6 can be written in many ways; nor where there was no address, which may be
// because a name stands in its place.
func addressIs(column string) func(Pair) string {
	return func(p Pair) string {
		if p.Null || strings.Contains(p.Value, "/") {
			return ""
		}
		return condition(column, text, p)
	}
}

// condition asks column for the value of p; "" where that cannot be said in SQL,
// so that the answer is too much rather than too little.
func condition(column string, k kind, p Pair) string {
	switch {
	case k == 0:
		return ""
	case p.Null:
		return column + " IS NULL"
	case k == number:
		if isNumber(p.Value) {
			return column + " = " + p.Value
		}
		return ""
	case k == boolean:
		if p.Value == "true" || p.Value == "false" {
			return column + " = " + p.Value
		}
		return ""
	}
	value, whole := p.Value, true
	if n := utf8.RuneCountInString(value); n > maxLiteral {
		value, whole = string([]rune(value[:min(len(value), maxLiteral*utf8.UTFMax)])[:maxLiteral]), false
	}
	lit, ok := literal(value)
	switch {
	case !ok:
		return ""
	case !whole:
		return fmt.Sprintf("substr(%s, 1, %d) = %s", column, maxLiteral, lit)
	}
	return column + " = " + lit
}

// literal writes s as SQL text. It is refused where it holds a secret, which the
// tables do not, or what no text in them holds, or is mostly odd characters.
func literal(s string) (string, bool) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || redact(s) != s {
		return "", false
	}
	var parts []string
	var plain strings.Builder
	chrs := 0
	end := func() {
		if plain.Len() > 0 {
			parts = append(parts, "'"+strings.ReplaceAll(plain.String(), "'", "''")+"'")
			plain.Reset()
		}
	}
	for i, r := range s {
		if isLive(s, i, "<>`*|") || !(' ' <= r && r <= '~' || r > '~' && (unicode.IsLetter(r) || unicode.IsDigit(r))) || shown(string(r), 1) != string(r) {
			end()
			parts = append(parts, fmt.Sprintf("chr(%d)", r))
			if chrs++; chrs > maxChr {
				return "", false
			}
			continue
		}
		plain.WriteRune(r)
	}
	end()
	if len(parts) == 0 {
		return "''", true
	}
	return strings.Join(parts, " || "), true
}

func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 18 && strings.Trim(digits, "0123456789") == ""
}

func day(t logs.Time) string { return t.Go().Format(time.DateOnly) }

func stamp(t logs.Time) string { return t.Go().Format("2006-01-02 15:04:05.000") }

func kinds(texts, numbers, booleans string) map[string]kind {
	all := map[string]kind{}
	for k, names := range map[kind]string{text: texts, number: numbers, boolean: booleans} {
		for _, n := range strings.Fields(names) {
			all[n] = k
		}
	}
	return all
}

// accessKinds and trailKinds are the columns of the two tables that a group can
// be asked for; a test holds them to the rows.
var accessKinds = kinds(`bucket_owner_id bucket_name remote_ip requester request_id operation key_name
	error_code user_agent version_id host_id signature_version cipher_suite authentication_type
	host_header tls_version access_point_arn source_region requester_type requester_account requester_name
	http_method presign_access_key_id user_agent_name user_agent_version user_agent_os bucket_region parse_status`,
	`http_status bytes_sent_size object_size total_duration turn_around_duration presign_expires`,
	`acl_required authenticated presigned`)

var trailKinds = kinds(`event_id event_name event_source event_type event_category aws_region source_ip_address
	error_code request_id recipient_account_id vpc_endpoint_id user_identity_type user_identity_principal_id
	user_identity_arn user_identity_account_id user_identity_access_key_id user_identity_user_name
	user_identity_invoked_by session_issuer_arn session_issuer_account_id session_issuer_user_name
	bucket_name key_name signature_version authentication_type tls_version bucket_account_id`,
	``, `read_only management_event authenticated`)

// trailNames are CloudTrail's names for columns.
var trailNames = map[string]string{
	"eventID": "event_id", "eventName": "event_name", "eventSource": "event_source", "eventType": "event_type",
	"eventCategory": "event_category", "awsRegion": "aws_region", "sourceIPAddress": "source_ip_address",
	"errorCode": "error_code", "requestID": "request_id", "recipientAccountId": "recipient_account_id",
	"vpcEndpointId": "vpc_endpoint_id", "readOnly": "read_only", "managementEvent": "management_event",
	"userIdentity.type": "user_identity_type", "userIdentity.principalId": "user_identity_principal_id",
	"userIdentity.arn": "user_identity_arn", "userIdentity.accountId": "user_identity_account_id",
	"userIdentity.accessKeyId": "user_identity_access_key_id", "userIdentity.userName": "user_identity_user_name",
	"userIdentity.invokedBy":                              "user_identity_invoked_by",
	"userIdentity.sessionContext.sessionIssuer.arn":       "session_issuer_arn",
	"userIdentity.sessionContext.sessionIssuer.accountId": "session_issuer_account_id",
	"userIdentity.sessionContext.sessionIssuer.userName":  "session_issuer_user_name",
	"requestParameters.bucketName":                        "bucket_name",
	"requestParameters.key":                               "key_name",
	"tlsDetails.tlsVersion":                               "tls_version",
}
