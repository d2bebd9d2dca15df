package awsio

import (
	"bytes"
	"encoding/base64"
	"hash/crc64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
)

// answers is an HTTP client that answers every request the same way.
type answers struct {
	asked  []*http.Request
	status int
	header http.Header
	body   string
}

func (a *answers) Do(req *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, req)
	header := http.Header{}
	for k, v := range a.header {
		header.Set(k, v[0])
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)),
		ContentLength: int64(len(a.body)), Request: req}, nil
}

var secret = aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "example", SessionToken: "token"}

func asking(a *answers) *S3 {
	return NewS3(aws.Config{
		Region: "eu-central-1", HTTPClient: a, RetryMaxAttempts: 1,
		Credentials: credentials.StaticCredentialsProvider{Value: secret},
	})
}

// TestQuickAsksLikeTheSDK: what is sent without the SDK's stack is what the SDK
// sends, but for what it says of itself, and both signatures are those of what
// was sent.
func TestQuickAsksLikeTheSDK(t *testing.T) {
	for _, bucket := range []string{"logs-example", "logs.with.dots"} {
		for _, o := range []pipeline.Object{
			{Key: "p/2026-03-03-00-17-42-8C0FFEE0DECADE01"},
			{Key: "a b/é+%41&=?#@:;,!*'()~$.gz", Version: "etag:0123abc"},
			{Key: "//double/../dots/./and\x01/", Version: "v1./+= &"},
			{Key: "/", Version: "sequencer:00A1"},
		} {
			o.Bucket, o.Size = bucket, 4
			a := &answers{status: 200, body: "text"}
			s := asking(a)
			for range 2 {
				if got, err := readAll(t, s, o); err != nil || got != "text" {
					t.Fatalf("%+v: %q, %v", o, got, err)
				}
			}
			if len(a.asked) != 2 || !strings.Contains(a.asked[0].Header.Get("User-Agent"), "api/s3") || a.asked[1].Header.Get("User-Agent") != agent {
				t.Fatalf("%+v: asked %d times, want once by the SDK and once without", o, len(a.asked))
			}
			theirs, ours := sent(a.asked[0]), sent(a.asked[1])
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("%+v (-SDK +ours):\n%s", o, diff)
			}
			for _, req := range a.asked {
				if got, want := req.Header.Get("Authorization"), signature(t, req); got != want {
					t.Errorf("%+v: %s\nsigned %s\nwant   %s", o, req.Header.Get("User-Agent"), got, want)
				}
			}
		}
	}
}

// sent is what a request asks for.
func sent(req *http.Request) map[string]string {
	m := map[string]string{"": req.Method + " " + req.URL.Scheme + "://" + req.URL.Host + " " + req.URL.RequestURI()}
	for k, v := range req.Header {
		switch {
		case strings.HasPrefix(k, "Amz-Sdk-"), k == "User-Agent", k == "Authorization", k == "X-Amz-Date": // each request's own
		default:
			m[k] = strings.Join(v, ",")
		}
	}
	return m
}

// signature signs what a server would see of a request.
func signature(t *testing.T, req *http.Request) string {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(req.URL.Scheme + "://" + req.URL.Host + req.URL.RequestURI())
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Request{Method: req.Method, URL: u, Host: req.URL.Host, Header: req.Header.Clone()}
	again.Header.Del("Authorization")
	err = v4.NewSigner().SignHTTP(t.Context(), secret, again, again.Header.Get("X-Amz-Content-Sha256"), "s3", "eu-central-1", at,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	return again.Header.Get("Authorization")
}

// What is no bucket in the usual sense is left to the SDK.
func TestQuickLearnsBucketsOnly(t *testing.T) {
	for _, bucket := range []string{
		"arn:aws:s3:eu-central-1:111122223333:accesspoint/ap",
		"arn:aws:s3-object-lambda:eu-central-1:111122223333:accesspoint/ap",
	} {
		a := &answers{status: 200, body: "text"}
		s := asking(a)
		for range 2 {
			if got, err := readAll(t, s, pipeline.Object{Bucket: bucket, Key: "k", Size: 4}); err != nil || got != "text" {
				t.Fatalf("%s: %q, %v", bucket, got, err)
			}
		}
		for _, req := range a.asked {
			if !strings.HasPrefix(bucket, "arn:aws:s3:") && req.Header.Get("User-Agent") == agent {
				t.Errorf("%s: asked without the SDK", bucket)
			}
			if want := signatureScope(req); !strings.Contains(req.Header.Get("Authorization"), want) {
				t.Errorf("%s: signed as %s", bucket, req.Header.Get("Authorization"))
			}
		}
	}
}

func signatureScope(req *http.Request) string {
	if strings.Contains(req.URL.Host, "object-lambda") {
		return "/eu-central-1/s3-object-lambda/"
	}
	return "/eu-central-1/s3/"
}

// An answer that is no object is the SDK's to explain; a body is checked by the
// checksum it came with.
func TestQuickAnswers(t *testing.T) {
	sum := crc64.Checksum([]byte("text"), crc64.MakeTable(0x9a6c9329ac4bc9b5)) // CRC-64/NVME, bits reversed
	var nvme []byte
	for i := range 8 {
		nvme = append(nvme, byte(sum>>(56-8*i)))
	}
	right, wrong := base64.StdEncoding.EncodeToString(nvme), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 8))
	for _, c := range []struct {
		name   string
		status int
		header map[string]string
		err    string
	}{
		{"right", 200, map[string]string{"x-amz-checksum-crc64nvme": right, "x-amz-checksum-type": "FULL_OBJECT"}, ""},
		{"wrong", 200, map[string]string{"x-amz-checksum-crc64nvme": wrong, "x-amz-checksum-type": "FULL_OBJECT"}, "checksum"},
		{"crc32", 200, map[string]string{"x-amz-checksum-crc32": "O6puhQ=="}, "checksum"},
		{"crc32c", 200, map[string]string{"x-amz-checksum-crc32c": "AAAAAA=="}, "checksum"},
		{"of parts", 200, map[string]string{"x-amz-checksum-crc32": "AAAAAA==-3", "x-amz-checksum-type": "COMPOSITE"}, ""},
		{"none", 200, nil, ""},
		{"missing", 404, nil, "missing"},
		{"elsewhere", 301, nil, "301"},
		{"a part", 206, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &answers{status: 200, body: "text", header: http.Header{}}
			s := asking(a)
			o := pipeline.Object{Bucket: "logs-example", Key: "k", Size: 4}
			if _, err := readAll(t, s, o); err != nil {
				t.Fatal(err)
			}
			a.status = c.status
			for k, v := range c.header {
				a.header.Set(k, v)
			}
			got, err := readAll(t, s, o)
			checkError(t, c.name, err, c.err)
			if c.err == "" && got != "text" {
				t.Errorf("read %q", got)
			}
			if asked := 2; c.status == 200 && len(a.asked) != asked {
				t.Errorf("asked %d times, want %d", len(a.asked), asked)
			} else if c.status != 200 && (len(a.asked) != 3 || a.asked[2].Header.Get("User-Agent") == agent) {
				t.Errorf("asked %d times, want a third time, by the SDK", len(a.asked))
			}
		})
	}
}
