//go:build cgo && unix

package bench

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// hardLines are the lines on which the parser's own tests have an opinion, field by
// field: forged ones, old ones, broken ones.
func hardLines(tb testing.TB) [][]byte {
	tb.Helper()
	data, err := os.ReadFile("../logs/s3access/testdata/hard.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var all [][]byte
	for line := range bytes.Lines(data) {
		if line, ok := bytes.CutPrefix(line, []byte("> ")); ok {
			all = append(all, bytes.TrimSuffix(line, []byte("\n")))
		}
	}
	if len(all) < 60 {
		tb.Fatalf("%d hard lines", len(all))
	}
	return all
}

// set takes the fields of a row. Those that our columns do not show as they were
// logged are "?".
func (r *fields) set(row *s3access.Row) {
	texts := [...]logs.Text{
		0: row.BucketOwnerID, 1: row.BucketName, 3: row.RemoteIP, 4: row.Requester, 5: row.RequestID, 6: row.Operation,
		8: row.RequestURI, 10: row.ErrorCode, 15: row.Referer, 16: row.UserAgent, 17: row.VersionID, 18: row.HostID,
		19: row.SignatureVersion, 20: row.CipherSuite, 21: row.AuthenticationType, 22: row.HostHeader, 23: row.TLSVersion,
	}
	for i, v := range texts {
		switch {
		case v == nil:
			r[i] = "-"
		case row.Escaped.V || bytes.Contains(v, []byte("REDACTED")):
			r[i] = "?"
		default:
			r[i] = string(v)
		}
	}
	r[2] = row.RequestTime.Go().Format("02/Jan/2006:15:04:05 -0700")
	for i, v := range map[int]logs.Int{9: row.HTTPStatus, 11: row.BytesSentSize, 12: row.ObjectSize, 13: row.TotalDuration, 14: row.TurnAroundDuration} {
		r[i] = "-"
		if v.OK {
			r[i] = strconv.FormatInt(v.V, 10)
		}
	}
	r[7] = "?" // the key is decoded
}

// verdict is what a parser made of lines on which ours has an opinion.
type verdict struct {
	same  int // the same fields, or refused by both
	wrong int // a field differs, or the line is no record or an ambiguous one, and nothing says so
	lost  int // refused, and is a record
}

// judge compares a parser with ours. Each line is parsed by itself, so that one that
// swallows the next does not count twice.
func judge(tb testing.TB, p approach, all [][]byte) (v verdict) {
	tb.Helper()
	for _, line := range all {
		var want, got *fields
		ambiguous := false
		for row, err := range s3access.NewReader().Read(&logs.Input{}, bytes.NewReader(line)) {
			if err == nil {
				want, ambiguous = new(fields), row.Ambiguous()
				want.set(row)
			}
		}
		err := p.each(line, func(_ int, r *fields) { got = new(*r) })
		switch {
		case (err != nil || got == nil) && want != nil:
			v.lost++
		case err != nil || got == nil:
			v.same++
		case want == nil || ambiguous || !want.same(got):
			v.wrong++
		default:
			v.same++
		}
	}
	return v
}

// same tells whether the fields agree. A quoted field may be empty or "-" as the
// parser likes, and times may be written in any zone.
func (r *fields) same(other *fields) bool {
	for i, want := range r {
		got := strings.TrimSpace(other[i])
		if want != "?" && want != got && !(want == "" && got == "-") && i != 2 {
			return false
		}
	}
	return true
}

// The parsers are not made of straw: of ordinary lines all but grok make what ours
// does, and grok of most.
func TestParsersOnOrdinaryLines(t *testing.T) {
	all := bytes.Split(bytes.TrimSuffix(generated(t, 1000), []byte("\n")), []byte("\n"))
	for _, p := range parsers {
		v := judge(t, p, all)
		t.Logf("%s: %+v", p.name, v)
		if v.wrong > 0 || v.lost > len(all)/10 || v.lost > 0 && !strings.Contains(p.name, "grok") {
			t.Errorf("%s: of %d ordinary lines %+v", p.name, len(all), v)
		}
	}
}

// What the figures say of others is that hard lines are wrong in them without a word.
func TestParsersOnHardLines(t *testing.T) {
	hard := hardLines(t)
	for _, p := range parsers {
		v := judge(t, p, hard)
		t.Logf("%s: of %d hard lines %+v", p.name, len(hard), v)
		if v.same+v.wrong+v.lost != len(hard) || v.same == 0 || v.wrong == 0 {
			t.Errorf("%s: of %d hard lines %+v", p.name, len(hard), v)
		}
	}
}
