package cloudtrail

import (
	"bytes"
	"strings"
	"testing"

	"sluice/internal/logs"
)

// held compares what usual makes of a record with what scanner and parser make
// of it, and says whether usual took it.
func held(t testing.TB, p *parser, q *quick, rec []byte) (took bool) {
	t.Helper()
	n, ok := p.usual(q, rec)
	if !ok {
		return false
	}
	got := columns(&p.row)
	rd := new(reader)
	rd.parser.begin(&logs.Input{Key: "k"})
	end, err := rd.scan.scan(rec, flatDepth)
	if err != nil || end != n {
		t.Fatalf("%s\nusual read %d bytes, the scanner %d: %v", rec, n, end, err)
	}
	clean, err := rd.clean(rec[:end:end])
	if err != nil || !bytes.Equal(clean, rec[:end]) {
		t.Fatalf("%s\nusual took what has a secret: %s, %v", rec, clean, err)
	}
	row, bad := rd.parser.parse(&rd.scan, rec[:end:end])
	if bad != nil {
		t.Fatalf("%s\nusual took a reject: %v", rec, bad)
	}
	if want := columns(row); got != want {
		t.Fatalf("%s\nusual made\n%s\nwant\n%s", rec, got, want)
	}
	return true
}

// elements are the records of the samples.
func elements(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, content := range samples(t) {
		for line := range bytes.Lines(content) {
			if line = bytes.TrimRight(line, ",\t\r\n "); len(line) > 0 && line[0] == '{' {
				all = append(all, line)
			}
		}
	}
	return all
}

func newUsual() (*parser, *quick) {
	p := new(parser)
	p.begin(&logs.Input{Key: "k"})
	return p, new(quick)
}

// The samples are read in one pass or left alone, each of them three times, as
// objects are remembered from the first time on.
func TestUsual(t *testing.T) {
	const usual = 13 // of the samples
	p, q := newUsual()
	took, all := 0, elements(t)
	for range 3 {
		for _, rec := range all {
			if held(t, p, q, rec) {
				took++
			}
			for n := range rec { // nor does it take half a record
				if _, ok := p.usual(q, rec[:n]); ok {
					t.Fatalf("%s: took the first %d bytes", rec, n)
				}
			}
		}
	}
	if took != 3*usual { // the others have something that AWS seldom writes, or never
		t.Errorf("took %d records, want %d", took, 3*usual)
	}
}

