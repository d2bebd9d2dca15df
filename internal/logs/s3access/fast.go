package s3access

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"sluice/internal/logs"
)

// fast fills the logged columns from the common lines: fields one space apart,
// three quoted fields without a quote in them or no quote at all, at least 23
// fields. It returns false, having proved nothing and left anything in the row,
// wherever a second legal split is thinkable or something is uncommon; the
// reference (legal.go, fill.go) then decides, which a fuzz test holds it to.
//
// Of a line with six quotes the second split could only come from
//   - a quoted field that begins with a space, so that its opening quote could
//     close the field before it;
//   - a host id short enough to be a version id or an error code, with all
//     fields shifted by one.
//
// It searches with IndexByte, which takes 32 bytes at once, where fields differ in
// length, and reads words of eight bytes where they are short: loops over bytes
// end where nobody foresees it, and each such end costs as much as a search
// (BenchmarkRow measures both paths).
func (p *parser) fast(b []byte) bool {
	i := p.fastHead(b)
	return i > 0 && p.fastRest(b, i)
}

// fastHead fills the columns of fields 1 to 8, and returns where the Request-URI
// starts, or 0.
func (p *parser) fastHead(b []byte) int {
	row := &p.row

	e := bytes.IndexByte(b, ' ')
	if e < 1 {
		return 0
	}
	row.BucketOwnerID = value(b, 0, e)
	i := e + 1
	if e = next(b, i); e <= i {
		return 0
	}
	row.BucketName = value(b, i, e)

	const stamp = len("[02/Jan/2006:15:04:05 +0000]")
	i = e + 1
	if i+stamp >= len(b) || b[i] != '[' || b[i+stamp-1] != ']' || b[i+stamp] != ' ' {
		return 0
	}
	p.stamp = b[i+1 : i+stamp-1]
	seconds, ok := p.clock.parse(p.stamp)
	if !ok {
		return 0
	}
	p.seconds = seconds
	row.RequestTime = logs.Time(seconds * 1000)

	i += stamp + 1
	if e = nextOf16(b, i); e <= i {
		return 0
	}
	row.RemoteIP = value(b, i, e)
	i = e + 1
	if e = next(b, i); e <= i {
		return 0
	}
	row.Requester = value(b, i, e)
	i = e + 1
	if e = nextOf16(b, i); e <= i {
		return 0
	}
	row.RequestID = value(b, i, e)
	i = e + 1
	if e = nextOf16(b, i); e <= i || !isOperation(b[i:e]) {
		return 0
	}
	row.Operation = b[i:e:e]
	i = e + 1
	if e = next(b, i); e <= i {
		return 0
	}
	p.key(value(b, i, e))

	return e + 1
}

// fastRest fills the other columns from the Request-URI on, which starts at i.
func (p *parser) fastRest(b []byte, i int) bool {
	row := &p.row
	if i+4 > len(b) {
		return false
	}
	e := 0
	quoted := b[i] == '"'
	if quoted {
		if e = closing(b, i); e < 0 {
			return false
		}
		p.uri = quotedValue(b, i, e)
		row.RequestURI, p.link = p.redacted(p.uri)
		e++
	} else {
		if b[i] != '-' {
			return false
		}
		p.uri, row.RequestURI = nil, nil
		e = i + 1
	}
	if e >= len(b) || b[e] != ' ' {
		return false
	}
	if i = p.measured(b, e+1); i < 0 || i+4 > len(b) {
		return false
	}

	row.Referer = nil
	var agent logs.Text
	if !quoted {
		if binary.LittleEndian.Uint32(b[i:]) != dashDash {
			return false
		}
		i += 4
	} else {
		if b[i] != '"' || b[i+1] == ' ' {
			return false
		}
		if b[i+1] == '-' && b[i+2] == '"' {
			e = i + 2
		} else {
			e = closing(b, i)
		}
		if e < 0 || e+4 > len(b) || b[e+1] != ' ' || b[e+2] != '"' || b[e+3] == ' ' {
			return false
		}
		if row.Referer = quotedValue(b, i, e); row.Referer != nil {
			row.Referer = p.redact(row.Referer)
		}
		i = e + 2
		if e = closing(b, i); e < 0 || e+1 >= len(b) || b[e+1] != ' ' {
			return false
		}
		agent = quotedValue(b, i, e)
		i = e + 2
	}
	p.userAgent(agent)

	begin := i
	if e = i + 1; e < len(b) && b[i] == '-' && b[e] == ' ' {
		row.VersionID = nil
	} else {
		if e = next(b, i); e <= i || !isTail(fVersion, b[i:e]) {
			return false
		}
		row.VersionID = b[i:e:e]
	}
	i = e + 1
	if e = next(b, i); e-i <= minHostID || bytes.IndexByte(b[begin:e], '"') >= 0 {
		return false // of the old lines with 18 fields as well
	}
	row.HostID = b[i:e:e]
	b = b[e+1:]
	s := p.end(b)
	if s == nil || !enough(s.value.n, p.stamp) {
		return false
	}
	row.Ending = &s.again
	end := &s.value
	f := &end.f
	row.SignatureVersion, row.CipherSuite, row.AuthenticationType = f[0].of(b), f[fCipher-fSigV].of(b), f[fAuth-fSigV].of(b)
	row.HostHeader, row.TLSVersion, row.AccessPointARN = f[fHost-fSigV].of(b), f[fTLS-fSigV].of(b), f[fAccessPoint-fSigV].of(b)
	row.ACLRequired, row.SourceRegion = end.acl, f[fRegion-fSigV].of(b)
	row.Extra, p.bucketRegion = f[endExtra].of(b), f[endRegion].of(b)
	return true
}

