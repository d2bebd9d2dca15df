package cloudtrail

import (
	"strings"
	"testing"
	"time"

	"sluice/internal/logs"
)

func TestParseTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-11-22T08:15:30Z":           "2026-11-22T08:15:30Z",
		"2026-11-22T08:15:30.7Z":         "2026-11-22T08:15:30.7Z",
		"2026-11-22T08:15:30.7899999Z":   "2026-11-22T08:15:30.789Z",
		"2026-11-22T08:15:30.000000001Z": "2026-11-22T08:15:30Z",
		"2024-02-29T23:59:59Z":           "2024-02-29T23:59:59Z",
		"2000-02-29T00:00:00Z":           "2000-02-29T00:00:00Z",
		"1969-12-31T23:59:59.999Z":       "1969-12-31T23:59:59.999Z",
		"9999-12-31T23:59:59.999Z":       "9999-12-31T23:59:59.999Z",
	} {
		got, ok := parseTime([]byte(s))
		ref, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || got != logs.TimeOf(ref) {
			t.Errorf("%s: got %v, %t; want %v", s, got.Go(), ok, ref)
		}
	}
	for _, s := range []string{
		"", "Z", "2026-11-22", "2026-11-22T08:15Z", "2026-11-22T08:15:30", "2026-11-22T08:15:30+00:00",
		"2026-11-22t08:15:30z", "2026-11-22 08:15:30Z", "2026-11-22T08:15:30.Z", "2026-11-22T08:15:30,5Z",
		"2026-11-22T08:15:30.5.5Z", "2026-11-22T08:15:30 Z", " 2026-11-22T08:15:30Z", "2026-11-22T08:15:30ZZ",
		"2026-00-22T08:15:30Z", "2026-13-22T08:15:30Z", "2026-11-00T08:15:30Z", "2026-11-31T08:15:30Z",
		"2026-02-29T08:15:30Z", "1900-02-29T08:15:30Z", "2026-11-22T24:00:00Z", "2026-11-22T08:60:30Z",
		"2026-11-22T08:15:60Z", "2026-11-22T08:15:3xZ", "+026-11-22T08:15:30Z", "20260-11-22T08:15:30Z",
	} {
		if got, ok := parseTime([]byte(s)); ok {
			t.Errorf("%q: got %v, want no time", s, got.Go())
		}
	}
}

// Every day of the calendar, against the standard library.
func TestParseTimeEveryDay(t *testing.T) {
	day := time.Date(0, 1, 1, 13, 14, 15, 0, time.UTC)
	for day.Year() < 10000 {
		s := day.Format("2006-01-02T15:04:05Z")
		if got, ok := parseTime([]byte(s)); !ok || got != logs.TimeOf(day) {
			t.Fatalf("%s: got %v, %t", s, got, ok)
		}
		day = day.AddDate(0, 0, 1)
	}
}

