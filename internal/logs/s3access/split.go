package s3access

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"sluice/internal/logs"
)

// The logged fields in order (LogFormat, 2026). field numbers index split.f.
const (
	fOwner = iota
	fBucket
	fTime
	fRemoteIP
	fRequester
	fRequestID
	fOperation
	fKey
	fURI
	fStatus
	fError
	fBytesSent
	fObjectSize
	fTotal
	fTurnAround
	fReferer
	fUserAgent
	fVersion
	fHostID
	fSigV
	fCipher
	fAuth
	fHost
	fTLS
	fAccessPoint
	fACL
	fRegion
	numFields
)

// Reasons a line is rejected. They name columns of GROUP BY reason and values
// of a metric: add, never rename.
const (
	// ReasonShort: the line ends before all of a record's first 18 fields.
	ReasonShort logs.Reason = "too_few_fields"
	// ReasonTime: field 3 is no [dd/Mon/yyyy:HH:MM:SS +0000].
	ReasonTime logs.Reason = "bad_time"
	// ReasonOperation: no operation stands where one must.
	ReasonOperation logs.Reason = "bad_operation"
	// ReasonSplit: quotes and typed fields behind the key fit no legal split.
	ReasonSplit logs.Reason = "no_legal_split"
	// ReasonLong: the line is longer than MaxLine.
	ReasonLong logs.Reason = "line_too_long"
)

// Reasons lists the vocabulary of rejects.
var Reasons = []logs.Reason{ReasonShort, ReasonTime, ReasonOperation, ReasonSplit, ReasonLong}

// span is a piece of the line, [a, e). The zero span is an absent field.
type span struct{ a, e int32 }

func (s span) of(line []byte) []byte { return line[s.a:s.e] }

// split is one legal way to cut a line into fields. A field that the line does
// not have, or has as "-", is the zero span: no field starts at 0 but the owner.
type split struct {
	f     [numFields]span
	num   [4]int64 // values of bytes sent to turn-around, where their fields are present
	extra span     // everything behind field 27
	n     int      // fields on the line, surplus ones included
}

