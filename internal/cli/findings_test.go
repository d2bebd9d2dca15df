package cli

import (
	"testing"

	"sluice/internal/finding"
)

func TestWho(t *testing.T) {
	const hex = "7a1be93d48f7a6b1c5d2e0f493183f9ac1d27b6e4850a1c2f30b9d8e77465120"
	for _, c := range []struct {
		group []finding.Pair
		want  string
	}{
		{[]finding.Pair{{Name: "bucket_name", Value: "b"}, {Name: "requester", Value: "arn:aws:iam::111122223333:user/ci/anna"}, {Name: "remote_ip", Value: "192.0.2.1"}}, "ci/anna 192.0.2.1"},
		{[]finding.Pair{{Name: "requester", Value: "arn:aws:iam::111122223333:root"}}, "root"},
		{[]finding.Pair{{Name: "requester", Value: hex}}, "7a1be93d48f7…"},
		{[]finding.Pair{{Name: "requester", Null: true}, {Name: "remote_ip", Value: "192.0.2.1"}}, "anonymous 192.0.2.1"},
		{[]finding.Pair{{Name: "requester_name", Value: "etl"}, {Name: "requester", Value: "arn:x"}, {Name: "remote_ip", Null: true}}, "etl"},
		{[]finding.Pair{{Name: "userIdentity.arn", Value: "arn:aws:sts::111122223333:assumed-role/r/s"}, {Name: "sourceIPAddress", Value: "192.0.2.2"}}, "r/s 192.0.2.2"},
		{[]finding.Pair{{Name: "requester", Value: "arn:"}}, "arn:"},
		{[]finding.Pair{{Name: "bucket_name", Value: "b"}}, ""},
		{nil, ""},
	} {
		if got := who(&finding.Finding{Group: c.group}); got != c.want {
			t.Errorf("%+v: %q, want %q", c.group, got, c.want)
		}
	}
}
