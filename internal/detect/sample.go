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
	free    []byte
	scratch []byte
}

const shelfSize = 8 << 10

// put copies a sample to the shelf.
func (s *shelf) put(b []byte) sample {
	if cap(s.free)-len(s.free) < len(b) {
		s.free = make([]byte, 0, max(shelfSize, len(b)))
	}
	from := len(s.free)
	s.free = append(s.free, b...)
	return sample(s.free[from:len(s.free):len(s.free)])
}

func (s *shelf) clear() { s.free = nil }
