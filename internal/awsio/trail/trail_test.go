package trail

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"sluice/internal/digest"
	"sluice/internal/digest/digesttest"
)

// cloud is S3 with a trail in a bucket, and CloudTrail with its key; it notes what
// it is asked.
type cloud struct {
	*digesttest.Trail
	asked  []string
	denied bool
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		body, _ := io.ReadAll(r.Body)
		c.asked = append(c.asked, region+" "+target[strings.LastIndexByte(target, '.')+1:]+" "+string(body))
		if c.denied {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"AccessDeniedException","Message":"no"}`)
			return
		}
		keys := ""
		if region == "us-east-1" && strings.Contains(string(body), "NextToken") {
			der := x509.MarshalPKCS1PublicKey(&digesttest.Private.PublicKey)
			keys = fmt.Sprintf(`{"Value":%q,"Fingerprint":%q,"ValidityStartTime":1795305600}`, base64.StdEncoding.EncodeToString(der), digesttest.Fingerprint)
			fmt.Fprintf(w, `{"PublicKeyList":[%s]}`, keys)
			return
		}
		if region == "us-east-1" {
			io.WriteString(w, `{"PublicKeyList":[],"NextToken":"more"}`)
			return
		}
		io.WriteString(w, `{"PublicKeyList":[]}`)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/logs/")
	if r.URL.Query().Get("list-type") == "2" {
		io.WriteString(w, "<ListBucketResult>")
		for k := range c.Files {
			fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents>", k)
		}
		io.WriteString(w, "</ListBucketResult>")
		return
	}
	f, ok := c.Files[key]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		return
	}
	for k, v := range f.Meta {
		w.Header().Set("X-Amz-Meta-"+k, v)
	}
	w.Write(f.Body)
}

func (c *cloud) config(t *testing.T) aws.Config {
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}
}

// Out of S3, signatures come with the objects, and keys from the Region of the
// digest or, where it has none, of the trail; each is asked for once.
func TestVerifyInS3(t *testing.T) {
	c := &cloud{Trail: digesttest.New()}
	c.Hour("a", "b")
	cfg := c.config(t)
	verify := func() *digest.Result {
		t.Helper()
		r, err := digest.Verify(t.Context(), NewFiles(cfg, "logs", "p/"), NewKeys(cfg), digest.Options{Workers: 4})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := verify(); !r.Sound() || r.Chains[0].Valid != 1 || r.Chains[0].Good != 2 {
		t.Errorf("%+v", r)
	}
	want := []string{"eu-central-1 ListPublicKeys ", "us-east-1 ListPublicKeys ", "us-east-1 ListPublicKeys "}
	if len(c.asked) != 3 || !strings.HasPrefix(c.asked[0], want[0]) || !strings.HasPrefix(c.asked[2], want[2]) || !strings.Contains(c.asked[0], `"StartTime":1795338331`) {
		t.Errorf("asked %q", c.asked)
	}
	_, logs := c.Hour("c")
	delete(c.Files, logs[0])
	if r := verify(); r.Sound() || r.Problems[0].Kind != digest.Missing {
		t.Errorf("a log file is missing: %+v", r)
	}
}

func TestKeysFail(t *testing.T) {
	c := &cloud{Trail: digesttest.New(), denied: true}
	at := time.Unix(1795338331, 0)
	k := NewKeys(c.config(t))
	if _, err := k.Key(t.Context(), "us-east-1", digesttest.Fingerprint, at, at); err == nil || errors.Is(err, digest.ErrNoKey) {
		t.Errorf("denied: %v", err)
	}
	c.denied = false
	if _, err := k.Key(t.Context(), "us-east-1", "beef", at, at); !errors.Is(err, digest.ErrNoKey) {
		t.Errorf("another key: %v", err)
	}
}