// measured fills status, error code and the four numbers, which start at i, and
// returns where the field behind them does; -1 where they do not stand there.
func (p *parser) measured(b []byte, i int) int {
	row := &p.row
	if i+4 > len(b) {
		return -1
	}
	switch {
	case b[i] == '-' && b[i+1] == ' ':
		row.HTTPStatus = logs.Int{}
		i += 2
	case isStatus(b[i:i+3]) && b[i+3] == ' ':
		row.HTTPStatus = logs.SomeInt(int64(b[i]-'0')*100 + int64(b[i+1]-'0')*10 + int64(b[i+2]-'0'))
		i += 4
	default:
		return -1
	}
	if i+1 < len(b) && b[i] == '-' && b[i+1] == ' ' {
		row.ErrorCode = nil
		return p.quantities(b, i+2)
	}
	e := next(b, i)
	if e <= i || !isErrorCode(b[i:e]) {
		return -1
	}
	row.ErrorCode = b[i:e:e]
	return p.quantities(b, e+1)
}

// quantities fills the four numbers that start at i, and returns where the field
// behind them does, or -1.
//
// One of up to eight digits takes one step, however long it is: eight bytes become
// a word, what stands behind the digits is shifted out of it, and multiplications
// add up pairs, fours and eights. Digit by digit it would take twice the time, for
// the end of such a loop is not foreseen.
func (p *parser) quantities(b []byte, i int) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	row := &p.row
	for _, q := range [...]*logs.Int{&row.BytesSentSize, &row.ObjectSize, &row.TotalDuration, &row.TurnAroundDuration} {
		if i+9 > len(b) {
			return -1
		}
		w := binary.LittleEndian.Uint64(b[i:]) ^ each*'0' // digits are 0 to 9 now
		// Adding 0x76 carries 10 and more into a byte's high bit. What it carries
		// beyond is behind the first byte that is no digit.
		n := bits.TrailingZeros64((w+each*0x76|w)&high) >> 3
		if n > 0 && b[i+n] == ' ' {
			w <<= 64 - 8*n
			w = w*10 + w>>8
			w = (w&0x000000ff000000ff*(100+1_000_000<<32) + w>>16&0x000000ff000000ff*(1+10_000<<32)) >> 32
			*q = logs.SomeInt(int64(w))
			i += n + 1
			continue
		}
		v, e := numberAt(b, i) // "-", or longer
		if e < 0 || e == len(b) {
			return -1
		}
		*q = logs.Int{V: v, OK: b[i] != '-'}
		i = e + 1
	}
	return i
}

const dashDash = '-' | ' '<<8 | '-'<<16 | ' '<<24 // "- - "

// next returns where the field at i, which is not behind the end, ends: at the next
// space, or at a place before i where there is none.
func next(b []byte, i int) int { return i + bytes.IndexByte(b[i:], ' ') }

// nextOf16 is next for a field that is nearly always of 16 bytes or less: a search
// takes as long for few bytes as for 32, and loops end where nobody foresees it.
func nextOf16(b []byte, i int) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	if i+17 > len(b) {
		return next(b, i)
	}
	first, second := binary.LittleEndian.Uint64(b[i:])^each*' ', binary.LittleEndian.Uint64(b[i+8:])^each*' '
	first, second = (first-each)&^first&high, (second-each)&^second&high
	at := i
	if first == 0 {
		first, at = second, i+8
	}
	if first == 0 {
		if b[i+16] == ' ' {
			return i + 16
		}
		return next(b, i)
	}
	return at + bits.TrailingZeros64(first)>>3
}

// closing returns the quote behind the one at i, or -1.
func closing(b []byte, i int) int {
	j := bytes.IndexByte(b[i+1:], '"')
	if j < 0 {
		return -1
	}
	return i + 1 + j
}

// value is the field [a, e) of the line, which is not empty; "-" is absent.
func value(b []byte, a, e int) logs.Text {
	if e-a == 1 && b[a] == '-' {
		return nil
	}
	return b[a:e:e]
}

// quotedValue is the text between the quotes at a and e; "-" is absent here, too.
func quotedValue(b []byte, a, e int) logs.Text {
	if e-a == 2 && b[a+1] == '-' {
		return nil
	}
	return b[a+1 : e : e]
}