func TestWholeNumber(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "-0": 0, "353": 353, "353.0": 353, "0.0": 0, "353.000": 353, "-12": -12,
		"1.2345678E7": 12345678, "1e3": 1000, "5E+2": 500, "1200e-2": 12, "12.50e1": 125, "0e999": 0, "0.00e5": 0,
		"9007199254740993": 9007199254740993, "9223372036854775807": 9223372036854775807,
		"9.223372036854775807E18": 9223372036854775807, "007": 7,
	} {
		if got, ok := wholeNumber([]byte(s)); !ok || got != want {
			t.Errorf("%s: got %d, %t; want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "-", ".", "e5", "0.5", "353.01", "1e-1", "12e-2", "9223372036854775808", "1e19", "1e9999", "12a", "1.2.3", "many", "1e", "1e+", " 1", "0x10", "--1"} {
		if got, ok := wholeNumber([]byte(s)); ok {
			t.Errorf("%q: got %d, want no number", s, got)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for s, want := range map[string]string{
		"[aws-cli/2.31.0]": "aws-cli/2.31.0",
		"[]":               "",
		"[[]]":             "[]",
		"[a [b] c]":        "a [b] c",
		"[[a] [b]]":        "[a] [b]",
		"[a] [b]":          "[a] [b]", // brackets of the client's own
		"[a[b]":            "a[b",
		"[cut off at 1 kB": "[cut off at 1 kB",
		"plain":            "plain",
		"[":                "[",
		"":                 "",
	} {
		got := unwrap(logs.Text(s))
		if string(got) != want || got == nil {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	if got := unwrap(nil); got != nil {
		t.Errorf("NULL: got %q", got)
	}
}

func TestRedact(t *testing.T) {
	for s, want := range map[string]string{
		`{"X-Amz-Signature":"s3cret"}`:                                                   `{"X-Amz-Signature":"REDACTED"}`,
		`{"x-amz-signature" : "s3cret" }`:                                                `{"x-amz-signature" : "REDACTED" }`,
		`{"Signature":"s3cret","SignatureVersion":"SigV2"}`:                              `{"Signature":"REDACTED","SignatureVersion":"SigV2"}`,
		`{"X-Amz-Security-Token":["s3cret"],"a":[{"X-AMZ-SIGNATURE":{"b":"c"}}]}`:        `{"X-Amz-Security-Token":"REDACTED","a":[{"X-AMZ-SIGNATURE":"REDACTED"}]}`,
		`{"a":{"b":{"c":{"d":{"e":{"f":{"sessionToken":"s3cret"}}}}}}}`:                  `{"a":{"b":{"c":{"d":{"e":{"f":{"sessionToken":"REDACTED"}}}}}}}`,
		`{"X-Amz-Signatur\u0065":12,"Signature":null}`:                                   `{"X-Amz-Signatur\u0065":"REDACTED","Signature":null}`,
		`{"Signature":{"Signature":"s3cret"}}`:                                           `{"Signature":"REDACTED"}`,
		`{"u":"/k?AWSAccessKeyId=AKIA&Signature=s3cret%2Fs3cret%3D&Expires=1"}`:          `{"u":"/k?AWSAccessKeyId=AKIA&Signature=REDACTED&Expires=1"}`,
		`{"u":"/k?x-amz-security-token=s3cret"}`:                                         `{"u":"/k?x-amz-security-token=REDACTED"}`,
		`{"u":"/k?a\u003d1\u0026X-Amz-Signature\u003Ds3cret\u0026b\u003d2"}`:             `{"u":"/k?a\u003d1\u0026X-Amz-Signature\u003DREDACTED\u0026b\u003d2"}`,
		`{"u":"Signature=s3\/cret\u002b\"Signature=s3cret\nSignature="}`:                 `{"u":"Signature=REDACTED\"Signature=REDACTED\nSignature="}`,
		`{"u":"\\u003d=\\=Signature\\=x","x-amz-id-2":"a=="}`:                            `{"u":"\\u003d=\\=Signature\\=x","x-amz-id-2":"a=="}`,
		`{"u":"?to=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Ds3cret%26a%3D1&b=2"}`:         `{"u":"?to=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3DREDACTED%26a%3D1&b=2"}`,
		`{"u":"?%2553ignature%25253ds3cret%252526a","v":"X-Amz-S3session-Token=s3cret"}`: `{"u":"?%2553ignature%25253dREDACTED%252526a","v":"X-Amz-S3session-Token=REDACTED"}`,
		`{"X-Amz-S3session-Token":"s3cret"}`:                                             `{"X-Amz-S3session-Token":"REDACTED"}`,
		`{"u":"X-Amz-Security-Token%253ds3cret%2526a%253D1"}`:                            `{"u":"X-Amz-Security-Token%253dREDACTED%2526a%253D1"}`,
		`{"u":"?%53ignature=s3%26cret&SIGNATUR%65=s3cret&ignature%3Dx%3"}`:               `{"u":"?%53ignature=REDACTED&SIGNATUR%65=REDACTED&ignature%3Dx%3"}`,
		`{"u":"Signature%3","v":"Signature%3D","Signature%25":"%3Dx"}`:                   `{"u":"Signature%3","v":"Signature%3D","Signature%25":"%3Dx"}`,
		`{"Signature=":1,"key":"SignatureX=1"}`:                                          `{"Signature=":1,"key":"SignatureX=1"}`,
	} {
		rd := new(reader)
		if _, err := rd.scan.scan([]byte(s), flatDepth); err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		got, err := rd.clean([]byte(s))
		if err != nil || string(got) != want || strings.Contains(string(got), "cret") {
			t.Errorf("%s:\n got %s, %v\nwant %s", s, got, err, want)
		}
	}
}
