package awsio

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/minio/crc64nvme"
)

// quick makes the requests for small files without the SDK's own stack, which
// costs as much for one as reading, judging and writing its hundred lines.
//
// Everything that is not a plain 200 is not its business: the SDK is asked the
// same again, and says what is wrong, or waits and repeats. It is the SDK, too,
// that finds out once for each bucket where and how it is asked, and signs.
type quick struct {
	client *s3.Client
	signer *v4.Signer

	mu     sync.Mutex
	places map[string]place // by bucket
}

// place is where a bucket is: what the SDK's own request for one of its objects
// said.
type place struct {
	scheme, host string
	path         string // before the key, escaped
	region       string // that requests are signed for
}

// open asks for an object. It returns nil where the SDK has to.
func (q *quick) open(ctx context.Context, in *s3.GetObjectInput) *http.Response {
	q.mu.Lock()
	p, ok := q.places[*in.Bucket]
	q.mu.Unlock()
	if !ok {
		return nil
	}
	o := q.client.Options()
	who, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return nil
	}
	req := p.request(ctx, in)
	err = q.signer.SignHTTP(ctx, who, req, emptyHash, "s3", p.region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // of what is escaped
	})
	if err != nil {
		return nil
	}
	res, err := o.HTTPClient.Do(req)
	if err != nil {
		return nil
	}
	if res.StatusCode != http.StatusOK || res.ContentLength < 0 {
		_, _ = io.CopyN(io.Discard, res.Body, 16<<10) // so that the connection can be used again
		res.Body.Close()
		return nil
	}
	return res
}

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// request is not signed.
func (p place) request(ctx context.Context, in *s3.GetObjectInput) *http.Request {
	key := "/" + *in.Key
	u := &url.URL{Scheme: p.scheme, Host: p.host, RawPath: p.path + httpbinding.EscapePath(key, false)}
	u.Path, _ = url.PathUnescape(u.RawPath) // it was just escaped
	header := http.Header{
		"Accept-Encoding":      {"identity"}, // the bytes as they are stored
		"User-Agent":           {agent},
		"X-Amz-Checksum-Mode":  {"ENABLED"},
		"X-Amz-Content-Sha256": {emptyHash},
	}
	if in.IfMatch != nil {
		header["If-Match"] = []string{*in.IfMatch}
	}
	if in.VersionId != nil {
		u.RawQuery = url.Values{"versionId": {*in.VersionId}, "x-id": {"GetObject"}}.Encode()
	} else {
		u.RawQuery = "x-id=GetObject"
	}
	req := &http.Request{Method: http.MethodGet, URL: u, Host: p.host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	return req.WithContext(ctx)
}

// agent is what the logs of the bucket will say of our requests.
const agent = aws.SDKName + "/" + aws.SDKVersion + " app/sluice"

// learn is an option for the request that the SDK makes for an object: it
// remembers where that went.
func (q *quick) learn(bucket, key string) func(*s3.Options) {
	look := middleware.DeserializeMiddlewareFunc("sluice:learn", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, m middleware.Metadata, err error) {
		out, m, err = next.HandleDeserialize(ctx, in)
		req, isHTTP := in.Request.(*smithyhttp.Request)
		res, answered := out.RawResponse.(*smithyhttp.Response)
		if err == nil && isHTTP && answered && res.StatusCode == http.StatusOK {
			if p, ok := placeOf(req.Request, key); ok {
				q.mu.Lock()
				q.places[bucket] = p
				q.mu.Unlock()
			}
		}
		return out, m, err
	})
	return func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Deserialize.Add(look, middleware.After) })
	}
}

// placeOf reads a request of the SDK's. It is not ok where another one could not
// be made like it: signed in another way, or for something that is not a bucket.
func placeOf(req *http.Request, key string) (p place, ok bool) {
	scope, ok := strings.CutPrefix(req.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	if !ok {
		return p, false
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/") // key id, day, region, service, "aws4_request"
	if len(parts) != 5 || parts[3] != "s3" || req.Header.Get("X-Amz-S3session-Token") != "" {
		return p, false
	}
	p = place{scheme: req.URL.Scheme, host: req.URL.Host, region: parts[2]}
	p.path, ok = strings.CutSuffix(req.URL.EscapedPath(), httpbinding.EscapePath("/"+key, false))
	return p, ok && (req.Host == "" || req.Host == p.host)
}

// checked is the body of an answer with the checksum that came with it, where it
// is one of the bytes themselves: those of multipart uploads often are of the
// checksums of their parts.
func checked(res *http.Response) io.ReadCloser {
	for _, c := range []struct {
		header string
		hash   func() hash.Hash
	}{
		{"x-amz-checksum-crc64nvme", func() hash.Hash { return crc64nvme.New() }},
		{"x-amz-checksum-crc32c", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
		{"x-amz-checksum-crc32", func() hash.Hash { return crc32.NewIEEE() }},
	} {
		text := res.Header.Get(c.header)
		if text == "" || res.Header.Get("x-amz-checksum-type") == "COMPOSITE" {
			continue
		}
		h := c.hash()
		if want, err := base64.StdEncoding.DecodeString(text); err == nil && len(want) == h.Size() {
			return &checksummed{res.Body, h, want}
		}
	}
	return res.Body
}

type checksummed struct {
	io.ReadCloser
	hash hash.Hash
	want []byte
}

func (c *checksummed) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.hash.Write(p[:n])
	if err == io.EOF {
		if got := c.hash.Sum(nil); !bytes.Equal(got, c.want) {
			err = fmt.Errorf("checksum did not match: %x instead of %x", got, c.want)
		}
	}
	return n, err
}
