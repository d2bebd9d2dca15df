package s3access

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf8"

	"sluice/internal/logs"
)

// castagnoli is the polynomial that processors compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	statusClean     = logs.Text("clean")
	statusAmbiguous = logs.Text("ambiguous")
)

// Ambiguous tells a row whose line can be split in several ways.
func (r *Row) Ambiguous() bool { return len(r.ParseStatus) == len(statusAmbiguous) }

// parser turns one line after the other into a row. Its scratch memory backs the
// row's decoded values until the next line.
type parser struct {
	clock      clock
	agents     agents
	ends       memo[end]
	callers    memo[requester]
	zone       zone
	scratch    []byte
	split      split
	row        Row
	loggedOnly bool // derive nothing

	// Of the line at hand, beside its logged columns:
	seconds      int64     // its time
	stamp        []byte    // and the text of it
	uri          logs.Text // request line with its secrets
	link         bool      // the request line may be a presigned link
	decoded      bool      // the key took decoding, and is not ASCII
	bucketRegion logs.Text
	agent        *agent // nil without a User-Agent
}

// parse returns the row of a line (no line end on it), or why there is none.
func (p *parser) parse(line []byte) (*Row, *logs.BadRecord) {
	b := line
	if n := len(b); n > 0 && b[n-1] == ' ' {
		b = bytes.TrimRight(b, " ")
	}
	p.scratch = p.scratch[:0]
	row := &p.row
	row.ParseStatus, row.Raw = statusClean, nil
	if !p.fast(b) {
		if bad := p.slow(line, b); bad != nil {
			return nil, bad
		}
	}
	if !p.loggedOnly {
		p.derive()
		row.LineHash = logs.Int64(crc32.Checksum(line, castagnoli))
	}
	row.Escaped = logs.SomeBool(false)
	if !ascii(b) && !utf8.Valid(b) || p.decoded && !utf8.Valid(row.KeyName) {
		p.escape()
	}
	return row, nil
}

// slow is fast for any line: by the reference, and with the verdict.
func (p *parser) slow(line, b []byte) *logs.BadRecord {
	s := &p.split
	*s = split{}
	splits, doubt, bad := legal(b, s, &p.zone)
	timed := false
	if s.f[fTime] != (span{}) {
		if p.seconds, timed = p.clock.parse(s.f[fTime].of(b)); !timed {
			bad = ReasonTime
		}
	}
	if bad != "" {
		r := &logs.BadRecord{Reason: bad, Detail: details[bad], Raw: p.redact(line)}
		if timed {
			r.Time = logs.Time(p.seconds * 1000)
		}
		return r
	}
	if splits > 1 {
		for f, d := range doubt {
			if d {
				s.f[f] = span{}
			}
		}
	}
	p.fill(b)
	if splits > 1 {
		p.row.ParseStatus, p.row.Raw = statusAmbiguous, p.redact(line)
	}
	return nil
}

// details say what each reason means on a line.
var details = map[logs.Reason]string{
	ReasonShort:     "a record has at least 18 fields; the line ends before its Request-URI",
	ReasonTime:      "field 3 must be a time such as [06/Feb/2026:00:00:38 +0000], every part of it in range",
	ReasonOperation: "field 7 must be an operation such as REST.GET.OBJECT",
	ReasonSplit:     "behind the key no split gives Request-URI, status, error, four numbers, Referer, User-Agent and the fields that follow",
	ReasonLong:      "the line is longer than 16 MiB; its first 64 KiB are kept",
}

// fill sets every logged column from the split; none of the line before survives.
func (p *parser) fill(b []byte) {
	f := &p.split.f
	row := &p.row
	*row = Row{}
	row.ParseStatus = statusClean
	row.BucketOwnerID = text(b, f[fOwner])
	row.BucketName = text(b, f[fBucket])
	row.RequestTime = logs.Time(p.seconds * 1000)
	row.RemoteIP = text(b, f[fRemoteIP])
	row.Requester = text(b, f[fRequester])
	row.RequestID = text(b, f[fRequestID])
	row.Operation = text(b, f[fOperation])
	p.key(text(b, f[fKey]))
	p.uri, p.link = text(b, f[fURI]), true
	row.RequestURI = p.redact(p.uri)
	if s := f[fStatus]; s != (span{}) {
		row.HTTPStatus = number(s.of(b))
	}
	row.ErrorCode = text(b, f[fError])
	row.BytesSentSize = p.split.number(fBytesSent)
	row.ObjectSize = p.split.number(fObjectSize)
	row.TotalDuration = p.split.number(fTotal)
	row.TurnAroundDuration = p.split.number(fTurnAround)
	row.Referer = p.redact(text(b, f[fReferer]))
	p.userAgent(text(b, f[fUserAgent]))
	row.VersionID = text(b, f[fVersion])
	row.HostID = text(b, f[fHostID])
	row.SignatureVersion = text(b, f[fSigV])
	row.CipherSuite = text(b, f[fCipher])
	row.AuthenticationType = text(b, f[fAuth])
	row.HostHeader = text(b, f[fHost])
	row.TLSVersion = text(b, f[fTLS])
	row.AccessPointARN = text(b, f[fAccessPoint])
	row.ACLRequired = aclOf(b, f[fACL])
	row.SourceRegion = text(b, f[fRegion])
	row.Extra = p.redact(text(b, p.split.extra))
	p.bucketRegion = bucketRegion(row.HostHeader, row.AccessPointARN)
}

