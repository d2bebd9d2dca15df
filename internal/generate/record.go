package generate

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// record appends the request as one CloudTrail record. extra is appended to
// requestParameters: members that begin with a comma.
func (r *request) record(dst []byte, w *world, d *dice, extra string) []byte {
	op := operations[r.op]
	version := "1." + []string{"08", "09", "10", "11"}[min(d.below(8), 3)]
	dst = append(dst, `{"eventVersion":"`...)
	dst = append(dst, version...)
	dst = append(dst, `","userIdentity":`...)
	switch {
	case r.by != nil:
		dst = append(dst, r.by.identity...)
	case r.requester == "-":
		account := "anonymous"
		if version == "1.08" { // the older spelling
			account = "ANONYMOUS_PRINCIPAL"
		}
		dst = member(dst, `{"type":"AWSAccount","principalId":"","accountId":`, account)
		dst = append(dst, '}')
	default:
		dst = append(dst, `{"type":"AWSService","invokedBy":"cloudfront.amazonaws.com"}`...)
	}
	dst = append(dst, `,"eventTime":"`...)
	dst = time.Unix(r.at, 0).UTC().AppendFormat(dst, time.RFC3339)
	dst = member(dst, `","eventSource":"s3.amazonaws.com","eventName":`, op.event)
	dst = member(dst, `,"awsRegion":`, w.region)
	dst = member(dst, `,"sourceIPAddress":`, string(r.ip))
	dst = member(dst, `,"userAgent":`, "["+r.agent+"]")
	if r.err != "" {
		dst = member(dst, `,"errorCode":`, r.err)
		message := "Access Denied"
		if r.err == "NoSuchKey" {
			message = "The specified key does not exist."
		}
		dst = member(dst, `,"errorMessage":`, message)
	}
	dst = member(dst, `,"requestParameters":{"bucketName":`, r.bucket.name)
	dst = member(dst, `,"Host":`, r.endpoint)
	if r.key != nil {
		dst = member(dst, `,"key":`, string(r.key))
	}
	switch r.op {
	case opList:
		dst = append(dst, `,"list-type":"2","encoding-type":"url","prefix":""`...)
	case opMultiDelete:
		dst = append(dst, `,"delete":""`...)
	case opGetACL:
		dst = append(dst, `,"acl":""`...)
	case opLocation:
		dst = append(dst, `,"location":""`...)
	case opVersioning:
		dst = append(dst, `,"versioning":""`...)
	}
	if r.copySource != nil {
		dst = member(dst, `,"x-amz-copy-source":`, string(r.copySource))
	}
	if r.auth == "QueryString" && r.sig == "SigV4" {
		dst = append(dst, `,"X-Amz-Algorithm":"AWS4-HMAC-SHA256","X-Amz-Expires":"900","X-Amz-SignedHeaders":"host"`...)
	}
	if r.customerKey {
		dst = append(dst, `,"x-amz-server-side-encryption-customer-algorithm":"AES256"`...)
	}
	dst = append(dst, extra...)
	dst = append(dst, `},"responseElements":`...)
	switch {
	case r.err != "" || op.reads || r.op == opMultiDelete || r.op == opDelete || r.op == opBatchDelete:
		dst = append(dst, "null"...)
	case r.customerKey:
		dst = append(dst, `{"x-amz-server-side-encryption-customer-algorithm":"AES256"}`...)
	default:
		dst = append(dst, `{"x-amz-server-side-encryption":"AES256"}`...)
	}
	dst = append(dst, `,"additionalEventData":{`...)
	if r.sig != "-" {
		dst = member(dst, `"SignatureVersion":`, r.sig)
		dst = member(dst, `,"AuthenticationMethod":`, r.auth)
		dst = append(dst, ',')
	}
	dst = member(dst, `"CipherSuite":`, r.cipher)
	in, out := int64(0), max(r.sent, 0)
	if r.op == opPut || r.op == opPart {
		in = max(r.size, 0)
		dst = append(dst, `,"SSEApplied":"Default_SSE_S3"`...)
	}
	point := version == "1.08" // older records say 353.0
	dst = count(dst, `,"bytesTransferredIn":`, in, point)
	dst = count(dst, `,"bytesTransferredOut":`, out, point)
	dst = member(dst, `,"x-amz-id-2":`, string(r.host[:]))
	dst = member(dst, `},"requestID":`, string(r.id[:]))
	dst = append(dst, `,"eventID":"`...)
	dst = d.uuid(dst)
	dst = append(dst, `","readOnly":`...)
	dst = strconv.AppendBool(dst, op.reads)
	dst = r.resources(dst, w)
	management := r.op >= opLocation
	dst = append(dst, `,"eventType":"AwsApiCall","managementEvent":`...)
	dst = strconv.AppendBool(dst, management)
	dst = member(dst, `,"recipientAccountId":`, w.account)
	if r.by != nil && r.by.account != w.account {
		dst = append(dst, `,"sharedEventID":"`...)
		dst = append(d.uuid(dst), '"')
	}
	if r.by != nil && r.by.endpoint != "" {
		dst = member(dst, `,"vpcEndpointId":`, r.by.endpoint)
		if !point {
			dst = member(dst, `,"vpcEndpointAccountId":`, w.account)
		}
	}
	if management {
		dst = append(dst, `,"eventCategory":"Management"`...)
	} else {
		dst = append(dst, `,"eventCategory":"Data"`...)
	}
	dst = member(dst, `,"tlsDetails":{"tlsVersion":`, r.tls)
	dst = member(dst, `,"cipherSuite":`, r.cipher)
	dst = member(dst, `,"clientProvidedHostHeader":`, r.endpoint)
	return append(dst, "}}"...)
}

