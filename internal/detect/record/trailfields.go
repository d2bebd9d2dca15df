package record

import (
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/sigma"
)

// column is a column that holds JSON.
type column uint8

const (
	userIdentity column = iota
	requestParameters
	responseElements
	additionalEventData
	resources
	addendum
	tlsDetails
	serviceEventDetails
	extra
	columns
)

// columnNames are CloudTrail's names for the columns; extra is ours.
var columnNames = [columns]string{
	"userIdentity", "requestParameters", "responseElements", "additionalEventData", "resources", "addendum",
	"tlsDetails", "serviceEventDetails", "extra",
}

func (c column) of(r *cloudtrail.Row) logs.Text {
	switch c {
	case userIdentity:
		return r.UserIdentity
	case requestParameters:
		return r.RequestParameters
	case responseElements:
		return r.ResponseElements
	case additionalEventData:
		return r.AdditionalEventData
	case resources:
		return r.Resources
	case addendum:
		return r.Addendum
	case tlsDetails:
		return r.TLSDetails
	case serviceEventDetails:
		return r.ServiceEventDetails
	}
	return r.Extra
}

// extraNames are fields of CloudTrail records that have no column: rules name
// them as CloudTrail does and they are looked up in extra. CloudTrail documents
// no status; a rule that many have, SigmaHQ's on SAML providers, asks for it.
var extraNames = [...]string{
	"apiVersion", "edgeDeviceDetails", "eventContext", "insightDetails", "insightContext", "annotation", "status",
}

type row = cloudtrail.Row

