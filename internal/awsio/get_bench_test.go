package awsio

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/pipeline"
)

// serveEnv makes the test binary a server: a process of its own, so that what a
// client spends can be told from what a server does.
const serveEnv = "SLUICE_AWSIO_SERVE"

// fileSize is that of an access log of 110 lines.
const fileSize = 73_000

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// serve answers every request with one log file, as S3 does since it makes
// checksums of its own, until its input ends.
func serve() {
	text := bytes.Repeat([]byte("a line of a log, much like the others\n"), fileSize/38+1)[:fileSize]
	sum := crc64.Checksum(text, crc64.MakeTable(0x9a6c9329ac4bc9b5)) // CRC-64/NVME
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain")
		h.Set("ETag", `"00000000000000000000000000000001"`)
		h.Set("Last-Modified", "Sun, 22 Nov 2026 13:05:00 GMT")
		h.Set("x-amz-request-id", "P9EKSCHVV9YG3033")
		h.Set("x-amz-id-2", "lKqHnWmyRqL+XhGtcza14E4nmEmWQYlFxvpPp5syJvghBcMxbgCI5JZ7KAFLQgkw0bCeWeYFP4w=")
		h.Set("x-amz-checksum-type", "FULL_OBJECT")
		h.Set("x-amz-checksum-crc64nvme", base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum)))
		h.Set("Content-Length", fmt.Sprint(len(text)))
		w.Write(text)
	}))
	fmt.Println(srv.URL)
	os.Stdout.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	os.Stdout.Close()
	io.Copy(io.Discard, os.Stdin)
}

// remote starts that process and makes the AWS SDK talk to it.
func remote(b *testing.B) (url string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	r := bufio.NewReader(out)
	url, err = r.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	cert, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	bundle := b.TempDir() + "/ca.pem"
	if err := os.WriteFile(bundle, cert, 0o600); err != nil {
		b.Fatal(err)
	}
	url = strings.TrimSpace(url)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_CA_BUNDLE": bundle, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_SESSION_TOKEN": strings.Repeat("session", 100),
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_PROFILE": "",
	} {
		b.Setenv(k, v)
	}
	return url
}

// gets measures the CPU, user and system, of this process for b.N calls of get,
// 32 at once.
func gets(b *testing.B, get func(i int) error) {
	b.SetBytes(fileSize)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 32 {
		wg.Go(func() {
			for i := range next {
				if err := get(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/GET")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkGet is what one small file costs: through S3.Open, and by a bare HTTP
// client that signs and verifies nothing.
func BenchmarkGet(b *testing.B) {
	b.Run("s3", func(b *testing.B) {
		remote(b)
		s, err := Connect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		gets(b, func(i int) error {
			return drain(s.Open(context.Background(), pipeline.Object{Bucket: "logs", Key: fmt.Sprintf("p/2026-03-03-00-17-42-%016X", i), Size: fileSize}))
		})
	})
	b.Run("bare", func(b *testing.B) {
		url := remote(b)
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = idlePerHost
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		c := &http.Client{Transport: t}
		gets(b, func(i int) error {
			res, err := c.Get(fmt.Sprintf("%s/logs/p/2026-03-03-00-17-42-%016X", url, i))
			if err != nil {
				return err
			}
			return drain(res.Body, nil)
		})
	})
}

func drain(rc io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, rc)
	if err == nil && n != fileSize {
		err = fmt.Errorf("%d bytes", n)
	}
	rc.Close()
	return err
}
