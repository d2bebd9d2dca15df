package record

import (
	"bytes"
	"strings"
	"time"

	"sluice/internal/sigma"
)

// Derived fields, in the order of derivedFields.
const (
	policyPublic = iota
	policyExternal
	aclPublic
	blockPublicAccessOff
	loggingDisabled
	lifecycleMinDays
	replicationExternal
	kmsExternal
	copyExternal
	trailPrincipal
	trailNet
	derivedCount
)

// derivedFields are what no rule language can say about a CloudTrail record. One
// is absent where the record holds nothing that could tell.
var derivedFields = [derivedCount]struct {
	name    string
	kind    sigma.Kind
	meaning string
}{
	policyPublic: {"derived.policy_public", sigma.Bool,
		"The policy that is set lets everyone in: an Allow for any principal without a condition on fixed networks, accounts, organisations or endpoints, as S3 itself understands public."},
	policyExternal: {"derived.policy_external", sigma.Bool,
		"The policy that is set allows something to a principal of an account that is neither the bucket's nor one of `own_accounts`. A canonical user id counts unless `own_accounts` lists it."},
	aclPublic: {"derived.acl_public", sigma.Bool,
		"The ACL that is set grants something to everyone, or to everyone who has an AWS account."},
	blockPublicAccessOff: {"derived.block_public_access_off", sigma.Bool,
		"Block Public Access is deleted, or set with at least one of its four settings off."},
	loggingDisabled: {"derived.logging_disabled", sigma.Bool,
		"PutBucketLogging without a target: server access logging is turned off."},
	lifecycleMinDays: {"derived.lifecycle_min_days", sigma.Int,
		"Days until the lifecycle that is set first deletes objects or versions, over its enabled rules; a date counts from the event, 0 when it has passed."},
	replicationExternal: {"derived.replication_external", sigma.Bool,
		"The replication that is set gives copies to another account, encrypts them with its key or runs as its role. Names of buckets do not tell whose they are."},
	kmsExternal: {"derived.kms_external", sigma.Bool,
		"A KMS key of another account is set as default encryption or was used for an object."},
	copyExternal: {"derived.copy_external", sigma.Bool,
		"An object was copied, and a bucket or access point that took part belongs to another account than the one that got the record."},
	trailPrincipal: {"derived.principal", sigma.Text,
		"Who called, without what the caller chose itself: the role that issued the session, else userIdentity.arn without the name of a session, else the account, else the service."},
	trailNet: {"derived.source_net", sigma.Text,
		"The /64 network of an IPv6 sourceIPAddress, the address itself of IPv4; absent where a service stands there."},
}

// derive computes the derived field k.
func (t *Trail) derive(k sigma.FieldID) sigma.Value {
	switch k {
	case policyPublic:
		v := t.policy()
		return told(v.found, v.public)
	case policyExternal:
		v := t.policy()
		return told(v.found, v.external)
	case aclPublic:
		return told(t.acl(t.row.RequestParameters))
	case blockPublicAccessOff:
		return told(t.blockOff())
	case loggingDisabled:
		return told(t.loggingOff())
	case lifecycleMinDays:
		days, found := t.lifecycle()
		return sigma.Value{Kind: sigma.Int, Present: found, Num: days}
	case replicationExternal:
		return told(t.replication())
	case kmsExternal:
		return told(t.kms())
	case copyExternal:
		return told(t.copied())
	case trailPrincipal:
		return bytesValue(t.caller())
	case trailNet:
		return bytesValue(t.net.of(t.row.SourceIPAddress))
	}
	return sigma.Value{}
}

func (t *Trail) caller() []byte {
	r := t.row
	switch {
	case r.SessionIssuerARN != nil:
		return r.SessionIssuerARN
	case r.UserIdentityARN != nil:
		return principal(r.UserIdentityARN)
	case r.UserIdentityAccountID != nil:
		return r.UserIdentityAccountID
	}
	return r.UserIdentityInvokedBy
}

// told is the value of a derived boolean: absent unless found.
func told(found, v bool) sigma.Value {
	if !found {
		return sigma.Value{Kind: sigma.Bool}
	}
	return truth(v)
}

// acl judges the ACL of a request, which may be a canned one, headers with
// grants, or a document.
func (t *Trail) acl(parameters []byte) (found, public bool) {
	for l := in(parameters); l.next(); {
		name := string(t.paths.plain(l.name))
		switch {
		case name == "x-amz-acl":
			for e := each(l.value); e.next(); {
				switch string(t.string(e.value)) {
				case "public-read", "public-read-write", "authenticated-read":
					public = true
				}
				found = true
			}
		case strings.HasPrefix(name, "x-amz-grant-"):
			for e := each(l.value); e.next(); {
				found, public = true, public || everyone(t.string(e.value))
			}
		case name == "accessControlList" && l.value[0] == '{': // headers, as some calls log them
			f, p := t.acl(l.value)
			found, public = found || f, public || p
		case name == "AccessControlPolicy":
			for g := each(member(member(l.value, "AccessControlList"), "Grant")); g.next(); {
				found, public = true, public || everyone(t.string(member(member(g.value, "Grantee"), "URI")))
			}
		}
	}
	return found, public
}

