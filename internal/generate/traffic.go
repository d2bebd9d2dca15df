package generate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// traffic draws one ordinary request after the other. What next returns is
// valid until it is called again.
type traffic struct {
	w    *world
	d    *dice
	r    request
	kind *weighted

	keyBuf, uriBuf, ipBuf, copyBuf, verBuf []byte

	members int // of a batch delete, still to come
	rank    int // key of the next member
	copied  bool
}

// The kinds of traffic and how often each starts, in tenths of a percent.
const (
	sdkGet = iota
	presignedGet
	anonymousGet
	cloudfrontGet
	put
	multipart
	head
	list
	batchDelete
	singleDelete
	copyObject
	lifecycle
	scanner
	bucketCall
	website
	kinds
)

var kindShare = [kinds]float64{
	sdkGet: 470, presignedGet: 55, anonymousGet: 70, cloudfrontGet: 60, put: 100, multipart: 55, head: 60, list: 35,
	batchDelete: 3, singleDelete: 10, copyObject: 8, lifecycle: 20, scanner: 10, bucketCall: 7, website: 12,
}

func newTraffic(w *world, d *dice) *traffic {
	return &traffic{w: w, d: d, kind: newWeighted(kindShare[:])}
}

// next draws a request to bucket b at second at. left is how many more lines
// the caller has room for, this one included: requests that write several lines
// start only where all of them fit.
func (t *traffic) next(b *bucket, at int64, left int64) *request {
	r := &t.r
	switch { // the rest of a group shares its first line's second
	case t.members > 0:
		t.members--
		t.member()
		return r
	case t.copied:
		t.copied = false
		t.copySource()
		return r
	}
	r.at = at
	d := t.d
	kind := t.kind.draw(d)
	switch {
	case kind == copyObject && left < 2, kind == batchDelete && left < 12:
		kind = sdkGet
	case (kind == website || kind == anonymousGet) && !b.public:
		kind = sdkGet
	}
	s := t.w.sessions[t.w.active.draw(d)]
	switch kind {
	case sdkGet, head:
		t.get(b, s)
		if kind == head {
			r.op, r.sent = opHead, absent
			t.requestLine("HEAD", "", "")
		}
		switch d.below(200) {
		case 0, 1:
			t.fail(404, "NoSuchKey")
		case 2:
			t.fail(403, "AccessDenied")
		case 3, 4, 5:
			r.status, r.sent = 304, absent
		case 6, 7, 8, 9, 10, 11, 12, 13:
			if kind == sdkGet && r.size > 1<<20 {
				r.status, r.sent = 206, min(r.size, 8<<20)
			}
		}
	case presignedGet:
		t.get(b, s)
		t.presign(s, int64(d.between(5, 600)), 900)
		r.agent, r.sourceRegion = t.w.browsers[d.below(len(t.w.browsers))], "-"
		t.publicIP()
	case anonymousGet, scanner:
		t.anonymous(b)
		if kind == scanner {
			r.key = append(r.key[:0], probes[d.below(len(probes))]...)
			r.referer, r.agent = "", "Mozilla/5.0 (compatible; scanner)"
			t.requestLine("GET", "", "")
			t.fail(404, "NoSuchKey")
		}
		if !b.public {
			t.fail(403, "AccessDenied")
		}
	case website:
		t.anonymous(b)
		r.op, r.cipher, r.tls = opWebsite, "-", "-"
		r.endpoint = b.name + ".s3-website." + t.w.region + ".amazonaws.com"
	case cloudfrontGet:
		t.get(b, s)
		r.by, r.requester, r.agent, r.accessPoint = nil, "svc:cloudfront.amazonaws.com", "Amazon CloudFront", "-"
		t.publicIP()
	case put:
		t.get(b, s)
		r.op, r.sent = opPut, absent
		if d.in(20) {
			r.acl = "Yes"
		}
		t.requestLine("PUT", "", "")
	case multipart:
		t.get(b, s)
		upload := string(d.text(nil, 64, base64s[:62]))
		switch d.below(10) {
		case 0:
			r.op, r.sent, r.size = opStartUpload, int64(330), absent
			t.requestLine("POST", "?uploads", "")
		case 1:
			r.op, r.sent = opEndUpload, int64(480)
			t.requestLine("POST", "?uploadId="+upload, "")
		default:
			r.op, r.sent, r.size = opPart, absent, 8<<20
			t.requestLine("PUT", "?partNumber="+strconv.Itoa(d.between(1, 400))+"&uploadId="+upload, "")
		}
	case list:
		t.get(b, s)
		prefix := encodeOnce(nil, r.key[:len(r.key)/2], false)
		r.op, r.key, r.size = opList, nil, absent
		r.sent = int64(d.between(260, 300_000))
		t.requestLine("GET", "?list-type=2&delimiter=%2F&prefix="+string(prefix)+"&encoding-type=url", "")
	case batchDelete:
		t.get(b, s)
		t.members = d.between(2, 11)
		t.rank = d.below(1000)
		r.op, r.key, r.size, r.sent = opMultiDelete, nil, absent, int64(100+50*t.members)
		t.requestLine("POST", "?delete", "")
	case singleDelete:
		t.get(b, s)
		r.op, r.status, r.sent = opDelete, 204, absent
		t.requestLine("DELETE", "", "")
	case copyObject:
		t.get(b, s)
		t.copyBuf = append(append(append(t.copyBuf[:0], b.name...), '/'), r.key...)
		r.op, r.copySource, r.sent = opCopy, t.copyBuf, 234
		r.key = append(append(t.keyBuf[:0], "copies/"...), t.copyBuf[len(b.name)+1:]...)
		t.keyBuf = r.key
		t.requestLine("PUT", "", "")
		t.copied = true
	case lifecycle:
		t.get(b, s)
		r.by, r.ip, r.requester, r.uri, r.agent = nil, nil, "AmazonS3", nil, ""
		r.status, r.sent, r.total, r.turn = absent, absent, absent, absent
		r.sig, r.cipher, r.auth, r.endpoint, r.tls, r.accessPoint, r.sourceRegion = "-", "-", "-", "-", "-", "-", "-"
		r.op = opExpire
		if d.in(2) {
			r.op = opTransition
		}
	case bucketCall:
		t.get(b, s)
		calls := [...]struct {
			op    opID
			query string
		}{{opLocation, "?location"}, {opVersioning, "?versioning"}, {opGetACL, "?acl"}}
		c := calls[d.below(len(calls))]
		r.op, r.key, r.size, r.sent = c.op, nil, absent, int64(d.between(113, 480))
		t.requestLine("GET", c.query, "")
	}
	return r
}

