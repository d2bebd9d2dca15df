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
	clock   clock
	agents  agents
	ends    ends
	zone    zone
	scratch []byte
	decoded bool // the key took decoding
	split   split
	row     Row
}

// parse returns the row of a line (no line end on it), or why there is none.
func (p *parser) parse(line []byte) (*Row, *logs.BadRecord) {
	b := bytes.TrimRight(line, " ")
	p.scratch, p.decoded = p.scratch[:0], false
	s := &p.split
	*s = split{}
	var doubt [numFields]bool
	var bad logs.Reason
	splits := int64(1)
	end, ok := fast(b, s, &p.ends)
	if !ok {
		*s = split{}
		splits, doubt, bad = legal(b, s, &p.zone)
	}
	var seconds int64
	ok = false
	if s.f[fTime] != (span{}) {
		if seconds, ok = p.clock.parse(s.f[fTime].of(b)); !ok {
			bad = ReasonTime
		}
	}
	if bad != "" {
		r := &logs.BadRecord{Reason: bad, Detail: details[bad], Raw: p.redact(line)}
		if ok {
			r.Time = logs.Time(seconds * 1000)
		}
		return nil, r
	}
	if splits > 1 {
		for f, d := range doubt {
			if d {
				s.f[f] = span{}
			}
		}
	}
	p.fill(b, seconds)
	row := &p.row
	if end != nil {
		row.BucketRegion = end.region
	} else {
		row.BucketRegion = bucketRegion(row.HostHeader, row.AccessPointARN)
	}
	row.LineHash = logs.Int64(crc32.Checksum(line, castagnoli))
	if splits > 1 {
		row.ParseStatus = statusAmbiguous
		row.Raw = p.redact(line)
		if doubt[fURI] {
			row.Presigned, row.HTTPMethod = logs.Bool{}, nil
		}
	}
	if !ascii(b) && !utf8.Valid(b) || p.decoded && !utf8.Valid(row.KeyName) {
		p.escape()
	}
	return row, nil
}

// details say what each reason means on a line.
var details = map[logs.Reason]string{
	ReasonShort:     "a record has at least 18 fields; the line ends before its Request-URI",
	ReasonTime:      "field 3 must be a time such as [06/Feb/2026:00:00:38 +0000], every part of it in range",
	ReasonOperation: "field 7 must be an operation such as REST.GET.OBJECT",
	ReasonSplit:     "behind the key no split gives Request-URI, status, error, four numbers, Referer, User-Agent and the fields that follow",
	ReasonLong:      "the line is longer than 16 MiB; its first 64 KiB are kept",
}

// fill sets every column from the split; no column of the line before survives.
func (p *parser) fill(b []byte, seconds int64) {
	f := &p.split.f
	row := &p.row
	*row = Row{} // in place: a literal with the values would be built aside and copied
	row.BucketOwnerID = text(b, f[fOwner])
	row.BucketName = text(b, f[fBucket])
	row.RequestTime = logs.Time(seconds * 1000)
	row.RemoteIP = text(b, f[fRemoteIP])
	row.Requester = text(b, f[fRequester])
	row.RequestID = text(b, f[fRequestID])
	row.Operation = text(b, f[fOperation])
	if s := f[fStatus]; s != (span{}) {
		row.HTTPStatus = number(s.of(b))
	}
	row.ErrorCode = text(b, f[fError])
	row.BytesSentSize = p.split.number(fBytesSent)
	row.ObjectSize = p.split.number(fObjectSize)
	row.TotalDuration = p.split.number(fTotal)
	row.TurnAroundDuration = p.split.number(fTurnAround)
	row.UserAgent = text(b, f[fUserAgent])
	row.VersionID = text(b, f[fVersion])
	row.HostID = text(b, f[fHostID])
	row.SignatureVersion = text(b, f[fSigV])
	row.CipherSuite = text(b, f[fCipher])
	row.AuthenticationType = text(b, f[fAuth])
	row.HostHeader = text(b, f[fHost])
	row.TLSVersion = text(b, f[fTLS])
	row.AccessPointARN = text(b, f[fAccessPoint])
	row.SourceRegion = text(b, f[fRegion])
	row.Extra = text(b, p.split.extra)
	row.ParseStatus = statusClean
	row.Escaped = logs.Bool{OK: true}
	if f[fACL] != (span{}) {
		row.ACLRequired = logs.SomeBool(string(f[fACL].of(b)) == "Yes")
	}
	if s := f[fKey]; s != (span{}) {
		row.KeyName = s.of(b)
		if p.decoded = !only(row.KeyName, plainKey); p.decoded {
			p.key(row)
		}
	}
	requesterOf(row, row.Requester)
	if s := f[fURI]; s != (span{}) {
		uri := s.of(b)
		row.HTTPMethod = method(uri)
		presign(row, uri, seconds)
		row.RequestURI = p.redact(uri)
	}
	if s := f[fReferer]; s != (span{}) {
		row.Referer = p.redact(s.of(b))
	}
	if row.UserAgent != nil {
		row.UserAgent = p.redact(row.UserAgent) // first: the client's name is cut from it
		a := p.agents.of(row.UserAgent)
		row.UserAgentName, row.UserAgentVersion, row.UserAgentOS = a.name, a.version, a.os
	}
	if row.Extra != nil {
		row.Extra = p.redact(row.Extra)
	}
}

// key decodes the key, and keeps what the line said where the key does not tell.
func (p *parser) key(row *Row) {
	logged := row.KeyName
	start := len(p.scratch)
	passes := keyPasses(row.Operation)
	var usual bool
	if p.scratch, usual = appendUsualKey(p.scratch, logged, passes); !usual {
		p.scratch = appendKey(p.scratch, logged, passes)
		row.KeyLogged = logged
	}
	row.KeyName = p.scratch[start:len(p.scratch):len(p.scratch)]
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

// ascii tells whether b holds bytes below 128 only, as nearly every line does:
// half the time of asking for UTF-8.
func ascii(b []byte) bool {
	var w uint64
	for ; len(b) >= 32; b = b[32:] {
		w |= binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
	}
	for _, c := range b {
		w |= uint64(c)
	}
	return w&0x8080808080808080 == 0
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
	start := len(p.scratch)
	out, hit := appendRedacted(p.scratch, b)
	if !hit {
		return b
	}
	p.scratch = out
	return out[start:len(out):len(out)]
}

// escape rewrites the values that are not UTF-8: Parquet's strings must be.
func (p *parser) escape() {
	r := &p.row
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
