package finding

import "testing"

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		measure string
		n       int64
		want    string
	}{
		{"events", 1, "1 event"},
		{"events", 1204, "1,204 events"},
		{"", 2, "2 events"},
		{"distinct key_name", 5000, "5,000 keys"},
		{"rules", 2, "2 rules"},
		{"sum of bytes_sent_size", 53_687_091_200, "53.7 GB"},
		{"sum of total_duration", 12, "12 total_duration"},
		{"average of object_size", 7, "7 object_size on average"},
		{"sum of bytes_sent_size", 999, "999 bytes"},
		{"distinct key_name", 1, "1 key"},
		{"distinct remote_ip", 2, "2 addresses"},
		{"distinct derived.remote_net", 34, "34 networks"},
		{"distinct host_header", 3, "3 different host_header"},
		{"new requester_name", 1, "1 new caller"},
		{"new operation", 2, "2 new operations"},
		{"new authenticated", 1, "1 new value of authenticated"},
		{"new\x1b requester", 1, `1 new\x1b requester`},
	} {
		if got := Amount(c.measure, c.n, false); got != c.want {
			t.Errorf("%q: %q, want %q", c.measure, got, c.want)
		}
	}
	if got := Amount("distinct key_name", 5000, true); got != "5,000+ keys" {
		t.Errorf("got %q of a number that may be larger", got)
	}
}
