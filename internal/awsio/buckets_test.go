package awsio

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/enroll"
	"sluice/internal/testaws"
)

// scripted is an S3 that answers each request, "METHOD /path?query" with its
// parameters in order, with a file below testdata, "status code" or "= text"; it
// keeps the bodies it was sent.
func scripted(t *testing.T, answers map[string]string) (*Buckets, map[string]string) {
	t.Helper()
	sent := map[string]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		q.Del("x-id")
		request := r.Method + " " + r.URL.Path + "?" + q.Encode()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent[request] = string(body)
		if got := r.Header.Get("X-Amz-Expected-Bucket-Owner"); r.URL.Path != "/" && got != "111122223333" {
			t.Errorf("%s expects the owner %q", request, got)
		}
		answer, ok := answers[request]
		switch status, rest, spaced := strings.Cut(answer, " "); {
		case status == "=":
			io.WriteString(w, rest)
		case !ok:
			t.Errorf("request %s is not expected", request)
			w.WriteHeader(http.StatusTeapot)
		case spaced:
			w.WriteHeader(map[string]int{"403": 403, "404": 404}[status])
			io.WriteString(w, "<Error><Code>"+rest+"</Code><Message>made up</Message></Error>")
		case answer != "":
			text, err := os.ReadFile(filepath.Join("testdata", answer))
			if err != nil {
				t.Error(err)
			}
			w.Write(text)
		}
	}))
	t.Cleanup(srv.Close)
	fake := testaws.S3{URL: srv.URL}
	fake.Setenv(t)
	cfg, err := configure(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return NewBuckets(cfg, "111122223333"), sent
}

func TestLogging(t *testing.T) {
	for _, c := range []struct {
		answer string
		want   *enroll.Logging
		err    string
	}{
		{answer: "logging_off.xml"},
		{answer: "logging_simple.xml", want: &enroll.Logging{Target: "example-logs", Prefix: "photos/", Format: enroll.Simple, Grants: []enroll.Grant{
			{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers", Permission: "READ"},
		}}},
		{answer: "logging_event_time.xml", want: &enroll.Logging{Target: "example-logs", Format: enroll.ByEventTime}},
		{answer: "logging_delivery_time.xml", want: &enroll.Logging{Target: "example-logs", Prefix: "p/", Format: enroll.ByDeliveryTime}},
		{answer: "404 NoSuchBucket", err: "read logging of example-photos: no such bucket: "},
		{answer: "403 AccessDenied", err: "read logging of example-photos: "},
	} {
		b, sent := scripted(t, map[string]string{"GET /example-photos?logging=": c.answer, "PUT /example-photos?logging=": ""})
		got, err := b.Logging(t.Context(), "example-photos")
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) || errors.Is(err, enroll.ErrNoBucket) != strings.Contains(c.err, "no such") {
				t.Errorf("%s: error %v, want %s", c.answer, err, c.err)
			}
			continue
		}
		if d := cmp.Diff(got, c.want); err != nil || d != "" {
			t.Errorf("%s: %v (-got +want):\n%s", c.answer, err, d)
			continue
		}
		// What was read can be given back: the document that is sent says the same.
		if err := b.SetLogging(t.Context(), "example-photos", got); err != nil {
			t.Errorf("%s: give back: %v", c.answer, err)
		}
		back := sent["PUT /example-photos?logging="]
		again, _ := scripted(t, map[string]string{"GET /example-photos?logging=": "= " + back})
		if got, err := again.Logging(t.Context(), "example-photos"); err != nil || !got.Same(c.want) {
			t.Errorf("%s: sent back %s: reads as %v, %v", c.answer, back, got, err)
		}
	}
}

func TestSetLoggingSaysWhy(t *testing.T) {
	b, _ := scripted(t, map[string]string{"PUT /example-photos?logging=": "404 NoSuchBucket"})
	if err := b.SetLogging(t.Context(), "example-photos", nil); !errors.Is(err, enroll.ErrNoBucket) {
		t.Errorf("error %v", err)
	}
}

