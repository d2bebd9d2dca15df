package testaws

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Buckets is the part of S3 that keeps the settings of buckets: which there are,
// where their access logs go, and what decides whether one can receive some. It
// gives documents back as they were set, with key formats, which moto drops.
type Buckets struct {
	URL string

	mu       sync.Mutex
	regions  map[string]string
	settings map[string]string // "bucket?logging"
	faults   map[string]int    // "PUT bucket?logging"
	requests []string
}

const s3ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

// unset are the answers about what was never set on a bucket: a document, or an
// error code.
var unset = map[string]string{
	"logging":           "<BucketLoggingStatus" + s3ns + "/>",
	"encryption":        "<ServerSideEncryptionConfiguration" + s3ns + "><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
	"object-lock":       "ObjectLockConfigurationNotFoundError",
	"requestPayment":    "<RequestPaymentConfiguration" + s3ns + "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
	"policy":            "NoSuchBucketPolicy",
	"ownershipControls": "<OwnershipControls" + s3ns + "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
	"acl":               "<AccessControlPolicy" + s3ns + "><Owner><ID>7a1b</ID></Owner><AccessControlList/></AccessControlPolicy>",
}

// NewBuckets starts a server that ends with the test, with these buckets in
// eu-central-1.
func NewBuckets(t testing.TB, names ...string) *Buckets {
	b := &Buckets{regions: map[string]string{}, settings: map[string]string{}, faults: map[string]int{}}
	for _, n := range names {
		b.regions[n] = "eu-central-1"
	}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	b.URL = srv.URL
	return b
}

// Environ is what makes the AWS SDK talk to the server.
func (b *Buckets) Environ() []string { return (&S3{URL: b.URL}).Environ() }

// Setenv makes the AWS SDK inside the test talk to the server.
func (b *Buckets) Setenv(t testing.TB) { (&S3{URL: b.URL}).Setenv(t) }

// Move makes a bucket be in another Region, or none where it is "".
func (b *Buckets) Move(bucket, region string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.regions[bucket] = region; region == "" {
		delete(b.regions, bucket)
	}
}

// Set writes a setting, such as policy, as its document.
func (b *Buckets) Set(bucket, setting, document string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings[bucket+"?"+setting] = document
}

// Get returns a setting as it was written last, "" when it never was.
func (b *Buckets) Get(bucket, setting string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings[bucket+"?"+setting]
}

// Deny makes all requests like "PUT bucket?logging" be refused, with 0 none.
func (b *Buckets) Deny(request string, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[request] = status
}

// Requests are the requests so far, like "PUT bucket?logging".
func (b *Buckets) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

// ServeHTTP answers one request.
func (b *Buckets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket := strings.Trim(r.URL.Path, "/")
	setting := ""
	for name := range unset {
		if r.URL.Query().Has(name) {
			setting = name
		}
	}
	request := r.Method + " " + bucket + "?" + setting
	b.requests = append(b.requests, request)
	switch {
	case b.faults[request] != 0:
		refuse(w, b.faults[request], map[int]string{403: "AccessDenied", 400: "InvalidTargetBucketForLogging", 500: "InternalError"}[b.faults[request]])
	case bucket == "" && r.Method == http.MethodGet:
		b.list(w)
	case b.regions[bucket] == "":
		refuse(w, 404, "NoSuchBucket")
	case setting == "":
		refuse(w, 405, "MethodNotAllowed")
	case r.Method == http.MethodPut:
		b.settings[bucket+"?"+setting] = string(body)
	default:
		is := b.settings[bucket+"?"+setting]
		if is == "" {
			is = unset[setting]
		}
		if !strings.ContainsAny(is, "<{") {
			refuse(w, 404, is)
			return
		}
		io.WriteString(w, is)
	}
}

func (b *Buckets) list(w io.Writer) {
	fmt.Fprintf(w, "<ListAllMyBucketsResult%s><Owner><ID>7a1b</ID></Owner><Buckets>", s3ns)
	for name, region := range b.regions {
		fmt.Fprintf(w, "<Bucket><Name>%s</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate><BucketRegion>%s</BucketRegion></Bucket>", name, region)
	}
	io.WriteString(w, "</Buckets></ListAllMyBucketsResult>")
}