func (r *request) resources(dst []byte, w *world) []byte {
	arn := "arn:aws:s3:::" + r.bucket.name
	dst = append(dst, `,"resources":[`...)
	switch {
	case r.op == opList || r.op == opMultiDelete:
		dst = member(dst, `{"type":"AWS::S3::Object","ARNPrefix":`, arn+"/")
		dst = append(dst, "},"...)
	case r.key != nil:
		dst = member(dst, `{"type":"AWS::S3::Object","ARN":`, arn+"/"+string(r.key))
		dst = append(dst, "},"...)
	}
	dst = member(dst, `{"type":"AWS::S3::Bucket","ARN":`, arn)
	dst = member(dst, `,"accountId":`, w.account)
	return append(dst, "}]"...)
}

// identityJSON renders CloudTrail's userIdentity.
func (s *session) identityJSON() string {
	dst := member(nil, `{"type":`, s.kind)
	dst = member(dst, `,"principalId":`, s.principal)
	if s.kind != "AWSAccount" {
		dst = member(dst, `,"arn":`, s.requester)
	}
	dst = member(dst, `,"accountId":`, s.account)
	if s.kind != "AWSAccount" {
		dst = member(dst, `,"accessKeyId":`, s.accessKey)
	}
	switch s.kind {
	case "IAMUser":
		dst = member(dst, `,"userName":`, s.user)
	case "AssumedRole":
		dst = member(dst, `,"sessionContext":{"sessionIssuer":{"type":"Role","principalId":`, s.principal[:21])
		dst = member(dst, `,"arn":`, "arn:aws:iam::"+s.account+":role/"+s.role)
		dst = member(dst, `,"accountId":`, s.account)
		dst = member(dst, `,"userName":`, s.role)
		dst = append(dst, `},"attributes":{"creationDate":"2026-01-05T06:00:00Z","mfaAuthenticated":"false"}}`...)
	}
	return string(append(dst, '}'))
}

// call is a management call that leaves no access-log line.
type call struct {
	source, name string
	reads        bool
	parameters   string
}

