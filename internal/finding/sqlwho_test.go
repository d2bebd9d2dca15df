package finding

import "testing"

// Groups that no column holds as they are become conditions on those they are
// worked out of; what cannot be said asks for too much rather than too little.
func TestConditionsOfDerivedFields(t *testing.T) {
	role := Pair{Value: "arn:aws:sts::111122223333:assumed-role/web"}
	for _, c := range []struct {
		service, name string
		pair          Pair
		want          string
	}{
		{"s3_server_access", "derived.principal", role, "(requester = 'arn:aws:sts::111122223333:assumed-role/web'\n    OR starts_with(requester, 'arn:aws:sts::111122223333:assumed-role/web' || '/'))"},
		{"s3_server_access", "derived.principal", Pair{Value: "it's"}, "requester = 'it''s'"},
		{"s3_server_access", "derived.principal", Pair{Null: true}, "requester IS NULL"},
		{"s3_server_access", "derived.principal", Pair{Value: "a\x00b"}, ""},
		{"s3_server_access", "derived.remote_net", Pair{Value: "192.0.2.1"}, "remote_ip = '192.0.2.1'"},
		{"s3_server_access", "derived.remote_net", Pair{Value: "2001:db8::/64"}, ""},
		{"s3_server_access", "derived.remote_net", Pair{Null: true}, ""},
		{"cloudtrail", "derived.principal", Pair{Value: "444455556666"}, "(user_identity_account_id = '444455556666'\n    OR user_identity_invoked_by = '444455556666')"},
		{"cloudtrail", "derived.principal", Pair{Null: true}, "user_identity_arn IS NULL"},
		{"cloudtrail", "derived.source_net", Pair{Null: true}, ""},
	} {
		part := sourcesOf(c.service)[0].parts[c.name]
		if part == nil {
			t.Errorf("%s: no condition for %s", c.service, c.name)
		} else if got := part(c.pair); got != c.want {
			t.Errorf("%s, %s %q: got %s, want %s", c.service, c.name, c.pair.Value, got, c.want)
		}
	}
}
