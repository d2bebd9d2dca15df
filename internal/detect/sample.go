package detect

import (
	"encoding/binary"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
)

// maxText bounds what is copied of one field of a record: a finding shows less.
const maxText = 1024

// sampled says whether the nth hit of a group is copied as evidence: the first
// three, then fewer and fewer, so that a group of many still shows its spread.
func sampled(n int64) bool { return n <= 3 || n&(n-1) == 0 }

// sample is what a group keeps of a record, until a finding shows it. Hardly any
// is shown, so it is one stretch of bytes: fields behind their lengths.
type sample []byte

// place is where a finding is: of the first record of its group.
type place struct{ account, region, bucket string }

// sampleText writes a text. Absent and empty are the same to who reads evidence.
func sampleText(b []byte, t logs.Text) []byte {
	t = t[:min(len(t), maxText)]
	return append(binary.AppendUvarint(b, uint64(len(t))), t...)
}

func sampleInt(b []byte, n logs.Int) []byte {
	if !n.OK {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, 1), n.V)
}

func accessSample(b []byte, r *s3access.Row) []byte {
	b = binary.AppendVarint(b, int64(r.RequestTime))
	b = binary.AppendVarint(b, int64(r.LogLine))
	b = sampleInt(sampleInt(b, r.HTTPStatus), r.BytesSentSize)
	ambiguous := byte(0)
	if string(r.ParseStatus) == "ambiguous" {
		ambiguous = 1
	}
	b = append(b, ambiguous)
	for _, t := range [...]logs.Text{nil, r.BucketRegion, r.LogKey, r.RequestID, r.Operation, r.BucketName, r.KeyName, r.RemoteIP,
		r.Requester, r.RequesterAccount, r.UserAgent, r.RequestURI, r.ErrorCode, r.TLSVersion} {
		b = sampleText(b, t)
	}
	return b
}

func trailSample(b []byte, r *cloudtrail.Row) []byte {
	b = binary.AppendVarint(b, int64(r.EventTime))
	b = binary.AppendVarint(b, int64(r.LogLine))
	b = append(sampleInt(append(b, 0), r.BytesOut), 0)
	for _, t := range [...]logs.Text{r.RecipientAccountID, r.AWSRegion, r.LogKey, r.RequestID, r.EventName, r.BucketName, r.KeyName, r.SourceIPAddress,
		r.UserIdentityARN, r.UserIdentityAccountID, r.UserAgent, nil, r.ErrorCode, r.TLSVersion} {
		b = sampleText(b, t)
	}
	return b
}

// time is when the record was made.
func (s sample) time() logs.Time {
	t, _ := binary.Varint(s)
	return logs.Time(t)
}

// read gives a sample back as evidence, and where the record was made.
func (s sample) read() (finding.Evidence, place) {
	var e finding.Evidence
	var at place
	varint := func() int64 {
		n, size := binary.Varint(s)
		s = s[size:]
		return n
	}
	flag := func() bool {
		f := s[0] == 1
		s = s[1:]
		return f
	}
	number := func() logs.Int {
		if !flag() {
			return logs.Int{}
		}
		return logs.Int{V: varint(), OK: true}
	}
	e.Time, e.LogLine = logs.Time(varint()), varint()
	e.Status, e.BytesSent = number(), number()
	e.Ambiguous = flag()
	for _, t := range []*string{&at.account, &at.region, &e.LogKey, &e.RequestID, &e.Operation, &e.Bucket, &e.Key, &e.RemoteIP,
		&e.Requester, &e.Account, &e.UserAgent, &e.RequestURI, &e.ErrorCode, &e.TLSVersion} {
		n, size := binary.Uvarint(s)
		*t = string(s[size : size+int(n)])
		s = s[size+int(n):]
	}
	at.bucket = e.Bucket
	return e, at
}

// shelf is where samples lie: many in one piece of memory.
type shelf struct {
	pieces  [][]byte // the last one has room
	spare   [][]byte // for the next pieces
	scratch []byte
}

const (
	shelfSize = 8 << 10
	maxSpare  = 1 << 10 // pieces: 8 MiB, twice what parts of ordinary traffic take
)

// put copies a sample to the shelf.
func (s *shelf) put(b []byte) sample {
	if n := len(s.pieces); n == 0 || cap(s.pieces[n-1])-len(s.pieces[n-1]) < len(b) {
		s.pieces = append(s.pieces, s.piece(len(b)))
	}
	last := &s.pieces[len(s.pieces)-1]
	from := len(*last)
	*last = append(*last, b...)
	return sample((*last)[from:len(*last):len(*last)])
}

func (s *shelf) piece(least int) []byte {
	if n := len(s.spare); n > 0 && least <= shelfSize {
		p := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return p
	}
	return make([]byte, 0, max(shelfSize, least))
}

// clear begins with an empty shelf. What lies on the pieces of the one before stays.
func (s *shelf) clear() { s.pieces = nil }

// reuse takes pieces back of which nothing is left.
func (s *shelf) reuse(pieces [][]byte) {
	for _, p := range pieces {
		if cap(p) == shelfSize && len(s.spare) < maxSpare {
			s.spare = append(s.spare, p[:0])
		}
	}
}
