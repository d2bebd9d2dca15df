// Package digesttest forges what CloudTrail delivers, with a key of its own. It is
// written from AWS's description and not from what it tests.
package digesttest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// File is an object of S3, with its metadata.
type File struct {
	Body []byte
	Meta map[string]string
}

// Private is the key that signs, Fingerprint what digests call it.
var Private = func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}()

// Fingerprint of the key that signs.
const Fingerprint = "f00d"

// Zip zips text.
func Zip(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	return b.Bytes()
}

func sha(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Trail delivers log files and digests as CloudTrail does.
type Trail struct {
	Files map[string]File
	At    time.Time // end of the last digest

	previous  string // its key
	hash      string
	signature string
}

// New returns a trail that has delivered nothing.
func New() *Trail {
	return &Trail{Files: map[string]File{}, At: time.Date(2026, 11, 22, 9, 5, 31, 0, time.UTC)}
}

// Folder is where everything is.
const Folder = "p/AWSLogs/111122223333/"

// DigestKey is the key of the digest that ends then.
func (t *Trail) DigestKey(at time.Time, suffix string) string {
	return Folder + "CloudTrail-Digest/eu-central-1/" + at.Format("2006/01/02/") +
		"111122223333_CloudTrail-Digest_eu-central-1_my_trail_us-east-1_" + at.Format("20060102T150405Z") + suffix + ".json.gz"
}

// LogKey is the key of a log file that was delivered then.
func LogKey(at time.Time, id string) string {
	return Folder + "CloudTrail/eu-central-1/" + at.Format("2006/01/02/") + "111122223333_CloudTrail_eu-central-1_" + at.Format("20060102T1504Z") + "_" + id + ".json.gz"
}

// Hour delivers the log files of the next hour, and their digest.
func (t *Trail) Hour(logs ...string) (digest string, files []string) {
	start := t.At
	t.At = t.At.Add(time.Hour)
	return t.Digest(start, "", logs...)
}

// Digest delivers log files and a digest from start to At. With a suffix it is none
// of the chain.
func (t *Trail) Digest(start time.Time, suffix string, logs ...string) (digest string, files []string) {
	doc := map[string]any{
		"awsAccountId": "111122223333", "digestStartTime": t.stamp(start), "digestEndTime": t.stamp(t.At), "digestS3Bucket": "logs",
		"digestPublicKeyFingerprint": Fingerprint, "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": nil, "oldestEventTime": nil,
		"previousDigestS3Bucket": nil, "previousDigestS3Object": nil, "previousDigestHashValue": nil, "previousDigestHashAlgorithm": nil, "previousDigestSignature": nil,
	}
	if t.previous != "" && suffix == "" {
		doc["previousDigestS3Bucket"], doc["previousDigestS3Object"], doc["previousDigestHashValue"] = "logs", t.previous, t.hash
		doc["previousDigestHashAlgorithm"], doc["previousDigestSignature"] = "SHA-256", t.signature
	}
	list := []map[string]any{}
	for i, text := range logs {
		key := LogKey(start.Add(time.Duration(i+1)*time.Minute), fmt.Sprintf("%016d", i))
		t.Files[key] = File{Body: Zip([]byte(text))}
		files = append(files, key)
		list = append(list, map[string]any{"s3Bucket": "logs", "s3Object": key, "hashValue": sha([]byte(text)), "hashAlgorithm": "SHA-256"})
	}
	doc["logFiles"] = list
	digest = t.DigestKey(t.At, suffix)
	doc["digestS3Object"] = digest
	text, _ := json.Marshal(doc)
	signature := sign(doc, text)
	t.Files[digest] = File{Zip(text), map[string]string{"signature": signature, "signature-algorithm": "SHA256withRSA"}}
	if suffix == "" {
		t.previous, t.hash, t.signature = digest, sha(text), signature
	}
	return digest, files
}

func sign(doc map[string]any, text []byte) string {
	before, ok := doc["previousDigestSignature"].(string)
	if !ok {
		before = "null"
	}
	data := strings.Join([]string{doc["digestEndTime"].(string), doc["digestS3Bucket"].(string) + "/" + doc["digestS3Object"].(string), sha(text), before}, "\n")
	sum := sha256.Sum256([]byte(data))
	sig, err := rsa.SignPKCS1v15(nil, Private, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(sig)
}

func (t *Trail) stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Restart is validation that was switched off and on again: the next digest knows
// of none before.
func (t *Trail) Restart() { t.previous = "" }
