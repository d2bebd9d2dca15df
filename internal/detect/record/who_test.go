package record_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/detect/record"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
	"sluice/internal/sigma"
)

// said is a derived text: "-" where it is absent.
func said(v sigma.Value) string {
	if !v.Present {
		return "-"
	}
	return string(v.Text)
}

// What a requester chose itself does not make it another principal.
func TestPrincipalOfARequester(t *testing.T) {
	var a record.Access
	f := lookup(t, record.AccessSchema(), "derived.principal")
	id := strings.Repeat("0a", 32)
	for requester, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/web/session-1":       "arn:aws:sts::111122223333:assumed-role/web",
		"arn:aws:sts::111122223333:assumed-role/web/ana@example.com": "arn:aws:sts::111122223333:assumed-role/web",
		"arn:aws-cn:sts::111122223333:assumed-role/web/s":            "arn:aws-cn:sts::111122223333:assumed-role/web",
		"arn:aws:sts::111122223333:assumed-role/web":                 "arn:aws:sts::111122223333:assumed-role/web",
		"arn:aws:sts::111122223333:federated-user/anything":          "arn:aws:sts::111122223333:federated-user",
		"arn:aws:iam::111122223333:user/team/ana":                    "arn:aws:iam::111122223333:user/team/ana",
		"arn:aws:iam::111122223333:root":                             "arn:aws:iam::111122223333:root",
		"assumed-role/web/session":                                   "assumed-role/web/session",
		"svc:logging.s3.amazonaws.com":                               "svc:logging.s3.amazonaws.com",
		id:                                                           id,
		"-":                                                          "-",
	} {
		a.Set(first(t, s3access.Format, strings.Replace(line, "arn:aws:sts::111122223333:assumed-role/web/session", requester, 1)+"\n"))
		if got := said(a.Field(f.ID)); got != want {
			t.Errorf("%s: got %s, want %s", requester, got, want)
		}
	}
}

func TestPrincipalOfACall(t *testing.T) {
	schema := record.NewTrailSchema(nil)
	f := lookup(t, schema, "derived.principal")
	for identity, want := range map[string]string{
		`{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/web/s1","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/team/web"}}}`: "arn:aws:iam::111122223333:role/team/web",
		`{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/web/s1"}`:                                                                                                    "arn:aws:sts::111122223333:assumed-role/web",
		`{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana"}`:                                                                                                                   "arn:aws:iam::111122223333:user/ana",
		`{"type":"AWSAccount","principalId":"AROAEXAMPLE:s1","accountId":"444455556666"}`:                                                                                                 "444455556666",
		`{"type":"AWSService","invokedBy":"config.amazonaws.com"}`:                                                                                                                        "config.amazonaws.com",
		`{"type":"Unknown"}`: "-",
	} {
		r := parsed(t, schema, fmt.Sprintf(`{"eventTime":"2026-11-22T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":%s}`, identity))
		if got := said(r.Field(f.ID)); got != want {
			t.Errorf("%s: got %s, want %s", identity, got, want)
		}
	}
}

// A customer has a /64 and can send each request from another address of it.
func TestNetworkOfAnAddress(t *testing.T) {
	var a record.Access
	access := lookup(t, record.AccessSchema(), "derived.remote_net")
	schema := record.NewTrailSchema(nil)
	trail := lookup(t, schema, "derived.source_net")
	for address, want := range map[string]string{
		"192.0.2.17":                            "192.0.2.17",
		"::ffff:192.0.2.17":                     "192.0.2.17",
		"2001:db8:1:2::1":                       "2001:db8:1:2::/64",
		"2001:0DB8:0001:0002:ffff:eeee:dddd:cc": "2001:db8:1:2::/64",
		"2001:db8::1":                           "2001:db8::/64",
		"config.amazonaws.com":                  "-",
		"fe80::1%eth0":                          "-",
		strings.Repeat("1", 60):                 "-",
		"":                                      "-",
	} {
		a.Set(&s3access.Row{RemoteIP: logs.Text(address)})
		for range 2 {
			if got := said(a.Field(access.ID)); got != want {
				t.Errorf("%s: got %s, want %s", address, got, want)
			}
		}
		r := parsed(t, schema, fmt.Sprintf(`{"eventTime":"2026-11-22T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":%q}`, address))
		if got := said(r.Field(trail.ID)); got != want {
			t.Errorf("%s in CloudTrail: got %s, want %s", address, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Field(access.ID) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