// token returns the end of the token that starts at i: the next space or end.
func token(b []byte, i int) int {
	// Most fields are shorter than what a call of IndexByte pays off for.
	const lo, hi, spaces = 0x0101010101010101, 0x8080808080808080, 0x2020202020202020
	for n := 0; n < 2 && i+8 <= len(b); n++ {
		w := binary.LittleEndian.Uint64(b[i:]) ^ spaces
		if m := (w - lo) & ^w & hi; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	return longToken(b, i)
}

// longToken is token for fields that are mostly longer than 16 bytes.
func longToken(b []byte, i int) int {
	if j := bytes.IndexByte(b[i:], ' '); j >= 0 {
		return i + j
	}
	return len(b)
}

// gap returns the start of the field behind the spaces at i, or -1 where no
// space is or nothing follows. Fields are one space apart; copies of logs have
// been seen with two.
func gap(b []byte, i int) int {
	if i >= len(b) || b[i] != ' ' {
		return -1
	}
	for i++; i < len(b); i++ {
		if b[i] != ' ' {
			return i
		}
	}
	return -1
}

// dash tells whether the field at i is a bare "-".
func dash(b []byte, i int) bool {
	return b[i] == '-' && (i+1 == len(b) || b[i+1] == ' ')
}

// field is the span [a, e) with "-" as absent.
func field(b []byte, a, e int) span {
	if e-a == 1 && b[a] == '-' {
		return span{}
	}
	return span{int32(a), int32(e)}
}

// head cuts fields 1 to 8, which S3 writes itself, from the left. It returns
// where the Request-URI starts.
func (s *split) head(b []byte) (uri int, bad logs.Reason) {
	p := 0
	e := longToken(b, p)
	s.f[fOwner] = field(b, p, e)
	if p = gap(b, e); p < 0 {
		return 0, ReasonShort
	}
	e = token(b, p)
	s.f[fBucket] = field(b, p, e)
	if p = gap(b, e); p < 0 {
		return 0, ReasonShort
	}
	const stamp = len("[02/Jan/2006:15:04:05 +0000]")
	if b[p] != '[' || p+stamp >= len(b) || b[p+stamp-1] != ']' {
		return 0, ReasonTime
	}
	s.f[fTime] = span{int32(p + 1), int32(p + stamp - 1)}
	if p = gap(b, p+stamp); p < 0 {
		return 0, ReasonShort
	}
	e = token(b, p)
	s.f[fRemoteIP] = field(b, p, e)
	if p = gap(b, e); p < 0 {
		return 0, ReasonShort
	}
	return s.actor(b, p)
}

// actor cuts requester, request id, operation and key. A requester holds spaces
// only where it is an ARN (a CloudFront origin access identity); the operation's
// shape then tells where it ends.
func (s *split) actor(b []byte, p int) (uri int, bad logs.Reason) {
	start := p
	const most = 8 // tokens of a requester; the identity's has five
	for n := 1; n <= most; n++ {
		e := longToken(b, p)
		id := gap(b, e)
		if id < 0 {
			break
		}
		idEnd := token(b, id)
		op := gap(b, idEnd)
		if op < 0 {
			break
		}
		opEnd := token(b, op)
		if isOperation(b[op:opEnd]) || n == 1 && dash(b, op) {
			key := gap(b, opEnd)
			if key < 0 {
				return 0, ReasonShort
			}
			keyEnd := token(b, key)
			s.f[fRequester] = field(b, start, e)
			s.f[fRequestID] = field(b, id, idEnd)
			s.f[fOperation] = field(b, op, opEnd)
			s.f[fKey] = field(b, key, keyEnd)
			if uri = gap(b, keyEnd); uri < 0 {
				return 0, ReasonShort
			}
			return uri, ""
		}
		if !bytes.HasPrefix(b[start:], []byte("arn:")) || b[op] == '"' {
			break
		}
		p = id
	}
	return 0, ReasonOperation
}

// isOperation tells the shape of an operation: words of letters, digits, "_" and
// "-" with dots between, the first in capitals (REST.GET.OBJECT). The method in it
// is the requester's (REST.M-SEARCH.OBJECT).
func isOperation(b []byte) bool {
	switch string(b) { // most requests
	case "REST.GET.OBJECT", "REST.PUT.OBJECT", "REST.HEAD.OBJECT":
		return true
	}
	if len(b) < 3 || len(b) > 128 || b[0] < 'A' || b[0] > 'Z' || b[len(b)-1] == '.' {
		return false
	}
	dots := 0
	for i, c := range b {
		switch k := classes[c]; {
		case c == '.':
			if b[i-1] == '.' {
				return false
			}
			dots++
		case k&(upper|digit) != 0 || c == '_':
		case k&lower == 0 && c != '-' || dots == 0:
			return false
		}
	}
	return dots > 0
}

// numbers cuts status, error code and the four numbers from the field behind i
// on, and returns where the Referer starts; -1 where they do not stand there.
func (s *split) numbers(b []byte, i int) int {
	p := gap(b, i)
	if p < 0 {
		return -1
	}
	e := token(b, p)
	if !isStatus(b[p:e]) {
		return -1
	}
	s.f[fStatus] = field(b, p, e)
	if p = gap(b, e); p < 0 {
		return -1
	}
	if e = token(b, p); !isErrorCode(b[p:e]) {
		return -1
	}
	s.f[fError] = field(b, p, e)
	for f := fBytesSent; f <= fTurnAround; f++ {
		if p = gap(b, e); p < 0 {
			return -1
		}
		if s.num[f-fBytesSent], e = numberAt(b, p); e < 0 {
			return -1
		}
		s.f[f] = field(b, p, e)
	}
	return gap(b, e)
}

// tail cuts the fields from the version id at p to the end of the line. S3
// writes them without quotes, so a quote in them means that the split is wrong.
// A line has at least 24 fields, or the 18 and 23 it had until 2019 (S3's own
// operations kept 18 a little longer); any other number is a line cut short.
func (s *split) tail(b []byte, p int) bool {
	if p < 0 || bytes.IndexByte(b[p:], '"') >= 0 {
		return false
	}
	s.extra = span{}
	clear(s.f[fHostID:])
	e := token(b, p)
	if !isTail(fVersion, b[p:e]) {
		return false
	}
	s.f[fVersion] = field(b, p, e)
	if p = gap(b, e); p < 0 {
		s.n = fVersion + 1
		return old(s.f[fTime].of(b)) || s.internal(b)
	}
	e = longToken(b, p)
	if isPrincipalID(b[p:e]) {
		// March 2019: a principal id stood before the host id, as one field.
		if next := gap(b, e); next > 0 {
			e = longToken(b, next)
		}
	}
	s.f[fHostID] = field(b, p, e)
	return s.connection(b, gap(b, e)) && enough(s.n, s.f[fTime].of(b))
}

// connection cuts the fields from the signature version at p on: what S3 knows
// of the connection and of the bucket's side of the request.
func (s *split) connection(b []byte, p int) bool {
	f := fSigV
	for ; p >= 0; f++ {
		e := token(b, p)
		if !isTail(f, b[p:e]) {
			return false
		}
		s.f[f] = field(b, p, e)
		p = gap(b, e)
		if f == fRegion && p > 0 {
			s.extra = span{int32(p), int32(len(b))}
			s.n = numFields + len(bytes.Fields(b[p:]))
			return true
		}
	}
	s.n = f
	return true
}

// enough tells whether a line of n fields, of the time of which t is the text, can
// be whole: in the years before 2020 not every line had 24 fields.
func enough(n int, t []byte) bool { return n > fTLS || n == fTLS && old(t) }

func old(t []byte) bool { return string(t[7:11]) < "2020" }
