package cloudtrail

import (
	"bytes"
	"strings"

	"sluice/internal/logs"
)

// Fields of a record, in the order CloudTrail writes them.
const (
	eventVersion = iota
	userIdentity
	eventTime
	eventSource
	eventName
	awsRegion
	sourceIPAddress
	userAgent
	errorCode
	errorMessage
	requestParameters
	responseElements
	additionalEventData
	requestID
	eventID
	readOnly
	resources
	eventType
	managementEvent
	recipientAccountID
	sharedEventID
	vpcEndpointID
	vpcEndpointAccountID
	eventCategory
	addendum
	serviceEventDetails
	sessionCredentialFromConsole
	tlsDetails
	topFields
)

var topNames = [topFields]string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
	"userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData",
	"requestID", "eventID", "readOnly", "resources", "eventType", "managementEvent", "recipientAccountId",
	"sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory", "addendum", "serviceEventDetails",
	"sessionCredentialFromConsole", "tlsDetails",
}

// Members that have columns, in the order CloudTrail writes them.
var (
	identityNames   = [...]string{"type", "principalId", "arn", "accountId", "accessKeyId", "userName", "sessionContext", "invokedBy"}
	sessionNames    = [...]string{"sessionIssuer", "attributes"}
	issuerNames     = [...]string{"type", "arn", "accountId", "userName"}
	attributeNames  = [...]string{"creationDate", "mfaAuthenticated"}
	parameterNames  = [...]string{"list-type", "bucketName", "prefix", "Host", "x-amz-copy-source", "key", "versionId", "host"}
	additionalNames = [...]string{"SignatureVersion", "CipherSuite", "bytesTransferredIn", "SSEApplied", "AuthenticationMethod", "x-amz-id-2", "bytesTransferredOut", "aclRequired"}
	tlsNames        = [...]string{"tlsVersion", "cipherSuite", "clientProvidedHostHeader"}
	resourceNames   = [...]string{"accountId", "type", "ARN", "ARNPrefix", "arn"}
)

// places says which node each value is that has a column; 0 for none.
type places struct {
	top        [topFields]int32
	identity   [len(identityNames)]int32
	session    [len(sessionNames)]int32
	issuer     [len(issuerNames)]int32
	attributes [len(attributeNames)]int32
	parameters [len(parameterNames)]int32
	additional [len(additionalNames)]int32
	tls        [len(tlsNames)]int32
}

// nests finds the members of the objects inside the record.
func (p *parser) nests() {
	at := &p.at
	p.nested(at.top[userIdentity], "userIdentity.", identityNames[:], at.identity[:])
	p.nested(at.identity[6], "userIdentity.sessionContext.", sessionNames[:], at.session[:])
	p.nested(at.session[0], "userIdentity.sessionContext.sessionIssuer.", issuerNames[:], at.issuer[:])
	p.nested(at.session[1], "userIdentity.sessionContext.attributes.", attributeNames[:], at.attributes[:])
	p.nested(at.top[requestParameters], "requestParameters.", parameterNames[:], at.parameters[:])
	p.nested(at.top[additionalEventData], "additionalEventData.", additionalNames[:], at.additional[:])
	p.nested(at.top[tlsDetails], "tlsDetails.", tlsNames[:], at.tls[:])
	p.resources(at.top[resources])
}