var calls = []call{
	{"s3.amazonaws.com", "ListBuckets", true, `{"Host":"s3.amazonaws.com"}`},
	{"s3.amazonaws.com", "GetBucketPolicy", true, `{"bucketName":"harbor-www","Host":"harbor-www.s3.amazonaws.com","policy":""}`},
	{"s3.amazonaws.com", "GetBucketLogging", true, `{"bucketName":"harbor-media","Host":"harbor-media.s3.amazonaws.com","logging":""}`},
	{"s3.amazonaws.com", "PutBucketTagging", false, `{"bucketName":"harbor-datasets","Host":"harbor-datasets.s3.amazonaws.com","tagging":"","Tagging":{"TagSet":{"Tag":{"Key":"team","Value":"data"}}}}`},
	{"sts.amazonaws.com", "AssumeRole", true, `{"roleSessionName":"nightly","durationSeconds":3600}`},
	{"kms.amazonaws.com", "GenerateDataKey", true, `{"keySpec":"AES_256","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::harbor-backups"}}`},
}

// management appends the record of a management call by s, or by CloudTrail
// itself now and then.
func (w *world) management(dst []byte, d *dice, s *session, at int64) []byte {
	c := calls[d.below(len(calls))]
	identity, ip, agent := s.identity, s.ip, "["+s.agent+"]"
	if d.in(4) {
		c = call{"s3.amazonaws.com", "GetBucketAcl", true, `{"bucketName":"harbor-logs","Host":"harbor-logs.s3.` + w.region + `.amazonaws.com","acl":""}`}
		identity = `{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}`
		ip, agent = "cloudtrail.amazonaws.com", "cloudtrail.amazonaws.com"
	}
	var id [16]byte
	d.requestID(&id)
	dst = append(dst, `{"eventVersion":"1.11","userIdentity":`...)
	dst = append(dst, identity...)
	dst = append(dst, `,"eventTime":"`...)
	dst = time.Unix(at, 0).UTC().AppendFormat(dst, time.RFC3339)
	dst = member(dst, `","eventSource":`, c.source)
	dst = member(dst, `,"eventName":`, c.name)
	dst = member(dst, `,"awsRegion":`, w.region)
	dst = member(dst, `,"sourceIPAddress":`, ip)
	dst = member(dst, `,"userAgent":`, agent)
	dst = append(dst, `,"requestParameters":`...)
	dst = append(dst, c.parameters...)
	dst = member(dst, `,"responseElements":null,"requestID":`, string(id[:]))
	dst = append(dst, `,"eventID":"`...)
	dst = append(d.uuid(dst), `","readOnly":`...)
	dst = strconv.AppendBool(dst, c.reads)
	dst = append(dst, `,"eventType":"AwsApiCall","managementEvent":true`...)
	dst = member(dst, `,"recipientAccountId":`, w.account)
	return append(dst, `,"eventCategory":"Management"}`...)
}

// member appends head, which ends in a name and a colon, and value as a JSON
// string.
func member(dst []byte, head, value string) []byte {
	dst = append(append(dst, head...), '"')
	from := 0
	for i := 0; i < len(value); i++ {
		if c := value[i]; c == '"' || c == '\\' || c < ' ' {
			dst = append(dst, value[from:i]...)
			if c < ' ' {
				dst = append(dst, `\u00`...)
				dst = append(dst, hexLow[c>>4], hexLow[c&15])
			} else {
				dst = append(dst, '\\', c)
			}
			from = i + 1
		}
	}
	if !utf8.ValidString(value) {
		panic("BUG: CloudTrail is UTF-8: " + strconv.Quote(value))
	}
	return append(append(dst, value[from:]...), '"')
}

func count(dst []byte, head string, n int64, point bool) []byte {
	dst = strconv.AppendInt(append(dst, head...), n, 10)
	if point {
		dst = append(dst, ".0"...)
	}
	return dst
}