// trailFields are the fields that have a column; the index is the FieldID.
var trailFields = [...]struct {
	name     string
	column   string
	kind     sigma.Kind
	few, key bool
	whole    bool // a JSON column, whole
	fallback bool // the column only holds one value: an object or array is in the JSON
	meaning  string
	get      func(*row) sigma.Value
}{
	{name: "eventName", column: "event_name", few: true, key: true, get: func(r *row) sigma.Value { return textValue(r.EventName) }},
	{name: "eventSource", column: "event_source", few: true, get: func(r *row) sigma.Value { return textValue(r.EventSource) }},
	{name: "eventTime", column: "event_time", kind: sigma.Time, get: func(r *row) sigma.Value { return timeValue(r.EventTime) }},
	{name: "eventID", column: "event_id", get: func(r *row) sigma.Value { return textValue(r.EventID) }},
	{name: "eventVersion", column: "event_version", few: true, get: func(r *row) sigma.Value { return textValue(r.EventVersion) }},
	{name: "eventType", column: "event_type", few: true, get: func(r *row) sigma.Value { return textValue(r.EventType) }},
	{name: "eventCategory", column: "event_category", few: true, get: func(r *row) sigma.Value { return textValue(r.EventCategory) }},
	{name: "awsRegion", column: "aws_region", few: true, get: func(r *row) sigma.Value { return textValue(r.AWSRegion) }},
	{name: "sourceIPAddress", column: "source_ip_address", few: true, get: func(r *row) sigma.Value { return textValue(r.SourceIPAddress) }},
	{name: "userAgent", column: "user_agent", few: true, get: func(r *row) sigma.Value { return textValue(r.UserAgent) }},
	{name: "errorCode", column: "error_code", few: true, get: func(r *row) sigma.Value { return textValue(r.ErrorCode) }},
	{name: "errorMessage", column: "error_message", get: func(r *row) sigma.Value { return textValue(r.ErrorMessage) }},
	{name: "requestID", column: "request_id", get: func(r *row) sigma.Value { return textValue(r.RequestID) }},
	{name: "readOnly", column: "read_only", kind: sigma.Bool, get: func(r *row) sigma.Value { return boolValue(r.ReadOnly) }},
	{name: "managementEvent", column: "management_event", kind: sigma.Bool, get: func(r *row) sigma.Value { return boolValue(r.ManagementEvent) }},
	{name: "recipientAccountId", column: "recipient_account_id", few: true, get: func(r *row) sigma.Value { return textValue(r.RecipientAccountID) }},
	{name: "sharedEventID", column: "shared_event_id", get: func(r *row) sigma.Value { return textValue(r.SharedEventID) }},
	{name: "vpcEndpointId", column: "vpc_endpoint_id", few: true, get: func(r *row) sigma.Value { return textValue(r.VPCEndpointID) }},
	{name: "vpcEndpointAccountId", column: "vpc_endpoint_account_id", few: true, get: func(r *row) sigma.Value { return textValue(r.VPCEndpointAccountID) }},
	{name: "sessionCredentialFromConsole", column: "session_credential_from_console", kind: sigma.Bool, get: func(r *row) sigma.Value { return boolValue(r.SessionCredentialFromConsole) }},

	{name: "userIdentity", column: "user_identity", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentity) }},
	{name: "userIdentity.type", column: "user_identity_type", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityType) }},
	{name: "userIdentity.principalId", column: "user_identity_principal_id", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityPrincipalID) }},
	{name: "userIdentity.arn", column: "user_identity_arn", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityARN) }},
	{name: "userIdentity.accountId", column: "user_identity_account_id", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityAccountID) }},
	{name: "userIdentity.accessKeyId", column: "user_identity_access_key_id", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityAccessKeyID) }},
	{name: "userIdentity.userName", column: "user_identity_user_name", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityUserName) }},
	{name: "userIdentity.invokedBy", column: "user_identity_invoked_by", few: true, get: func(r *row) sigma.Value { return textValue(r.UserIdentityInvokedBy) }},
	{name: "userIdentity.sessionContext.sessionIssuer.type", column: "session_issuer_type", few: true, get: func(r *row) sigma.Value { return textValue(r.SessionIssuerType) }},
	{name: "userIdentity.sessionContext.sessionIssuer.arn", column: "session_issuer_arn", few: true, get: func(r *row) sigma.Value { return textValue(r.SessionIssuerARN) }},
	{name: "userIdentity.sessionContext.sessionIssuer.accountId", column: "session_issuer_account_id", few: true, get: func(r *row) sigma.Value { return textValue(r.SessionIssuerAccountID) }},
	{name: "userIdentity.sessionContext.sessionIssuer.userName", column: "session_issuer_user_name", few: true, get: func(r *row) sigma.Value { return textValue(r.SessionIssuerUserName) }},

	{name: "requestParameters", column: "request_parameters", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.RequestParameters) }},
	{name: "requestParameters.bucketName", column: "bucket_name", kind: sigma.JSON, few: true, fallback: true, get: func(r *row) sigma.Value { return textValue(r.BucketName) }},
	{name: "requestParameters.key", column: "key_name", kind: sigma.JSON, fallback: true, get: func(r *row) sigma.Value { return textValue(r.KeyName) }},
	{name: "requestParameters.prefix", column: "prefix", kind: sigma.JSON, fallback: true, get: func(r *row) sigma.Value { return textValue(r.Prefix) }},
	{name: "requestParameters.x-amz-copy-source", column: "copy_source", kind: sigma.JSON, fallback: true, get: func(r *row) sigma.Value { return textValue(r.CopySource) }},
	{name: "responseElements", column: "response_elements", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.ResponseElements) }},
	{name: "additionalEventData", column: "additional_event_data", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.AdditionalEventData) }},
	{name: "additionalEventData.SignatureVersion", column: "signature_version", kind: sigma.JSON, few: true, fallback: true, get: func(r *row) sigma.Value { return textValue(r.SignatureVersion) }},
	{name: "additionalEventData.CipherSuite", column: "cipher_suite", kind: sigma.JSON, few: true, fallback: true, get: func(r *row) sigma.Value { return textValue(r.CipherSuite) }},
	{name: "additionalEventData.AuthenticationMethod", column: "authentication_type", kind: sigma.JSON, few: true, fallback: true, get: func(r *row) sigma.Value { return textValue(r.AuthenticationType) }},
	{name: "additionalEventData.SSEApplied", column: "sse_applied", kind: sigma.JSON, few: true, fallback: true, get: func(r *row) sigma.Value { return textValue(r.SSEApplied) }},
	{name: "additionalEventData.bytesTransferredIn", column: "bytes_in", kind: sigma.Int, get: func(r *row) sigma.Value { return intValue(r.BytesIn) }},
	{name: "additionalEventData.bytesTransferredOut", column: "bytes_out", kind: sigma.Int, get: func(r *row) sigma.Value { return intValue(r.BytesOut) }},
	{name: "tlsDetails", column: "tls_details", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.TLSDetails) }},
	{name: "tlsDetails.tlsVersion", column: "tls_version", few: true, get: func(r *row) sigma.Value { return textValue(r.TLSVersion) }},
	{name: "tlsDetails.cipherSuite", column: "tls_cipher_suite", few: true, get: func(r *row) sigma.Value { return textValue(r.TLSCipherSuite) }},
	{name: "tlsDetails.clientProvidedHostHeader", column: "tls_host", few: true, get: func(r *row) sigma.Value { return textValue(r.TLSHost) }},
	{name: "resources", column: "resources", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.Resources) }},
	{name: "serviceEventDetails", column: "service_event_details", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.ServiceEventDetails) }},
	{name: "addendum", column: "addendum", kind: sigma.JSON, whole: true, get: func(r *row) sigma.Value { return textValue(r.Addendum) }},
}