// What is unusual changes no row: it is left to the parser, or means the same.
func TestUsualSurprises(t *testing.T) {
	p, q := newUsual()
	const rec = `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:one","arn":"arn:aws:sts::111122223333:assumed-role/r/one",` +
		`"sessionContext":{"attributes":{"mfaAuthenticated":"false"}}},"eventTime":"2026-11-22T08:15:30Z","requestParameters":{"bucketName":"b","host":["h"],"n":[[1],{}]},` +
		`"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"}]}`
	for range 2 {
		if !held(t, p, q, []byte(rec)) {
			t.Fatal("does not take a usual record")
		}
	}
	for _, c := range []struct {
		old, new string
		took     bool
	}{
		{`"1.09"`, `"1\u002e09"`, true},
		{`"1.09"`, `"1.09é"`, true},
		{`"1.09"`, "\"1.09\xff\"", false},
		{`"1.09"`, `"\ud800"`, false},
		{`"1.09"`, `1.09`, true},
		{`"1.09"`, `null`, true},
		{`"1.09"`, `{}`, false},
		{`"1.09"`, `["1.09"]`, false},
		{`"1.09"`, "\"1\n09\"", false},
		{`"1.09",`, `"1.09", `, false},
		{`"eventVersion"`, `"event\u0056ersion"`, false},
		{`"eventVersion"`, `"aFieldWithoutColumn"`, false},
		{`"eventVersion":"1.09"`, `"eventVersion":"1.09","eventVersion":"1.09"`, false},
		{`"eventVersion":"1.09"`, `"readOnly":"maybe"`, false},
		{`"eventVersion":"1.09"`, `"readOnly":"yes"`, true},
		{`"type":"AssumedRole"`, `"type":"AssumedRole","type":"Root"`, false},
		{`"type":"AssumedRole"`, `"types":"AssumedRole"`, true},
		{`"mfaAuthenticated"`, `"sessionToken"`, false},
		{`"mfaAuthenticated"`, `"session\u0054oken"`, false},
		{`["h"]`, `["h","i"]`, true}, {`["h"]`, `[7]`, true}, {`["h"]`, `[null]`, true}, {`["h"]`, `[]`, true},
		{`["h"]`, `[["h"]]`, true}, {`["h"]`, `[{"a":1}]`, true}, {`["h"]`, `[ "h"]`, false}, {`["h"]`, `["h" ]`, false},
		{`["h"]`, `["\""]`, true}, {`["h"]`, `"h"`, true}, {`["h"]`, `["h"`, false},
		{`[[1],{}]`, `"https://b/?X-Amz-Signature=0123"`, false},
		{`[[1],{}]`, `{"X-Amz-Signature":"0123"}`, false},
		{`[[1],{}]`, `[[01],{}]`, false},
		{`{"attributes"`, `{"more":{"attributes":1},"attributes"`, true},
		{`{"type":"AWS::S3::Object"`, `1,{"type":"AWS::S3::Object"`, false},
		{`{"type":"AWS::S3::Object"`, `{"ARN":"a"},{},{"type":"AWS::S3::Object"`, true},
		{`[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"}]`, `{}`, true},
		{`"2026-11-22T08:15:30Z"`, `"2026-11-31T08:15:30Z"`, false},
		{`2026-11-22T08:15:30Z`, `2026-11-22T08:15:30.25Z`, true},
		{`"sessionContext":{`, `"sessionContext":1,"x":{`, true},
	} {
		changed := strings.Replace(rec, c.old, c.new, 1)
		if changed == rec {
			t.Fatalf("nothing to change for %s", c.old)
		}
		for range 2 {
			if took := held(t, p, q, []byte(changed)); took != c.took {
				t.Errorf("%s instead of %s: took it is %t, want %t", c.new, c.old, took, c.took)
			}
			if !held(t, p, q, []byte(rec)) {
				t.Errorf("%s instead of %s: does not take the next record", c.new, c.old)
			}
		}
	}
}

// FuzzUsual holds the reading of usual records against that of any record, with
// objects remembered from others.
func FuzzUsual(f *testing.F) {
	all := elements(f)
	for _, rec := range all {
		f.Add(rec)
	}
	p, q := newUsual()
	k := newKeeper()
	f.Fuzz(func(t *testing.T, rec []byte) {
		for range 2 {
			if held(t, p, q, rec) {
				k.check(t, &p.row)
			}
		}
		if held(t, p, q, all[len(rec)%len(all)]) {
			k.check(t, &p.row)
		}
		if len(k.seen) > 1<<12 {
			k.by, k.seen = new(logs.Keeper), nil
		}
	})
}

// Objects that differ in their middle or end, are too large or broken do not pass
// for each other.
func TestMemo(t *testing.T) {
	p, q := newUsual()
	long := strings.Repeat("x", maxMemo)
	for range 3 {
		for _, who := range []string{"one", "two", "two and more", "é", `\u00e9`, long, `one","arn":"a`, `","x":{"y":[`} {
			for _, more := range []string{"", `,"invokedBy":"s3.amazonaws.com"`, `,"sessionContext":{"sessionIssuer":{"type":"Role"}}`, `,"sessionContext":{"sessionIssuer":{"type":"Root"}}`} {
				held(t, p, q, []byte(`{"eventTime":"2026-11-22T08:15:30Z","userIdentity":{"type":"AssumedRole","principalId":"`+who+`","more":"`+long[:40]+`"`+more+`},"eventName":"`+who+`"}`))
				held(t, p, q, []byte(`{"userIdentity":{"type":"AssumedRole","principalId":"`+who+`","more":"`+long[:40]+`"`+more+`},"eventTime":"2026-11-22T08:15:30Z","eventName":"é"}`))
			}
		}
	}
}
