package generate

import (
	"strconv"
	"time"
)

// operation is what was asked of S3: its name in access logs, and in CloudTrail
// ("" where CloudTrail writes no record).
type operation struct {
	log, event string
	reads      bool
}

type opID uint8

const (
	opGet opID = iota
	opHead
	opPut
	opPart
	opStartUpload
	opEndUpload
	opDelete
	opMultiDelete
	opBatchDelete
	opCopy
	opCopyGet
	opList
	opLocation
	opVersioning
	opGetACL
	opPutPolicy
	opDeleteBlock
	opPutLogging
	opWebsite
	opExpire
	opTransition
	opRestore
	operationCount
)

var operations = [operationCount]operation{
	opGet:         {"REST.GET.OBJECT", "GetObject", true},
	opHead:        {"REST.HEAD.OBJECT", "HeadObject", true},
	opPut:         {"REST.PUT.OBJECT", "PutObject", false},
	opPart:        {"REST.PUT.PART", "UploadPart", false},
	opStartUpload: {"REST.POST.UPLOADS", "CreateMultipartUpload", false},
	opEndUpload:   {"REST.POST.UPLOAD", "CompleteMultipartUpload", false},
	opDelete:      {"REST.DELETE.OBJECT", "DeleteObject", false},
	opMultiDelete: {"REST.POST.MULTI_OBJECT_DELETE", "DeleteObjects", false},
	opBatchDelete: {"BATCH.DELETE.OBJECT", "DeleteObject", false},
	opCopy:        {"REST.COPY.OBJECT", "CopyObject", false},
	opCopyGet:     {"REST.COPY.OBJECT_GET", "", true},
	opList:        {"REST.GET.BUCKET", "ListObjects", true},
	opLocation:    {"REST.GET.LOCATION", "GetBucketLocation", true},
	opVersioning:  {"REST.GET.VERSIONING", "GetBucketVersioning", true},
	opGetACL:      {"REST.GET.ACL", "GetBucketAcl", true},
	opPutPolicy:   {"REST.PUT.BUCKETPOLICY", "PutBucketPolicy", false},
	opDeleteBlock: {"REST.DELETE.PUBLIC_ACCESS_BLOCK", "DeleteBucketPublicAccessBlock", false},
	opPutLogging:  {"REST.PUT.LOGGING_STATUS", "PutBucketLogging", false},
	opWebsite:     {"WEBSITE.GET.OBJECT", "", true},
	opExpire:      {"S3.EXPIRE.OBJECT", "", false},
	opTransition:  {"S3.TRANSITION_SIA.OBJECT", "", false},
	opRestore:     {"S3.RESTORE.OBJECT", "", false},
}

// absent is a number that the log gives as "-".
const absent = -1

// request is one request before it is written down, as an access-log line or as
// a CloudTrail record or as both.
type request struct {
	bucket    *bucket
	at        int64 // seconds since 1970
	op        opID
	by        *session // nil: not one of the account's sessions
	ip        []byte   // nil: "-"
	requester string   // "-": anonymous
	id        [16]byte
	host      [76]byte // x-amz-id-2

	key    []byte // real key; nil: "-"
	uri    []byte // request line without its quotes; nil: absent
	bare   bool   // absent texts stand as a bare "-", not in quotes
	status int
	err    string
	sent   int64
	size   int64
	total  int64
	turn   int64

	referer, agent string
	version        string
	sig            string
	cipher, tls    string
	auth           string
	endpoint       string // host header
	accessPoint    string
	acl            string
	sourceRegion   string
	copySource     []byte // CopyObject: bucket/key copied from
	customerKey    bool   // CloudTrail: encrypted with a key the caller brought

	fields int  // how many fields this generation of the log has
	gap    bool // two spaces before the requester, as some files have
}

// line appends the request as one line of a server access log, without the
// newline.
func (r *request) line(dst []byte, owner string, c *calendar) []byte {
	dst = append(dst, owner...)
	dst = append(dst, ' ')
	dst = append(dst, r.bucket.name...)
	dst = append(dst, ' ')
	dst = c.appendTime(dst, r.at)
	dst = append(dst, ' ')
	if r.ip == nil {
		dst = append(dst, '-')
	}
	dst = append(dst, r.ip...)
	if r.gap {
		dst = append(dst, ' ')
	}
	dst = word(dst, r.requester)
	dst = append(dst, ' ')
	dst = append(dst, r.id[:]...)
	name := operations[r.op].log
	dst = word(dst, name)
	dst = append(dst, ' ')
	switch {
	case r.key == nil:
		dst = append(dst, '-')
	case name[0] == 'R' || name[0] == 'W':
		dst = appendTwice(dst, r.key)
	default:
		dst = encodeOnce(dst, r.key, true)
	}
	dst = append(dst, ' ')
	switch {
	case r.uri != nil:
		dst = append(dst, '"')
		dst = append(dst, r.uri...)
		dst = append(dst, '"')
	case r.bare:
		dst = append(dst, '-')
	default:
		dst = append(dst, `"-"`...)
	}
	dst = number(dst, int64(r.status))
	dst = word(dst, r.err)
	dst = number(number(number(number(dst, r.sent), r.size), r.total), r.turn)
	dst = r.quoted(r.quoted(dst, r.referer), r.agent)
	dst = word(dst, r.version)
	if r.fields == 18 {
		return dst
	}
	dst = append(append(dst, ' '), r.host[:]...)
	for i, s := range [...]string{r.sig, r.cipher, r.auth, r.endpoint, r.tls, r.accessPoint, r.acl, r.sourceRegion} {
		if 20+i > r.fields {
			break
		}
		dst = word(dst, s)
	}
	return dst
}

func word(dst []byte, s string) []byte {
	dst = append(dst, ' ')
	if s == "" {
		return append(dst, '-')
	}
	return append(dst, s...)
}

func number(dst []byte, n int64) []byte {
	dst = append(dst, ' ')
	if n == absent {
		return append(dst, '-')
	}
	return strconv.AppendInt(dst, n, 10)
}

func (r *request) quoted(dst []byte, s string) []byte {
	switch {
	case s != "":
		dst = append(dst, ` "`...)
		dst = append(dst, s...)
		return append(dst, '"')
	case r.bare:
		return append(dst, " -"...)
	}
	return append(dst, ` "-"`...)
}

const secondsPerDay = 24 * 60 * 60

// calendar writes times; it remembers the day it wrote last.
type calendar struct {
	day  int64
	text []byte // "[02/Mar/2026:"
}

func (c *calendar) appendTime(dst []byte, at int64) []byte {
	if day := at / secondsPerDay; c.text == nil || day != c.day {
		c.day = day
		c.text = time.Unix(at, 0).UTC().AppendFormat(c.text[:0], "[02/Jan/2006:")
	}
	s := int(at % secondsPerDay)
	h, m, s := s/3600, s/60%60, s%60
	dst = append(dst, c.text...)
	return append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':',
		byte('0'+s/10), byte('0'+s%10), ' ', '+', '0', '0', '0', '0', ']')
}

// dayOf names the UTC day of at, as the partition key dt does.
func dayOf(at int64) string { return time.Unix(at, 0).UTC().Format(time.DateOnly) }
