// Package digest verifies what CloudTrail has delivered: that no log file was
// changed, removed or added since, and that no digest is missing between two
// others. It knows the files as CloudTrail documents them (AWS CloudTrail User
// Guide, "CloudTrail digest file structure" and "Custom implementations of
// CloudTrail log file integrity validation"), and storage and keys as interfaces,
// so that it works on a bucket as on a copy that has left AWS.
//
// Every hour CloudTrail delivers a digest to each Region of a trail: the names and
// hashes of the log files of that hour, the hash and signature of the digest
// before, all signed with a private key of AWS for that Region. Whoever owns the
// bucket can remove files, and cannot sign.
package digest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Digest is a digest file. Hashes and signatures are hexadecimal. What is about
// the digest before is nil in the first after validation was switched on.
type Digest struct {
	Account     string    `json:"awsAccountId"`
	Start       time.Time `json:"digestStartTime"` // log files delivered from then
	End         time.Time `json:"digestEndTime"`   // to then
	Bucket      string    `json:"digestS3Bucket"`
	Object      string    `json:"digestS3Object"`
	Fingerprint string    `json:"digestPublicKeyFingerprint"`
	Algorithm   string    `json:"digestSignatureAlgorithm"`

	PreviousBucket    *string `json:"previousDigestS3Bucket"`
	PreviousObject    *string `json:"previousDigestS3Object"`
	PreviousHash      *string `json:"previousDigestHashValue"` // SHA-256 of the text, unzipped
	PreviousSignature *string `json:"previousDigestSignature"`

	LogFiles []LogFile `json:"logFiles"`

	endText string // of End, as it was signed
	hash    string // SHA-256 of the text
}

// LogFile is one log file that a digest names.
type LogFile struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"` // of the text, unzipped
	Algorithm string `json:"hashAlgorithm"`
}

const (
	signatureAlgorithm = "SHA256withRSA"
	hashAlgorithm      = "SHA-256"

	// maxDigest bounds the text of a digest: one with 100,000 log files, where an
	// hour of the busiest trail has some thousand.
	maxDigest = 64 << 20
	// maxLog bounds the text of a log file, of which CloudTrail says that it has at
	// most 50 MB: a file that unzips to more is none of CloudTrail's.
	maxLog = 1 << 30
)

// errTooLong is a file that unzips to more than anything CloudTrail delivers.
var errTooLong = errors.New("unzips to more than CloudTrail writes into a file")

// parse reads a digest, zipped as it is delivered or not.
func parse(r io.Reader) (*Digest, error) {
	text, err := inflate(r, maxDigest)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(text)
	if err != nil {
		return nil, err
	}
	var d Digest
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("no digest: %w", err)
	}
	var end struct {
		Text string `json:"digestEndTime"`
	}
	if err := json.Unmarshal(raw, &end); err != nil || d.End.IsZero() || d.Object == "" {
		return nil, errors.New("no digest: it lacks digestEndTime or digestS3Object")
	}
	sum := sha256.Sum256(raw)
	d.endText, d.hash = end.Text, hex.EncodeToString(sum[:])
	return &d, nil
}

// signed is what CloudTrail signed: four lines, the last without its end. Without
// a digest before, the last is the word null.
func (d *Digest) signed() []byte {
	previous := "null"
	if d.PreviousSignature != nil {
		previous = *d.PreviousSignature
	}
	return []byte(d.endText + "\n" + d.Bucket + "/" + d.Object + "\n" + d.hash + "\n" + previous)
}

// check verifies the signature of a digest, given in hexadecimal.
func (d *Digest) check(key *rsa.PublicKey, signature string) error {
	sig, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("the signature is not hexadecimal: %w", err)
	}
	sum := sha256.Sum256(d.signed())
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig); err != nil {
		return errors.New("the signature is not that of the digest")
	}
	return nil
}

// ParseKey reads a public key as ListPublicKeys gives it: DER, PKCS #1; some have
// been PKIX.
func ParseKey(der []byte) (*rsa.PublicKey, error) {
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, ok := any.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key: %T, want RSA", any)
	}
	return key, nil
}

// hashOf hashes the text of a log file.
func hashOf(r io.Reader) (string, error) {
	text, err := inflate(r, maxLog)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, text); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// inflate unzips what is zipped: a copy may have been unzipped on its way, and the
// hashes are of the text. It reads to the end of what it was given.
func inflate(r io.Reader, limit int64) (io.Reader, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return &limited{r: r, left: limit}, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &limited{r: z, left: limit}, nil
}

// limited is a reader that ends in an error behind a limit.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// name is what the key of a digest says.
type name struct {
	folder   string // with its slash: PREFIX/AWSLogs/[ORGANIZATION/]ACCOUNT/
	chain    string // the digests that follow each other: folder, Region, trail and its home
	region   string
	home     string // Region of the trail, "" where the name does not tell it
	end      time.Time
	backfill bool // delivered later, about log files that were late; not in the chain
}

const stampForm = "20060102T150405Z"

// nameOf reads a key such as
//
//	AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/11/22/111122223333_CloudTrail-Digest_eu-central-1_TRAIL_us-east-1_20261122T090531Z.json.gz
func nameOf(key string) (n name, ok bool) {
	at := strings.LastIndex(key, "/CloudTrail-Digest/")
	if at < 0 {
		return n, false
	}
	n.folder = key[:at+1]
	rest := strings.Split(key[at+len("/CloudTrail-Digest/"):], "/")
	if len(rest) != 5 {
		return n, false
	}
	n.region = rest[0]
	file := strings.TrimSuffix(strings.TrimSuffix(rest[4], ".gz"), ".json")
	file, n.backfill = strings.CutSuffix(file, "_backfill")
	i := strings.LastIndexByte(file, '_')
	if i < 0 {
		return n, false
	}
	end, err := time.Parse(stampForm, file[i+1:])
	if err != nil {
		return n, false
	}
	n.end = end
	_, trail, found := strings.Cut(file[:i], "_CloudTrail-Digest_"+n.region+"_")
	if !found {
		return n, false
	}
	if j := strings.LastIndexByte(trail, '_'); j >= 0 {
		n.home = trail[j+1:]
	}
	n.chain = n.folder + "CloudTrail-Digest/" + n.region + " " + trail
	return n, true
}

// logRegion tells the folder, as in name, and the Region of a log file by its key.
func logRegion(key string) (folder, region string, ok bool) {
	at := strings.LastIndex(key, "/CloudTrail/")
	if at < 0 {
		return "", "", false
	}
	rest := strings.Split(key[at+len("/CloudTrail/"):], "/")
	if len(rest) != 5 || !strings.Contains(rest[4], "_CloudTrail_") {
		return "", "", false
	}
	return key[:at+1], rest[0], true
}
