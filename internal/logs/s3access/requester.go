package s3access

import (
	"bytes"

	"sluice/internal/logs"
)

// Kinds of requester, the values of requester_type. Read anonymous as "nobody
// that S3 could tell", service as "AWS itself".
var (
	anonymous     = logs.Text("anonymous")
	canonicalUser = logs.Text("canonical_user")
	rootUser      = logs.Text("root")
	iamUser       = logs.Text("iam_user")
	assumedRole   = logs.Text("assumed_role")
	federatedUser = logs.Text("federated_user")
	originAccess  = logs.Text("origin_access_identity")
	awsService    = logs.Text("service")
	otherKind     = logs.Text("other")
)

// requester is what a requester says about itself; what it does not say is NULL.
type requester struct{ kind, account, name logs.Text }

// caller fills what the requester says, which is there.
func (p *parser) caller() {
	row := &p.row
	if len(row.Requester) > memoText {
		r := requesterOf(row.Requester)
		row.RequesterType, row.RequesterAccount, row.RequesterName = r.kind, r.account, r.name
		return
	}
	s, known := p.callers.of(row.Requester)
	if !known {
		s.value = requesterOf(s.text)
	}
	r := &s.value
	row.RequesterType, row.RequesterAccount, row.RequesterName, row.Caller = r.kind, r.account, r.name, &s.again
}

// requesterOf finds kind, account and name in the forms a requester has
// (LogFormat): canonical id, ARN of a user, role session or root, service.
func requesterOf(b []byte) requester {
	switch {
	case len(b) > 4 && string(b[:4]) == "arn:":
		return principal(b)
	case len(b) == 64 && only(b, hexDigit):
		return requester{kind: canonicalUser}
	case len(b) > 4 && string(b[:4]) == "svc:":
		return requester{kind: awsService, name: b[4:]}
	case string(b) == "AmazonS3" || bytes.HasSuffix(b, []byte(".amazonaws.com")):
		return requester{kind: awsService, name: b}
	}
	return requester{kind: otherKind}
}

// principal takes arn:PARTITION:iam|sts::ACCOUNT:RESOURCE apart.
func principal(b []byte) requester {
	r := requester{kind: otherKind}
	const most = "arn:aws:sts::" // as long as arn:aws:iam::, and most begin so
	i := len(most)
	if len(b) < i || string(b[:8]) != most[:8] || string(b[11:i]) != "::" {
		i = 0
		for colons := 0; colons < 4; i++ { // arn, partition, service, region
			if i == len(b) {
				return r
			}
			if b[i] == ':' {
				colons++
			}
		}
	}
	account, resource, found := bytes.Cut(b[i:], []byte(":"))
	if !found {
		return r
	}
	if only(account, digit) {
		r.account = account
	}
	kind, name, found := bytes.Cut(resource, []byte("/"))
	if !found {
		if string(resource) == "root" {
			r.kind, r.name = rootUser, resource
		}
		return r
	}
	switch string(kind) {
	case "user":
		const identity = "CloudFront Origin Access Identity "
		if string(account) == "cloudfront" && bytes.HasPrefix(name, []byte(identity)) {
			r.kind, r.name = originAccess, name[len(identity):]
			break
		}
		r.kind, r.name = iamUser, name[bytes.LastIndexByte(name, '/')+1:]
	case "assumed-role":
		role, _, _ := bytes.Cut(name, []byte("/")) // the session follows; the role stands without its path
		r.kind, r.name = assumedRole, role
	case "federated-user":
		r.kind, r.name = federatedUser, name
	}
	return r
}

// bucketRegion finds the region in an endpoint (bucket.s3.us-west-2.amazonaws.com,
// s3-website-eu-west-1, dualstack, fips, accelerate has none) or in an access
// point's ARN. The global endpoint names none, whatever the bucket's region is.
func bucketRegion(host, accessPoint []byte) logs.Text {
	if accessPoint != nil {
		rest := accessPoint
		for range 3 {
			_, rest, _ = bytes.Cut(rest, []byte(":"))
		}
		if i := bytes.IndexByte(rest, ':'); i > 0 && isRegion(rest[:i]) {
			return logs.Text(rest[:i])
		}
	}
	host = bytes.TrimSuffix(host, []byte(".cn"))
	if !bytes.HasSuffix(host, []byte(".amazonaws.com")) {
		return nil
	}
	host = host[:len(host)-len(".amazonaws.com")]
	last := host[bytes.LastIndexByte(host, '.')+1:]
	if isRegion(last) {
		return logs.Text(last)
	}
	if bytes.HasPrefix(last, []byte("s3-")) {
		for _, prefix := range [...]string{"s3-website-", "s3-fips-", "s3-"} {
			if bytes.HasPrefix(last, []byte(prefix)) && isRegion(last[len(prefix):]) {
				return logs.Text(last[len(prefix):])
			}
		}
	}
	return nil
}

// isRegion takes the shape of a region: us-west-2, us-gov-east-1, ap-southeast-1.
func isRegion(b []byte) bool {
	if len(b) < 9 || len(b) > 20 || !isDigit(b[len(b)-1]) || b[2] != '-' || string(b[:3]) == "s3-" {
		return false
	}
	return only(b, lower|digit|dotDash) && isLetter(b[0]) && isLetter(b[1])
}
