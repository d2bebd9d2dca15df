// Package cloudtrail reads CloudTrail log files: JSON documents of the shape
// {"Records":[…]}, one API call an element.
//
// It takes records as they are: every eventVersion, known or not, is a row if
// its eventTime can be read. Fields that have no column stay in extra, nested
// objects stay whole as JSON text, numbers keep their digits. What can be read
// in two ways (a name that occurs twice) or not at all is a reject.
//
// It does not decode keys: CloudTrail logs the plain key, unlike access logs.
package cloudtrail

import "sluice/internal/logs"

// Row is one API call: an element of Records.
//
// Fields are those of
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
// with the S3 ones taken out of requestParameters and additionalEventData.
// What is the same thing in an access log has the same name there.
type Row struct {
	// When the call was made, UTC; cut to milliseconds.
	EventTime logs.Time `col:"event_time"`
	// Id of this record, unique but for redelivered copies and corrections (see addendum).
	EventID logs.Text `col:"event_id,plain"`
	// API call, such as GetObject. Deleting in batches is one DeleteObjects without keys and one DeleteObject a key.
	EventName logs.Text `col:"event_name,dict"`
	// Service called, such as s3.amazonaws.com.
	EventSource logs.Text `col:"event_source,dict"`
	// Version of the record's format, such as 1.11.
	EventVersion logs.Text `col:"event_version,dict"`
	// AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn or other.
	EventType logs.Text `col:"event_type,dict"`
	// Management, Data or other.
	EventCategory logs.Text `col:"event_category,dict"`
	// Region the call was made to.
	AWSRegion logs.Text `col:"aws_region,dict"`
	// Address the call came from, or the DNS name of the AWS service that made it.
	SourceIPAddress logs.Text `col:"source_ip_address,dict"`
	// HTTP User-Agent, without the brackets CloudTrail wraps it in.
	UserAgent logs.Text `col:"user_agent,dict"`
	// Error code, such as AccessDenied; NULL when the call succeeded.
	ErrorCode logs.Text `col:"error_code,dict"`
	// Description of the error.
	ErrorMessage logs.Text `col:"error_message,dict"`
	// Request id of the service: request_id of the access log.
	RequestID logs.Text `col:"request_id,plain"`
	// TRUE when the call changes nothing.
	ReadOnly logs.Bool `col:"read_only"`
	// TRUE for management events, FALSE for data events.
	ManagementEvent logs.Bool `col:"management_event"`
	// Account this record was delivered to.
	RecipientAccountID logs.Text `col:"recipient_account_id,dict"`
	// Links the copies of one event that several accounts receive.
	SharedEventID logs.Text `col:"shared_event_id,plain"`
	// VPC endpoint the call went through.
	VPCEndpointID logs.Text `col:"vpc_endpoint_id,dict"`
	// Account that owns the VPC endpoint.
	VPCEndpointAccountID logs.Text `col:"vpc_endpoint_account_id,dict"`
	// TRUE when the call was made in a console session.
	SessionCredentialFromConsole logs.Bool `col:"session_credential_from_console"`

	// FALSE for anonymous callers; NULL when the record does not tell who called.
	Authenticated logs.Bool `col:"authenticated"`
	// Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService or other.
	UserIdentityType logs.Text `col:"user_identity_type,dict" again:"Caller"`
	// Unique id of the caller, with the session name for roles; "" for anonymous callers.
	UserIdentityPrincipalID logs.Text `col:"user_identity_principal_id,dict" again:"Caller"`
	// ARN of the caller.
	UserIdentityARN logs.Text `col:"user_identity_arn,dict" again:"Caller"`
	// Account of the caller; ANONYMOUS_PRINCIPAL or anonymous for anonymous callers.
	UserIdentityAccountID logs.Text `col:"user_identity_account_id,dict" again:"Caller"`
	// Access key id that signed the call.
	UserIdentityAccessKeyID logs.Text `col:"user_identity_access_key_id,dict" again:"Caller"`
	// Name of the calling IAM user.
	UserIdentityUserName logs.Text `col:"user_identity_user_name,dict" again:"Caller"`
	// AWS service that made the call, for itself or for the caller.
	UserIdentityInvokedBy logs.Text `col:"user_identity_invoked_by,dict" again:"Caller"`
	// What issued the caller's temporary credentials: Role, Root, IAMUser.
	SessionIssuerType logs.Text `col:"session_issuer_type,dict" again:"Caller"`
	// ARN of the role or user that issued the caller's temporary credentials.
	SessionIssuerARN logs.Text `col:"session_issuer_arn,dict" again:"Caller"`
	// Account of the issuer.
	SessionIssuerAccountID logs.Text `col:"session_issuer_account_id,dict" again:"Caller"`
	// Name of the issuing role or user.
	SessionIssuerUserName logs.Text `col:"session_issuer_user_name,dict" again:"Caller"`
	// TRUE when the temporary credentials were got with MFA.
	MFAAuthenticated logs.Bool `col:"mfa_authenticated"`
	// When the temporary credentials were issued, as logged.
	SessionCreationDate logs.Text `col:"session_creation_date,dict" again:"Caller"`

	// Bucket the call was for.
	BucketName logs.Text `col:"bucket_name,dict"`
	// Key of the object, as logged: CloudTrail does not encode it.
	KeyName logs.Text `col:"key_name,dict"`
	// Version of the object that was asked for.
	VersionID logs.Text `col:"version_id,dict"`
	// Host header: the endpoint the call was sent to.
	HostHeader logs.Text `col:"host_header,dict"`
	// 2 when a ListObjects record is a ListObjectsV2 call.
	ListType logs.Text `col:"list_type,dict"`
	// Prefix that was listed.
	Prefix logs.Text `col:"prefix,dict"`
	// Source of a copy, bucket/key, as logged.
	CopySource logs.Text `col:"copy_source,dict"`

	// Bytes of the request body.
	BytesIn logs.Int `col:"bytes_in,dict"`
	// Bytes of the response body.
	BytesOut logs.Int `col:"bytes_out,dict"`
	// S3's extended request id (x-amz-id-2): host_id of the access log.
	HostID logs.Text `col:"host_id,plain"`
	// SigV2 or SigV4; NULL for anonymous calls.
	SignatureVersion logs.Text `col:"signature_version,dict"`
	// TLS cipher suite as S3 logged it.
	CipherSuite logs.Text `col:"cipher_suite,dict"`
	// AuthHeader, or QueryString for presigned links.
	AuthenticationType logs.Text `col:"authentication_type,dict"`
	// Encryption of the object: Default_SSE_S3, Default_SSE_KMS, SSE_S3, SSE_KMS or SSE_C.
	SSEApplied logs.Text `col:"sse_applied,dict"`
	// TRUE when an ACL was needed to authorise the call.
	ACLRequired logs.Bool `col:"acl_required"`
	// TLS version, such as TLSv1.3.
	TLSVersion logs.Text `col:"tls_version,dict" again:"Connection"`
	// TLS cipher suite as CloudTrail logged it.
	TLSCipherSuite logs.Text `col:"tls_cipher_suite,dict" again:"Connection"`
	// Host name the client gave, usually the endpoint; all of tls_details over plain HTTP.
	TLSHost logs.Text `col:"tls_host,dict" again:"Connection"`

	// ARN of the first bucket among the resources.
	BucketARN logs.Text `col:"bucket_arn,dict" of:"resources"`
	// Account that owns that bucket.
	BucketAccountID logs.Text `col:"bucket_account_id,dict" of:"resources"`
	// ARN of the first object among the resources.
	ObjectARN logs.Text `col:"object_arn,dict" of:"resources"`
	// What the ARNs of the objects begin with, in calls that list or delete many.
	ObjectARNPrefix logs.Text `col:"object_arn_prefix,dict" of:"resources"`
	// ARN of the access point, when one was used.
	AccessPointARN logs.Text `col:"access_point_arn,dict" of:"resources"`

	// Who called, JSON as logged.
	UserIdentity logs.Text `col:"user_identity,dict" again:"Caller"`
	// What was asked, JSON as logged; signatures and session tokens redacted.
	RequestParameters logs.Text `col:"request_parameters"`
	// What was answered by calls that change something, JSON as logged; session tokens redacted.
	ResponseElements logs.Text `col:"response_elements,dict"`
	// What else the service logged, JSON as logged.
	AdditionalEventData logs.Text `col:"additional_event_data,alike"`
	// What was touched, JSON as logged.
	Resources logs.Text `col:"resources,dict"`
	// Why a record is late or corrects another (DELIVERY_DELAY, UPDATED_DATA, SERVICE_OUTAGE), JSON as logged.
	Addendum logs.Text `col:"addendum,dict"`
	// TLS version, cipher suite and host, JSON as logged.
	TLSDetails logs.Text `col:"tls_details,dict" again:"Connection"`
	// Details of events that services raise by themselves, JSON as logged.
	ServiceEventDetails logs.Text `col:"service_event_details,dict"`
	// Fields of the record that have no column, as a JSON object.
	Extra logs.Text `col:"extra,dict"`
	// Delivered file: object key, or path on a laptop.
	LogKey logs.Text `col:"log_key,dict" again:"Source"`
	// Element of Records, from 1.
	LogLine logs.Int64 `col:"log_line"`

	// No columns: what the reader knows to repeat.
	Source, Caller, Connection *logs.Again
}