// everyone reports whether a grant names one of the two groups that anyone is in.
func everyone(grantee []byte) bool {
	return bytes.Contains(grantee, []byte("/groups/global/AllUsers")) ||
		bytes.Contains(grantee, []byte("/groups/global/AuthenticatedUsers"))
}

func (t *Trail) blockOff() (found, off bool) {
	switch string(t.row.EventName) {
	case "DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock", "DeletePublicAccessBlock":
		return true, true
	}
	c := member(t.row.RequestParameters, "PublicAccessBlockConfiguration")
	if len(c) == 0 || c[0] != '{' {
		return false, false
	}
	for _, name := range [...]string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"} {
		if !bytes.EqualFold(t.string(member(c, name)), []byte("true")) { // one left out is off
			return true, true
		}
	}
	return true, false
}

func (t *Trail) loggingOff() (found, off bool) {
	if string(t.row.EventName) != "PutBucketLogging" {
		return false, false
	}
	status := member(t.row.RequestParameters, "BucketLoggingStatus")
	if status == nil && member(t.row.RequestParameters, "logging") == nil {
		return false, false // parameters that were left out of the record
	}
	enabled := member(status, "LoggingEnabled")
	return true, len(enabled) == 0 || enabled[0] != '{'
}

func (t *Trail) lifecycle() (days int64, found bool) {
	least := func(n int64) {
		if !found || n < days {
			days, found = n, true
		}
	}
	c := member(t.row.RequestParameters, "LifecycleConfiguration")
	if c == nil {
		c = member(t.row.RequestParameters, "lifecycleConfiguration")
	}
	for l := in(c); l.next(); {
		if name := string(l.name); name != "Rule" && name != "Rules" {
			continue
		}
		for r := each(l.value); r.next(); {
			if !t.enabled(r.value) {
				continue
			}
			expiration := member(r.value, "Expiration")
			if n, ok := wholeNumber(t.string(member(expiration, "Days"))); ok {
				least(n)
			}
			if n, ok := t.daysUntil(t.string(member(expiration, "Date"))); ok {
				least(n)
			}
			noncurrent := member(r.value, "NoncurrentVersionExpiration")
			for _, name := range [...]string{"NoncurrentDays", "Days"} {
				if n, ok := wholeNumber(t.string(member(noncurrent, name))); ok {
					least(n)
				}
			}
		}
	}
	return days, found
}

// enabled reports whether a rule of a configuration is in force.
func (t *Trail) enabled(rule []byte) bool {
	status := member(rule, "Status")
	return status == nil || strings.EqualFold(string(t.string(status)), "Enabled")
}

// daysUntil returns the days from the event to a date, begun ones counted.
func (t *Trail) daysUntil(date []byte) (int64, bool) {
	at, err := time.Parse(time.RFC3339, string(date))
	if err != nil {
		if at, err = time.Parse(time.DateOnly, string(date)); err != nil {
			return 0, false
		}
	}
	const day = 24 * 60 * 60 * 1000
	return max(0, (at.UnixMilli()-int64(t.row.EventTime)+day-1)/day), true
}

func (t *Trail) replication() (found, external bool) {
	c := member(t.row.RequestParameters, "ReplicationConfiguration")
	if len(c) == 0 || c[0] != '{' {
		return false, false
	}
	external = t.foreign(account(t.string(member(c, "Role"))))
	for l := in(c); l.next(); {
		if name := string(l.name); name != "Rule" && name != "Rules" {
			continue
		}
		for r := each(l.value); r.next(); {
			if !t.enabled(r.value) {
				continue
			}
			to := member(r.value, "Destination")
			key := member(member(to, "EncryptionConfiguration"), "ReplicaKmsKeyID")
			external = external || t.foreign(account(t.string(member(to, "Account")))) || t.foreign(account(t.string(key)))
		}
	}
	return true, external
}

// kms judges the keys that a call names or that its answer says were used. A key
// without an account is one of the caller's own.
func (t *Trail) kms() (found, external bool) {
	key := func(v []byte) {
		if v != nil {
			found, external = true, external || t.foreign(account(t.string(v)))
		}
	}
	const header = "x-amz-server-side-encryption-aws-kms-key-id"
	key(member(t.row.RequestParameters, header))
	key(member(t.row.ResponseElements, header))
	for l := in(member(t.row.RequestParameters, "ServerSideEncryptionConfiguration")); l.next(); {
		if name := string(l.name); name != "Rule" && name != "Rules" {
			continue
		}
		for r := each(l.value); r.next(); {
			key(member(member(r.value, "ApplyServerSideEncryptionByDefault"), "KMSMasterKeyID"))
		}
	}
	return found, external
}

// copied compares with the account that got the record: of the buckets that took
// part, either may be the one that owns "the" bucket of the record.
func (t *Trail) copied() (found, external bool) {
	us := t.row.RecipientAccountID
	if t.row.CopySource == nil || len(us) == 0 {
		return false, false
	}
	other := func(a []byte) bool {
		return len(a) > 0 && !bytes.Equal(a, us) && !t.schema.own[string(a)]
	}
	external = other(account(t.row.CopySource))
	for l := in(t.row.Resources); l.next(); {
		external = external || other(t.string(member(l.value, "accountId")))
	}
	return true, external
}
