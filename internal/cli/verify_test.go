package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/digest"
	"sluice/internal/digest/digesttest"
	"sluice/internal/enroll"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/probe"
)

// delivered is a folder with what a trail has delivered, and a file with its key.
func delivered(t *testing.T) (dir, keys string, trail *digesttest.Trail) {
	t.Helper()
	dir, trail = t.TempDir(), digesttest.New()
	for range 3 {
		trail.Hour("a", "b")
	}
	for key, f := range trail.Files {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Body, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	keys = filepath.Join(t.TempDir(), "keys.json")
	der := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&digesttest.Private.PublicKey))
	if err := os.WriteFile(keys, fmt.Appendf(nil, `{"PublicKeyList":[{"Value":%q,"Fingerprint":%q}]}`, der, digesttest.Fingerprint), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, keys, trail
}

func TestVerifyTrail(t *testing.T) {
	dir, keys, trail := delivered(t)
	code, out, errs := sluice(t, "", "verify", "--trail", dir, "--keys", keys)
	if code != exitOK {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	wants(t, "sound", out, "my_trail_us-east-1", "2026-11-22 09:05 │ 2026-11-22 12:05", "unproven (1): ", "Nothing was changed, removed or added.")

	changed := filepath.Join(dir, filepath.FromSlash(digesttest.LogKey(trail.At.Add(-59*60e9), "0000000000000000")))
	if err := os.WriteFile(changed, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ = sluice(t, "", "verify", "--trail", dir, "--keys", keys)
	if code != exitUnsound || strings.Contains(out, "Nothing was changed") {
		t.Errorf("changed: %d\n%s", code, out)
	}
	wants(t, "changed", out, "modified (1): changed since CloudTrail delivered it", "0000000000000000.json.gz")
	code, out, _ = sluice(t, "", "verify", "--trail", dir, "--keys", keys, "--json")
	var got struct {
		Sound    bool
		Problems []struct{ Kind, Key string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitUnsound || got.Sound || len(got.Problems) != 2 {
		t.Errorf("JSON: %d, %v\n%s", code, err, out)
	}
	if code, out, _ := sluice(t, "", "verify", "--trail", dir, "--keys", keys, "--digests-only"); code != exitOK {
		t.Errorf("digests only: %d\n%s", code, out)
	}
	if code, out, _ := sluice(t, "", "verify", "--trail", dir, "--keys", keys, "--until", "2026-11-22T11:00:00Z"); code != exitOK {
		t.Errorf("before the change: %d\n%s", code, out)
	}
}

func TestVerifyTrailFails(t *testing.T) {
	dir, keys, _ := delivered(t)
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--trail", empty, "--keys", keys}, exitUnknown, "there is no digest of CloudTrail"},
		{[]string{"--trail", filepath.Join(empty, "none"), "--keys", keys}, exitError, "there is no folder"},
		{[]string{"--trail", "s3://", "--keys", keys}, exitUsage, "s3://bucket/prefix"},
		{[]string{"--trail", dir, "--keys", filepath.Join(empty, "none")}, exitError, "none"},
		{[]string{"--trail", dir, "--keys", changedFile(t, "{}")}, exitError, "list-public-keys"},
		{[]string{"--trail", dir, "--keys", keys, "--since", "soon"}, exitUsage, "--since"},
		{nil, exitUsage, "--trail s3://bucket/prefix"},
	} {
		if code, _, errs := sluice(t, "", append([]string{"verify"}, c.args...)...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d, %s, want %d, %s", c.args, code, errs, c.code, c.want)
		}
	}
}

func changedFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// In S3 files and keys are AWS's.
func TestVerifyTrailInS3(t *testing.T) {
	dir, keys, _ := delivered(t)
	src, err := digest.OpenCopy(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	f, err := os.Open(keys)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known, err := digest.ReadKeys(f)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		trail: func(_ context.Context, bucket, prefix string) (digest.Source, digest.Keys, error) {
			if prefix != "p/AWSLogs/" {
				t.Errorf("s3://%s/%s", bucket, prefix)
			}
			return src, known, nil
		}}
	if code := a.run(t.Context(), []string{"verify", "--trail", "s3://logs/p/AWSLogs/"}); code != exitOK || errs.Len() > 0 {
		t.Errorf("%d\n%s%s", code, &out, &errs)
	}
	if code := a.run(t.Context(), []string{"verify", "--trail", "s3://replica/p/AWSLogs/"}); code != exitOK || !strings.Contains(errs.String(), "delivered these files into logs, and replica has a copy") {
		t.Errorf("a replica: %d\n%s%s", code, &out, &errs)
	}

	// Where no digest could be read, nobody knows into what CloudTrail delivered.
	name := "AWSLogs/111122223333/CloudTrail-Digest/us-west-2/2026/03/04/111122223333_CloudTrail-Digest_us-west-2_a_us-west-2_20260304T011043Z.json.gz"
	broken := t.TempDir()
	if err := os.MkdirAll(filepath.Join(broken, filepath.Dir(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, name), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if src, err = digest.OpenCopy(broken); err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	errs.Reset()
	if code := a.run(t.Context(), []string{"verify", "--trail", "s3://logs/p/AWSLogs/"}); code != exitUnsound || errs.Len() > 0 {
		t.Errorf("a broken digest: %d\n%s%s", code, &out, &errs)
	}
}

// one is an account with one bucket that logs, and the file with the line of any
// probe.
type one struct {
	off bool
	err error
}

func (o one) Logging(context.Context, string) (*enroll.Logging, error) {
	if o.off {
		return nil, nil
	}
	return &enroll.Logging{Target: "logs", Format: enroll.ByEventTime}, nil
}

func (one) Target(context.Context, string) (enroll.Target, error) {
	return enroll.Target{Name: "logs", ACL: true}, nil
}
func (one) Announces(context.Context, string, string) ([]string, error) {
	return []string{"a queue"}, nil
}
func (one) Ask(context.Context, string, string) (string, error) { return "R", nil }
func (o one) Open(context.Context, pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(strings.NewReplacer("photos/1.jpg", probed.Key()).Replace(accessLine))), nil
}
func (o one) List(_ context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error] {
	return func(yield func(pipeline.Object, error) bool) {
		yield(pipeline.Object{Bucket: bucket, Key: prefix + "file", Modified: probed.Sent().Add(time.Hour)}, o.err)
	}
}

const probed = probe.ID("20261122T091401Z-3031323334353637")

func verifyWith(t *testing.T, o one, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		records: func(context.Context, string) (ledger.Records, error) { return ledger.NewMemory(), nil },
		prober: func(context.Context) (*prober, error) {
			return &prober{id: "111122223333", region: "eu-central-1", cloud: o, files: o}, nil
		},
	}
	code = a.run(t.Context(), append([]string{"verify", "--timeout", "0s"}, args...))
	return code, out.String(), errs.String()
}

func TestVerifyBucket(t *testing.T) {
	code, out, errs := verifyWith(t, one{}, "example-photos", "--probe", string(probed), "--table", "state")
	if code != exitUnsound {
		t.Errorf("%d, %s", code, errs)
	}
	wants(t, "steps", out, "ok       logging       s3://logs/ (event-time)\n", "ok       delivery      s3://logs/111122223333/eu-central-1/example-photos/2026/11/22/file",
		"waiting  batch         no function has had the file yet\n", "sluice verify example-photos --probe "+string(probed))

	code, out, _ = verifyWith(t, one{off: true}, "example-photos", "--json")
	var got struct {
		Sound  bool
		Checks []struct{ Step, State, Next string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitUnsound || got.Sound || len(got.Checks) != 1 || got.Checks[0].Next != "sluice enroll example-photos" {
		t.Errorf("%d, %v\n%s", code, err, out)
	}

	code, _, errs = verifyWith(t, one{err: errors.New("denied")}, "example-photos")
	if code != exitError || !strings.Contains(errs, "denied") || !strings.Contains(errs, "goes on from here") {
		t.Errorf("%d, %s", code, errs)
	}
	for _, c := range []struct{ args, want string }{
		{"", "sluice verify BUCKET"}, {"a --trail b", "ask one"}, {"s3://a", "no name of a bucket"}, {"a --probe x", "is no probe"}, {"a --keys f", "go with --trail"},
	} {
		if code, _, errs := verifyWith(t, one{}, strings.Fields(c.args)...); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d, %s", c.args, code, errs)
		}
	}
}