// derive fills what is read out of the logged columns.
func (p *parser) derive() {
	row := &p.row
	row.RequesterType, row.RequesterAccount, row.RequesterName, row.Caller = anonymous, nil, nil, nil
	row.Authenticated = logs.SomeBool(row.Requester != nil)
	if row.Requester != nil {
		p.caller()
	}
	row.HTTPMethod, row.Presigned = nil, logs.Bool{}
	row.PresignExpires, row.PresignAccessKeyID = logs.Int{}, nil
	if p.uri != nil {
		row.HTTPMethod, row.Presigned = method(p.uri), logs.SomeBool(false)
		if p.link {
			presign(row, p.uri, p.seconds)
		}
	}
	row.UserAgentName, row.UserAgentVersion, row.UserAgentOS = nil, nil, nil
	if a := p.agent; a != nil {
		row.UserAgentName, row.UserAgentVersion, row.UserAgentOS = a.name, a.version, a.os
	}
	row.BucketRegion = p.bucketRegion
}

// key fills the key's columns: the key decoded, and what the line said where the
// key does not tell.
func (p *parser) key(logged logs.Text) {
	row := &p.row
	row.KeyName, row.KeyLogged = logged, nil
	plain := run(logged, plainKey)
	if p.decoded = false; plain == len(logged) {
		return
	}
	start := len(p.scratch)
	passes := keyPasses(row.Operation)
	var usual bool
	if p.scratch, usual = appendUsualKey(p.scratch, logged, plain, passes); !usual {
		p.scratch = appendKey(p.scratch, logged, passes)
		row.KeyLogged = logged
	}
	row.KeyName = p.scratch[start:len(p.scratch):len(p.scratch)]
	p.decoded = !ascii(row.KeyName)
}

func aclOf(b []byte, s span) logs.Bool {
	if s == (span{}) {
		return logs.Bool{}
	}
	return logs.SomeBool(string(s.of(b)) == "Yes")
}

func text(b []byte, s span) logs.Text {
	if s == (span{}) {
		return nil
	}
	return b[s.a:s.e:s.e]
}

// number is the value of a number field; S3 cut it, so it is one.
func (s *split) number(f int) logs.Int {
	if s.f[f] == (span{}) {
		return logs.Int{}
	}
	return logs.SomeInt(s.num[f-fBytesSent])
}

// ascii tells whether b holds bytes below 128 only, as nearly every text does:
// a fifth of the time of asking for UTF-8.
//
// It is asked line by line, just behind the search for the line's end: to look through
// 32 KiB at once took the processor's time waiting for memory, which comes by itself
// while the line before is cut.
func ascii(b []byte) bool {
	var w uint64
	switch {
	case len(b) < 8:
		for _, c := range b {
			w |= uint64(c)
		}
		return w < 0x80
	case len(b) < 64:
		w = binary.LittleEndian.Uint64(b[len(b)-8:]) // what the steps of eight leave, and more
		for ; len(b) >= 8; b = b[8:] {
			w |= binary.LittleEndian.Uint64(b)
		}
	default:
		w = any64(b[len(b)-64:])
		for ; len(b) >= 64; b = b[64:] {
			w |= any64(b)
		}
	}
	return w&0x8080808080808080 == 0
}

// any64 has the bits that any of b's first eight words has.
func any64(b []byte) uint64 {
	c := b[:64:64]
	return binary.LittleEndian.Uint64(c) | binary.LittleEndian.Uint64(c[8:]) |
		binary.LittleEndian.Uint64(c[16:]) | binary.LittleEndian.Uint64(c[24:]) |
		binary.LittleEndian.Uint64(c[32:]) | binary.LittleEndian.Uint64(c[40:]) |
		binary.LittleEndian.Uint64(c[48:]) | binary.LittleEndian.Uint64(c[56:])
}

// method is the first word of a request line, where it is one in capitals.
func method(uri []byte) logs.Text {
	n := 0
	for n < len(uri) && isUpper(uri[n]) {
		n++
	}
	if n == 0 || n > 16 || n == len(uri) || uri[n] != ' ' {
		return nil
	}
	return logs.Text(uri[:n:n])
}

// redact returns b without secrets: b itself where it holds none.
func (p *parser) redact(b []byte) logs.Text {
	out, _ := p.redacted(b)
	return out
}

// redacted tells as well whether b held secrets.
func (p *parser) redacted(b []byte) (logs.Text, bool) {
	first := firstSecret(b)
	if first < 0 {
		return b, false
	}
	start := len(p.scratch)
	out, hit := appendRedactedFrom(p.scratch, b, first)
	if !hit {
		return b, false
	}
	p.scratch = out
	return out[start:len(out):len(out)], true
}

// escape rewrites the values that are not UTF-8: Parquet's strings must be.
func (p *parser) escape() {
	r := &p.row
	r.Caller, r.Client, r.Ending = nil, nil, nil // which speak of the values as logged
	for _, t := range [...]*logs.Text{
		&r.BucketOwnerID, &r.BucketName, &r.RemoteIP, &r.Requester, &r.RequestID, &r.Operation, &r.KeyName,
		&r.RequestURI, &r.ErrorCode, &r.Referer, &r.UserAgent, &r.VersionID, &r.HostID, &r.SignatureVersion,
		&r.CipherSuite, &r.AuthenticationType, &r.HostHeader, &r.TLSVersion, &r.AccessPointARN, &r.SourceRegion,
		&r.KeyLogged, &r.RequesterName, &r.UserAgentName, &r.UserAgentVersion, &r.UserAgentOS, &r.Raw, &r.Extra,
	} {
		if utf8.Valid(*t) {
			continue
		}
		start := len(p.scratch)
		p.scratch = logs.AppendEscaped(p.scratch, *t)
		*t = p.scratch[start:len(p.scratch):len(p.scratch)]
		r.Escaped = logs.SomeBool(true)
	}
}
