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

// requesterOf fills kind, account and name from the forms a requester has
// (LogFormat): canonical id, ARN of a user, role session or root, service.
func requesterOf(row *Row, b []byte) {
	row.Authenticated = logs.SomeBool(b != nil)
	switch {
	case b == nil:
		row.RequesterType = anonymous
	case len(b) > 4 && string(b[:4]) == "arn:":
		principal(row, b)
	case len(b) == 64 && only(b, hexDigit):
		row.RequesterType = canonicalUser
	case len(b) > 4 && string(b[:4]) == "svc:":
		row.RequesterType, row.RequesterName = awsService, logs.Text(b[4:])
	case string(b) == "AmazonS3" || bytes.HasSuffix(b, []byte(".amazonaws.com")):
		row.RequesterType, row.RequesterName = awsService, logs.Text(b)
	default:
		row.RequesterType = otherKind
	}
}

// principal takes arn:PARTITION:iam|sts::ACCOUNT:RESOURCE apart.
func principal(row *Row, b []byte) {
	row.RequesterType = otherKind
	const most = "arn:aws:sts::" // as long as arn:aws:iam::, and most begin so
	i := len(most)
	if len(b) < i || string(b[:8]) != most[:8] || string(b[11:i]) != "::" {
		i = 0
		for colons := 0; colons < 4; i++ { // arn, partition, service, region
			if i == len(b) {
				return
			}
			if b[i] == ':' {
				colons++
			}
		}
	}
	j := bytes.IndexByte(b[i:], ':')
	if j < 0 {
		return
	}
	account, resource := b[i:i+j], b[i+j+1:]
	if len(account) > 0 && only(account, digit) {
		row.RequesterAccount = logs.Text(account)
	}
	i = bytes.IndexByte(resource, '/')
	if i < 0 {
		if string(resource) == "root" {
			row.RequesterType, row.RequesterName = rootUser, logs.Text(resource)
		}
		return
	}
	kind, name := resource[:i], resource[i+1:]
	switch string(kind) {
	case "user":
		const identity = "CloudFront Origin Access Identity "
		if string(account) == "cloudfront" && bytes.HasPrefix(name, []byte(identity)) {
			row.RequesterType, row.RequesterName = originAccess, logs.Text(name[len(identity):])
			return
		}
		row.RequesterType, row.RequesterName = iamUser, logs.Text(name[bytes.LastIndexByte(name, '/')+1:])
	case "assumed-role":
		if j := bytes.IndexByte(name, '/'); j >= 0 { // the session follows; the role stands without its path
			name = name[:j]
		}
		row.RequesterType, row.RequesterName = assumedRole, logs.Text(name)
	case "federated-user":
		row.RequesterType, row.RequesterName = federatedUser, logs.Text(name)
	}
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
