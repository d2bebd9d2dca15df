package s3access

import (
	"bytes"

	"sluice/internal/logs"
)

// presign fills what a presigned link says about itself: that it is one, who
// signed it and how long it holds. SigV4 links carry X-Amz-Credential and
// X-Amz-Expires, SigV2 links AWSAccessKeyId and Expires (an instant)
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
func presign(row *Row, uri []byte, seconds int64) {
	q := bytes.IndexByte(uri, '?')
	if q < 0 {
		return
	}
	var v4, v2 bool
	for query := target(uri[q+1:]); len(query) > 0; {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		eq := bytes.IndexByte(pair, '=')
		if eq < len("expires") { // the shortest name below
			continue
		}
		name, value := pair[:eq], pair[eq+1:]
		switch len(name) {
		case 7, 9, 13, 14, 15, 16: // of the names below
		default:
			if bytes.IndexByte(name, '%') < 0 {
				continue
			}
		}
		switch {
		case fold(name, "x-amz-signature"):
			v4 = true
		case fold(name, "signature"):
			v2 = true
		case fold(name, "x-amz-expires"):
			row.PresignExpires = number(value)
		case fold(name, "expires"):
			if at := number(value); at.OK && !row.PresignExpires.OK {
				row.PresignExpires = logs.SomeInt(at.V - seconds)
			}
		case fold(name, "x-amz-credential"):
			row.PresignAccessKeyID = keyID(value)
		case fold(name, "awsaccesskeyid"):
			if row.PresignAccessKeyID == nil {
				row.PresignAccessKeyID = keyID(value)
			}
		}
	}
	if !v4 && !v2 {
		row.PresignExpires, row.PresignAccessKeyID = logs.Int{}, nil
		return
	}
	row.Presigned = logs.SomeBool(true)
}

// target cuts " HTTP/1.1" from the end of a request line.
func target(b []byte) []byte {
	if i := bytes.LastIndexByte(b, ' '); i >= 0 {
		return b[:i]
	}
	return b
}

func fold(b []byte, name string) bool {
	return len(b) >= len(name) && endsFold(b, name) && (len(b) == len(name) || bytes.IndexByte(b, '%') >= 0 && decodedLen(b) == len(name))
}

func decodedLen(b []byte) int { return len(b) - 2*bytes.Count(b, []byte("%")) }

// keyID takes the access key id off a credential (AKID/date/region/s3/aws4_request,
// slashes escaped or not). What is no such id is left out: it is the requester's text.
func keyID(b []byte) logs.Text {
	n := 0
	for n < len(b) && (isUpper(b[n]) || isDigit(b[n])) {
		n++
	}
	if n < 16 || n > 128 || n < len(b) && b[n] != '/' && b[n] != '%' {
		return nil
	}
	return logs.Text(b[:n])
}

// number reads an unsigned integer of at most 18 digits; anything else is NULL.
func number(b []byte) logs.Int {
	if len(b) == 0 || len(b) > 18 {
		return logs.Int{}
	}
	var v int64
	for _, c := range b {
		if !isDigit(c) {
			return logs.Int{}
		}
		v = v*10 + int64(c-'0')
	}
	return logs.SomeInt(v)
}
