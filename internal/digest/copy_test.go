package digest

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/digest/digesttest"
)

// A folder and a file of keys are enough: nothing of AWS is asked.
func TestOffline(t *testing.T) {
	w := newTrail()
	for range 3 {
		w.Hour("a", "b")
	}
	dir := t.TempDir()
	for key, f := range w.files {
		path := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(key, "p/")))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Body, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	value := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&private.PublicKey))
	keys, err := ReadKeys(strings.NewReader(fmt.Sprintf(`{"PublicKeyList": []}
{"PublicKeyList": [{"Value": %q, "ValidityStartTime": 1795305600.0, "ValidityEndTime": "2026-12-22T00:00:00Z", "Fingerprint": "f00d"}]}`, value)))
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenCopy(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := Verify(t.Context(), src, keys, Options{})
	if err != nil || !r.Sound() || r.Chains[0].Valid != 2 || r.Chains[0].Good != 6 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(digesttest.LogKey(w.At.Add(-59*time.Minute), "0000000000000000"), "p/")))); err != nil {
		t.Fatal(err)
	}
	if r, err = Verify(t.Context(), src, keys, Options{}); err != nil || r.Sound() || r.Problems[0].Kind != Missing {
		t.Errorf("without a log file: %+v, %v", r, err)
	}
	if _, err := keys.Key(t.Context(), "", "beef", time.Time{}, time.Time{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("another key: %v", err)
	}
}

func TestOfflineFails(t *testing.T) {
	if _, err := OpenCopy(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there")
	}
	for _, text := range []string{"", "{}", "[", `{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"f00d"}]}`, `{"PublicKeyList":[{"Value":"?"}]}`} {
		if k, err := ReadKeys(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %v", text, k)
		}
	}
}
