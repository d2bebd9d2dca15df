package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"
)

// Object names one delivered file.
type Object struct {
	Bucket   string    // "" on a laptop
	Key      string    // decoded object key, or path
	Version  string    // version id, else ETag; on a laptop size and modification time: tells two contents of one key apart
	Size     int64     // bytes as delivered; -1 when unknown
	Modified time.Time // when it was delivered: dates rejects that carry no time
	RowsOnly bool      // nobody wants to know what rules find in it
}

// ID identifies the content of a delivered file: 32 hex digits of SHA-256 over
// bucket, key and version. Size and time are not part of it, because not every
// kind of event tells them.
func (o Object) ID() string {
	return digest(o.Bucket, o.Key, o.Version)
}

// BatchID names a batch by what it holds, so that the same files make the same
// object names: 32 hex digits of SHA-256 over the sorted ids of files.
func BatchID(files []Object) string {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID()
	}
	slices.Sort(ids)
	return digest(ids...)
}

// digest hashes parts with their lengths, so that no two lists of parts read alike.
func digest(parts ...string) string {
	h := sha256.New()
	var n []byte
	for _, p := range parts {
		n = binary.BigEndian.AppendUint64(n[:0], uint64(len(p)))
		h.Write(n)
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