var probes = []string{
	".git/config", ".env", "wp-login.php", "backup.zip", "db.sql", ".aws/credentials", "config.json", "admin/",
	"phpinfo.php", "id_rsa", "server-status", "web.config", "dump.sql.gz", "private.key", ".DS_Store", "users.csv",
}

// get fills the request with a successful GET of a popular object by s: the
// form that every other request departs from.
func (t *traffic) get(b *bucket, s *session) {
	d, r := t.d, &t.r
	rank := t.w.keys.draw(d)
	t.keyBuf = b.appendKey(t.keyBuf[:0], rank)
	t.ipBuf = append(t.ipBuf[:0], s.ip...)
	at := r.at
	*r = request{
		bucket: b, at: at, op: opGet, by: s, ip: t.ipBuf, requester: s.requester, key: t.keyBuf,
		status: 200, size: b.size(rank), agent: s.agent,
		sig: "SigV4", cipher: ciphers[s.tls][0], tls: ciphers[s.tls][1], auth: "AuthHeader",
		endpoint: b.host, accessPoint: s.accessPoint, acl: "-", sourceRegion: s.region, fields: 27,
	}
	r.sent = r.size
	r.turn = int64(8 + d.below(20) + d.below(20)*d.below(8))
	r.total = r.turn + r.size>>15 + int64(d.below(5))
	d.requestID(&r.id)
	d.hostID(&r.host)
	if d.in(40) {
		t.verBuf = d.text(t.verBuf[:0], 32, base64s[:62])
		r.version = string(t.verBuf)
		t.requestLine("GET", "?versionId=", r.version)
		return
	}
	query := ""
	if d.in(4) {
		query = "?x-id=GetObject"
	}
	t.requestLine("GET", query, "")
}

// anonymous turns into a browser's request without credentials.
func (t *traffic) anonymous(b *bucket) {
	d, r := t.d, &t.r
	t.get(b, t.w.sessions[0])
	t.unsigned()
	r.agent = t.w.browsers[d.below(len(t.w.browsers))]
	if d.in(2) {
		r.referer = t.w.referers[d.below(len(t.w.referers))]
	}
	t.publicIP()
	t.requestLine("GET", "", "")
	if d.in(8) {
		r.status, r.sent = 304, absent
	}
}

// unsigned takes the credentials away from the request.
func (t *traffic) unsigned() {
	r := &t.r
	r.by, r.requester, r.sig, r.auth, r.accessPoint, r.sourceRegion, r.version = nil, "-", "-", "-", "-", "-", ""
}

func (t *traffic) publicIP() {
	t.ipBuf = appendPublicIP(t.ipBuf[:0], t.d.bits())
	t.r.ip = t.ipBuf
}