// record fills the row from the fields of a record that were found.
func (p *parser) record() {
	r, at := &p.row, &p.at.top
	t, ok := p.time(at[eventTime])
	switch {
	case ok:
		r.EventTime = t
	case p.raw(at[eventTime]) != nil:
		p.reject(ReasonInvalidTime, "eventTime: want a time such as 2026-11-22T08:15:30Z, found "+clip(p.raw(at[eventTime])))
	case string(p.scalar(at[eventType])) == "AwsAggregatedEvent" || string(p.scalar(at[eventCategory])) == "Aggregated":
		p.reject(ReasonAggregated, "an aggregated event has no eventTime")
	default:
		p.reject(ReasonNoTime, "eventTime is missing")
	}
	r.EventID = p.field(eventID)
	r.EventName = p.field(eventName)
	r.EventSource = p.field(eventSource)
	r.EventVersion = p.field(eventVersion)
	r.EventType = p.field(eventType)
	r.EventCategory = p.field(eventCategory)
	r.AWSRegion = p.field(awsRegion)
	r.SourceIPAddress = p.field(sourceIPAddress)
	r.UserAgent = unwrap(p.field(userAgent))
	r.ErrorCode = p.field(errorCode)
	r.ErrorMessage = p.field(errorMessage)
	r.RequestID = p.field(requestID)
	r.ReadOnly = p.truthField(readOnly)
	r.ManagementEvent = p.truthField(managementEvent)
	r.RecipientAccountID = p.field(recipientAccountID)
	r.SharedEventID = p.field(sharedEventID)
	r.VPCEndpointID = p.field(vpcEndpointID)
	r.VPCEndpointAccountID = p.field(vpcEndpointAccountID)
	r.SessionCredentialFromConsole = p.truthField(sessionCredentialFromConsole)

	r.UserIdentity = p.raw(at[userIdentity])
	r.RequestParameters = p.raw(at[requestParameters])
	r.ResponseElements = p.raw(at[responseElements])
	r.AdditionalEventData = p.raw(at[additionalEventData])
	r.Resources = p.raw(at[resources])
	r.Addendum = p.raw(at[addendum])
	r.TLSDetails = p.raw(at[tlsDetails])
	r.ServiceEventDetails = p.raw(at[serviceEventDetails])
}

// inside fills the row from what was found inside the fields, and with what has
// no column. The resources are in it already.
func (p *parser) inside() {
	p.identity()
	p.parameters()
	p.additional()
	p.tls()
	p.row.Extra = p.extra()
}

// nested is members for an object inside the record; what is no object has none.
func (p *parser) nested(n int32, path string, names []string, at []int32) {
	if n != 0 && p.nodes[n].kind == object {
		p.members(n, path, names, at)
	}
}

func (p *parser) identity() {
	r, at := &p.row, &p.at.identity
	r.UserIdentityType = p.scalar(at[0])
	r.UserIdentityPrincipalID = p.scalar(at[1])
	r.UserIdentityARN = p.scalar(at[2])
	r.UserIdentityAccountID = p.scalar(at[3])
	r.UserIdentityAccessKeyID = p.scalar(at[4])
	r.UserIdentityUserName = p.scalar(at[5])
	r.UserIdentityInvokedBy = p.scalar(at[7])
	r.Authenticated = authenticated(r)

	issuer := &p.at.issuer
	r.SessionIssuerType = p.scalar(issuer[0])
	r.SessionIssuerARN = p.scalar(issuer[1])
	r.SessionIssuerAccountID = p.scalar(issuer[2])
	r.SessionIssuerUserName = p.scalar(issuer[3])
	r.SessionCreationDate = p.scalar(p.at.attributes[0])
	r.MFAAuthenticated = p.truth(p.at.attributes[1])
}

// authenticated tells anonymous callers, in both spellings CloudTrail has had
// for their account. A record that names neither type nor account does not tell.
func authenticated(r *Row) logs.Bool {
	switch {
	case string(r.UserIdentityAccountID) == "ANONYMOUS_PRINCIPAL", string(r.UserIdentityAccountID) == "anonymous":
		return logs.SomeBool(false)
	case len(r.UserIdentityType) == 0, string(r.UserIdentityType) == "Unknown":
		return logs.Bool{}
	case string(r.UserIdentityType) == "AWSAccount" && len(r.UserIdentityAccountID) == 0 && len(r.UserIdentityPrincipalID) == 0:
		return logs.Bool{} // whoever it was is withheld from this copy
	}
	return logs.SomeBool(true)
}

func (p *parser) parameters() {
	r, at := &p.row, &p.at.parameters
	r.ListType = p.scalar(at[0])
	r.BucketName = p.scalar(at[1])
	r.Prefix = p.scalar(at[2])
	if r.HostHeader = p.scalar(at[3]); r.HostHeader == nil {
		r.HostHeader = p.only(at[7])
	}
	r.CopySource = p.scalar(at[4])
	r.KeyName = p.scalar(at[5])
	r.VersionID = p.scalar(at[6])
}

