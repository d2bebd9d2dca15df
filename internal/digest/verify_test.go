package digest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/digest/digesttest"
)

// bucket is a Source in memory.
type bucket struct {
	files map[string]file
	fail  string // a key that cannot be read
}

type file = digesttest.File

func (b *bucket) List(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(b.files)) {
			if !yield(key, nil) {
				return
			}
		}
		if b.fail == "list" {
			yield("", errors.New("denied"))
		}
	}
}

func (b *bucket) Open(_ context.Context, key string) (io.ReadCloser, map[string]string, error) {
	f, ok := b.files[key]
	switch {
	case key == b.fail:
		return nil, nil, errors.New("denied")
	case !ok:
		return nil, nil, fmt.Errorf("open %s: %w", key, ErrMissing)
	}
	return io.NopCloser(bytes.NewReader(f.Body)), f.Meta, nil
}

// ring is Keys in memory, by Region and fingerprint.
type ring map[string]*rsa.PublicKey

func (r ring) Key(_ context.Context, region, fingerprint string, _, _ time.Time) (*rsa.PublicKey, error) {
	if r["*"] != nil {
		return nil, errors.New("throttled")
	}
	if k := r[region+" "+fingerprint]; k != nil {
		return k, nil
	}
	return nil, ErrNoKey
}

var private = digesttest.Private

var keys = ring{"eu-central-1 f00d": &private.PublicKey}

// trail is a bucket that CloudTrail delivers to.
type trail struct {
	*digesttest.Trail
	*bucket
}

func newTrail() *trail {
	t := digesttest.New()
	return &trail{t, &bucket{files: t.Files}}
}

// rewrite changes the text of a digest, and nothing else.
func (b *bucket) rewrite(key string, change func(doc map[string]any)) {
	f := b.files[key]
	z, _ := gzip.NewReader(bytes.NewReader(f.Body))
	var doc map[string]any
	json.NewDecoder(z).Decode(&doc)
	change(doc)
	text, _ := json.Marshal(doc)
	b.files[key] = file{Body: digesttest.Zip(text), Meta: f.Meta}
}

// kinds are the problems, a line each.
func kinds(r *Result) (all []string) {
	for _, p := range r.Problems {
		all = append(all, string(p.Kind)+" "+p.Key[strings.LastIndexByte(p.Key, '_')+1:])
	}
	slices.Sort(all)
	return all
}