// fail gives the request an error as its answer.
func (t *traffic) fail(status int, code string) {
	r := &t.r
	r.status, r.err, r.size, r.total = status, code, absent, r.turn
	r.sent = int64(243 + len(r.key))
	if r.op == opHead {
		r.sent = absent
	}
}

// requestLine writes the HTTP request line for the key at hand.
func (t *traffic) requestLine(method, query, value string) {
	u := append(append(t.uriBuf[:0], method...), " /"...)
	u = appendPath(u, t.r.key)
	u = append(append(u, query...), value...)
	t.uriBuf = append(u, " HTTP/1.1"...)
	t.r.uri = t.uriBuf
}

// presign turns the request into one through a presigned link that was made age
// seconds before and lives for expires seconds.
func (t *traffic) presign(s *session, age, expires int64) {
	r := &t.r
	made := time.Unix(r.at-age, 0).UTC()
	r.auth, r.accessPoint, r.version = "QueryString", "-", ""
	if t.d.in(50) { // the old scheme, with the signature in clear
		r.sig = "SigV2"
		t.requestLine("GET", "?AWSAccessKeyId="+s.accessKey+"&Expires="+strconv.FormatInt(made.Unix()+expires, 10)+
			"&Signature="+string(encodeOnce(nil, t.d.text(nil, 27, base64s), false))+"%3D", "")
		return
	}
	u := append(t.uriBuf[:0], "GET /"...)
	u = appendPath(u, r.key)
	if t.d.in(3) {
		u = append(u, "?response-content-disposition=attachment&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="...)
	} else {
		u = append(u, "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="...)
	}
	u = append(append(u, s.accessKey...), "%2F"...)
	u = made.AppendFormat(u, "20060102")
	u = append(append(append(u, "%2F"...), t.w.region...), "%2Fs3%2Faws4_request&X-Amz-Date="...)
	u = made.AppendFormat(u, "20060102T150405Z")
	u = strconv.AppendInt(append(u, "&X-Amz-Expires="...), expires, 10)
	u = append(u, "&X-Amz-SignedHeaders=host"...)
	if s.token != "" {
		u = append(append(u, "&X-Amz-Security-Token="...), s.token...)
	}
	t.uriBuf = append(u, "&X-Amz-Signature=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX HTTP/1.1"...)
	r.uri = t.uriBuf
}

// member turns the request into one key of the batch delete before it: the same
// request id and host id, nothing of HTTP.
func (t *traffic) member() {
	r := &t.r
	t.rank++
	t.keyBuf = r.bucket.appendKey(t.keyBuf[:0], t.rank)
	r.op, r.key, r.uri, r.bare, r.status = opBatchDelete, t.keyBuf, nil, true, 204
	r.sent, r.size, r.total, r.turn, r.referer, r.agent, r.version = absent, r.bucket.size(t.rank), absent, absent, "", "", ""
}

// copySource turns a copy into its second line: the read of the source.
func (t *traffic) copySource() {
	r := &t.r
	r.op, r.key = opCopyGet, r.copySource[len(r.bucket.name)+1:]
	r.uri, r.bare, r.status = nil, true, absent
	r.sent, r.total, r.turn, r.referer, r.agent, r.copySource = absent, absent, absent, "", "", nil
}

// sessionFor makes a caller of a scenario: a user, or a role under a session name.
func (w *world) sessionFor(d *dice, user, role, name, ip, agent string) *session {
	s := &session{account: w.account, ip: ip, agent: agent, accessPoint: "-", region: "-"}
	if user != "" {
		s.kind, s.user = "IAMUser", user
		s.requester = fmt.Sprintf("arn:aws:iam::%s:user/%s", w.account, user)
		s.principal, s.accessKey = "AIDA"+string(d.text(nil, 17, base36)), accessKey(d, "AKIA")
	} else {
		s.kind, s.role = "AssumedRole", role
		s.requester = fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", w.account, role, name)
		s.principal, s.accessKey = "AROA"+string(d.text(nil, 17, base36))+":"+name, accessKey(d, "ASIA")
		s.token = string(encodeOnce(nil, d.text(nil, 220, base64s), false))
	}
	s.identity = s.identityJSON()
	return s
}

// bearer is who rules on access logs say that it is: the role, whatever name the
// session has.
func (s *session) bearer() string {
	if s.role == "" {
		return s.requester
	}
	return s.requester[:strings.LastIndexByte(s.requester, '/')]
}

// issuer is who rules on CloudTrail say that it is: the role that issued the
// session.
func (s *session) issuer() string {
	if s.role == "" {
		return s.requester
	}
	return fmt.Sprintf("arn:aws:iam::%s:role/%s", s.account, s.role)
}