// only returns a value that some services wrap in an array of its own.
func (p *parser) only(n int32) logs.Text {
	if n != 0 && p.nodes[n].kind == array && p.nodes[n].next > n+1 && p.nodes[n+1].next == p.nodes[n].next {
		n++
	}
	return p.scalar(n)
}

func (p *parser) additional() {
	r, at := &p.row, &p.at.additional
	r.SignatureVersion = p.scalar(at[0])
	r.CipherSuite = p.scalar(at[1])
	r.BytesIn = p.count(at[2])
	r.SSEApplied = p.scalar(at[3])
	r.AuthenticationType = p.scalar(at[4])
	r.HostID = p.scalar(at[5])
	r.BytesOut = p.count(at[6])
	r.ACLRequired = p.truth(at[7])
}

func (p *parser) tls() {
	at := &p.at.tls
	p.row.TLSVersion = p.scalar(at[0])
	p.row.TLSCipherSuite = p.scalar(at[1])
	p.row.TLSHost = p.scalar(at[2])
}

// resources looks at what was touched.
func (p *parser) resources(n int32) {
	if n == 0 || p.nodes[n].kind != array {
		return
	}
	for e := n + 1; e < p.nodes[n].next; e = p.nodes[e].next {
		var at [len(resourceNames)]int32
		p.nested(e, "resources.", resourceNames[:], at[:])
		p.resource(&at)
	}
}

// resource takes the first bucket, the first object, the first prefix and the
// first access point. Old records spell ARN arn.
func (p *parser) resource(at *[len(resourceNames)]int32) {
	r := &p.row
	arn := p.scalar(at[2])
	if arn == nil {
		arn = p.scalar(at[4])
	}
	if r.ObjectARNPrefix == nil {
		r.ObjectARNPrefix = p.scalar(at[3])
	}
	if arn == nil {
		return
	}
	switch string(p.scalar(at[1])) {
	case "AWS::S3::Bucket", "AWS::S3Express::DirectoryBucket":
		if r.BucketARN == nil {
			r.BucketARN, r.BucketAccountID = arn, p.scalar(at[0])
		}
	case "AWS::S3::Object", "AWS::S3Express::Object":
		if r.ObjectARN == nil {
			r.ObjectARN = arn
		}
	case "AWS::S3::AccessPoint":
		if r.AccessPointARN == nil {
			r.AccessPointARN = arn
		}
	}
}

// extra returns the fields that have no column as a JSON object, NULL when
// there are none.
func (p *parser) extra() logs.Text {
	if len(p.unknown) == 0 {
		return nil
	}
	from := len(p.scratch)
	for i, n := range p.unknown {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		name, value := p.nodes[n], p.nodes[n+1]
		p.scratch = append(append(p.scratch, sep), p.rec[name.start:name.end]...)
		p.scratch = append(append(p.scratch, ':'), p.rec[value.start:value.end]...)
	}
	p.scratch = append(p.scratch, '}')
	return p.scratch[from:len(p.scratch):len(p.scratch)]
}

// unwrap takes off the brackets that CloudTrail puts around a User-Agent. A
// client may send brackets of its own: where the first one ends before the last
// byte, they are left as they are.
func unwrap(s logs.Text) logs.Text {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return s
	}
	inside, open := s[1:len(s)-1], 1
	if bytes.IndexByte(inside, '[') < 0 && bytes.IndexByte(inside, ']') < 0 {
		return inside // as nearly all are
	}
	for i := bytes.IndexAny(inside, "[]"); i >= 0; {
		if inside[i] == '[' {
			open++
		} else if open--; open == 0 {
			return s
		}
		next := bytes.IndexAny(inside[i+1:], "[]")
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return inside
}

// clip keeps a value short enough for a person.
func clip(s []byte) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(string(s[:most]), "") + "…"
	}
	return string(s)
}