// TestVerify forges each kind of damage, one at a time, in four hours of a trail.
func TestVerify(t *testing.T) {
	type world struct {
		*trail
		digests []string
		logs    []string
		keys    ring
		options Options
	}
	for _, c := range []struct {
		name   string
		forge  func(w *world)
		want   []string
		digest int // valid
		logs   int // valid
	}{
		{name: "nothing", forge: func(*world) {}, digest: 4, logs: 4},
		{name: "a log file changed", forge: func(w *world) { w.files[w.logs[1]] = file{Body: digesttest.Zip([]byte(`{"Records":[]}`))} }, want: []string{"modified 0000000000000001.json.gz"}, digest: 4, logs: 3},
		{name: "a log file cut", forge: func(w *world) {
			f := w.files[w.logs[0]]
			w.files[w.logs[0]] = file{Body: f.Body[:len(f.Body)-6]}
		}, want: []string{"unreadable 0000000000000000.json.gz"}, digest: 4, logs: 3},
		{name: "a log file of noise", forge: func(w *world) { w.files[w.logs[0]] = file{Body: []byte{0x1f, 0x8b, 8, 0, 1, 2}} }, want: []string{"unreadable 0000000000000000.json.gz"}, digest: 4, logs: 3},
		{name: "a log file zipped anew", forge: func(w *world) {
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, 1)
			z.Write([]byte("first"))
			z.Close()
			w.files[w.logs[0]] = file{Body: b.Bytes()}
		}, digest: 4, logs: 4},
		{name: "a log file unzipped", forge: func(w *world) { w.files[w.logs[0]] = file{Body: []byte("first")} }, digest: 4, logs: 4},
		{name: "a log file removed", forge: func(w *world) { delete(w.files, w.logs[2]) }, want: []string{"missing 0000000000000000.json.gz"}, digest: 4, logs: 3},
		{name: "a log file added", forge: func(w *world) {
			w.files[digesttest.LogKey(w.At.Add(-2*time.Hour), "forged")] = file{Body: digesttest.Zip([]byte("{}"))}
		}, want: []string{"extra forged.json.gz"}, digest: 4, logs: 4},
		{name: "a log file that is due", forge: func(w *world) {
			w.files[digesttest.LogKey(w.At.Add(time.Minute), "new")] = file{Body: digesttest.Zip([]byte("{}"))}
		}, digest: 4, logs: 4},
		{name: "a log file from before", forge: func(w *world) {
			w.files[digesttest.LogKey(w.At.Add(-9*time.Hour), "old")] = file{Body: digesttest.Zip([]byte("{}"))}
		}, digest: 4, logs: 4},
		{name: "a digest changed", forge: func(w *world) {
			w.rewrite(w.digests[1], func(doc map[string]any) { doc["logFiles"] = []any{} })
		}, want: []string{"bad_signature 20261122T110531Z.json.gz", "extra 0000000000000000.json.gz", "modified 20261122T110531Z.json.gz"}, digest: 3, logs: 3},
		{name: "a digest changed, with an eye for its hash", forge: func(w *world) {
			w.rewrite(w.digests[3], func(doc map[string]any) { doc["digestStartTime"] = "2026-11-22T12:05:30Z" })
		}, want: []string{"bad_signature 20261122T130531Z.json.gz"}, digest: 3, logs: 4},
		{name: "a digest removed with its log files", forge: func(w *world) {
			delete(w.files, w.digests[1])
			delete(w.files, w.logs[2])
		}, want: []string{"missing_link 20261122T110531Z.json.gz"}, digest: 3, logs: 3},
		{name: "the first digests expired", forge: func(w *world) {
			delete(w.files, w.digests[0])
			delete(w.files, w.logs[0])
			delete(w.files, w.logs[1])
		}, digest: 3, logs: 2},
		{name: "a digest signed by another", forge: func(w *world) {
			other, _ := rsa.GenerateKey(rand.Reader, 2048)
			w.keys = ring{"eu-central-1 f00d": &other.PublicKey}
		}, want: []string{"bad_signature 20261122T100531Z.json.gz", "bad_signature 20261122T110531Z.json.gz", "bad_signature 20261122T120531Z.json.gz", "bad_signature 20261122T130531Z.json.gz"}, logs: 4},
		{name: "a key of the trail's home", forge: func(w *world) { w.keys = ring{"us-east-1 f00d": &private.PublicKey} }, digest: 4, logs: 4},
		{name: "no key", forge: func(w *world) { w.keys = ring{} },
			want: []string{"no_key 20261122T100531Z.json.gz", "no_key 20261122T110531Z.json.gz", "no_key 20261122T120531Z.json.gz", "no_key 20261122T130531Z.json.gz"}, logs: 4},
		{name: "a signature lost on the way out of S3", forge: func(w *world) { w.files[w.digests[3]] = file{Body: w.files[w.digests[3]].Body} }, want: []string{"unproven 20261122T130531Z.json.gz"}, digest: 3, logs: 4},
		{name: "the newest digest written anew, without a log file that was removed", forge: func(w *world) {
			w.rewrite(w.digests[3], func(doc map[string]any) { doc["logFiles"] = []any{} })
			w.files[w.digests[3]] = file{Body: w.files[w.digests[3]].Body, Meta: map[string]string{}}
			delete(w.files, w.logs[3])
		}, want: []string{"bad_signature 20261122T130531Z.json.gz"}, digest: 3, logs: 3},
		{name: "the newest digests removed, with a log file of theirs", forge: func(w *world) {
			for range 4 {
				d, l := w.Hour("a", "b")
				delete(w.files, d)
				delete(w.files, l[0])
			}
		}, want: []string{"gap 0000000000000001.json.gz"}, digest: 4, logs: 4},
		{name: "the newest digests not asked for", forge: func(w *world) {
			w.options.Until = w.At
			for range 4 {
				w.Hour("a", "b")
			}
		}, digest: 4, logs: 4},
		{name: "a digest of another bucket", forge: func(w *world) {
			w.rewrite(w.digests[3], func(doc map[string]any) { doc["digestS3Bucket"] = "others" })
		}, want: []string{"bad_signature 20261122T130531Z.json.gz", "moved 20261122T130531Z.json.gz"}, digest: 3, logs: 4},
		{name: "a signature changed", forge: func(w *world) { w.files[w.digests[2]].Meta["signature"] = "00ff" },
			want: []string{"bad_signature 20261122T120531Z.json.gz", "unlinked 20261122T120531Z.json.gz"}, digest: 3, logs: 4},
		{name: "a digest under another name", forge: func(w *world) {
			w.files[w.DigestKey(w.At.Add(30*time.Minute), "")] = w.files[w.digests[3]]
			delete(w.files, w.digests[3])
		}, want: []string{"moved 20261122T133531Z.json.gz"}, digest: 4, logs: 4},
		{name: "another algorithm", forge: func(w *world) { w.files[w.digests[3]].Meta["signature-algorithm"] = "none" }, want: []string{"unreadable 20261122T130531Z.json.gz"}, digest: 3, logs: 3},
		{name: "a digest that is none", forge: func(w *world) { w.files[w.digests[3]] = file{Body: []byte("{}")} }, want: []string{"unreadable 20261122T130531Z.json.gz"}, digest: 3, logs: 3},
		{name: "validation off for two hours", forge: func(w *world) {
			w.At = w.At.Add(2 * time.Hour)
			w.Restart()
			w.Hour("after")
		}, want: []string{"gap 20261122T160531Z.json.gz"}, digest: 5, logs: 5},
		{name: "late log files", forge: func(w *world) {
			w.At = w.At.Add(-time.Second)
			w.Digest(w.At.Add(-time.Hour).Add(30*time.Minute), "_backfill", "late")
		}, digest: 5, logs: 5},
		{name: "digests only", forge: func(w *world) { w.options.SkipLogs = true; clear(w.files[w.logs[0]].Body) }, digest: 4},
		{name: "two of the hours", forge: func(w *world) {
			w.options.Since, w.options.Until = w.At.Add(-2*time.Hour), w.At.Add(-time.Hour)
		}, digest: 2, logs: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{trail: newTrail(), keys: keys, options: Options{Workers: 3}}
			for _, logs := range [][]string{{"first", "second"}, {"third"}, {}, {"fourth"}} {
				d, l := w.Hour(logs...)
				w.digests, w.logs = append(w.digests, d), append(w.logs, l...)
			}
			c.forge(w)
			r, err := Verify(t.Context(), w.bucket, w.keys, w.options)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(kinds(r), c.want); d != "" {
				t.Errorf("problems (-got +want):\n%s%v", d, r.Problems)
			}
			digests, logs := 0, 0
			for _, x := range r.Chains {
				digests, logs = digests+x.Valid, logs+x.Good
			}
			if digests != c.digest || logs != c.logs {
				t.Errorf("%d digests and %d log files are valid, want %d and %d", digests, logs, c.digest, c.logs)
			}
			unproven := len(c.want) > 0 && strings.HasPrefix(c.want[0], "unproven")
			if r.Sound() != (len(c.want) == 0 || unproven) {
				t.Errorf("sound: %v", r.Sound())
			}
		})
	}
}

