package s3access

import (
	"bytes"
	"strings"

	"sluice/internal/logs"
)

// Format is S3's server access log. Inside a row group rows lie by bucket, kind of
// request, client, address and time: of the orders tried the smallest but for two
// that sort by texts which hardly repeat and win 0.1 % (docs/performance.md), and
// it keeps together what questions ask together: a bucket's deletions, a tool's
// requests, an address's errors.
var Format = logs.Format[Row]{
	Table: logs.Table[Row]{
		Name: "s3_access_logs",
		Time: func(r *Row) logs.Time { return r.RequestTime },
		Sort: []string{"bucket_name", "operation", "user_agent", "remote_ip", "request_time"},
	},
	Match:     match,
	NewReader: NewReader,
}

// match takes a file whose first lines hold a record, or whose name S3 gave it:
// a delivered file stays one whatever a requester or an accident put into it, and
// what no parser can read of it is then kept as rejects.
func match(key string, head []byte) (bool, string) {
	if delivered(key) {
		return true, ""
	}
	if is := logs.Archive(head); is != "" {
		return false, is
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	const looked = 20
	for n, line := 0, []byte(nil); n < looked && len(head) > 0; n++ {
		line, head, _ = bytes.Cut(head, []byte("\n"))
		if looksLikeRecord(line) {
			return true, ""
		}
	}
	return false, ""
}

// looksLikeRecord tells "owner bucket [dd/Mon/yyyy:": enough to tell the format,
// and left to the parser to judge.
func looksLikeRecord(b []byte) bool {
	var s split
	p := 0
	for range 2 {
		if p = gap(b, token(b, p)); p < 0 {
			return false
		}
	}
	if b[p] != '[' || p+27 >= len(b) {
		return false
	}
	_, ok := parseTimeAt(b[p+1:])
	_, bad := s.head(b)
	return ok && bad == ""
}

func parseTimeAt(b []byte) (int64, bool) {
	if len(b) < 26 {
		return 0, false
	}
	return parseTime(b[:26])
}

// delivered tells the name of a delivered file, YYYY-mm-DD-HH-MM-SS-UNIQUE, in
// which S3 writes digits and capitals only.
func delivered(key string) bool {
	name := strings.TrimSuffix(key[strings.LastIndexByte(key, '/')+1:], ".gz")
	const shape = "dddd-dd-dd-dd-dd-dd-"
	if len(name) != len(shape)+16 {
		// A prefix without a final "/" runs into the name: logs2026-11-22-….
		if len(name) < len(shape)+16 {
			return false
		}
		name = name[len(name)-len(shape)-16:]
	}
	for i := range len(name) {
		switch c := name[i]; {
		case i >= len(shape):
			if !isDigit(c) && !isUpper(c) {
				return false
			}
		case shape[i] == '-':
			if c != '-' {
				return false
			}
		case !isDigit(c):
			return false
		}
	}
	return true
}