func TestListBuckets(t *testing.T) {
	b, _ := scripted(t, map[string]string{
		"GET /?max-buckets=1000": "buckets_page1.xml",
		"GET /?continuation-token=eyJNYXJrZXIiOiJleGFtcGxlIn0%3D&max-buckets=1000": "buckets_page2.xml",
	})
	got, err := b.List(t.Context())
	want := []enroll.Bucket{
		{Name: "example-archive", Region: "us-east-1", Created: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)},
		{Name: "example-photos", Region: "eu-central-1", Created: time.Date(2024, 2, 28, 9, 11, 12, 0, time.UTC)},
	}
	if d := cmp.Diff(got, want); err != nil || d != "" {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
	b, _ = scripted(t, map[string]string{"GET /?max-buckets=1000": "buckets_page1.xml", "GET /?continuation-token=eyJNYXJrZXIiOiJleGFtcGxlIn0%3D&max-buckets=1000": "403 AccessDenied"})
	if got, err := b.List(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "list buckets: ") {
		t.Errorf("half a list: %v, %v", got, err)
	}
}

const xmlns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

// target are the answers of S3 about a log bucket as the stack makes it.
func target() map[string]string {
	return map[string]string{
		"GET /example-logs?encryption=": "= <ServerSideEncryptionConfiguration" + xmlns + "><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>" +
			"</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
		"GET /example-logs?object-lock=":       "404 ObjectLockConfigurationNotFoundError",
		"GET /example-logs?requestPayment=":    "= <RequestPaymentConfiguration" + xmlns + "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
		"GET /example-logs?policy=":            `= {"Version":"2012-10-17","Statement":[]}`,
		"GET /example-logs?ownershipControls=": "= <OwnershipControls" + xmlns + "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
		"GET /example-logs?acl=":               acl("FULL_CONTROL"),
	}
}

func acl(delivery string) string {
	return `= <AccessControlPolicy` + xmlns + `><Owner><ID>7a1b</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>7a1b</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/s3/LogDelivery</URI></Grantee><Permission>` + delivery + `</Permission></Grant></AccessControlList></AccessControlPolicy>`
}

func TestTarget(t *testing.T) {
	right := enroll.Target{Name: "example-logs", Region: "eu-central-1", Account: "111122223333", Encryption: "AES256", Policy: `{"Version":"2012-10-17","Statement":[]}`}
	with := func(change func(*enroll.Target)) enroll.Target { w := right; change(&w); return w }
	for name, c := range map[string]struct {
		changed map[string]string
		want    enroll.Target
		err     []string
	}{
		"as the stack makes it": {want: right},
		"of long ago": {map[string]string{
			"encryption": "404 ServerSideEncryptionConfigurationNotFoundError", "policy": "404 NoSuchBucketPolicy", "ownershipControls": "404 OwnershipControlsNotFoundError",
		}, with(func(t *enroll.Target) { t.Encryption, t.Policy, t.ACL = "", "", true }), nil},
		"ACL that lets read only": {map[string]string{"ownershipControls": "404 OwnershipControlsNotFoundError", "acl": acl("READ_ACP")}, right, nil},
		"KMS, locked, paid by requesters": {map[string]string{
			"encryption":     "= <ServerSideEncryptionConfiguration" + xmlns + "><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:eu-central-1:111122223333:key/1</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
			"object-lock":    "= <ObjectLockConfiguration" + xmlns + "><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
			"requestPayment": "= <RequestPaymentConfiguration" + xmlns + "><Payer>Requester</Payer></RequestPaymentConfiguration>",
		}, with(func(t *enroll.Target) { t.Encryption, t.ObjectLock, t.RequesterPays = "aws:kms", true, true }), nil},
		"what cannot be read, all at once": {map[string]string{"policy": "403 AccessDenied", "encryption": "403 AccessDenied"}, with(func(t *enroll.Target) { t.Encryption, t.Policy = "", "" }),
			[]string{"read default encryption of example-logs: ", "read policy of example-logs: "}},
	} {
		answers := target()
		for what, answer := range c.changed {
			answers["GET /example-logs?"+what+"="] = answer
		}
		b, _ := scripted(t, answers)
		got, err := b.Target(t.Context(), "example-logs")
		if (err != nil) != (c.err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.err {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", name, err, want)
			}
		}
		if d := cmp.Diff(got, c.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
}