// A copy outside of S3 has no metadata, and may have lost the start of the keys
// or stand deeper: the signatures are in the digests that follow.
func TestVerifyCopy(t *testing.T) {
	w := newTrail()
	for range 5 {
		w.Hour("a", "b")
	}
	for name, rename := range map[string]func(string) string{
		"as it was": func(k string) string { return k },
		"shorter":   func(k string) string { return strings.TrimPrefix(k, "p/AWSLogs/") },
		"deeper":    func(k string) string { return "backup/2026/" + k },
	} {
		copied := &bucket{files: map[string]file{}}
		for k, f := range w.files {
			copied.files[rename(k)] = file{Body: f.Body}
		}
		r, err := Verify(t.Context(), copied, keys, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(kinds(r), []string{"unproven 20261122T140531Z.json.gz"}); d != "" || r.Chains[0].Valid != 4 || r.Chains[0].Good != 10 || !r.Sound() {
			t.Errorf("%s: %+v\n%s", name, r, d)
		}
		delete(copied.files, rename(w.DigestKey(w.At.Add(-2*time.Hour), "")))
		if r, err = Verify(t.Context(), copied, keys, Options{}); err != nil || r.Sound() {
			t.Errorf("%s, without a digest: %+v, %v", name, r, err)
		}
	}
}

// What is wrong with the source or the keys is no verdict about files.
func TestVerifyFails(t *testing.T) {
	w := newTrail()
	d, logs := w.Hour("a")
	if _, err := Verify(t.Context(), w.bucket, ring{"*": &private.PublicKey}, Options{}); err == nil || !strings.Contains(err.Error(), "throttled") {
		t.Errorf("keys: %v", err)
	}
	w.fail = "list"
	if _, err := Verify(t.Context(), w.bucket, keys, Options{}); err == nil {
		t.Error("half a list is enough")
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.fail = ""
	cancel()
	if _, err := Verify(ctx, w.bucket, keys, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	w.fail = logs[0]
	if r, err := Verify(t.Context(), w.bucket, keys, Options{}); err != nil || !slices.Equal(kinds(r), []string{"unreadable 0000000000000000.json.gz"}) {
		t.Errorf("a log file: %+v, %v", r, err)
	}
	w.fail = d
	if r, err := Verify(t.Context(), w.bucket, keys, Options{}); err != nil || r.Sound() {
		t.Errorf("a digest: %+v, %v", r, err)
	}
}

func TestKeys(t *testing.T) {
	spki, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, der := range [][]byte{spki, x509.MarshalPKCS1PublicKey(&private.PublicKey)} {
		if k, err := ParseKey(der); err != nil || !k.Equal(&private.PublicKey) {
			t.Errorf("%v, %v", k, err)
		}
	}
	if _, err := ParseKey([]byte("no key")); err == nil {
		t.Error("no key is one")
	}
}

func TestNames(t *testing.T) {
	for key, want := range map[string]string{
		"p/AWSLogs/o-example/111122223333/CloudTrail-Digest/eu-west-1/2026/11/22/111122223333_CloudTrail-Digest_eu-west-1_a_b_us-east-1_20261122T090531Z.json.gz": "p/AWSLogs/o-example/111122223333/ eu-west-1 us-east-1 2026-11-22T09:05:31Z false",
		"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/22/111122223333_CloudTrail-Digest_eu-west-1_trail_us-east-1_20261122T090531Z_backfill.json.gz":  "AWSLogs/111122223333/ eu-west-1 us-east-1 2026-11-22T09:05:31Z true",
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/111122223333_CloudTrail_eu-west-1_20261122T0905Z_0000.json.gz":                                      "",
		"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/22/111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261122T090531Z.json.gz":           "",
		"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/22/x.json.gz":                                                                                   "",
		"AWSLogs/111122223333/CloudTrail-Digest/": "",
	} {
		n, ok := nameOf(key)
		got := fmt.Sprintf("%s %s %s %s %v", n.folder, n.region, n.home, stamp(n.end), n.backfill)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %v %q, want %q", key, ok, got, want)
		}
	}
}
