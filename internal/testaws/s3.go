// Package testaws stands in for AWS in tests: an S3 over HTTP on loopback whose
// answers can be made to fail, and the runtime that a Lambda function polls. It
// does what this project relies on, and no more.
package testaws

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is a way for a request to go wrong.
type Fault int

const (
	OK           Fault = iota // no fault, when a later request is to fail
	Missing                   // 404
	Denied                    // 403
	SlowDown                  // 503: try again
	Conflict                  // 409: try again
	Truncated                 // half of the body, then the connection is closed
	Corrupt                   // a whole body with one bit changed
	LostResponse              // done, but the answer never arrives
	Refused                   // 400: trying again is of no use
)

// PageSize is how many keys a list holds: small, so that tests see pages.
const PageSize = 3

// S3 is a bucket server. Buckets exist as soon as something is put into them.
type S3 struct {
	URL string

	mu       sync.Mutex
	objects  map[string]stored // "bucket/key"
	faults   map[string][]Fault
	requests []string
}

type stored struct {
	body     []byte
	etag     string
	version  string
	typ      string
	modified time.Time
	header   http.Header // that S3 adds
}

// NewS3 starts a server that ends with the test.
func NewS3(t testing.TB) *S3 {
	s := &S3{objects: map[string]stored{}, faults: map[string][]Fault{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Environ is what makes the AWS SDK talk to the server.
func (s *S3) Environ() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_SESSION_TOKEN=",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_PROFILE=",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Setenv makes the AWS SDK inside the test talk to the server.
func (s *S3) Setenv(t testing.TB) {
	for _, kv := range s.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
}

// Put stores an object and returns its ETag, without quotes.
func (s *S3) Put(bucket, key string, body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(bucket+"/"+key, body, "")
}

// PutVersion stores an object that answers to a version id only.
func (s *S3) PutVersion(bucket, key, version string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(bucket+"/"+key, body, "")
	o := s.objects[bucket+"/"+key]
	o.version = version
	s.objects[bucket+"/"+key] = o
}

// Describe adds headers to what is answered about an object, such as those of its
// storage class.
func (s *S3) Describe(bucket, key string, header map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[bucket+"/"+key]
	o.header = http.Header{}
	for k, v := range header {
		o.header.Set(k, v)
	}
	s.objects[bucket+"/"+key] = o
}

func (s *S3) store(name string, body []byte, typ string) string {
	sum := md5.Sum(body)
	etag := hex.EncodeToString(sum[:])
	s.objects[name] = stored{body: body, etag: etag, typ: typ, modified: time.Date(2026, 11, 22, 13, 5, 0, 0, time.UTC)}
	return etag
}

// Keys lists the keys of a bucket in order.
func (s *S3) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		if key, ok := strings.CutPrefix(name, bucket+"/"); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// Get returns the content of an object and its type, nil where there is none.
func (s *S3) Get(bucket, key string) (body []byte, typ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[bucket+"/"+key]
	return o.body, o.typ
}

// Fail makes the next requests with this method for this object go wrong, one
// after the other. A key ending in * stands for all keys that begin like it.
func (s *S3) Fail(method, bucket, key string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := method + " " + bucket + "/" + key
	s.faults[k] = append(s.faults[k], faults...)
}

// Requests returns the requests so far as "METHOD bucket/key", and forgets them.
func (s *S3) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

// nextFault takes the fault of a request, 0 when it may succeed.
func (s *S3) nextFault(request string) Fault {
	for pattern, left := range s.faults {
		prefix, open := strings.CutSuffix(pattern, "*")
		if len(left) > 0 && (pattern == request || open && strings.HasPrefix(request, prefix)) {
			s.faults[pattern] = left[1:]
			return left[0]
		}
	}
	return 0
}

// ServeHTTP answers GET, HEAD and PUT of an object and ListObjectsV2.
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name := bucket + "/" + key
	request := r.Method + " " + name
	s.requests = append(s.requests, request)

	fault := s.nextFault(request)
	switch fault {
	case Missing:
		refuse(w, 404, "NoSuchKey")
		return
	case Denied:
		refuse(w, 403, "AccessDenied")
		return
	case SlowDown:
		refuse(w, 503, "SlowDown")
		return
	case Conflict:
		refuse(w, 409, "ConditionalRequestConflict")
		return
	case Refused:
		refuse(w, 400, "InvalidRequest")
		return
	}
	switch {
	case r.Method == http.MethodGet && key == "":
		s.list(w, bucket, r.URL.Query())
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.get(w, r, name, fault)
	case r.Method == http.MethodPut:
		s.put(w, r, name, body, fault)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

func (s *S3) get(w http.ResponseWriter, r *http.Request, name string, fault Fault) {
	o, ok := s.objects[name]
	if v := r.URL.Query().Get("versionId"); !ok || v != "" && v != o.version {
		refuse(w, 404, "NoSuchKey")
		return
	}
	if m := r.Header.Get("If-Match"); m != "" && strings.Trim(m, `"`) != o.etag {
		refuse(w, 412, "PreconditionFailed")
		return
	}
	h := w.Header()
	h.Set("ETag", `"`+o.etag+`"`)
	h.Set("Content-Length", strconv.Itoa(len(o.body)))
	h.Set("Content-Type", o.typ)
	h.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	if o.version != "" {
		h.Set("x-amz-version-id", o.version)
	}
	maps.Copy(h, o.header)
	if r.Header.Get("x-amz-checksum-mode") == "ENABLED" {
		h.Set("x-amz-checksum-crc32", checksum(o.body))
	}
	if strings.HasSuffix(name, ".gz") {
		h.Set("Content-Encoding", "gzip") // as CloudTrail delivers; the bytes must stay zipped
	}
	switch {
	case r.Method == http.MethodHead:
	case fault == Truncated:
		w.Write(o.body[:len(o.body)/2])
		panic(http.ErrAbortHandler)
	case fault == Corrupt:
		bad := slices.Clone(o.body)
		bad[len(bad)/2] ^= 1
		w.Write(bad)
	default:
		w.Write(o.body)
	}
}

func (s *S3) put(w http.ResponseWriter, r *http.Request, name string, body []byte, fault Fault) {
	if c := r.Header.Get("x-amz-checksum-crc32"); c != "" && c != checksum(body) {
		refuse(w, 400, "BadDigest")
		return
	}
	if r.Header.Get("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
		refuse(w, 501, "NotImplemented") // framing would end up in the object
		return
	}
	if _, exists := s.objects[name]; exists && r.Header.Get("If-None-Match") == "*" {
		refuse(w, 412, "PreconditionFailed")
		return
	}
	etag := s.store(name, body, r.Header.Get("Content-Type"))
	if fault == LostResponse {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("ETag", `"`+etag+`"`)
}

func (s *S3) list(w http.ResponseWriter, bucket string, q url.Values) {
	type content struct {
		Key, LastModified, ETag string
		Size                    int
	}
	var res struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		EncodingType          string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}
	res.EncodingType = q.Get("encoding-type")
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(name, bucket+"/")
		if !ok || !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token") {
			continue
		}
		if len(res.Contents) == PageSize {
			res.IsTruncated = true
			break
		}
		o := s.objects[name]
		res.NextContinuationToken = key
		if res.EncodingType == "url" {
			key = url.QueryEscape(key)
		}
		res.Contents = append(res.Contents, content{key, o.modified.Format(time.RFC3339), `"` + o.etag + `"`, len(o.body)})
	}
	if !res.IsTruncated {
		res.NextContinuationToken = ""
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(res)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message><RequestId>EXAMPLE0000</RequestId></Error>", code, code)
}

func checksum(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}
